//! What holds for every message about a mistake, whatever the mistake: it is at most 4 KiB long, and nothing in it moves the
//! cursor, ends the line, hides or reverses text.

use std::fmt::Display;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use proptest::prelude::*;
use tower_cors::{
    CorsPolicy,
    browser::ScriptRequest,
    compile::Compiler,
    finding::Severity,
    merge::{MergeOptions, MergeStrategy, Setting, merge},
    resolver::ByPathPrefix,
};

const LONGEST: usize = 4096;

/// Holds a message, and its form with the line of the file, to the rule.
fn hold(message: &impl Display) {
    let text = message.to_string();
    hold_text(&text, 1);
    hold_text(&format!("{message:#}"), 3);
}

/// Holds a text that is made of lines, the line ends apart.
fn hold_lines(messages: &impl Display) {
    hold_text(&messages.to_string(), usize::MAX);
    hold_text(&format!("{messages:#}"), usize::MAX);
}

fn hold_text(text: &str, lines: usize) {
    assert!(text.len() <= LONGEST, "{} bytes: {text:?}", text.len());
    assert!(text.split('\n').count() <= lines, "{text:?}");
    let betrays = |character: char| {
        character.is_control()
            || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    assert!(!text.replace('\n', "").contains(betrays), "{text:?}");
}

/// Text of all sorts: near to what is valid, and far from it, and very long.
fn text() -> impl Strategy<Value = String> {
    let treacherous =
        prop::sample::select(vec!["\n", "\r", "\0", "\u{1b}[31m", "\u{85}", "\u{202e}", "\u{2028}", "\u{feff}", "\""]);
    let long = (any::<char>(), 1_usize..3000).prop_map(|(character, count)| character.to_string().repeat(count));
    prop_oneof![
        ".{0,40}",
        "(https?://)?[a-z*.\u{fc}\u{4e2d}-]{0,20}(:[0-9*]{0,6})?(/[a-z]*)?",
        "[a-zA-Z*,; -]{0,24}",
        (treacherous, ".{0,8}").prop_map(|(bad, text)| format!("https://{text}{bad}.example{bad}")),
        long.clone(),
        long.prop_map(|long| format!("https://{long}")),
    ]
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(text(), 0..6)
}

fn policy() -> impl Strategy<Value = CorsPolicy> {
    (texts(), texts(), texts(), any::<bool>(), any::<u64>()).prop_map(|(origins, methods, names, credentials, age)| {
        let mut policy = CorsPolicy::new().allow_origins(origins).allow_methods(methods).allow_headers(&names);
        policy = policy.expose_headers(names).allow_credentials(credentials);
        policy.max_age = Some(age);
        policy
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_violation_of_a_policy_is_short_and_plain(policy in policy(), path in text(), limits: bool) {
        let mut compiler = Compiler::new().deny(Severity::Info).at(path.as_str().into());
        if limits {
            compiler = compiler.crd_limits();
        }
        if let Err(violations) = compiler.compile(policy) {
            violations.iter().for_each(hold);
            hold_lines(&violations);
        }
    }

    #[test]
    fn every_merge_that_fails_says_so_in_a_short_and_plain_message(policies in prop::collection::vec((policy(), text()), 1..6)) {
        let settings = policies.into_iter().map(|(policy, label)| Setting::policy(label.as_str(), policy).at(label.as_str().into()));
        let settings = settings.collect::<Vec<_>>();
        if let Err(error) = merge(&settings, &MergeOptions::new(MergeStrategy::Union)).compile(&Compiler::new()) {
            hold_lines(&error);
        }
    }

    #[test]
    fn what_a_browser_would_say_is_short_and_plain(allowed in text(), method in "[!-~]{1,9000}", name in "[a-z]{1,9000}") {
        let Ok(method) = Method::from_bytes(method.as_bytes()) else { return Ok(()) };
        let name = HeaderName::try_from(name).expect("a name");
        let request = ScriptRequest::new(HeaderValue::from_static("https://app.example"), method).header(name, HeaderValue::from_static("1"));
        let mut headers = HeaderMap::new();
        if let Ok(allowed) = HeaderValue::from_bytes(allowed.as_bytes()) {
            headers.insert("access-control-allow-origin", allowed);
        }
        for origin in [None, Some("https://app.example")] {
            headers.extend(origin.map(|origin| (http::header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static(origin))));
            if let Err(blocked) = request.check_preflight(StatusCode::OK, &headers) {
                hold(&blocked);
            }
            headers.clear();
        }
    }

    #[test]
    fn a_path_that_is_refused_is_shown_short_and_plain(path in text()) {
        if let Err(error) = ByPathPrefix::new(None).path_prefix(&path, None) {
            hold(&error);
        }
    }
}

#[test]
fn a_thousand_violations_are_counted_and_a_few_of_them_shown() {
    let origins = (0..1000).map(|at| format!("app{at}.example"));
    let violations = CorsPolicy::new().allow_origins(origins).compile().expect_err("they have no scheme");
    assert_eq!(violations.iter().count(), 1000);
    let text = violations.to_string();
    assert_eq!(format!("{violations:?}"), text, "unwrap says as much");
    hold_lines(&violations);
    let shown = text.lines().count() - 1;
    assert!(shown > 40, "{shown}");
    assert_eq!(text.lines().last(), Some(format!("and {} more", 1000 - shown).as_str()));
}

#[cfg(feature = "manifest")]
mod manifests {
    use super::*;
    use tower_cors::{manifest::Manifests, route::PathMatch};

    fn hold_manifest(name: &str, text: &str) {
        match Manifests::new().read(name, text).build() {
            Ok(routes) => routes.lints().iter().for_each(hold),
            Err(errors) => {
                errors.iter().for_each(hold);
                hold_lines(&errors);
            }
        }
    }

    /// A document of one kind with `field` somewhere in it.
    fn document(field: &str, at: usize) -> String {
        let route = "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\n";
        match at % 5 {
            0 => format!(
                "{route}metadata: {{name: {field}}}\nspec: {{rules: [{{filters: [{{type: CORS, cors: {{}}}}]}}]}}"
            ),
            1 => format!("{route}metadata: {{name: r}}\nspec:\n  hostnames: [{field}]"),
            2 => format!(
                "{route}metadata: {{name: r}}\nspec:\n  rules:\n  - filters:\n    - {{type: CORS, cors: {field}}}"
            ),
            3 => format!(
                "{route}metadata: {{name: r}}\nspec:\n  rules:\n  - filters:\n    - {{type: CORS, cors: {{allowOrigins: [{field}], {field}: {field}}}}}"
            ),
            _ => format!(
                "apiVersion: gateway.kgateway.dev/v1alpha1\nkind: TrafficPolicy\nmetadata: {{name: {field}, namespace: {field}}}\n\
                 spec: {{targetRefs: [{{group: gateway.networking.k8s.io, kind: HTTPRoute, name: {field}}}], cors: {{maxAge: {field}}}}}"
            ),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_error_of_a_manifest_is_short_and_plain(value in text(), name in text(), at in 0_usize..5) {
            hold_manifest(&name, &value);
            hold_manifest(&name, &document(&value, at));
            // As JSON the value is always one, whatever is in it.
            hold_manifest(&name, &document(&serde_json::to_string(&value).expect("JSON"), at));
        }

        #[test]
        fn an_expression_that_is_refused_is_shown_short_and_plain(expression in text()) {
            for expression in [expression.clone(), format!("({expression}"), format!("\\p{{{expression}}}")] {
                if let Err(error) = PathMatch::regular_expression(&expression) {
                    hold(&error);
                }
            }
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named_short_and_plain() {
        let name = format!("/nowhere/\u{202e}{}\n", "x".repeat(9000));
        let errors = Manifests::new().load(name).build().expect_err("it is not there");
        errors.iter().for_each(hold);
    }

    #[test]
    fn a_thousand_errors_are_counted_and_a_few_of_them_shown() {
        let methods = (0..50).map(|at| format!("M{at}")).collect::<Vec<_>>().join(", ");
        let text = vec![document(&format!("{{allowMethods: [{methods}]}}"), 2); 20].join("\n---\n");
        let errors = Manifests::new().read("m.yaml", &text).build().expect_err("they are no methods");
        assert_eq!(errors.iter().count(), 1000);
        hold_lines(&errors);
        assert!(errors.to_string().contains("\nand 9"), "{errors}");
    }
}
