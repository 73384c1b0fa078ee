//! Decisions as `tracing` events: their levels, their fields, and what a request can't put into a log.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    fmt,
    future::ready,
    sync::{Arc, Mutex},
};

use http::{HeaderValue, Request, Response};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_cors::{CorsLayer, CorsPolicy, resolver::ByPathPrefix};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

pub(crate) type Fields = BTreeMap<String, String>;

/// Keeps the events of a level and of those above it.
#[derive(Clone)]
pub(crate) struct Kept {
    level: Level,
    events: Arc<Mutex<Vec<(Level, Fields)>>>,
}

impl Kept {
    pub(crate) fn new(level: Level) -> Self {
        Self { level, events: Arc::default() }
    }

    pub(crate) fn take(&self) -> Vec<(Level, Fields)> {
        std::mem::take(&mut *self.events.lock().expect("no panic"))
    }
}

struct Fielded<'a>(&'a mut Fields);

impl Visit for Fielded<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }
}

impl Subscriber for Kept {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "tower_cors" && *metadata.level() <= self.level
    }

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::new();
        event.record(&mut Fielded(&mut fields));
        self.events.lock().expect("no panic").push((*event.metadata().level(), fields));
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

fn cors() -> CorsLayer {
    let policy = CorsPolicy::new().allow_origins(["https://ok.example"]).allow_methods(["PUT"]);
    CorsLayer::new(policy).expect("a valid policy").route_label(|_| Some("users"))
}

fn inner() -> impl Service<Request<String>, Response = Response<String>, Error = Infallible, Future: Send> + Clone {
    service_fn(|_| ready(Ok(Response::new(String::new()))))
}

fn actual(origin: &str) -> Request<String> {
    Request::get("/users/7?token=secret").header("origin", origin).body(String::new()).expect("a request")
}

fn preflight(origin: &str, method: &str) -> Request<String> {
    let request = Request::options("/users/7").header("origin", origin).header("access-control-request-method", method);
    request.body(String::new()).expect("a request")
}

/// The events that one request makes at a level.
fn events<S>(level: Level, service: S, request: Request<String>) -> Vec<(Level, Fields)>
where
    S: Service<Request<String>, Response = Response<String>, Error = Infallible>,
{
    let kept = Kept::new(level);
    tracing::subscriber::with_default(kept.clone(), || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(service.oneshot(request)).expect("infallible");
    });
    kept.take()
}

pub(crate) fn fields(fields: &[(&str, &str)]) -> Fields {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn a_decision_is_one_event_at_debug_with_the_names_of_opentelemetry() {
    let expected = fields(&[
        ("http.request.method", "GET"),
        ("http.route", "users"),
        ("url.path", "/users/7"),
        ("cors.outcome", "actual-allowed"),
        ("cors.reason", "origin-allowed"),
        ("cors.origin", "https://ok.example"),
        ("message", "the policy allows the origin"),
    ]);
    let found = events(Level::TRACE, cors().layer(inner()), actual("https://ok.example"));
    assert_eq!(found, [(Level::DEBUG, expected)]);
}

#[test]
fn a_denial_is_an_event_at_info() {
    let expected = fields(&[
        ("http.request.method", "OPTIONS"),
        ("http.route", "users"),
        ("url.path", "/users/7"),
        ("cors.outcome", "preflight-denied"),
        ("cors.reason", "origin-not-allowed"),
        ("cors.origin", "https://other.example"),
        ("cors.announced_method", "PUT"),
        ("message", "no pattern of the policy allows the origin"),
    ]);
    let found = events(Level::TRACE, cors().layer(inner()), preflight("https://other.example", "PUT"));
    assert_eq!(found, [(Level::INFO, expected)]);
}

#[test]
fn a_preflight_that_a_browser_will_block_is_an_event_at_info() {
    let found = events(Level::INFO, cors().layer(inner()), preflight("https://ok.example", "DELETE"));
    let reasons = found.iter().map(|(level, fields)| (*level, fields["cors.reason"].as_str())).collect::<Vec<_>>();
    assert_eq!(reasons, [(Level::INFO, "method-not-allowed")]);
}

#[test]
fn a_subscriber_at_info_hears_of_denials_only_and_one_at_error_of_nothing() {
    assert_eq!(events(Level::INFO, cors().layer(inner()), actual("https://ok.example")), []);
    assert_eq!(events(Level::INFO, cors().layer(inner()), actual("https://other.example")).len(), 1);
    assert_eq!(events(Level::ERROR, cors().layer(inner()), actual("https://other.example")), []);
}

// What has no other observer is looked at before it is reviewed.
#[test]
fn at_info_a_layer_without_observers_logs_what_a_browser_blocks_and_nothing_else() {
    let policy = CorsPolicy::new().allow_origins(["https://ok.example"]).allow_methods(["PUT"]).allow_headers(["x-a"]);
    let cors = CorsLayer::new(policy).expect("a valid policy").enforce(true);
    let announcing = |names: &str| {
        let mut request = preflight("https://ok.example", "PUT");
        request.headers_mut().insert("access-control-request-headers", names.parse().expect("a header value"));
        request
    };
    let rows = [
        ("no Origin", Request::new(String::new()), None),
        ("an allowed origin", actual("https://ok.example"), None),
        ("an allowed preflight", announcing("x-a"), None),
        ("an origin that is refused", actual("https://other.example"), Some("origin-not-allowed")),
        ("a null origin", actual("null"), Some("null-origin")),
        ("a preflight of another origin", preflight("https://other.example", "PUT"), Some("origin-not-allowed")),
        ("a method that is not listed", preflight("https://ok.example", "DELETE"), Some("method-not-allowed")),
        ("a header that is not listed", announcing("x-a,x-b"), Some("header-not-allowed")),
        ("a header that is no token", announcing("x-a,x b"), Some("header-not-allowed")),
    ];
    for (name, request, expected) in rows {
        let logged = events(Level::INFO, cors.layer(inner()), request.clone());
        let reasons = logged.iter().map(|(_, fields)| &*fields["cors.reason"]).collect::<Vec<_>>();
        assert_eq!(reasons, Vec::from_iter(expected), "{name}");
        let all = events(Level::TRACE, cors.layer(inner()), request);
        assert_eq!(all.into_iter().filter(|(level, _)| *level <= Level::INFO).collect::<Vec<_>>(), logged, "{name}");
    }
}

// rule 5.9: the doubling is reported, whatever else is listened to
#[test]
fn two_layers_on_one_request_are_an_event_at_warn() {
    for level in [Level::WARN, Level::TRACE] {
        let found = events(level, cors().layer(cors().layer(inner())), actual("https://ok.example"));
        let warned = found.iter().filter(|(level, _)| *level == Level::WARN).collect::<Vec<_>>();
        assert_eq!(warned.len(), 1);
        assert_eq!(warned[0].1["cors.outcome"], "already-decided");
    }
}

#[test]
fn a_difference_to_the_shadow_policy_is_an_event_at_info() {
    let shadow = CorsPolicy::new().allow_origins(["https://other.example"]).compile().expect("a valid policy");
    let found = events(Level::INFO, cors().shadow(shadow).layer(inner()), actual("https://ok.example"));
    let shadows = found.iter().map(|(_, fields)| fields["cors.shadow"].as_str()).collect::<Vec<_>>();
    assert_eq!(shadows, ["would-deny"]);
}

#[test]
fn what_comes_from_a_request_forges_no_line_and_fills_no_log() {
    let mut request = actual("https://other.example");
    let forged = format!("https://a\t\u{85}\u{2028}INFO all is well\"{}", "\u{9b}".repeat(4000));
    request.headers_mut().insert("origin", HeaderValue::from_bytes(forged.as_bytes()).expect("opaque bytes"));
    *request.uri_mut() = format!("/{}", "a".repeat(4000)).parse().expect("a path");
    let found = events(Level::TRACE, cors().layer(inner()), request);
    let [(Level::INFO, fields)] = &found[..] else { panic!("{found:?}") };
    assert!(fields["cors.origin"].starts_with("https://a\\t\\u{85}\\u{2028}INFO all is well\\\"\\u{9b}"));
    for (name, value) in fields {
        assert!(value.len() <= 256 + '…'.len_utf8(), "{name} has {} bytes", value.len());
        assert!(!value.contains(|character: char| character.is_control()), "{name}");
    }
}

#[test]
fn a_prefix_that_no_request_had_is_an_event_at_warn_when_the_resolver_is_dropped() {
    let resolver = || {
        let resolver = ByPathPrefix::new(None).path_prefix("/users", None).expect("a new prefix");
        resolver.path_prefix("/api/users", None).expect("a new prefix")
    };
    let layer = CorsLayer::with_resolver(resolver());
    let expected = fields(&[
        ("cors.path", "/api/users"),
        (
            "message",
            "no request had the path of the policy; it may be mistyped, or a router around the layer takes a part of the path away",
        ),
    ]);
    let kept = Kept { level: Level::WARN, events: Arc::default() };
    tracing::subscriber::with_default(kept.clone(), || {
        // One that is never asked says nothing.
        drop(resolver());
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(layer.layer(inner()).oneshot(actual("https://ok.example"))).expect("infallible");
        assert_eq!(*kept.events.lock().expect("no panic"), []);
        drop(layer);
    });
    assert_eq!(*kept.events.lock().expect("no panic"), [(Level::WARN, expected)]);
}
