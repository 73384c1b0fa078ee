//! What the layer says beside serving: to a hook, in the extensions of responses, in the answers of the debug mode,
//! about a second policy; and the closer look at a decision that all of it is made of.

use std::{
    convert::Infallible,
    future::ready,
    sync::{Arc, Mutex},
};

use http::{Method, Request, Response, StatusCode, header::VARY};
use http_body::Body as _;
use http_body_util::BodyExt;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_cors::{
    CorsLayer, CorsPolicy, Decision, Reason,
    compile::Compiler,
    decision::{Candidates, Resolution},
    decision::{Options, Outcome, PreflightStatus, Review, UnmatchedPreflight, decide},
    finding::Severity,
    layer::{AnswerBody, CorsBody, Difference, Recorded, WrapBody},
    request::CorsRequest,
    resolver::resolve_async,
};

const OK: &str = "https://ok.example";
const OTHER: &str = "https://other.example";

fn policy() -> CorsPolicy {
    CorsPolicy::new().allow_origins([OK]).allow_methods(["PUT"]).allow_headers(["x-one", "x-two"])
}

fn cors() -> CorsLayer {
    CorsLayer::new(policy()).expect("a valid policy")
}

fn request(method: Method, lines: &[(&str, &str)]) -> Request<String> {
    let request = lines.iter().fold(Request::builder().method(method).uri("/users/7"), |request, (name, value)| {
        request.header(*name, *value)
    });
    request.body(String::new()).expect("a request")
}

fn actual(origin: &str) -> Request<String> {
    request(Method::GET, &[("origin", origin), ("host", "api.example")])
}

fn preflight(origin: &str, method: &str, names: &str) -> Request<String> {
    request(
        Method::OPTIONS,
        &[("origin", origin), ("access-control-request-method", method), ("access-control-request-headers", names)],
    )
}

fn inner() -> impl Service<
    Request<String>,
    Response = Response<String>,
    Error = Infallible,
    Future = std::future::Ready<Result<Response<String>, Infallible>>,
> + Clone {
    service_fn(|_| ready(Ok(Response::new(String::from("inner")))))
}

async fn send<S, B>(service: S, request: Request<String>) -> Response<B>
where
    S: Service<Request<String>, Response = Response<B>, Error = Infallible>,
{
    service.oneshot(request).await.expect("infallible")
}

async fn text(response: Response<CorsBody<String>>) -> String {
    let body = response.into_body().collect().await.expect("infallible").to_bytes();
    String::from_utf8(body.to_vec()).expect("text")
}

type Heard = Arc<Mutex<Vec<(&'static str, &'static str, Option<String>, Option<Difference>)>>>;

fn hearing<R, M>(layer: CorsLayer<R, M>) -> (CorsLayer<R, M>, Heard) {
    let heard = Heard::default();
    let hears = Arc::clone(&heard);
    let layer = layer.on_decision(move |event| {
        let route = event.route().map(str::to_owned);
        let entry = (event.outcome().code(), event.reason().code(), route, event.difference());
        hears.lock().expect("no panic").push(entry);
    });
    (layer, heard)
}

fn labels(heard: &Heard) -> Vec<(&'static str, &'static str)> {
    heard.lock().expect("no panic").drain(..).map(|(outcome, reason, ..)| (outcome, reason)).collect()
}

#[tokio::test]
async fn a_hook_hears_of_each_request_once() {
    let (layer, heard) = hearing(cors());
    let forwarding = layer.clone().unmatched_preflight(UnmatchedPreflight::Forward);
    let rows = [
        (layer.clone(), preflight(OK, "PUT", "x-one"), ("preflight-allowed", "origin-allowed")),
        (layer.clone(), preflight(OK, "DELETE", ""), ("preflight-allowed", "method-not-allowed")),
        (layer.clone(), preflight(OK, "PUT", "x-one,x-three"), ("preflight-allowed", "header-not-allowed")),
        (layer.clone(), preflight(OTHER, "PUT", ""), ("preflight-denied", "origin-not-allowed")),
        (layer.clone(), preflight("HTTPS://OK.example", "PUT", ""), ("preflight-denied", "malformed-origin")),
        (layer.clone(), preflight("null", "PUT", ""), ("preflight-denied", "null-origin")),
        (forwarding, preflight(OTHER, "PUT", ""), ("forwarded", "origin-not-allowed")),
        (layer.clone(), actual(OK), ("actual-allowed", "origin-allowed")),
        (layer.clone(), actual(OTHER), ("actual-denied", "origin-not-allowed")),
        (layer.clone(), request(Method::GET, &[]), ("not-cors", "no-origin")),
        (layer.clone().enforce(true), actual(OTHER), ("refused", "origin-not-allowed")),
        (layer, request(Method::GET, &[("origin", OK), ("origin", OK)]), ("actual-denied", "several-origins")),
    ];
    for (layer, request, expected) in rows {
        send(layer.layer(inner()), request).await;
        assert_eq!(labels(&heard), [expected]);
    }
    let (disabled, heard) = hearing(CorsLayer::disabled());
    send(disabled.layer(inner()), preflight(OK, "PUT", "")).await;
    assert_eq!(labels(&heard), [("passed-through", "no-policy")]);
}

#[tokio::test]
async fn a_hook_hears_the_label_of_the_route_and_never_the_origin() {
    let (layer, heard) = hearing(cors());
    let layer = layer.route_label(|request| Some(if request.uri()?.path() == "/users/7" { "users" } else { "others" }));
    send(layer.layer(inner()), actual(OTHER)).await;
    let heard = heard.lock().expect("no panic");
    assert_eq!(*heard, [("actual-denied", "origin-not-allowed", Some(String::from("users")), None)]);
    assert!(!format!("{heard:?}").contains("other.example"));
}

#[tokio::test]
async fn a_hook_can_look_closer_at_what_the_layer_decides_itself() {
    let names = Arc::new(Mutex::new(Vec::new()));
    let hears = Arc::clone(&names);
    let outer = cors().on_decision(move |event| {
        let name = event.review().map(|review| review.header_name().map(<[u8]>::to_vec));
        hears.lock().expect("no panic").push((event.outcome().code(), name));
    });
    send(outer.clone().layer(inner()), preflight(OK, "PUT", "x-one,x-three")).await;
    send(outer.layer(cors().layer(inner())), actual(OK)).await;
    let expected = [
        ("preflight-allowed", Some(Some(b"x-three".to_vec()))),
        ("actual-allowed", Some(None)),
        ("already-decided", None),
    ];
    assert_eq!(*names.lock().expect("no panic"), expected);
}

#[tokio::test]
async fn a_hook_hears_of_a_layer_whose_resolver_waits() {
    let policy = policy().compile().expect("a valid policy");
    let resolver = resolve_async(move |_: &CorsRequest<'_>| ready(Ok::<_, &str>(policy.clone())));
    let (layer, heard) = hearing(CorsLayer::with_async_resolver(resolver));
    send(layer.layer(inner()), preflight(OTHER, "PUT", "")).await;
    assert_eq!(labels(&heard), [("preflight-denied", "origin-not-allowed")]);
}

#[tokio::test]
async fn a_hook_alone_leaves_a_denied_answer_as_it_is() {
    let (layer, heard) = hearing(cors().wrap_body());
    let response = send(layer.layer(inner()), preflight(OTHER, "PUT", "")).await;
    assert_eq!(labels(&heard), [("preflight-denied", "origin-not-allowed")]);
    assert_eq!(response.headers().get("tower-cors-debug"), None);
    assert_eq!(text(response).await, "");
}

#[tokio::test]
async fn two_layers_on_one_request_are_reported_with_the_label_of_the_route() {
    let (outer, heard) = hearing(cors().route_label(|_| Some("users")));
    send(outer.layer(cors().layer(inner())), actual(OK)).await;
    let heard = heard.lock().expect("no panic");
    let reported: Vec<_> = heard.iter().map(|(outcome, _, route, _)| (*outcome, route.as_deref())).collect();
    assert_eq!(reported, [("actual-allowed", Some("users")), ("already-decided", Some("users"))]);
}

// rule 5.9: the doubling is reported, by the mark in the headers and by the one in the extensions
#[tokio::test]
async fn two_layers_on_one_request_are_reported() {
    let (outer, heard) = hearing(cors());
    let response = send(outer.clone().layer(cors().layer(inner())), actual(OK)).await;
    assert_eq!(labels(&heard), [("actual-allowed", "origin-allowed"), ("already-decided", "origin-allowed")]);
    assert_eq!(response.headers().get_all("access-control-allow-origin").iter().count(), 1);

    let varying = service_fn(|_: Request<String>| {
        let mut response = Response::new(String::new());
        response.headers_mut().insert(VARY, http::HeaderValue::from_static("Origin"));
        ready(Ok::<_, Infallible>(response))
    });
    send(outer.clone().layer(cors().layer(varying)), actual(OTHER)).await;
    assert_eq!(labels(&heard), [("actual-denied", "origin-not-allowed"), ("already-decided", "origin-not-allowed")]);

    // The outer layer answers the preflight, so the inner one never sees it.
    send(outer.layer(cors().layer(inner())), preflight(OK, "PUT", "")).await;
    assert_eq!(labels(&heard), [("preflight-allowed", "origin-allowed")]);
}

#[tokio::test]
async fn the_decision_that_holds_is_recorded_in_the_response() {
    let recorded = |response: &Response<String>| {
        response.extensions().get::<Recorded>().map(|recorded| (recorded.outcome(), recorded.reason()))
    };
    let layer = cors().record_decision(true);
    let rows = [
        (actual(OK), (Outcome::ActualAllowed, Reason::OriginAllowed)),
        (request(Method::GET, &[]), (Outcome::NotCors, Reason::NoOrigin)),
        (preflight(OK, "DELETE", ""), (Outcome::PreflightAllowed, Reason::MethodNotAllowed)),
    ];
    for (request, expected) in rows {
        assert_eq!(recorded(&send(layer.layer(inner()), request).await), Some(expected));
    }
    assert_eq!(recorded(&send(cors().layer(inner()), actual(OK)).await), None, "off by default");
    let disabled = CorsLayer::disabled().record_decision(true).layer(inner());
    assert_eq!(recorded(&send(disabled, actual(OK)).await), Some((Outcome::PassedThrough, Reason::NoPolicy)));

    let strict = CorsLayer::new(CorsPolicy::new().allow_origins([OTHER])).expect("a valid policy");
    let doubled = layer.layer(strict.clone().record_decision(true).layer(inner()));
    assert_eq!(recorded(&send(doubled, actual(OK)).await), Some((Outcome::ActualDenied, Reason::OriginNotAllowed)));
    let silent = layer.layer(strict.layer(inner()));
    assert_eq!(recorded(&send(silent, actual(OK)).await), Some((Outcome::AlreadyDecided, Reason::OriginAllowed)));
}

#[tokio::test]
async fn a_debug_answer_says_what_was_denied_and_what_would_allow_it() {
    let layer = cors().debug(true).wrap_body();
    let rows = [
        (
            preflight("https://ok.exampel", "PUT", ""),
            "no pattern of the policy allows the origin: \"https://ok.exampel\"; add \"https://ok.exampel\" to \
             allowOrigins; the nearest entry is \"https://ok.example\"",
        ),
        (
            preflight(OK, "DELETE", ""),
            "the policy allows the origin, but not the method: \"DELETE\"; add \"DELETE\" to allowMethods",
        ),
        (
            preflight(OK, "PUT", "x-one, x-three"),
            "the policy allows the origin, but not every header that the request has: \"x-three\"; add \"x-three\" to \
             allowHeaders",
        ),
        (
            preflight("null", "PUT", ""),
            "the origin is null, which only a policy for any origin without credentials allows; serve the page from an \
             origin of its own; no list can name null",
        ),
    ];
    for (request, expected) in rows {
        let response = send(layer.layer(inner()), request).await;
        assert_eq!(response.headers()["tower-cors-debug"], expected);
        assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
        assert_eq!(response.status(), StatusCode::OK);
        let expected = format!("CORS: {expected}\n");
        assert_eq!(response.body().size_hint().exact(), Some(expected.len() as u64));
        assert!(!response.body().is_end_stream());
        assert_eq!(text(response).await, expected);
    }
}

#[tokio::test]
async fn a_debug_answer_is_silent_where_nothing_is_denied_or_nobody_asked() {
    for (layer, request) in [
        (cors().debug(true), preflight(OK, "PUT", "x-one")),
        (cors().debug(true), actual(OTHER)),
        (cors().debug(false), preflight(OTHER, "PUT", "")),
        (cors(), preflight(OTHER, "PUT", "")),
    ] {
        let empty = service_fn(|_: Request<String>| ready(Ok::<_, Infallible>(Response::new(String::new()))));
        let response = send(layer.wrap_body().layer(empty), request).await;
        assert!(!response.headers().contains_key("tower-cors-debug"));
        assert_eq!(text(response).await, "");
    }
}

#[tokio::test]
async fn a_debug_answer_without_content_or_without_a_wrapped_body_has_the_header_alone() {
    let no_content = cors().debug(true).preflight_status(PreflightStatus::NoContent).wrap_body();
    let responses = [
        send(no_content.layer(inner()), preflight(OTHER, "PUT", "")).await,
        WrapBody::wrap(send(cors().debug(true).layer(inner()), preflight(OTHER, "PUT", "")).await),
    ];
    for response in responses {
        assert!(response.headers().contains_key("tower-cors-debug"));
        assert!(!response.headers().contains_key("content-type"));
        assert_eq!(text(response).await, "");
    }
}

#[tokio::test]
async fn a_debug_answer_is_one_line_of_ascii_whatever_the_request_holds() {
    let mut request = preflight(OTHER, "PUT", "");
    let long = format!("https://\u{e9}\u{202e}\"{}", "a".repeat(5000));
    request.headers_mut().insert("origin", http::HeaderValue::from_bytes(long.as_bytes()).expect("opaque bytes"));
    let response = send(cors().debug(true).wrap_body().layer(inner()), request).await;
    let line = response.headers()["tower-cors-debug"].to_str().expect("ASCII");
    assert!(
        line.starts_with("the Origin header is not an origin as browsers write it: \"https://\\u{e9}\\u{202e}\\\"aaa")
    );
    assert!(line.ends_with("aaa...\""), "{line}");
    assert!(line.len() < 400, "{} bytes", line.len());
    assert_eq!(text(response).await.lines().count(), 1);
}

#[tokio::test]
async fn a_shadow_policy_is_compared_and_never_applied() {
    let shadow = CorsPolicy::new().allow_origins([OTHER]).allow_methods(["PUT"]).compile().expect("a valid policy");
    let (layer, heard) = hearing(cors().shadow(shadow));
    let rows = [
        (actual(OK), Some(Difference::WouldDeny(Reason::OriginNotAllowed)), true),
        (preflight(OK, "PUT", ""), Some(Difference::WouldDeny(Reason::OriginNotAllowed)), true),
        (actual(OTHER), Some(Difference::WouldAllow), false),
        (actual("https://third.example"), None, false),
        // Neither lets a page through: the one for its origin, the other for its method.
        (preflight(OK, "DELETE", ""), None, true),
        (request(Method::GET, &[]), None, false),
    ];
    for (request, expected, is_allowed) in rows {
        let response = send(layer.layer(inner()), request).await;
        let heard = heard.lock().expect("no panic").pop().expect("an event");
        assert_eq!(heard.3, expected);
        assert_eq!(response.headers().contains_key("access-control-allow-origin"), is_allowed);
    }
}

#[test]
fn a_policy_with_a_lint_as_severe_as_what_is_denied_is_refused() {
    let policy = || CorsPolicy::new().allow_origins(["http://a.example", "https://b.example/"]).allow_credentials(true);
    let codes = |severity| match Compiler::new().deny(severity).compile(policy()) {
        Ok(_) => Vec::new(),
        Err(violations) => {
            violations.iter().map(|violation| (violation.code(), violation.path().to_string())).collect()
        }
    };
    assert_eq!(codes(Severity::Critical), []);
    assert_eq!(codes(Severity::Warning), [("denied-lint", String::from("allowOrigins[0]"))]);
    assert_eq!(codes(Severity::Info).len(), 2);
    let layer = || CorsLayer::new(policy()).expect("a valid policy");
    assert!(layer().deny(Severity::Critical).is_ok());
    assert!(layer().deny(Severity::Warning).is_err());
    assert!(CorsLayer::disabled().deny(Severity::Info).is_ok());
}

fn review(policy: CorsPolicy, request: &Request<String>) -> (Reason, Option<String>, Option<usize>) {
    let policy = policy.compile().expect("a valid policy");
    let request = CorsRequest::of(request);
    let resolution = (&policy).into();
    let review = Review::new(&request, &resolution, &decide(&request, &resolution, &Options::new()));
    let about = review.method().map(str::to_owned);
    let name = review.header_name().map(|name| String::from_utf8_lossy(name).into_owned());
    (review.reason(), about.or(name), review.header_index())
}

#[test]
fn a_review_names_the_method_or_the_first_header_that_is_missing() {
    let any = || CorsPolicy::new().allow_origins([OK]).allow_methods(["*"]).allow_headers(["*"]);
    let rows = [
        (policy(), preflight(OK, "POST", "X-One,X-TWO"), (Reason::OriginAllowed, None, None)),
        (policy(), preflight(OK, "put", ""), (Reason::MethodNotAllowed, Some("put"), None)),
        (policy(), preflight(OK, "P T", ""), (Reason::MethodNotAllowed, None, None)),
        (policy(), preflight(OK, "PUT", "x-one,,x-3,x-4"), (Reason::HeaderNotAllowed, Some("x-3"), Some(1))),
        (any(), preflight(OK, "BREW", "authorization,x-3"), (Reason::OriginAllowed, None, None)),
        (any(), preflight(OK, "*", "x-3"), (Reason::NotCoveredByWildcard, Some("*"), None)),
        (any(), preflight(OK, "PUT", "x-3,*"), (Reason::NotCoveredByWildcard, Some("*"), Some(1))),
        (any(), preflight(OK, "PUT", &"a,".repeat(257)), (Reason::TooManyHeaders, None, None)),
    ];
    for (policy, request, (reason, about, index)) in rows {
        assert_eq!(review(policy, &request), (reason, about.map(str::to_owned), index), "{request:?}");
    }
}

#[test]
fn where_too_many_names_were_announced_the_advice_is_to_list_them() {
    let policy = CorsPolicy::new().allow_origins([OK]).allow_headers(["*"]).compile().expect("a valid policy");
    let request = preflight(OK, "PUT", &"a,".repeat(257));
    let request = CorsRequest::of(&request);
    let resolution = (&policy).into();
    let review = Review::new(&request, &resolution, &decide(&request, &resolution, &Options::new()));
    assert_eq!(review.advice().as_deref(), Some("list the names in allowHeaders in the place of *"));
}

#[test]
fn a_held_request_is_reviewed_down_to_its_method_or_header() {
    let policy = policy().compile().expect("a valid policy");
    let names = ["x-one", "x-three"].map(http::HeaderName::from_static);
    let candidates = Arc::new(names.into_iter().fold(Candidates::new(), Candidates::chosen_by));
    let with = |method, origin, name| request(method, &[("origin", origin), ("host", "api.example"), (name, "1")]);
    let rows = [
        (with(Method::DELETE, OK, "x-one"), Reason::NoConsent, Some("DELETE"), None),
        (with(Method::PUT, OK, "x-three"), Reason::NoConsent, None, Some(&b"x-three"[..])),
        // Nothing else is said of an origin that may not send at all.
        (with(Method::DELETE, OTHER, "x-three"), Reason::OriginNotAllowed, None, None),
    ];
    for (request, reason, method, name) in rows {
        let head = CorsRequest::of(&request);
        let resolution = Resolution::from(&policy).require_consent(&candidates);
        let decision = decide(&head, &resolution, &Options::new().enforce(true));
        assert!(matches!(decision, Decision::Answer(_)));
        let review = Review::new(&head, &resolution, &decision);
        assert_eq!(
            (review.outcome(), review.reason(), review.method(), review.header_name()),
            (Outcome::Refused, reason, method, name)
        );
    }
}

#[test]
fn the_nearest_origin_is_one_that_somebody_may_have_meant() {
    let policy = CorsPolicy::new().allow_origins([
        "https://app.example.com",
        "https://*.example.org",
        "http://localhost:3000",
        "https://192.0.2.1",
    ]);
    let policy = policy.compile().expect("a valid policy");
    let rows = [
        ("http://app.example.com", Some("https://app.example.com")),
        ("https://app.example.com:8443", Some("https://app.example.com")),
        ("https://ap.exmple.com", Some("https://app.example.com")),
        ("https://admin.example.com", Some("https://app.example.com")),
        ("https://example.org", Some("https://*.example.org")),
        ("http://localhost:5173", Some("http://localhost:3000")),
        ("https://203.113.7.9", None),
        ("https://elsewhere.test", None),
        ("https://app.test", None),
        ("null", None),
    ];
    for (origin, expected) in rows {
        assert_eq!(policy.nearest_origin(origin), expected, "{origin}");
    }
    assert_eq!(policy.nearest_origin(format!("https://{}example.com", "a.".repeat(200))), None);
}

#[test]
fn a_slip_of_the_pen_is_nearer_than_a_host_of_the_same_domain() {
    let nearest = |entries: [&str; 2], origin: &str| {
        let policy = CorsPolicy::new().allow_origins(entries).compile().expect("a valid policy");
        policy.nearest_origin(origin).map(str::to_owned)
    };
    let same_domain = "https://administration.example.com";
    let three_letters = "https://app.exampxyz.com";
    assert_eq!(nearest([same_domain, three_letters], "https://app.example.com").as_deref(), Some(three_letters));
    assert_eq!(
        nearest(["https://example.net", "https://elsewhere.test"], "https://administration.example.net").as_deref(),
        Some("https://example.net")
    );
    assert_eq!(nearest(["https://10.11.0.1", "https://elsewhere.test"], "https://192.168.0.1"), None);
}

#[test]
fn an_origin_is_compared_as_long_as_an_origin_can_be() {
    let label = "a".repeat(63);
    let longest = format!("https://{label}.{label}.{label}.{}", "a".repeat(61));
    let with_port = format!("{longest}:65535");
    assert_eq!(with_port.len(), 267);
    let policy = CorsPolicy::new().allow_origins([longest.clone()]).compile().expect("a valid policy");
    assert_eq!(policy.nearest_origin(&with_port), Some(longest.as_str()));
}

#[test]
fn every_outcome_and_reason_has_a_label_of_its_own() {
    let outcomes = Outcome::ALL.map(Outcome::code);
    let shown = Outcome::ALL.map(|outcome| outcome.to_string());
    assert_eq!(shown.each_ref().map(String::as_str), outcomes);
    let allowed: Vec<_> = Outcome::ALL.into_iter().filter(|outcome| outcome.is_allowed()).collect();
    assert_eq!(allowed, [Outcome::PreflightAllowed, Outcome::ActualAllowed]);
    let reasons = Reason::ALL.map(Reason::code);
    for labels in [&outcomes[..], &reasons[..]] {
        for (at, label) in labels.iter().enumerate() {
            assert!(!labels[..at].contains(label), "{label}");
            assert!(label.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{label}");
        }
    }
}
