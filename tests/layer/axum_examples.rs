//! The examples for axum do what their first lines say.
#![allow(dead_code, reason = "the `main` of an example is for those who run it")]

use std::{
    convert::Infallible,
    task::{Context, Waker},
};

use axum::{
    body::Body,
    http::{HeaderMap, Request, StatusCode},
    response::Response,
};
use tower::{Service, ServiceExt};

#[path = "../../examples/async_resolver.rs"]
mod async_resolver;
#[path = "../../examples/axum_errors.rs"]
mod errors;
#[path = "../../examples/axum_overrides.rs"]
mod overrides;
#[path = "../../examples/axum_routes.rs"]
mod routes;
#[path = "../../examples/axum.rs"]
mod whole;

const APP: &str = "https://app.example";

async fn send<S>(app: &S, request: Request<Body>) -> Response
where
    S: Service<Request<Body>, Response = Response, Error = Infallible> + Clone,
{
    app.clone().oneshot(request).await.expect("infallible")
}

fn request(method: &str, path: &str, origin: &str) -> Request<Body> {
    Request::builder().method(method).uri(path).header("origin", origin).body(Body::empty()).expect("a request")
}

fn preflight(path: &str, origin: &str, method: &str) -> Request<Body> {
    let mut preflight = request("OPTIONS", path, origin);
    preflight.headers_mut().insert("access-control-request-method", method.parse().expect("a value"));
    preflight
}

/// The origin that may read a response.
fn reader(headers: &HeaderMap) -> Option<&str> {
    headers.get("access-control-allow-origin").map(|value| value.to_str().expect("ASCII"))
}

#[tokio::test]
async fn the_whole_router_carries_the_headers() {
    let app = whole::app().unwrap();
    for (method, path, status) in
        [("GET", "/", 401), ("DELETE", "/users/7", 401), ("GET", "/nowhere", 401), ("OPTIONS", "/", 401)]
    {
        let response = send(&app, request(method, path, APP)).await;
        assert_eq!((response.status().as_u16(), reader(response.headers())), (status, Some(APP)), "{method} {path}");
        let mut known = request(method, path, "https://one.preview.example");
        known.headers_mut().insert("authorization", "Bearer token".parse().unwrap());
        let response = send(&app, known).await;
        assert_ne!(response.status(), 401);
        assert_eq!(reader(response.headers()), Some("https://one.preview.example"));
    }
    let response = send(&app, preflight("/users/7", APP, "PUT")).await;
    assert_eq!((response.status().as_u16(), reader(response.headers())), (200, Some(APP)));
    assert_eq!(response.headers()["access-control-allow-headers"], "content-type, authorization");
    assert_eq!(reader(send(&app, preflight("/users/7", "https://evil.example", "PUT")).await.headers()), None);
}

#[tokio::test]
async fn overrides_change_what_they_say_and_inherit_the_rest() {
    let app = overrides::app().unwrap();
    let office = "https://office.example";
    for (path, origin, method, expected) in [
        ("/users/7", APP, "PUT", Some((APP, Some("PUT")))),
        ("/", APP, "PUT", Some((APP, None))),
        ("/prices", "https://any.example", "GET", Some(("*", None))),
        ("/prices", office, "PUT", Some((office, Some("PUT")))),
        ("/prices", APP, "PUT", None),
    ] {
        let answer = send(&app, preflight(path, origin, method)).await;
        let methods = answer.headers().get("access-control-allow-methods").map(|value| value.to_str().unwrap());
        assert_eq!(reader(answer.headers()).map(|origin| (origin, methods)), expected, "{method} {path} {origin}");
        if expected.is_some() {
            assert_eq!(answer.headers()["access-control-max-age"], "600");
        }
    }
    assert_eq!(send(&app, preflight("/internal", APP, "GET")).await.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(send(&app, request("PUT", "/prices", APP)).await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn one_route_and_one_nested_router_have_a_policy_each() {
    let app = routes::app().unwrap();
    for (method, path, status, expected) in [
        ("GET", "/", 200, None),
        ("GET", "/nowhere", 404, None),
        ("GET", "/feed", 200, Some("*")),
        ("PUT", "/feed", 405, Some("*")),
        ("GET", "/api/users/7", 200, Some(APP)),
        ("DELETE", "/api/users/7", 405, Some(APP)),
        ("GET", "/api/nowhere", 404, Some(APP)),
    ] {
        let response = send(&app, request(method, path, APP)).await;
        assert_eq!((response.status().as_u16(), reader(response.headers())), (status, expected), "{method} {path}");
        let answer = send(&app, preflight(path, APP, "PUT")).await;
        assert_eq!(reader(answer.headers()), expected, "{path}");
    }
}

#[tokio::test]
async fn tenants_in_the_state_are_seen_by_handlers_and_resolver() {
    let app = async_resolver::app().unwrap();
    let asked = async |host: &str, origin: &str| {
        let mut request = request("GET", "/", origin);
        request.headers_mut().insert("host", host.parse().unwrap());
        reader(send(&app, request).await.headers()).map(str::to_owned)
    };
    let acme = "https://app.acme.example";
    assert_eq!(asked("acme.example", acme).await.as_deref(), Some(acme));
    assert_eq!(asked("ACME.example:3000", acme).await.as_deref(), Some(acme));
    assert_eq!(asked("open.example", acme).await.as_deref(), Some("*"));
    assert_eq!(asked("broken.example", acme).await, None);

    assert_eq!(asked("new.example", APP).await, None);
    let store = |origins: &'static str| Request::put("/tenants/new.example").body(Body::from(origins)).unwrap();
    let refused = send(&app, store("https://app.example/path")).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(send(&app, store(APP)).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(asked("new.example", APP).await.as_deref(), Some(APP));
}

#[tokio::test(start_paused = true)]
async fn every_error_can_be_read() {
    let app = errors::app().unwrap();
    for (method, path, status) in [
        ("GET", "/nowhere", 404),
        ("GET", "/upload", 405),
        ("GET", "/broken", 500),
        ("GET", "/panic", 500),
        ("GET", "/slow", 504),
    ] {
        let response = send(&app, request(method, path, APP)).await;
        assert_eq!((response.status().as_u16(), reader(response.headers())), (status, Some(APP)), "{method} {path}");
        assert_eq!(send(&app, preflight(path, APP, "GET")).await.status(), StatusCode::OK);
    }
    let upload = |bytes: usize| request("POST", "/upload", APP).map(|_| Body::from(vec![0; bytes]));
    for (bytes, status) in [(1024, 200), (1025, 413)] {
        let response = send(&app, upload(bytes)).await;
        assert_eq!((response.status().as_u16(), reader(response.headers())), (status, Some(APP)), "{bytes}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_request_too_many_can_be_read() {
    let app = errors::app().unwrap();
    let mut slow: Vec<_> = (0..64).map(|_| Box::pin(send(&app, request("GET", "/slow", APP)))).collect();
    // Polled once each, they are on their way.
    let mut context = Context::from_waker(Waker::noop());
    assert!(slow.iter_mut().all(|response| response.as_mut().poll(&mut context).is_pending()));
    let response = send(&app, request("GET", "/broken", APP)).await;
    assert_eq!((response.status().as_u16(), reader(response.headers())), (503, Some(APP)));
    drop(slow);
    assert_eq!(send(&app, request("GET", "/broken", APP)).await.status(), StatusCode::INTERNAL_SERVER_ERROR);
}
