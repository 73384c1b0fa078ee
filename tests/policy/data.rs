//! The policy as data: setters, lists, violations as text, and with the feature `serde` its two written forms.

use http::{Method, header};
use tower_cors::{
    CorsPolicy,
    compile::Compiler,
    finding::ViolationKind,
    policy::{FieldPath, PolicyField, split_list},
};

#[test]
fn an_absent_list_an_empty_list_and_a_star_are_three_things() {
    let absent = CorsPolicy::new();
    let empty = CorsPolicy::new().allow_origins([""; 0]);
    let any = CorsPolicy::new().allow_origins(["*"]);
    assert!(absent != empty && empty != any && absent != any);
    assert_ne!(CorsPolicy::new().allow_credentials(false), absent);
    assert_eq!(absent, CorsPolicy::default());
}

#[test]
fn a_setter_replaces_and_an_extending_setter_adds() {
    let policy = CorsPolicy::new()
        .allow_origins(["https://a.example"])
        .allow_origins(["https://b.example"])
        .extend_allow_origins([String::from("https://c.example")])
        .allow_methods([Method::GET])
        .extend_allow_methods(["PUT"])
        .extend_allow_headers([header::AUTHORIZATION])
        .extend_allow_headers(["X-A"])
        .expose_headers(["X-B"])
        .extend_expose_headers([header::ETAG])
        .allow_credentials(true)
        .max_age(1);
    let expected = CorsPolicy {
        allow_origins: Some(vec!["https://b.example".into(), "https://c.example".into()]),
        allow_credentials: Some(true),
        allow_methods: Some(vec!["GET".into(), "PUT".into()]),
        allow_headers: Some(vec!["authorization".into(), "X-A".into()]),
        expose_headers: Some(vec!["X-B".into(), "etag".into()]),
        max_age: Some(1),
    };
    assert_eq!(policy, expected);
}

#[test]
fn a_list_of_an_environment_variable_is_split_trimmed_and_without_empty_elements() {
    let split = |list| split_list(list).collect::<Vec<_>>();
    assert_eq!(split(" https://a.example ,,\thttps://b.example\n,"), ["https://a.example", "https://b.example"]);
    assert_eq!(split("*"), ["*"]);
    assert_eq!(split(" , "), [""; 0]);
    assert_eq!(split(""), [""; 0]);
}

// rule 2.15
#[test]
fn a_compiled_policy_gives_back_its_policy_as_it_was_written() {
    let policy = CorsPolicy::new()
        .allow_origins(["HTTPS://A.example:443/", "https://b.example"])
        .allow_headers(["x-A"])
        .allow_credentials(false);
    let compiled = policy.clone().compile().expect("a valid policy");
    assert_eq!(compiled.policy(), &policy);
    assert_eq!(compiled, compiled.policy().clone().compile().expect("a valid policy"));
}

// rule 2.2
#[test]
fn violations_have_a_line_each_with_path_value_reason_and_way_out() {
    let policy = CorsPolicy::new()
        .allow_origins(["*.example.com", "https://ok.example", "https://a.example/x"])
        .allow_methods(["GET", "P T"])
        .max_age(0);
    let compiler = Compiler::new().crd_limits().at("spec.rules[0].filters[0].cors".into());
    let violations = compiler.compile(policy).expect_err("four things are wrong");
    assert_eq!(
        violations.to_string(),
        "spec.rules[0].filters[0].cors.allowOrigins[0]: \"*.example.com\" has no scheme; write \"https://*.example.com\"\n\
         spec.rules[0].filters[0].cors.allowOrigins[2]: \"https://a.example/x\": an origin has no path; did you mean \"https://a.example\"?\n\
         spec.rules[0].filters[0].cors.allowMethods[1]: \"P T\" is a list in one string; make each element an entry of its own\n\
         spec.rules[0].filters[0].cors.maxAge: \"0\" is not a number of seconds from 1 to 2147483647",
    );
    let first = violations.iter().next().expect("four");
    assert_eq!(first.path().as_str(), "spec.rules[0].filters[0].cors.allowOrigins[0]");
    assert_eq!((first.value(), first.suggestion()), (Some("*.example.com"), Some("https://*.example.com")));
    assert_eq!((first.kind(), first.code()), (&ViolationKind::OriginScheme, "origin-scheme"));
    assert_eq!(violations.into_iter().count(), 4);
}

// rule 2.12
#[test]
fn the_crds_lists_end_at_64_entries_and_its_strings_at_their_limits() {
    let names = |count: usize| (0..count).map(|number| format!("X-{number}")).collect::<Vec<_>>();
    let origins = |count: usize| (0..count).map(|number| format!("https://a{number}.example")).collect::<Vec<_>>();
    let manifest = Compiler::new().crd_limits();
    let codes = |policy: CorsPolicy| match manifest.compile(policy) {
        Ok(_) => Vec::new(),
        Err(violations) => violations.iter().map(ToString::to_string).collect::<Vec<_>>(),
    };
    let full = CorsPolicy::new().allow_origins(origins(64)).allow_headers(names(64)).expose_headers(names(64));
    assert_eq!(codes(full), [""; 0]);
    let over = CorsPolicy::new().allow_origins(origins(65)).allow_headers(names(65)).expose_headers(names(65));
    assert_eq!(
        codes(over.clone()),
        [
            "allowOrigins has more than 64 entries",
            "allowHeaders has more than 64 entries",
            "exposeHeaders has more than 64 entries"
        ]
    );
    assert!(over.compile().is_ok(), "a policy built in Rust has no size limits");

    // 8 + 60 + 1 + 60 + 1 + 60 + 1 + 60 + 2 = 253 bytes
    let label = "a".repeat(60);
    let longest = format!("https://{label}.{label}.{label}.{label}.b");
    assert_eq!(longest.len(), 253);
    assert_eq!(codes(CorsPolicy::new().allow_origins([&longest])), [""; 0]);
    let longer = CorsPolicy::new().allow_origins([format!("{longest}b")]);
    assert_eq!(codes(longer.clone()), [format!("allowOrigins[0]: \"{longest}b\" is longer than 253 bytes")]);
    assert!(longer.compile().is_ok());

    let name = "x".repeat(256);
    let policy = CorsPolicy::new().allow_origins(["*"]).allow_headers([&name]);
    assert_eq!(codes(policy.clone()), [""; 0]);
    assert_eq!(codes(policy.allow_headers([format!("{name}x")])).len(), 1);
}

// rule 2.14
#[test]
fn a_lint_has_a_code_a_severity_a_path_and_a_sentence() {
    use tower_cors::finding::Severity;
    let policy = CorsPolicy::new().allow_origins(["*"]).allow_credentials(true);
    let compiled = Compiler::new()
        .at("spec.cors".into())
        .dangerously_allow_any_origin_with_credentials()
        .compile(policy)
        .expect("accepted loudly");
    let [lint] = compiled.lints() else { panic!("{:?}", compiled.lints()) };
    assert_eq!((lint.code(), lint.severity()), ("any-origin-with-credentials", Severity::Critical));
    assert_eq!(
        lint.to_string(),
        "spec.cors.allowOrigins[0]: \"*\" lets every site act and read with its visitors' credentials; \
         list the origins, or drop credentials",
    );
    assert!(Severity::Critical > Severity::Warning && Severity::Warning > Severity::Info);
}

#[test]
fn a_field_path_is_written_as_kubernetes_writes_it() {
    let path = FieldPath::root().field("spec").field("rules").index(0).field(PolicyField::AllowOrigins).index(2);
    assert_eq!(path.to_string(), "spec.rules[0].allowOrigins[2]");
    assert_eq!(FieldPath::root().field("maxAge").as_str(), "maxAge");
    assert_eq!(PolicyField::ALL.map(PolicyField::name)[5], "maxAge");
}

#[test]
fn a_value_of_any_length_makes_a_short_message() {
    let violations = CorsPolicy::new().allow_headers(["é".repeat(100_000)]).compile().expect_err("not a token");
    assert!(violations.to_string().len() < 400);
}

#[cfg(feature = "serde")]
mod serde {
    use tower_cors::CorsPolicy;

    // rule 2.1
    #[test]
    fn a_policy_has_the_gateway_apis_field_names() {
        let policy = CorsPolicy {
            allow_origins: Some(vec!["https://a.example".into()]),
            allow_credentials: Some(false),
            allow_methods: Some(vec!["GET".into()]),
            allow_headers: Some(vec![]),
            expose_headers: Some(vec!["*".into()]),
            max_age: Some(7),
        };
        let json = serde_json::to_value(&policy).expect("it is plain data");
        let expected = serde_json::json!({
            "allowOrigins": ["https://a.example"], "allowCredentials": false, "allowMethods": ["GET"],
            "allowHeaders": [], "exposeHeaders": ["*"], "maxAge": 7,
        });
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_value::<CorsPolicy>(json).expect("what was written is read"), policy);
    }

    // As crates for settings make them of environment variables.
    #[test]
    fn field_names_are_also_read_in_snake_case_and_in_lower_case() {
        let policy = CorsPolicy::new()
            .allow_origins(["https://a.example"])
            .allow_credentials(true)
            .allow_methods(["PUT"])
            .allow_headers(["X-One"])
            .expose_headers(["ETag"])
            .max_age(7);
        let written = serde_json::to_value(&policy).expect("it is plain data");
        let object = written.as_object().expect("an object");
        assert_eq!(object.len(), 6);
        for (name, value) in object {
            let letters = name.chars().map(|letter| match letter.is_ascii_uppercase() {
                true => format!("_{}", letter.to_ascii_lowercase()),
                false => letter.to_string(),
            });
            for other in [letters.collect::<String>(), name.to_ascii_lowercase()] {
                assert_ne!(other, *name);
                let mut renamed = object.clone();
                renamed.remove(name);
                renamed.insert(other.clone(), value.clone());
                let read = serde_json::from_value::<CorsPolicy>(renamed.into()).expect("the same policy");
                assert_eq!(read, policy, "{other}");
            }
        }
    }

    // rule 2.3
    #[test]
    fn an_absent_field_stays_absent() {
        assert_eq!(serde_json::to_string(&CorsPolicy::new()).expect("plain data"), "{}");
        assert_eq!(serde_json::from_str::<CorsPolicy>("{}").expect("every field is optional"), CorsPolicy::new());
        let empty = serde_json::from_str::<CorsPolicy>(r#"{"allowOrigins": []}"#).expect("an empty list");
        assert_eq!(empty, CorsPolicy::new().allow_origins([""; 0]));
    }

    // rule 2.1
    #[test]
    fn an_unknown_field_or_a_value_of_another_type_is_an_error() {
        for json in [
            r#"{"allowOrigin": ["*"]}"#,
            r#"{"allow-origins": ["*"]}"#,
            r#"{"allowOrigins": "*"}"#,
            r#"{"maxAge": -1}"#,
            r#"{"maxAge": "5"}"#,
            r#"{"allowCredentials": "true"}"#,
        ] {
            assert!(serde_json::from_str::<CorsPolicy>(json).is_err(), "{json}");
        }
    }
}

/// rule 2.7
#[test]
fn a_host_outside_ascii_is_refused_with_the_advice_to_use_punycode() {
    for host in [
        "bücher.example",
        "*.MÜNCHEN.example:8443",
        "例え.テスト",
        "app。example",
        "bu\u{308}cher.example",
        "😀.example",
    ] {
        let violations = CorsPolicy::new().allow_origins([format!("https://{host}")]).compile().unwrap_err();
        let texts = violations.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(texts.len(), 1, "{host}");
        assert!(texts[0].ends_with("is not ASCII; use Punycode"), "{}", texts[0]);
    }
}
