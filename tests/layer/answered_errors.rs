//! `CorsLayer::answer_errors`: what an inner service returns as `Err` becomes a response that a page can read.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use http::{Request, Response, StatusCode};
use tower::{
    BoxError, Layer, Service, ServiceBuilder, ServiceExt, service_fn,
    timeout::{TimeoutLayer, error::Elapsed},
};
use tower_cors::{CompiledPolicy, CorsLayer, CorsPolicy, layer::AnswerErrorsLayer, resolver::resolve_async};

const PAGE: &str = "https://app.example";

fn policy() -> CompiledPolicy {
    CorsPolicy::new().allow_origins([PAGE]).compile().unwrap()
}

fn request(method: &str) -> Request<String> {
    let request = Request::builder().method(method).uri("/").header("origin", PAGE);
    request.header("access-control-request-method", "PUT").body(String::new()).unwrap()
}

fn bad_gateway(error: &'static str) -> Response<String> {
    let mut response = Response::new(error.to_owned());
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    // What a careless answer claims is the policy's to say (5.5).
    response.headers_mut().insert("access-control-allow-origin", "*".parse().unwrap());
    response
}

fn layer() -> AnswerErrorsLayer<fn(&'static str) -> Response<String>, &'static str> {
    CorsLayer::from(policy()).answer_errors(bad_gateway as fn(&'static str) -> Response<String>)
}

/// The status, the permissions and the body of a response.
fn shown(response: Response<String>) -> (u16, Vec<String>, String) {
    let permissions = response.headers().get_all("access-control-allow-origin").iter();
    let permissions = permissions.map(|value| value.to_str().unwrap().to_owned()).collect();
    (response.status().as_u16(), permissions, response.into_body())
}

fn readable(status: u16, body: &str) -> (u16, Vec<String>, String) {
    (status, vec![PAGE.to_owned()], body.to_owned())
}

#[tokio::test]
async fn an_error_becomes_a_response_with_the_headers_of_the_policy() {
    let service =
        layer().layer(service_fn(async |_: Request<String>| Err::<Response<String>, _>("the backend is gone")));
    let response: Result<_, Infallible> = service.clone().oneshot(request("GET")).await;
    assert_eq!(shown(response.unwrap()), readable(502, "the backend is gone"));
    // The layer answers this one, and nothing fails.
    assert_eq!(shown(service.oneshot(request("OPTIONS")).await.unwrap()), readable(200, ""));
}

#[tokio::test]
async fn a_response_stays_as_it_is() {
    let service =
        layer().layer(service_fn(async |_: Request<String>| Ok::<_, &'static str>(Response::new("hello".to_owned()))));
    assert_eq!(shown(service.oneshot(request("GET")).await.unwrap()), readable(200, "hello"));
}

#[tokio::test]
async fn an_error_under_a_resolver_that_waits_becomes_a_response() {
    let layer = CorsLayer::with_async_resolver(resolve_async(|_| ready(Ok::<_, Infallible>(policy()))));
    let service = layer.answer_errors(bad_gateway).layer(service_fn(async |_: Request<String>| Err("gone")));
    assert_eq!(shown(service.oneshot(request("GET")).await.unwrap()), readable(502, "gone"));
}

/// A service that fails while it gets ready, the first times that it is asked.
#[derive(Clone)]
struct Unready {
    failures: Arc<AtomicUsize>,
}

impl Service<Request<String>> for Unready {
    type Response = Response<String>;
    type Error = &'static str;
    type Future = Ready<Result<Response<String>, &'static str>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        let failed = self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        Poll::Ready(if failed.is_ok() { Err("not ready") } else { Ok(()) })
    }

    fn call(&mut self, _: Request<String>) -> Self::Future {
        ready(Ok(Response::new("ready".to_owned())))
    }
}

#[tokio::test]
async fn a_service_that_is_not_ready_is_answered_for_and_not_called() {
    let mut service = layer().layer(Unready { failures: Arc::new(AtomicUsize::new(1)) });
    // Asked twice before the call, it remembers why.
    service.ready().await.unwrap();
    let response = service.ready().await.unwrap().call(request("GET")).await.unwrap();
    assert_eq!(shown(response), readable(502, "not ready"));
    let response = service.ready().await.unwrap().call(request("GET")).await.unwrap();
    assert_eq!(shown(response), readable(200, "ready"));
}

#[tokio::test]
async fn a_clone_does_not_share_the_failure() {
    let mut service = layer().layer(Unready { failures: Arc::new(AtomicUsize::new(1)) });
    service.ready().await.unwrap();
    assert_eq!(shown(service.clone().oneshot(request("GET")).await.unwrap()), readable(200, "ready"));
    assert_eq!(shown(service.call(request("GET")).await.unwrap()), readable(502, "not ready"));
}

#[test]
fn a_service_that_is_busy_is_busy_behind_the_layer() {
    #[derive(Clone)]
    struct Busy;
    impl Service<Request<String>> for Busy {
        type Response = Response<String>;
        type Error = &'static str;
        type Future = Ready<Result<Response<String>, &'static str>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
            Poll::Pending
        }
        fn call(&mut self, _: Request<String>) -> Self::Future {
            ready(Err("called"))
        }
    }
    let mut context = Context::from_waker(std::task::Waker::noop());
    assert!(layer().layer(Busy).poll_ready(&mut context).is_pending());
}

// Inside of a router nothing may fail, and the layer with what it answers for is what axum asks for.
#[tokio::test(start_paused = true)]
async fn a_router_takes_the_layer_around_a_timeout() {
    use axum::{Router, body::Body, response::IntoResponse, routing::get};
    let answer = |error: BoxError| match error.is::<Elapsed>() {
        true => StatusCode::GATEWAY_TIMEOUT.into_response(),
        false => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    };
    let layers = ServiceBuilder::new()
        .layer(CorsLayer::from(policy()).answer_errors(answer))
        .layer(TimeoutLayer::new(Duration::from_secs(1)));
    let app: Router = Router::new().route("/", get(std::future::pending::<()>)).layer(layers);
    let response = app.oneshot(request("GET").map(Body::from)).await.unwrap();
    assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(response.headers()["access-control-allow-origin"], PAGE);
}
