//! What other CORS layers got wrong, each test named after the class of the failure.

use http::{HeaderMap, Request, Response, StatusCode};
use proptest::prelude::*;
use tower::{Layer, ServiceExt, service_fn};
use tower_cors::{
    CorsLayer, CorsPolicy,
    compile::{Compiler, Profile},
};

type Lines = &'static [(&'static str, &'static str)];

/// Sends a request through a layer around a service that sets `inner`; answers whether the service was called.
async fn send(policy: CorsPolicy, method: &str, request: Lines, inner: Lines) -> (bool, StatusCode, HeaderMap) {
    let policy = Compiler::new().profile(Profile::GatewayApi).compile(policy).expect("a valid policy");
    let service = CorsLayer::from(policy).layer(service_fn(move |_: Request<()>| async move {
        let mut response = Response::builder().status(StatusCode::ACCEPTED);
        for (name, value) in inner {
            response = response.header(*name, *value);
        }
        response.body("inner")
    }));
    let mut head = Request::builder().method(method);
    for (name, value) in request {
        head = head.header(*name, *value);
    }
    let response = service.oneshot(head.body(()).expect("a request")).await.expect("a response");
    (*response.body() == "inner", response.status(), response.headers().clone())
}

fn one_origin() -> CorsPolicy {
    CorsPolicy::new()
        .allow_origins(["https://ok.example"])
        .allow_credentials(true)
        .allow_methods(["PUT"])
        .allow_headers(["X-A"])
        .expose_headers(["X-B"])
}

fn cors_names(headers: &HeaderMap) -> Vec<&str> {
    headers.keys().map(http::HeaderName::as_str).filter(|name| name.starts_with("access-control-")).collect()
}

#[tokio::test]
async fn a_denied_origin_gains_no_credentials_from_the_wrapped_services_own_headers() {
    let inner: Lines = &[
        ("access-control-allow-origin", "https://evil.example"),
        ("access-control-allow-credentials", "true"),
        ("access-control-expose-headers", "*"),
    ];
    for origin in [&[("origin", "https://evil.example")] as Lines, &[("origin", "null")], &[]] {
        let (called, _, headers) = send(one_origin(), "GET", origin, inner).await;
        assert!(called);
        assert_eq!(cors_names(&headers), [""; 0], "{origin:?}");
    }
}

#[tokio::test]
async fn options_without_origin_is_not_swallowed() {
    for request in [&[] as Lines, &[("access-control-request-method", "PUT")]] {
        let (called, status, _) = send(one_origin(), "OPTIONS", request, &[]).await;
        assert!(called && status == StatusCode::ACCEPTED, "{request:?}");
    }
}

#[tokio::test]
async fn options_without_an_announced_method_is_not_swallowed() {
    let request: Lines = &[("origin", "https://ok.example"), ("access-control-request-headers", "x-a")];
    let (called, status, headers) = send(one_origin(), "OPTIONS", request, &[]).await;
    assert!(called && status == StatusCode::ACCEPTED);
    assert_eq!(headers["access-control-allow-origin"], "https://ok.example");
}

#[tokio::test]
async fn permission_headers_are_not_sent_to_a_denied_or_absent_origin() {
    let denied: Lines = &[("origin", "https://evil.example"), ("access-control-request-method", "PUT")];
    let (called, status, headers) = send(one_origin(), "OPTIONS", denied, &[]).await;
    assert!(!called && status == StatusCode::OK);
    assert_eq!(cors_names(&headers), [""; 0]);
    let (_, _, headers) = send(one_origin(), "GET", &[], &[]).await;
    assert_eq!(cors_names(&headers), [""; 0]);
}

#[tokio::test]
async fn null_is_never_reflected_with_credentials() {
    for origins in [["*"], ["https://*"]] {
        let policy = one_origin().allow_origins(origins);
        for (method, request) in [
            ("GET", &[("origin", "null")] as Lines),
            ("OPTIONS", &[("origin", "null"), ("access-control-request-method", "PUT")]),
        ] {
            let (_, _, headers) = send(policy.clone(), method, request, &[]).await;
            assert_eq!(cors_names(&headers), [""; 0], "{origins:?} {method}");
        }
    }
}

#[test]
fn a_suffix_or_a_prefix_of_an_allowed_origin_is_another_origin() {
    let policy = CorsPolicy::new()
        .allow_origins(["https://example.com", "https://*.example.com", "https://foo.com", "https://bar.com"])
        .compile()
        .expect("a valid policy");
    for origin in [
        "https://evilexample.com",
        "https://example.com.evil.com",
        "https://a.example.com.evil.com",
        "https://evil.com/example.com",
        "https://evil.com#.example.com",
        "https://example.com@evil.com",
        "https://evil.com\\.example.com",
        "https://exampleXcom",
        "https://example.co",
        "https://xample.com",
        "https://example.community",
        "https://example.com-evil.com",
        "https://barfoo.com",
        "https://foo.com.bar.com",
        "https://foobar.com",
        "https://foo.com,https://bar.com",
        "https://bar.comfoo.com",
        "nothttps://example.com",
    ] {
        assert!(!policy.allows_origin(origin), "{origin}");
    }
    for origin in ["https://example.com", "https://a.example.com", "https://foo.com", "https://bar.com"] {
        assert!(policy.allows_origin(origin), "{origin}");
    }
}

#[tokio::test]
async fn announced_names_are_read_from_every_line_and_in_every_spelling() {
    let request: Lines = &[
        ("origin", "https://ok.example"),
        ("access-control-request-method", "PUT"),
        ("access-control-request-headers", "X-One,  x-two ,"),
        ("access-control-request-headers", ""),
        ("access-control-request-headers", ",, AUTHORIZATION,\tx-three"),
    ];
    let (_, _, headers) = send(one_origin().allow_headers(["*"]), "OPTIONS", request, &[]).await;
    assert_eq!(headers["access-control-allow-headers"], "X-One, x-two, AUTHORIZATION, x-three");
}

#[tokio::test]
async fn the_vary_of_a_request_is_not_reflected() {
    let request: Lines =
        &[("origin", "https://ok.example"), ("access-control-request-method", "PUT"), ("vary", "*"), ("x-mine", "1")];
    let (called, _, headers) = send(one_origin(), "OPTIONS", request, &[]).await;
    assert!(!called);
    let vary = headers.get_all("vary").iter().collect::<Vec<_>>();
    assert_eq!(vary, ["Origin, Access-Control-Request-Method, Access-Control-Request-Headers"]);
    assert!(!headers.contains_key("x-mine"));
    let (_, _, headers) = send(one_origin(), "GET", &[("vary", "Cookie")], &[]).await;
    assert_eq!(headers.get_all("vary").iter().collect::<Vec<_>>(), ["Origin"]);
}

#[tokio::test]
async fn no_origin_line_but_the_first_is_overlooked() {
    for request in [
        &[("origin", "https://ok.example"), ("origin", "https://evil.example")] as Lines,
        &[("origin", "https://evil.example"), ("origin", "https://ok.example")],
        &[("origin", "https://ok.example"), ("origin", "https://ok.example")],
        &[("origin", "https://ok.example"), ("x-a", "1"), ("origin", "")],
    ] {
        let (_, _, headers) = send(one_origin(), "GET", request, &[]).await;
        assert_eq!(cors_names(&headers), [""; 0], "{request:?}");
    }
}

#[test]
fn what_a_person_configures_matches_what_a_browser_sends() {
    for written in ["https://OK.example", "https://ok.example:443", "https://ok.example/", "HTTPS://Ok.Example:443/"] {
        let policy = CorsPolicy::new().allow_origins([written]).compile().expect("a valid policy");
        assert!(policy.allows_origin("https://ok.example"), "{written}");
        assert!(!policy.allows_origin("http://ok.example"), "{written}");
    }
}

#[test]
fn an_upper_case_origin_does_not_match_by_sharing_a_slot_with_an_upper_case_pattern() {
    // Each set hashes in its own way, so one policy alone would show the failure only now and then.
    for _ in 0..64 {
        let policy = CorsPolicy::new().allow_origins(["https://OK.example"]).compile().expect("a valid policy");
        assert!(!policy.allows_origin("https://OK.example"));
        assert!(policy.allows_origin("https://ok.example"));
    }
}

#[test]
fn a_reflected_origin_can_not_grow_without_bounds() {
    let policy = CorsPolicy::new().allow_origins(["*"]).allow_credentials(true);
    let policy = Compiler::new().profile(Profile::GatewayApi).compile(policy).expect("the profile accepts it");
    assert!(policy.allows_origin("app://host"));
    assert!(!policy.allows_origin(format!("{}://host", "a".repeat(100_000))));
}

proptest! {
    #[test]
    fn no_configuration_panics(
        origins in proptest::option::of(proptest::collection::vec(".{0,40}", 0..4)),
        methods in proptest::option::of(proptest::collection::vec("\\PC{0,12}|\\*", 0..4)),
        headers in proptest::option::of(proptest::collection::vec("\\PC{0,12}|\\*", 0..4)),
        expose in proptest::option::of(proptest::collection::vec(".{0,12}|\\*", 0..4)),
        credentials in any::<Option<bool>>(),
        age in any::<Option<u64>>(),
        crd in any::<bool>(),
    ) {
        let policy = CorsPolicy {
            allow_origins: origins, allow_credentials: credentials, allow_methods: methods, allow_headers: headers,
            expose_headers: expose, max_age: age,
        };
        let compiler = if crd { Compiler::new().crd_limits() } else { Compiler::new() };
        match compiler.compile(policy.clone()) {
            Ok(compiled) => prop_assert_eq!(compiled.policy(), &policy),
            Err(violations) => {
                prop_assert!(violations.iter().count() > 0);
                prop_assert!(!violations.to_string().is_empty());
            }
        }
    }
}
