//! What is wrong, and what is probably not meant, is one type with kinds: path, value, suggestion, code, severity and one
//! text. Rules 2.2, 2.14.

use tower_cors::{
    CorsPolicy,
    compile::Compiler,
    finding::{Errors, Finding, Kind, LintKind, Severity, ViolationKind},
    origin::OriginPattern,
};

/// rule 2.2
#[test]
fn a_pattern_that_is_refused_by_itself_is_refused_in_the_words_of_the_violation() {
    for text in ["app.example", "https://a.example/b", "https://*.", "null", "tauri://*", "https://a.example:0"] {
        let kind = OriginPattern::parse(text).unwrap_err();
        let violations = CorsPolicy::new().allow_origins([text]).compile().unwrap_err();
        let violation = violations.iter().next().unwrap();
        assert_eq!(*violation.kind(), kind, "{text}");
        assert!(violation.to_string().contains(&kind.to_string()), "{text}: {violation}");
    }
    assert_eq!(OriginPattern::parse("https://a.example/b").unwrap_err().to_string(), "an origin has no path");
}

/// rule 2.14
#[test]
fn a_violation_has_the_severity_error_and_a_lint_has_another() {
    let policy = CorsPolicy::new().allow_origins(["https://a.example/"]).allow_headers(["Cookie"]);
    let compiled = policy.compile().unwrap();
    let severities = compiled.lints().iter().map(Finding::severity).collect::<Vec<_>>();
    assert_eq!(severities, [Severity::Info, Severity::Warning]);
    let violations = CorsPolicy::new().allow_origins(["a"]).compile().unwrap_err();
    assert!(violations.iter().all(|violation| violation.severity() == Severity::Error));
    // No lint is denied by the severity that no lint has.
    assert!(compiled.deny(Severity::Error).is_ok());
}

#[test]
fn a_denied_lint_is_a_violation_with_the_same_path_value_and_text() {
    let compiled = CorsPolicy::new().allow_origins(["https://a.example/"]).compile().unwrap();
    let lint = compiled.lints().first().unwrap();
    let denied = compiled.deny(Severity::Info).unwrap_err();
    let violation = denied.iter().next().unwrap();
    assert_eq!(*violation.kind(), ViolationKind::DeniedLint { lint: LintKind::TrailingSlash });
    assert_eq!((violation.path(), violation.value()), (lint.path(), lint.value()));
    assert_eq!(violation.to_string(), lint.to_string());
    assert_eq!(violation.code(), "denied-lint");
}

#[test]
fn a_text_with_an_article_stands_behind_a_colon_and_any_other_has_the_value_for_its_subject() {
    let rows = [
        (
            "https://a.example/b",
            r#"allowOrigins[0]: "https://a.example/b": an origin has no path; did you mean "https://a.example"?"#,
        ),
        ("https://", r#"allowOrigins[0]: "https://" has no host"#),
        ("", "allowOrigins[0] is empty"),
    ];
    for (text, expected) in rows {
        let violations = CorsPolicy::new().allow_origins([text]).compile().unwrap_err();
        assert_eq!(violations.to_string(), expected);
    }
}

#[test]
fn several_errors_are_debugged_as_they_are_displayed() {
    let violations = Compiler::new().compile(CorsPolicy::new().allow_origins(["a", "b"])).unwrap_err();
    assert_eq!(format!("{violations:?}"), violations.to_string());
    let one: Errors<ViolationKind> = ViolationKind::Method.into();
    assert_eq!((format!("{one:?}"), ViolationKind::Method.code()), ("is not a method".into(), "method"));
}

#[cfg(feature = "manifest")]
mod of_manifests {
    use tower_cors::{
        finding::{Severity, ViolationKind},
        manifest::{self, LintKind, ManifestError, Manifests},
    };

    const ROUTE: &str = "\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: api}
spec:
  rules:
  - filters:
    - type: CORS
      cors:
        allowOrigins: [https://a.example/]
        maxAge: 10m
";

    /// rule 2.2
    #[test]
    fn a_finding_of_a_file_begins_with_its_place_and_reads_like_any_other() {
        let errors = Manifests::new().read("m.yaml", ROUTE).build().unwrap_err();
        assert_eq!(format!("{errors:?}"), errors.to_string());
        let Some(ManifestError::Violation(violation)) = errors.iter().next() else { panic!("{errors}") };
        assert_eq!(*violation.kind(), manifest::ViolationKind::WrongType { expected: "a whole number of seconds" });
        assert_eq!((violation.code(), violation.severity()), ("wrong-type", Severity::Error));
        assert_eq!(violation.suggestion(), Some("600"));
        assert_eq!(violation.position().to_string(), "m.yaml:10:17");
        assert!(
            violation.to_string().starts_with("m.yaml:10:17: spec.rules[0].filters[0].cors.maxAge: \"10m\" is not")
        );
        assert_eq!(violation.excerpt().unwrap().text(), "        maxAge: 10m");
    }

    #[test]
    fn what_any_policy_can_get_wrong_keeps_its_kind_in_a_manifest() {
        let errors = Manifests::new().read("m.yaml", &ROUTE.replace("10m", "0")).build().unwrap_err();
        let Some(ManifestError::Violation(violation)) = errors.iter().next() else { panic!("{errors}") };
        assert_eq!(*violation.kind(), ViolationKind::MaxAgeRange.into());
        assert_eq!(violation.code(), "max-age-range");
        let routes = Manifests::new().read("m.yaml", &ROUTE.replace("10m", "10")).build().unwrap();
        let kinds = routes.lints().iter().map(|lint| lint.kind().clone()).collect::<Vec<_>>();
        assert_eq!(kinds, [LintKind::Policy(tower_cors::finding::LintKind::TrailingSlash)]);
    }
}
