//! The example reads policies out of real environment variables.

use std::process::{Command, Output};

fn run(by: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_environment-example"));
    command.arg(by).env_clear().envs(variables.iter().copied());
    command.output().expect("the example runs")
}

fn read(by: &str, variables: &[(&str, &str)]) -> String {
    let output = run(by, variables);
    let text = |bytes| String::from_utf8(bytes).expect("text");
    assert!(output.status.success(), "{}", text(output.stderr));
    text(output.stdout)
}

#[test]
fn a_list_of_origins_comes_out_of_a_variable() {
    let expected = r#"allow_origins: Some(["https://app.example", "https://admin.example"]), "#;
    let written = [
        ("config", "https://app.example, https://admin.example"),
        ("figment", r#"["https://app.example", "https://admin.example"]"#),
    ];
    for (by, list) in written {
        let read = read(by, &[("APP_CORS__ALLOW_ORIGINS", list)]);
        assert!(read.contains(expected), "{by}: {read}");
        assert!(read.contains("max_age: Some(600)"), "{by}: {read}");
    }
}

#[test]
fn the_other_fields_are_named_as_the_setters_are() {
    let written = [("config", "PUT,DELETE", "X-One, X-Two"), ("figment", "[PUT, DELETE]", "[X-One, X-Two]")];
    for (by, methods, headers) in written {
        let read = read(
            by,
            &[
                ("APP_CORS__ALLOW_CREDENTIALS", "true"),
                ("APP_CORS__ALLOW_METHODS", methods),
                ("APP_CORS__ALLOW_HEADERS", headers),
                ("APP_CORS__EXPOSE_HEADERS", headers),
                ("APP_CORS__MAX_AGE", "30"),
            ],
        );
        let expected = r#"allow_credentials: Some(true), allow_methods: Some(["PUT", "DELETE"]), allow_headers: Some(["X-One", "X-Two"]), expose_headers: Some(["X-One", "X-Two"]), max_age: Some(30)"#;
        assert!(read.contains(expected), "{by}: {read}");
    }
}

#[test]
fn a_field_that_is_misspelled_and_a_policy_that_is_invalid_are_refused() {
    let rows = [
        ("APP_CORS__ALLOW_ORIGIN", "https://app.example", "unknown field `allow_origin`"),
        (
            "APP_CORS__ALLOW_ORIGINS",
            "app.example",
            "cors.allowOrigins[0]: \"app.example\" has no scheme; write \"https://app.example\"",
        ),
    ];
    for (name, value, message) in rows {
        let output = run("config", &[(name, value)]);
        let error = String::from_utf8(output.stderr).expect("text");
        assert!(!output.status.success() && error.contains(message), "{error}");
    }
}
