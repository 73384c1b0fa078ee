//! `gateway --check`, by its exit code and what it prints: a field that does not exist is refused, and what is found is
//! counted in English; a program gets JSON. Rules 2.2, 2.16.

use std::fs;

use serde_json::{Value, json};

use crate::{
    folder::Folder,
    process::{file, run},
};

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

/// What `--check --json` prints, and the exit code.
fn checked_json(arguments: &[&str]) -> (Option<i32>, Value) {
    let output = run(&[&["--check", "--json"], arguments].concat());
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap())
}

// rule 2.2
#[test]
fn a_program_gets_every_violation_with_its_place() {
    let broken = file("tests/manifests/broken.yaml");
    let (code, value) = checked_json(&[&broken]);
    let violation = |code: &str, path: &str, value: &str, meant: &str, message: &str, place: [u64; 2]| {
        json!({
            "code": code, "severity": "error", "path": path, "value": value, "suggestion": meant,
            "message": format!("{path}: {message}"), "file": broken, "line": place[0], "column": place[1],
        })
    };
    let cors = "spec.rules[0].filters[0].cors";
    let scheme = "\"app.example\" has no scheme; write \"https://app.example\"";
    let age = "\"24h\" is not a whole number of seconds; did you mean 86400?";
    let origins = format!("{cors}.allowOrigins[0]");
    let expected = json!({
        "valid": false,
        "verdict": "not valid, 2 errors",
        "errors": [
            violation("origin-scheme", &origins, "app.example", "https://app.example", scheme, [11, 25]),
            violation("wrong-type", &format!("{cors}.maxAge"), "24h", "86400", age, [12, 17]),
        ],
        "lints": [], "routes": 0, "rules": 0, "rulesWithPolicy": 0,
    });
    assert_eq!((code, value), (Some(1), expected));
}

#[test]
fn a_program_gets_every_lint_with_its_place_and_the_exit_code_is_that_of_a_person() {
    let folder = Folder::new("check-json");
    let manifest = folder.write(
        "m.yaml",
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r}\nspec:\n  rules:\n  - filters:\n    \
         - type: CORS\n      cors:\n        allowOrigins: [http://a.example]\n        allowCredentials: true\n",
    );
    let lint = json!({
        "code": "credentials-over-http", "severity": "warning", "path": "spec.rules[0].filters[0].cors.allowOrigins[0]",
        "value": "http://a.example", "suggestion": null, "file": manifest, "line": 9, "column": 24,
    });
    let rows = [
        (&[][..], 0, "valid: 1 route, 1 rule (1 with a policy), 1 lint"),
        (&["--deny", "critical"], 0, "valid: 1 route, 1 rule (1 with a policy), 1 lint"),
        (
            &["--deny", "warning"],
            1,
            "not valid, 1 lint of severity warning or above: 1 route, 1 rule (1 with a policy), 1 lint",
        ),
    ];
    for (deny, code, verdict) in rows {
        let (found, mut value) = checked_json(&[deny, &[&manifest]].concat());
        assert_eq!((found, &value["verdict"], &value["valid"]), (Some(code), &json!(verdict), &json!(code == 0)));
        let message = value["lints"][0].as_object_mut().unwrap().remove("message").unwrap();
        assert!(message.as_str().unwrap().contains("lets whoever controls the network"), "{message}");
        assert_eq!((&value["lints"], &value["rulesWithPolicy"]), (&json!([lint]), &json!(1)));
        let person = run(&[&["--check"], deny, &[&*manifest]].concat());
        let text = String::from_utf8(person.stdout).unwrap();
        assert_eq!((person.status.code(), text.lines().last()), (Some(code), Some(verdict)));
    }
}

#[test]
fn a_file_that_is_no_manifest_has_a_code_and_no_path() {
    let folder = Folder::new("check-none");
    let syntax = folder.write("syntax.yaml", "a: [\n");
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    let [missing, empty] = ["missing.yaml", "empty"].map(|name| folder.path().join(name).display().to_string());
    let (code, value) = checked_json(&[&missing, &syntax, &empty]);
    assert_eq!((code, &value["verdict"]), (Some(1), &json!("not valid, 3 errors")));
    let errors = value["errors"].as_array().unwrap();
    let found: Vec<_> =
        errors.iter().map(|error| ["code", "path", "file", "line"].map(|name| error[name].clone())).collect();
    let expected = [
        [json!("unreadable"), json!(null), json!(missing), json!(null)],
        [json!("syntax"), json!(null), json!(syntax), json!(1)],
        [json!("unreadable"), json!(null), json!(empty), json!(null)],
    ];
    assert_eq!(found, expected);
    assert_eq!(errors[2]["message"], "no .yaml, .yml or .json file is in this folder");
    assert_eq!(run(&["--json", &syntax]).status.code(), Some(2), "it goes with --check");
}
