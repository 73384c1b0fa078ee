//! What people really get wrong, and what they are told: broken policies and manifests in `corpus/`, with every message
//! as a snapshot that a reviewer reads beside its input.
//!
//! After a change of a text, `INSTA_UPDATE=always cargo test --test policy corpus::` writes the snapshots anew.

use std::{
    collections::BTreeMap,
    fmt::{Display, Write},
    fs,
    path::Path,
};

use serde::Deserialize;
use tower_cors::{CorsPolicy, compile::Compiler, finding::Severity, manifest::Manifests};

/// Entries of one list.
#[derive(Deserialize)]
struct Entries {
    field: String,
    entries: BTreeMap<String, Vec<String>>,
}

/// Whole policies.
#[derive(Deserialize)]
struct Wholes {
    policy: Vec<Whole>,
}

#[derive(Deserialize)]
struct Whole {
    name: String,
    #[serde(flatten)]
    fields: toml::Table,
}

#[test]
fn every_broken_entry_is_told_why() {
    for (subject, at_least) in [("origins", 120), ("methods", 10), ("headers", 12)] {
        let Entries { field, entries } = parse(&format!("policies/{subject}.toml"));
        let (mut told, mut count) = (String::new(), 0);
        for (group, entries) in entries {
            write!(told, "## {group}\n\n").expect("a string");
            for entry in entries {
                let policy = serde_json::json!({ &field: [&entry] });
                let violations = policy_of(policy).compile().err().unwrap_or_else(|| panic!("{entry:?} is valid"));
                writeln!(told, "{entry:?}").expect("a string");
                for violation in &violations {
                    writeln!(told, "    {violation}").expect("a string");
                }
                count += 1;
            }
            told.push('\n');
        }
        assert!(count >= at_least, "only {count} {subject}");
        compare(subject, &told);
    }
}

#[test]
fn every_broken_policy_is_told_why() {
    for subject in ["wholes", "denied"] {
        let Wholes { policy } = parse(&format!("policies/{subject}.toml"));
        let mut told = String::new();
        for Whole { name, fields } in policy {
            let shown = fields.to_string();
            let policy = policy_of(serde_json::to_value(fields).expect("JSON"));
            let compiler = match subject {
                "denied" => Compiler::new()
                    .deny(Severity::Info)
                    .dangerously_allow_any_origin_with_credentials()
                    .at("cors".into()),
                _ => Compiler::new(),
            };
            let violations = compiler.compile(policy).expect_err(&name);
            write!(told, "## {name}\n\n{shown}{}\n\n", indented(&violations)).expect("a string");
        }
        compare(subject, &told);
    }
}

#[test]
fn every_broken_manifest_is_told_why() {
    for (subject, at_least) in [("cors", 45), ("routes", 25), ("policies", 10), ("syntax", 20)] {
        let cases = cases(&format!("manifests/{subject}.yaml"));
        assert!(cases.len() >= at_least, "only {} cases in {subject}", cases.len());
        let (mut told, mut right) = (String::new(), Vec::new());
        for (name, case) in cases {
            let text = if subject == "cors" { in_filter(&case) } else { case.clone() };
            let result = Manifests::new().read("m.yaml", &text).build();
            write!(told, "## {name}\n\n{case}").expect("a string");
            match result {
                Ok(_) => right.push(name),
                Err(errors) => {
                    for error in &errors {
                        writeln!(told, "{}", indented(&format!("{error:#}"))).expect("a string");
                    }
                }
            }
            told.push('\n');
        }
        assert!(right.is_empty(), "{subject}: nothing is wrong with {right:?}");
        compare(&format!("manifests_{subject}"), &told);
    }
}

#[test]
fn every_doubtful_manifest_is_told_why() {
    let mut told = String::new();
    for (name, case) in cases("manifests/lints.yaml") {
        let routes = Manifests::new().read("m.yaml", &case).build().unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!routes.lints().is_empty(), "{name}: nothing is doubtful about it");
        write!(told, "## {name}\n\n{case}").expect("a string");
        for lint in routes.lints() {
            writeln!(told, "    {}: {lint}", lint.severity()).expect("a string");
        }
        told.push('\n');
    }
    compare("manifests_lints", &told);
}

/// rule 2.12
#[test]
fn what_is_over_a_limit_is_told_which() {
    let many =
        |count: usize, one: &str| (0..count).map(|at| one.replace('#', &at.to_string())).collect::<Vec<_>>().join(", ");
    let host = ["a".repeat(60), "b".repeat(60), "c".repeat(60), "d".repeat(60)].join(".");
    let rows = [
        ("65 origins", format!("allowOrigins: [{}]", many(65, "https://a#.example"))),
        ("an origin of 254 characters", format!("allowOrigins: [https://{host}.ee]")),
        ("65 names", format!("allowHeaders: [{}]", many(65, "x-#"))),
        ("a name of 257 characters", format!("exposeHeaders: [{}]", "x".repeat(257))),
        ("a field's name of a thousand characters", format!("{}: 1", "allowOrigins".repeat(84))),
        ("a value of a thousand characters", format!("allowMethods: {}", "GET, ".repeat(200))),
    ];
    let mut told = String::new();
    for (name, case) in rows {
        let errors = Manifests::new().read("m.yaml", &in_filter(&case)).build().expect_err(name);
        write!(told, "## {name}\n\n{}\n\n", indented(&format!("{errors:#}"))).expect("a string");
    }
    let large = "x".repeat((32 << 20) + 1);
    for (name, manifests) in [
        ("a file over 32 MiB", Manifests::new().read("m.yaml", &large)),
        ("a file that is not there", Manifests::new().load("nowhere/m.yaml")),
        ("values within values", Manifests::new().read("m.yaml", &"- ".repeat(1000))),
        ("a file that aliases make large", Manifests::new().read("m.yaml", &bomb())),
    ] {
        let errors = manifests.build().expect_err(name);
        write!(told, "## {name}\n\n{}\n\n", indented(&errors)).expect("a string");
    }
    compare("limits", &told);
}

fn bomb() -> String {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for at in 1..12 {
        let before = format!("*a{}, ", at - 1).repeat(9);
        text += &format!("a{at}: &a{at} [{before}]\n");
    }
    text
}

/// A route with one rule and a CORS filter, whose block begins on line 11.
fn in_filter(block: &str) -> String {
    let block = block.lines().map(|line| format!("        {line}\n")).collect::<String>();
    format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata:\n  name: api\nspec:\n  rules:\n  - filters:\n    \
         - type: CORS\n      cors:\n{block}"
    )
}

/// The cases of a file, each below a heading, with its name.
fn cases(path: &str) -> Vec<(String, String)> {
    let text = read(path);
    let cases = text.split("### ").skip(1).map(|case| {
        let (name, text) = case.split_once('\n').expect("a case has lines");
        (name.to_owned(), format!("{}\n", text.trim_end()))
    });
    cases.collect()
}

fn policy_of(value: serde_json::Value) -> CorsPolicy {
    serde_json::from_value(value).expect("a policy")
}

fn indented(text: &impl Display) -> String {
    text.to_string().lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

fn parse<T: for<'de> Deserialize<'de>>(path: &str) -> T {
    toml::from_str(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policy/corpus").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn compare(name: &str, told: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("corpus/snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name.to_owned(), told));
}
