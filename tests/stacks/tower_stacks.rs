//! tower's `ServiceBuilder` with timeout, load shed, buffer and retry on either side of the layer.

use std::{
    convert::Infallible,
    future::Ready,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt, retry::Policy};

use crate::page::{cors, holds, is_readable, preflight, request};

type Body = Full<Bytes>;

async fn hello(_: Request<Body>) -> Result<Response<Body>, Infallible> {
    Ok(Response::new(Body::from("hello")))
}

/// An error of tower's layers as a response.
fn answer(_: BoxError) -> Response<Body> {
    let mut response = Response::new(Body::from("too much"));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response
}

/// Tries what failed once more.
#[derive(Clone)]
struct Once(bool);

impl<E> Policy<Request<Body>, Response<Body>, E> for Once {
    type Future = Ready<()>;

    fn retry(&mut self, _: &mut Request<Body>, result: &mut Result<Response<Body>, E>) -> Option<Ready<()>> {
        let is_first = std::mem::replace(&mut self.0, false);
        (is_first && result.is_err()).then(|| std::future::ready(()))
    }

    fn clone_request(&mut self, request: &Request<Body>) -> Option<Request<Body>> {
        Some(request.clone())
    }
}

#[tokio::test]
async fn the_layers_of_tower_stand_within() {
    let service = ServiceBuilder::new()
        .layer(cors())
        .buffer(8)
        .load_shed()
        .concurrency_limit(8)
        .timeout(Duration::from_secs(10))
        .retry(Once(true))
        .service_fn(hello);
    holds(service, "/", StatusCode::OK, Body::default).await;
}

#[tokio::test]
async fn the_layers_of_tower_stand_outside() {
    let service = ServiceBuilder::new()
        .buffer(8)
        .load_shed()
        .concurrency_limit(8)
        .timeout(Duration::from_secs(10))
        .retry(Once(true))
        .layer(cors())
        .service_fn(hello);
    holds(service, "/", StatusCode::OK, Body::default).await;
}

#[tokio::test]
async fn an_error_of_a_timeout_within_is_an_answer_that_a_page_can_read() {
    let service = ServiceBuilder::new()
        .layer(cors().answer_errors(answer))
        .timeout(Duration::from_millis(1))
        .service_fn(async |_: Request<Body>| std::future::pending::<Result<Response<Body>, Infallible>>().await);
    holds(service, "/", StatusCode::SERVICE_UNAVAILABLE, Body::default).await;
}

#[tokio::test]
async fn a_retry_outside_asks_the_layer_again() {
    let failures = Arc::new(AtomicUsize::new(1));
    let service = ServiceBuilder::new().retry(Once(true)).layer(cors()).service_fn(move |_: Request<Body>| {
        let is_failing = failures.swap(0, Ordering::Relaxed) > 0;
        std::future::ready(if is_failing { Err("once") } else { Ok(Response::new(Body::from("hello"))) })
    });
    let response = service.oneshot(request(Method::GET, "/", Body::default())).await.expect("the second try");
    assert_eq!((response.status(), is_readable(response.headers())), (StatusCode::OK, true));
}

#[tokio::test]
async fn a_preflight_needs_no_room_where_load_shed_stands_before_the_limit() {
    let mut service = ServiceBuilder::new()
        .layer(cors().answer_errors(answer))
        .load_shed()
        .rate_limit(1, Duration::from_secs(3600))
        .service_fn(hello);
    for (request, status) in [
        (request(Method::GET, "/", Body::default()), StatusCode::OK),
        (preflight("/", Body::default()), StatusCode::OK),
        (request(Method::GET, "/", Body::default()), StatusCode::SERVICE_UNAVAILABLE),
    ] {
        let response = service.ready().await.expect("always ready").call(request).await.expect("an answer");
        assert_eq!((response.status(), is_readable(response.headers())), (status, true));
    }
}
