//! tonic with tonic-web: the layer first in the server, around one service, and where tonic's timeouts answer.

use std::{
    convert::Infallible,
    future::{Pending, pending},
    task::{Context, Poll},
    time::Duration,
};

use http::{Method, Request, Response, StatusCode};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{
    Status,
    body::Body,
    server::NamedService,
    service::Routes,
    transport::{Server, server::Router},
};
use tonic_web::GrpcWebLayer;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_cors::{CorsLayer, policy::Preset};

use crate::page::{cors, fetched, holds_at, is_readable, policy, preflight, request};

fn grpc_web() -> CorsLayer {
    CorsLayer::new(policy().preset(Preset::GrpcWeb)).expect("a valid policy")
}

fn call() -> Request<Body> {
    let mut request = request(Method::POST, "/grpc.health.v1.Health/Check", Body::empty());
    request.headers_mut().insert("content-type", "application/grpc-web".parse().expect("a value"));
    request
}

async fn serve<L>(router: Router<L>) -> std::net::SocketAddr
where
    Router<L>: IsServed,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    router.serve_on(listener);
    address
}

/// The bounds of `Router::serve_with_incoming`, once.
trait IsServed {
    fn serve_on(self, listener: TcpListener);
}

impl<L, S, B> IsServed for Router<L>
where
    L: Layer<Routes, Service = S> + Clone + Send + 'static,
    S: tower::Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>> + Send,
    B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    fn serve_on(self, listener: TcpListener) {
        tokio::spawn(self.serve_with_incoming(TcpListenerStream::new(listener)));
    }
}

#[tokio::test]
async fn the_server_takes_the_layer_before_that_of_grpc_web() {
    let (_reporter, health) = tonic_health::server::health_reporter();
    let mut server = Server::builder().accept_http1(true).layer(grpc_web()).layer(GrpcWebLayer::new());
    let address = serve(server.add_service(health)).await;
    // What is no call is refused by tonic-web, readably.
    holds_at(address, "/grpc.health.v1.Health/Check", 400).await;
}

#[tokio::test]
async fn one_service_takes_the_layer_and_keeps_its_name() {
    let (_reporter, health) = tonic_health::server::health_reporter();
    let routes = Routes::new(grpc_web().layer(GrpcWebLayer::new().layer(health)));
    let response = routes.clone().oneshot(call()).await.expect("infallible");
    assert_eq!((response.status(), is_readable(response.headers())), (StatusCode::OK, true));
    let response = routes.oneshot(preflight("/grpc.health.v1.Health/Check", Body::empty())).await.expect("infallible");
    assert_eq!((response.status(), is_readable(response.headers())), (StatusCode::OK, true));
}

/// A service that never answers.
#[derive(Clone)]
struct Never;

impl NamedService for Never {
    const NAME: &'static str = "never.Never";
}

impl Service<Request<Body>> for Never {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pending<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        pending()
    }
}

// The limit that the module `tonic` and docs/troubleshooting.md name: this test fails when tonic has lifted it.
#[tokio::test]
async fn a_timeout_of_tonics_server_is_outside_of_every_layer() {
    let mut server = Server::builder().accept_http1(true).timeout(Duration::from_millis(1)).layer(grpc_web());
    let answer = fetched(serve(server.add_service(Never)).await, "/never.Never/Wait").await;
    assert!(answer.contains("grpc-status: 1\r\n"), "{answer}");
    assert!(!answer.contains("access-control-allow-origin"), "{answer}");
}

#[tokio::test]
async fn a_timeout_of_ones_own_within_the_layer_is_readable() {
    let never = service_fn(async |_: Request<Body>| std::future::pending::<Result<Response<Body>, Infallible>>().await);
    let late = |_: tower::BoxError| Status::deadline_exceeded("too late").into_http::<Body>();
    let service =
        ServiceBuilder::new().layer(cors().answer_errors(late)).timeout(Duration::from_millis(1)).service(never);
    let response = service.oneshot(call()).await.expect("infallible");
    assert_eq!(response.headers()["grpc-status"], "4");
    assert!(is_readable(response.headers()));
}
