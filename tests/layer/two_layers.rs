//! Rule 5.9: two layers on one request, with and without something between them. The one nearest to the handler decides
//! the response, the outermost one answers the preflight, and the doubling is reported.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use http::{HeaderMap, HeaderValue, Method, Request, Response, header};
use tower::{Layer, ServiceExt, service_fn, util::BoxCloneService};
use tower_cors::{CorsLayer, CorsPolicy};

const OK: &str = "https://ok.example";
const EVIL: &str = "https://evil.example";

type Inner = BoxCloneService<Request<String>, Response<String>, Infallible>;
type Between = fn(Response<String>) -> Response<String>;

fn strict() -> CorsLayer {
    let policy = CorsPolicy::new().allow_origins(OK).allow_credentials(true).expose_headers(["x-a"]);
    CorsLayer::new(policy).expect("a valid policy").warnings(false)
}

fn open() -> CorsLayer {
    CorsLayer::permissive().warnings(false)
}

fn handler() -> Inner {
    BoxCloneService::new(service_fn(async |_: Request<String>| {
        let mut response = Response::new(String::from("inner"));
        response.headers_mut().insert("x-a", HeaderValue::from_static("1"));
        response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        Ok(response)
    }))
}

fn request(method: Method, origin: &str) -> Request<String> {
    let request = Request::builder().method(method).header("origin", origin);
    request.header("access-control-request-method", "PUT").body(String::new()).expect("a request")
}

fn actual(origin: &str) -> Request<String> {
    request(Method::GET, origin)
}

/// An outer layer that reports its outcomes, around an inner one, with something between them.
fn doubled(outer: CorsLayer, between: Between, inner: CorsLayer) -> (Inner, Arc<Mutex<Vec<&'static str>>>) {
    let outcomes = Arc::<Mutex<Vec<_>>>::default();
    let reported = Arc::clone(&outcomes);
    let outer = outer.on_decision(move |event| reported.lock().expect("no panic").push(event.outcome().code()));
    let inner = ServiceExt::<Request<String>>::map_response(inner.layer(handler()), between);
    (BoxCloneService::new(outer.layer(inner)), outcomes)
}

async fn send(service: &Inner, request: Request<String>) -> Response<String> {
    service.clone().oneshot(request).await.expect("infallible")
}

fn permissions(headers: &HeaderMap) -> Vec<(&str, &str)> {
    let of_cors = headers.iter().filter(|(name, _)| name.as_str().starts_with("access-control-"));
    let mut found: Vec<_> = of_cors.map(|(name, value)| (name.as_str(), value.to_str().expect("ASCII"))).collect();
    found.sort_unstable();
    found
}

const ALLOWED: [(&str, &str); 3] = [
    ("access-control-allow-credentials", "true"),
    ("access-control-allow-origin", OK),
    ("access-control-expose-headers", "x-a"),
];

/// What layers and services between two layers do to a response.
const BETWEEN: [(&str, Between); 7] = [
    ("nothing", |response| response),
    ("overrides Vary", |mut response| {
        response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        response
    }),
    ("removes Vary", |mut response| {
        response.headers_mut().remove(header::VARY);
        response
    }),
    ("joins the lines of Vary", |mut response| {
        let lines = response.headers().get_all(header::VARY).iter().map(HeaderValue::as_bytes).collect::<Vec<_>>();
        let joined = HeaderValue::from_bytes(&lines.join(&b", "[..])).expect("a header value");
        response.headers_mut().insert(header::VARY, joined);
        response
    }),
    ("writes every value anew", |mut response| {
        for value in response.headers_mut().values_mut() {
            *value = HeaderValue::from_bytes(value.as_bytes()).expect("a header value");
        }
        response
    }),
    ("maps the body", |response| response.map(|body| body + "!")),
    ("takes the response apart and puts it together again", |response| {
        let (parts, body) = response.into_parts();
        Response::from_parts(parts, body)
    }),
];

// rule 5.9
#[tokio::test]
async fn the_inner_layer_decides_whatever_stands_between_does_to_vary_or_to_another_header() {
    for (name, between) in BETWEEN {
        for outer in [open(), CorsLayer::new(CorsPolicy::new().allow_origins(EVIL)).expect("a valid policy")] {
            let (service, outcomes) = doubled(outer, between, strict());
            assert_eq!(permissions(send(&service, actual(EVIL)).await.headers()), [], "{name}: denied");
            assert_eq!(permissions(send(&service, actual(OK)).await.headers()), ALLOWED, "{name}: allowed");
            let outcomes = outcomes.lock().expect("no panic");
            assert_eq!(
                outcomes.iter().filter(|outcome| **outcome == "already-decided").count(),
                2,
                "{name}: {outcomes:?}"
            );
        }
    }
}

// rule 5.9
#[tokio::test]
async fn a_response_that_lost_its_extensions_keeps_the_permissions_of_the_inner_layer() {
    let fresh: Between = |response| {
        let (mut parts, body) = Response::new(String::new()).into_parts();
        let (old, inner) = response.into_parts();
        (parts.status, parts.headers) = (old.status, old.headers);
        parts.headers.remove(header::VARY);
        Response::from_parts(parts, body + &inner)
    };
    for outer in [open(), CorsLayer::new(CorsPolicy::new().allow_origins(EVIL)).expect("a valid policy")] {
        let (service, outcomes) = doubled(outer, fresh, strict());
        let response = send(&service, actual(OK)).await;
        assert_eq!(permissions(response.headers()), ALLOWED);
        assert!(!response.headers()["access-control-allow-origin"].is_sensitive());
        assert!(outcomes.lock().expect("no panic").contains(&"already-decided"));
    }
    // A denial has no permission to recognise, and `Vary`, the other place that shows a layer, is gone: the limit.
    let (service, _) = doubled(open(), fresh, strict());
    assert_eq!(send(&service, actual(EVIL)).await.headers()["access-control-allow-origin"], "*");
}

// rule 5.9
#[tokio::test]
async fn a_denial_that_lost_its_extensions_is_known_by_its_vary() {
    let fresh: Between = |response| {
        let mut fresh = Response::new(String::new());
        *fresh.headers_mut() = response.headers().clone();
        fresh
    };
    let inner = BoxCloneService::new(ServiceExt::<Request<String>>::map_response(
        strict().layer(service_fn(async |_: Request<String>| Ok::<_, Infallible>(Response::new(String::new())))),
        fresh,
    ));
    let service: Inner = BoxCloneService::new(open().layer(inner));
    assert_eq!(permissions(send(&service, actual(EVIL)).await.headers()), []);
}

// rule 5.9
#[tokio::test]
async fn three_layers_are_decided_by_the_innermost() {
    let middle = open().layer(strict().layer(handler()));
    let service: Inner = BoxCloneService::new(open().layer(middle));
    assert_eq!(permissions(send(&service, actual(EVIL)).await.headers()), []);
    assert_eq!(permissions(send(&service, actual(OK)).await.headers()), ALLOWED);
}

// rule 5.9
#[tokio::test]
async fn an_inner_layer_in_a_task_of_its_own_decides_as_well() {
    let inner = tower::buffer::Buffer::new(strict().layer(handler()), 4);
    let service = open().layer(inner);
    for (origin, expected) in [(EVIL, &[][..]), (OK, &ALLOWED)] {
        let response = service.clone().oneshot(actual(origin)).await.expect("the buffer lives");
        assert_eq!(permissions(response.headers()), expected, "{origin}");
    }
}

// rule 5.9
#[tokio::test]
async fn the_outermost_layer_answers_the_preflight_whatever_the_inner_one_allows() {
    for (outer, inner, expected) in [(open(), strict(), "*"), (strict(), open(), OK)] {
        let (service, outcomes) = doubled(outer, |response| response, inner);
        let response = send(&service, request(Method::OPTIONS, OK)).await;
        assert_eq!(response.headers()["access-control-allow-origin"], expected);
        assert_eq!(response.body(), "", "the handler is not called");
        // The service was cloned, which shows the inner layer before an actual request does.
        assert_eq!(*outcomes.lock().expect("no panic"), ["preflight-allowed", "already-decided"]);
    }
}

// rule 5.9
#[tokio::test]
async fn a_preflight_that_is_denied_beside_another_layer_is_explained_by_the_debug_mode() {
    let outer = strict().debug(true).layer(open().layer(handler()));
    let told = |response: Response<String>| response.headers()["tower-cors-debug"].to_str().expect("ASCII").to_owned();
    let response = outer.clone().oneshot(request(Method::OPTIONS, EVIL)).await.expect("infallible");
    assert!(
        told(response)
            .ends_with("; another CORS layer stands within this one and is never asked about preflights; remove one")
    );
    let alone = strict().debug(true).layer(handler());
    let response = alone.clone().oneshot(request(Method::OPTIONS, EVIL)).await.expect("infallible");
    assert!(!told(response).contains("another CORS layer"));
}

// rule 5.9
#[cfg(feature = "axum")]
#[tokio::test]
async fn two_layers_on_one_route_of_axum_are_told_on_the_first_preflight() {
    use axum::{Router, routing::get};

    let outcomes = Arc::<Mutex<Vec<_>>>::default();
    let reported = Arc::clone(&outcomes);
    let outer = open().on_decision(move |event| reported.lock().expect("no panic").push(event.outcome().code()));
    let app: Router =
        Router::new().route("/a", get(async || "a")).layer(strict()).route("/b", get(async || "b")).layer(outer);
    for (path, expected) in [("/a", &["preflight-allowed", "already-decided"][..]), ("/b", &["preflight-allowed"])] {
        let preflight = Request::options(path).header("origin", OK).header("access-control-request-method", "PUT");
        app.clone().oneshot(preflight.body(axum::body::Body::empty()).expect("a request")).await.expect("infallible");
        assert_eq!(outcomes.lock().expect("no panic").drain(..).collect::<Vec<_>>(), expected, "{path}");
    }
}

// rule 5.9
#[tokio::test]
async fn no_mark_leaves_a_single_layer() {
    for layer in [strict(), open()] {
        for origin in [OK, EVIL] {
            let response = layer.layer(handler()).oneshot(actual(origin)).await.expect("infallible");
            assert!(response.extensions().is_empty(), "{origin}");
            assert!(!response.headers().values().any(HeaderValue::is_sensitive), "{origin}");
        }
    }
}

// rule 5.9
#[tokio::test]
async fn a_disabled_layer_is_no_second_layer() {
    for (outer, inner) in [(strict(), CorsLayer::disabled()), (CorsLayer::disabled(), strict())] {
        let (service, outcomes) = doubled(outer, |response| response, inner);
        send(&service, request(Method::OPTIONS, OK)).await;
        send(&service, actual(OK)).await;
        assert!(!outcomes.lock().expect("no panic").contains(&"already-decided"));
    }
}
