//! `gateway --check`, by its exit code and what it prints: a field that does not exist is refused, and what is found is
//! counted in English. Rule 2.16.

use std::fs;

use crate::process::run;

/// The exit code, and the last line.
fn checked(name: &str, spec: &str) -> (Option<i32>, String) {
    let path = std::env::temp_dir().join(format!("tower-cors-check-{}-{name}.yaml", std::process::id()));
    let head = "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r}\n";
    fs::write(&path, format!("{head}spec: {{{spec}}}\n")).unwrap();
    let output = run(&["--check", &path.display().to_string()]);
    fs::remove_file(&path).unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), text.lines().last().unwrap_or_default().to_owned())
}

// rule 2.16: with any of these passed over, the policy would apply to more than was written.
#[test]
fn a_field_that_does_not_exist_is_refused_where_it_narrows_what_a_policy_applies_to() {
    let cors = "filters: [{type: CORS, cors: {allowOrigins: [https://app.example]}}]";
    for (name, spec) in [
        ("hostname", format!("hostname: [a.example], rules: [{{{cors}}}]")),
        ("match", format!("rules: [{{match: [{{path: {{value: /a}}}}], {cors}}}]")),
        ("methods", format!("rules: [{{matches: [{{methods: [GET]}}], {cors}}}]")),
        ("parentRef", format!("parentRef: [{{name: g}}], rules: [{{{cors}}}]")),
    ] {
        assert_eq!(checked(name, &spec), (Some(1), "not valid, 1 error".to_owned()), "{name}");
    }
}

// rule 2.2
#[test]
fn what_a_check_finds_is_counted_in_english() {
    let origins = |given: &str| format!("rules: [{{filters: [{{type: CORS, cors: {{allowOrigins: [{given}]}}}}]}}]");
    for (name, spec, code, line) in [
        ("none", origins("https://a.example"), 0, "valid: 1 route, 1 rule (1 with a policy), 0 lints"),
        ("one", origins("https://a.example/"), 0, "valid: 1 route, 1 rule (1 with a policy), 1 lint"),
        (
            "two",
            origins("https://a.example/, https://b.example/"),
            0,
            "valid: 1 route, 1 rule (1 with a policy), 2 lints",
        ),
        ("wrong", origins("a.example"), 1, "not valid, 1 error"),
        ("both", origins("a.example, b.example"), 1, "not valid, 2 errors"),
    ] {
        assert_eq!(checked(name, &spec), (Some(code), line.to_owned()), "{name}");
    }
}
