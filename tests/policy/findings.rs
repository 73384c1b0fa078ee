//! What is wrong, and what is probably not meant, is one type with kinds: path, value, suggestion, code, severity and one
//! text. Rules 2.2, 2.14.

use std::error::Error;

use tower_cors::{
    CorsPolicy,
    compile::Compiler,
    finding::{Errors, Finding, Kind, LintKind, Severity, ViolationKind},
    merge::{Base, Overrides},
    origin::OriginPattern,
    resolver::ByPathPrefix,
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

/// What `fn main() -> Result<_, Box<dyn Error>>` prints is the `Debug` of the error.
#[test]
fn what_main_prints_of_a_merge_that_fails_is_its_text() {
    let base = CorsPolicy::new().allow_origins(["https://a.example/b"]);
    let error = Base::new(base.clone()).compile().unwrap_err();
    assert_eq!(format!("{:?}", Box::<dyn Error>::from(error.clone())), error.to_string());
    assert!(
        error
            .to_string()
            .starts_with("the base policy: allowOrigins[0]: \"https://a.example/b\": an origin has no path")
    );

    let errors = Overrides::new(CorsPolicy::new()).path_prefix("api", CorsPolicy::new()).build().unwrap_err();
    assert_eq!(format!("{:?}", Box::<dyn Error>::from(errors.clone())), "path prefix \"api\" does not begin with /");
    // An error in an error is neither printed twice nor lost.
    assert!(errors.iter().all(|error| error.source().is_none()));

    let prefix = ByPathPrefix::new(None).path_prefix("api", None).unwrap_err();
    assert_eq!(format!("{:?}", Box::<dyn Error>::from(prefix)), "path prefix \"api\" does not begin with /");
    let violations = CorsPolicy::new().allow_methods([""]).compile().unwrap_err();
    let violation = violations.into_iter().next().unwrap();
    assert_eq!(format!("{:?}", Box::<dyn Error>::from(violation)), "allowMethods[0] is empty");
}

/// rule 2.2
#[test]
fn a_network_suggests_no_address() {
    for text in ["http://10.0.0.0/8", "10.0.0.0/8", "https://192.0.2.0/24", "http://[2001:db8::]/32"] {
        let violations = CorsPolicy::new().allow_origins([text]).compile().unwrap_err();
        assert_eq!(violations.iter().next().unwrap().suggestion(), None, "{text}");
    }
    let violations = CorsPolicy::new().allow_origins(["http://10.0.0.1/path"]).compile().unwrap_err();
    assert_eq!(violations.iter().next().unwrap().suggestion(), Some("http://10.0.0.1"));
}

/// rule 2.14
#[cfg(feature = "psl")]
#[test]
fn the_public_suffix_list_changes_an_outcome_only_where_it_is_asked_for() {
    let policy = CorsPolicy::new().allow_origins(["https://*.github.io"]);
    let strict = Compiler::new().deny(Severity::Warning);
    assert!(strict.compile(policy.clone()).is_ok());
    let refused = strict.public_suffixes().compile(policy).unwrap_err();
    let kind = ViolationKind::DeniedLint { lint: LintKind::WildcardUnderPublicSuffix };
    assert_eq!(refused.iter().map(Finding::kind).collect::<Vec<_>>(), [&kind]);
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

    /// rule 7.2
    #[test]
    fn ages_are_compared_in_time_whatever_zone_they_are_written_in() {
        let policy = |name: &str, created: &str| {
            format!(
                "---\napiVersion: gateway.kgateway.dev/v1alpha1\nkind: TrafficPolicy\nmetadata: {{name: {name}, \
                 creationTimestamp: \"{created}\"}}\nspec:\n  targetRefs: [{{group: gateway.networking.k8s.io, kind: \
                 HTTPRoute, name: api}}]\n  cors: {{allowOrigins: [https://{name}.example]}}\n"
            )
        };
        let route = ROUTE.split("spec:").next().unwrap();
        let rows = [
            ("2026-01-31T12:00:00Z", "2026-01-31T14:00:01+02:00", "first"),
            ("2026-01-31T12:00:00Z", "2026-01-31T13:59:59+02:00", "second"),
            ("2026-01-31T12:00:00.5Z", "2026-01-31t11:30:00.25-00:30", "second"),
            ("1969-12-31T00:00:00Z", "1970-01-01T00:00:00Z", "first"),
        ];
        for (first, second, winner) in rows {
            let text = format!("{route}spec: {{}}\n{}{}", policy("first", first), policy("second", second));
            let routes = Manifests::new().read("m.yaml", &text).build().unwrap();
            let told = routes.lints().iter().map(ToString::to_string).collect::<String>();
            assert!(told.contains(&format!("TrafficPolicy default/{winner} comes first")), "{first} {second}: {told}");
        }
        for wrong in ["2026-01-31", "2026-13-01T00:00:00Z", "2026-01-31T12:00:00", "yesterday", "2026-01-32T12:00:00Z"]
        {
            let errors = Manifests::new().read("m.yaml", &policy("p", wrong)).build().unwrap_err();
            assert!(errors.to_string().contains("is not a time such as 2026-01-31T12:00:00Z"), "{wrong}: {errors}");
        }
    }

    #[cfg(feature = "psl")]
    #[test]
    fn the_public_suffix_list_is_known_to_manifests_that_ask_for_it() {
        let text = ROUTE.replace("https://a.example/", "https://*.github.io").replace("10m", "10");
        let codes = |manifests: Manifests| {
            let routes = manifests.read("m.yaml", &text).build().unwrap();
            routes.lints().iter().map(|lint| lint.code()).collect::<Vec<_>>()
        };
        assert_eq!(codes(Manifests::new()), [""; 0]);
        assert_eq!(codes(Manifests::new().public_suffixes()), ["wildcard-under-public-suffix"]);
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
