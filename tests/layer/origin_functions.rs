//! "This origin, by a rule of my own", plain and asynchronous: whom it is asked about, how often, how a yes is
//! answered, what a failure is, and what merging makes of it.

use std::{
    convert::Infallible,
    future::{pending, ready},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{HeaderMap, Request, Response, StatusCode};
use tower::{Layer, ServiceExt, service_fn};
use tower_cors::{
    CompiledPolicy, CorsLayer, CorsPolicy, Decision, PolicyResolver, Reason,
    compile::Compiler,
    decision::{Options, Outcome, Review, decide},
    layer::Recorded,
    merge::{Ceiling, Effective, MergeOptions, MergeStrategy, Setting, merge},
    origin::Origin,
    policy::RustPolicy,
    request::CorsRequest,
    resolver::resolve_async,
};

const LISTED: &str = "https://app.example";
const PARTNER: &str = "https://partner.example";
const OTHER: &str = "https://other.example";

fn is_partner(origin: &Origin<'_>) -> bool {
    origin.as_str() == PARTNER
}

fn policy() -> RustPolicy {
    CorsPolicy::new().allow_origins([LISTED]).allow_methods(["PUT"]).allow_origin_if(is_partner)
}

/// A policy whose function counts how often it is asked, and says yes to [`PARTNER`].
fn counted() -> (RustPolicy, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&count);
    let policy = CorsPolicy::new().allow_origins([LISTED]).allow_methods(["PUT"]).allow_origin_if(move |origin| {
        counts.fetch_add(1, Ordering::Relaxed);
        is_partner(origin)
    });
    (policy, count)
}

fn actual(origin: &str) -> Request<String> {
    Request::get("/").header("origin", origin).header("host", "api.example").body(String::new()).expect("a request")
}

fn preflight(origin: &str) -> Request<String> {
    let request = Request::options("/").header("origin", origin).header("host", "api.example");
    request.header("access-control-request-method", "PUT").body(String::new()).expect("a request")
}

async fn inner(_: Request<String>) -> Result<Response<String>, Infallible> {
    Ok(Response::new(String::from("inner")))
}

async fn headers<R>(layer: CorsLayer<R>, request: Request<String>) -> HeaderMap
where
    R: PolicyResolver,
{
    layer.layer(service_fn(inner)).oneshot(request).await.expect("no error").headers().clone()
}

fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().expect("a text"))
}

fn review_of(policy: &CompiledPolicy, request: &Request<String>) -> (Outcome, Reason, String) {
    let (head, resolution) = (CorsRequest::of(request), policy.into());
    let decision = decide(&head, &resolution, &Options::new());
    let review = Review::new(&head, &resolution, &decision);
    (review.outcome(), review.reason(), review.to_string())
}

// rule 2.19
#[tokio::test]
async fn a_yes_is_answered_as_an_exact_origin_is() {
    let exact = CorsPolicy::new().allow_origins([LISTED, PARTNER]).allow_methods(["PUT"]);
    for credentialed in [false, true] {
        let by_list = CorsLayer::new(exact.clone().allow_credentials(credentialed)).expect("a valid policy");
        let by_function = CorsLayer::new(policy().allow_credentials(credentialed)).expect("a valid policy");
        for request in [actual, preflight] {
            for origin in [LISTED, PARTNER, OTHER] {
                let answered = headers(by_function.clone(), request(origin)).await;
                assert_eq!(answered, headers(by_list.clone(), request(origin)).await, "{origin}");
                assert!(value(&answered, "vary").is_some_and(|vary| vary.contains("Origin")), "{origin}");
            }
        }
    }
}

#[test]
fn a_policy_with_a_function_is_never_open() {
    assert!(!CorsPolicy::new().allow_origin_if(|_| true).compile().expect("a valid policy").is_open());
    let violations = CorsPolicy::new().allow_origins(["*"]).allow_origin_if(|_| true).compile().unwrap_err();
    assert_eq!(
        violations.to_string(),
        "allowOrigins[0]: \"*\" stands beside other entries; it stands alone or not at all"
    );
    let star = CorsLayer::new(CorsPolicy::new().allow_origins(["*"])).expect("a valid policy");
    let violations = star.allow_origin_if_async(|_| ready(true)).unwrap_err();
    assert_eq!(
        violations.to_string(),
        "allowOrigins[0]: \"*\" stands beside other entries; it stands alone or not at all"
    );
}

#[test]
fn a_policy_with_a_function_alone_has_no_lint_for_want_of_origins() {
    assert_eq!(CorsPolicy::new().allow_origin_if(is_partner).compile().expect("a valid policy").lints(), []);
}

#[test]
fn it_is_asked_with_the_parsed_origin_only_where_the_list_does_not_match() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&asked);
    let policy = CorsPolicy::new().allow_origins([LISTED, "https://*.app.example"]).allow_origin_if(move |origin| {
        let parts = (origin.scheme().to_owned(), origin.host().to_owned(), origin.port());
        heard.lock().expect("no panic").push(parts);
        true
    });
    let policy = policy.compile().expect("a valid policy");
    let long = format!("{}://host", "a".repeat(600));
    let rows = [
        (LISTED, Reason::OriginAllowed),
        ("https://app.example:443", Reason::OriginAllowed),
        ("https://x.app.example", Reason::OriginAllowed),
        ("null", Reason::NullOrigin),
        ("", Reason::MalformedOrigin),
        ("https://Other.example", Reason::MalformedOrigin),
        ("https://other.example/path", Reason::MalformedOrigin),
        ("https://a.example, https://b.example", Reason::MalformedOrigin),
        (&long, Reason::OriginNotAllowed),
    ];
    for (origin, reason) in rows {
        assert_eq!(review_of(&policy, &actual(origin)).1, reason, "{origin}");
        assert_eq!(*asked.lock().expect("no panic"), [], "{origin}");
    }
    let mut several = actual(OTHER);
    several.headers_mut().append("origin", PARTNER.parse().expect("a value"));
    assert_eq!(review_of(&policy, &several).1, Reason::SeveralOrigins);
    assert_eq!(*asked.lock().expect("no panic"), []);

    assert_eq!(review_of(&policy, &actual("moz-extension://abc")).1, Reason::AllowedByFunction);
    assert_eq!(review_of(&policy, &actual("https://other.example:8443/")).1, Reason::AllowedByFunction);
    let expected = [("moz-extension", "abc", None), ("https", "other.example", Some(8443))];
    let expected = expected.map(|(scheme, host, port)| (scheme.to_owned(), host.to_owned(), port));
    assert_eq!(*asked.lock().expect("no panic"), expected);
}

#[tokio::test]
async fn it_is_asked_at_most_once_a_request_whoever_observes() {
    for request in [actual, preflight] {
        for origin in [PARTNER, OTHER] {
            let (policy, count) = counted();
            let compiled = policy.compile().expect("a valid policy");
            let layer = CorsLayer::from(compiled.clone()).shadow(compiled).debug(true).record_decision(true);
            headers(layer.on_decision(|event| drop(event.review().map(ToString::to_string))), request(origin)).await;
            assert_eq!(count.load(Ordering::Relaxed), 1, "{origin}");
        }
    }
}

#[cfg(feature = "route")]
#[tokio::test]
async fn it_is_asked_at_most_once_a_request_among_candidates() {
    use tower_cors::route::{Route, RouteMatch, RouteTable, Rule, ValueMatch};

    let (policy, count) = counted();
    let compiled = policy.compile().expect("a valid policy");
    let rule = |header: &'static str| {
        let matched = RouteMatch::new().header(http::HeaderName::from_static(header), ValueMatch::exact("1"));
        Rule::new().matching(matched).policy(compiled.clone())
    };
    let route = Route::new("ns", "name").rule(rule("x-a")).rule(rule("x-b")).rule(rule("x-c"));
    let table = Arc::new(RouteTable::new([route]));
    for (request, name) in
        [(preflight(PARTNER), "preflight"), (preflight(OTHER), "preflight"), (actual(OTHER), "actual")]
    {
        count.store(0, Ordering::Relaxed);
        let mut request = request;
        request.headers_mut().insert("access-control-request-headers", "x-a,x-b,x-c".parse().expect("a value"));
        request.headers_mut().insert("x-c", "1".parse().expect("a value"));
        let layer = CorsLayer::with_resolver(Arc::clone(&table)).debug(true).record_decision(true);
        headers(layer, request.clone()).await;
        assert_eq!(count.load(Ordering::Relaxed), 1, "{name}");
        // The same where an asynchronous resolver asks the table.
        count.store(0, Ordering::Relaxed);
        let table = Arc::clone(&table);
        let resolver = resolve_async(move |request| ready(Ok::<_, Infallible>(table.resolve(request).into_owned())));
        let service = CorsLayer::with_async_resolver(resolver).debug(true).layer(service_fn(inner));
        service.oneshot(request).await.expect("no error");
        assert_eq!(count.load(Ordering::Relaxed), 1, "{name}");
    }
}

#[test]
fn a_later_function_is_asked_where_an_earlier_one_says_no() {
    let policy = policy().allow_origin_if(|origin| origin.scheme() == "moz-extension").compile().expect("valid");
    for (origin, is_allowed) in [(PARTNER, true), ("moz-extension://abc", true), (OTHER, false)] {
        assert_eq!(policy.allows_origin(origin), is_allowed, "{origin}");
    }
}

#[test]
fn a_failure_is_a_no_and_is_told() {
    let failing = CorsPolicy::new().allow_origin_if(|_| Err::<bool, _>("no database"));
    let panicking = CorsPolicy::new().allow_origin_if(|origin| -> bool { panic!("not {}", origin.host()) });
    for (policy, error) in [(failing, "no database"), (panicking, "it panicked: not partner.example")] {
        let policy = policy.compile().expect("a valid policy");
        let (outcome, reason, message) = review_of(&policy, &actual(PARTNER));
        assert_eq!((outcome, reason), (Outcome::ActualDenied, Reason::FunctionFailed));
        assert_eq!(
            message,
            format!(
                "no pattern of the policy allows the origin, and its function failed: \"{PARTNER}\"; \
                 the error of the function: \"{error}\""
            )
        );
    }
}

#[test]
fn a_review_names_the_function() {
    let policy = policy().compile().expect("a valid policy");
    let rows = [
        (actual(PARTNER), Outcome::ActualAllowed, "a function of the policy allows the origin"),
        (preflight(PARTNER), Outcome::PreflightAllowed, "a function of the policy allows the origin"),
        (
            actual("https://partner.example:8443"),
            Outcome::ActualDenied,
            "no pattern of the policy allows the origin, and its function does not either: \
             \"https://partner.example:8443\"; add \"https://partner.example:8443\" to allowOrigins",
        ),
    ];
    for (request, outcome, message) in rows {
        let (found, _, text) = review_of(&policy, &request);
        assert_eq!((found, text.as_str()), (outcome, message));
    }
}

#[test]
fn a_guard_lets_pass_what_a_function_allows() {
    let policy = policy().compile().expect("a valid policy");
    let options = Options::new().enforce(true);
    for (origin, is_refused) in [(PARTNER, false), (OTHER, true)] {
        let request = actual(origin);
        let decision = decide(&CorsRequest::of(&request), &(&policy).into(), &options);
        assert_eq!(matches!(decision, Decision::Answer(_)), is_refused, "{origin}");
    }
}

#[cfg(feature = "serde")]
#[test]
fn it_is_not_part_of_a_serialised_policy() {
    let text = serde_json::to_string(&*policy()).expect("a policy is data");
    assert_eq!(text, r#"{"allowOrigins":["https://app.example"],"allowMethods":["PUT"]}"#);
}

#[test]
fn an_explanation_names_it() {
    use tower_cors::{browser::ScriptRequest, explain::Explanation};

    let policy = policy().compile().expect("a valid policy");
    let request = ScriptRequest::new(http::HeaderValue::from_static(PARTNER), http::Method::GET);
    let text = Explanation::new(request, "http://api.example/".parse().expect("a URI"), &policy, &Options::new());
    let text = text.to_string();
    assert!(text.contains("  policy: allowOriginIf: a function\n"), "{text}");
    assert!(text.contains("a function of the policy allows the origin [allowed-by-function]"), "{text}");
}

fn merged(stack: &[Setting], strategy: MergeStrategy) -> CompiledPolicy {
    let Effective::Policy(policy) = merge(stack, &MergeOptions::new(strategy)) else { panic!("a policy is there") };
    policy.compile(&Compiler::new()).expect("a valid whole")
}

fn allowed(policy: &CompiledPolicy) -> Vec<&'static str> {
    [LISTED, PARTNER, OTHER].into_iter().filter(|origin| policy.allows_origin(origin)).collect()
}

#[test]
fn a_function_is_merged_as_an_entry_of_the_list_is() {
    let function = CorsPolicy::new().allow_origin_if(is_partner);
    let list = CorsPolicy::new().allow_origins([LISTED]).into();
    let open = CorsPolicy::new().allow_origins(["*"]).into();
    let methods = CorsPolicy::new().allow_methods(["PUT"]).into();
    use MergeStrategy::{Inherit, Replace, Union};
    let rows: [(_, &RustPolicy, &RustPolicy, &[&str]); 9] = [
        (Replace, &function, &list, &[PARTNER]),
        (Replace, &methods, &function, &[]),
        (Inherit, &function, &list, &[PARTNER]),
        (Inherit, &list, &function, &[LISTED]),
        (Inherit, &methods, &function, &[PARTNER]),
        (Union, &function, &list, &[LISTED, PARTNER]),
        (Union, &list, &function, &[LISTED, PARTNER]),
        (Union, &function, &function, &[PARTNER]),
        (Union, &function, &open, &[LISTED, PARTNER, OTHER]),
    ];
    for (strategy, child, parent, expected) in rows {
        let stack = [Setting::policy("child", child.clone()), Setting::policy("parent", parent.clone())];
        assert_eq!(allowed(&merged(&stack, strategy)), expected, "{strategy:?} {child:?} {parent:?}");
    }
}

#[test]
fn both_must_say_yes_where_a_ceiling_applies() {
    let everyone = || CorsPolicy::new().allow_origin_if(|_| true);
    let list = |origins: &[&str]| RustPolicy::from(CorsPolicy::new().allow_origins(origins));
    let rows: [(RustPolicy, RustPolicy, &[&str]); 10] = [
        // A function under a list, a list under a function, and both under both.
        (everyone(), list(&[PARTNER]), &[PARTNER]),
        (everyone(), list(&[]), &[]),
        (everyone(), list(&["*"]), &[LISTED, PARTNER, OTHER]),
        (everyone(), CorsPolicy::new().into(), &[LISTED, PARTNER, OTHER]),
        (list(&[LISTED, PARTNER]), CorsPolicy::new().allow_origin_if(is_partner), &[PARTNER]),
        (list(&["*"]), policy(), &[LISTED, PARTNER]),
        (list(&["https://*"]), CorsPolicy::new().allow_origin_if(is_partner), &[PARTNER]),
        (everyone(), policy(), &[LISTED, PARTNER]),
        (CorsPolicy::new().allow_origin_if(is_partner), CorsPolicy::new().allow_origin_if(|_| false), &[]),
        (CorsPolicy::new().allow_methods(["PUT"]).into(), CorsPolicy::new().allow_origin_if(|_| true), &[]),
    ];
    for (policy, ceiling, expected) in rows {
        let stack = [
            Setting::policy("policy", policy.clone()),
            Setting::ceiling("ceiling", Ceiling::new(ceiling.clone()).expect("a valid ceiling")),
        ];
        let merged = merged(&stack, MergeStrategy::Replace);
        assert_eq!(allowed(&merged), expected, "{policy:?} {ceiling:?}");
        // What was merged stays narrowed when it is compiled anew.
        let anew = merged.rust_policy().clone().compile().expect("a valid policy");
        assert_eq!(allowed(&anew), expected, "{policy:?} {ceiling:?}");
    }
}

#[tokio::test]
async fn the_asynchronous_form_is_asked_once_and_answers_as_the_plain_one() {
    let plain = CorsLayer::new(policy()).expect("a valid policy");
    let count = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&count);
    let list = CorsLayer::new(CorsPolicy::new().allow_origins([LISTED]).allow_methods(["PUT"])).expect("valid");
    let waiting = list.debug(true).allow_origin_if_async(move |origin| {
        counts.fetch_add(1, Ordering::Relaxed);
        let is_partner = is_partner(origin);
        async move {
            tokio::task::yield_now().await;
            is_partner
        }
    });
    let waiting = waiting.expect("no star").layer(service_fn(inner));
    let rows = [(LISTED, 0), (PARTNER, 1), (OTHER, 1), ("null", 0), ("https://Upper.example", 0)];
    for request in [actual, preflight] {
        for (origin, times) in rows {
            count.store(0, Ordering::Relaxed);
            let response = waiting.clone().oneshot(request(origin)).await.expect("no error");
            let mut answered = response.headers().clone();
            answered.remove("tower-cors-debug");
            assert_eq!(answered, headers(plain.clone(), request(origin)).await, "{origin}");
            assert_eq!(count.load(Ordering::Relaxed), times, "{origin}");
        }
    }
}

#[tokio::test]
async fn a_failure_of_the_asynchronous_form_is_a_no_and_is_told() {
    #[derive(Clone, Copy)]
    enum How {
        Error,
        PanicAtOnce,
        PanicLater,
        Late,
    }
    let rows = [
        (How::Error, "no database"),
        (How::PanicAtOnce, "it panicked: at once"),
        (How::PanicLater, "it panicked: later"),
        (How::Late, "deadline has elapsed"),
    ];
    for (how, error) in rows {
        let messages = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&messages);
        let list = CorsLayer::new(CorsPolicy::new().allow_origins([LISTED])).expect("a valid policy");
        let layer = list
            .record_decision(true)
            .on_decision(move |event| {
                heard
                    .lock()
                    .expect("no panic")
                    .extend(event.review().and_then(|review| review.failure()).map(str::to_owned));
            })
            .allow_origin_if_async(move |_| {
                assert!(!matches!(how, How::PanicAtOnce), "at once");
                async move {
                    match how {
                        How::Error => Err("no database".to_owned()),
                        How::Late => {
                            let late = tokio::time::timeout(Duration::from_millis(1), pending::<bool>()).await;
                            late.map_err(|error| error.to_string())
                        }
                        _ => panic!("later"),
                    }
                }
            });
        let service = layer.expect("no star").layer(service_fn(inner));
        let response = service.oneshot(actual(PARTNER)).await.expect("no error");
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(value(response.headers(), "access-control-allow-origin"), None);
        assert_eq!(value(response.headers(), "vary"), Some("Origin"));
        let recorded = response.extensions().get::<Recorded>().expect("a record");
        assert_eq!((recorded.outcome(), recorded.reason()), (Outcome::ActualDenied, Reason::FunctionFailed));
        assert_eq!(*messages.lock().expect("no panic"), [error]);
    }
}

#[tokio::test]
async fn a_ceiling_binds_the_asynchronous_form_too() {
    let stack = [
        Setting::policy("policy", CorsPolicy::new().allow_origins([LISTED])),
        Setting::ceiling("ceiling", Ceiling::new(policy()).expect("a valid ceiling")),
    ];
    let layer = CorsLayer::from(merged(&stack, MergeStrategy::Replace));
    let service = layer.allow_origin_if_async(|_| ready(true)).expect("no star").layer(service_fn(inner));
    for (origin, expected) in [(LISTED, Some(LISTED)), (PARTNER, Some(PARTNER)), (OTHER, None)] {
        let response = service.clone().oneshot(actual(origin)).await.expect("no error");
        assert_eq!(value(response.headers(), "access-control-allow-origin"), expected, "{origin}");
    }
}

#[tokio::test]
async fn a_disabled_layer_asks_no_function() {
    let layer = CorsLayer::disabled().allow_origin_if_async(|_| -> std::future::Ready<bool> { panic!("asked") });
    let response = layer.expect("no star").layer(service_fn(inner)).oneshot(actual(PARTNER)).await.expect("no error");
    assert!(response.headers().is_empty());
}
