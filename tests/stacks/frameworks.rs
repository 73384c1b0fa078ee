//! Frameworks with services of their own that take or give a service of tower.

use std::convert::Infallible;

use http::{Response, StatusCode};
use tower::{Service, ServiceBuilder};
use warp::Filter;

use crate::page::{cors, holds, holds_at, is_readable};

#[tokio::test]
async fn a_filter_of_warp_is_a_service_under_the_layer() {
    let hello = warp::path::end().map(|| "hello");
    let service = ServiceBuilder::new().layer(cors().wrap_body()).service(warp::service(hello));
    holds(service.clone(), "/", StatusCode::OK, http_body_util::Empty::<bytes::Bytes>::new).await;
    // A rejection is an answer as well.
    holds(service, "/nowhere", StatusCode::NOT_FOUND, http_body_util::Empty::<bytes::Bytes>::new).await;
}

#[tokio::test]
async fn the_http_middleware_of_jsonrpsee_takes_the_layer() {
    let middleware = ServiceBuilder::new().layer(cors());
    let server = jsonrpsee::server::Server::builder().set_http_middleware(middleware);
    let server = server.build("127.0.0.1:0").await.expect("a server");
    let address = server.local_addr().expect("an address");
    let handle = server.start(jsonrpsee::RpcModule::new(()));
    // jsonrpsee takes POST alone.
    holds_at(address, "/", 405).await;
    handle.stop().expect("it runs");
}

#[tokio::test]
async fn a_handler_of_lambda_http_is_a_service_under_the_layer() {
    let handler = lambda_http::service_fn(async |_: lambda_http::Request| {
        Ok::<_, Infallible>(Response::new(lambda_http::Body::from("hello")))
    });
    let service = ServiceBuilder::new().layer(cors()).service(handler);
    holds(service.clone(), "/", StatusCode::OK, || lambda_http::Body::Empty).await;
    // What `lambda_http::run` asks of a handler.
    fn runs<S>(_: S)
    where
        S: Service<lambda_http::Request, Error: std::fmt::Debug, Future: Send>,
        S::Response: lambda_http::IntoResponse,
    {
    }
    runs(service);
}

#[tokio::test]
async fn a_router_of_salvo_takes_the_layer() {
    use salvo::{http::ReqBody, prelude::*, test::TestClient};

    #[handler]
    async fn hello() -> &'static str {
        "hello"
    }
    let router = || Router::new().hoop(cors().compat::<ReqBody>()).goal(hello);
    let url = "http://127.0.0.1/";
    let actual = TestClient::get(url).add_header("origin", "https://app.example", true);
    assert!(is_readable(actual.send(router()).await.headers()));
    let preflight = TestClient::options(url).add_header("origin", "https://app.example", true);
    let answer = preflight.add_header("access-control-request-method", "PUT", true).send(router()).await;
    assert!(is_readable(answer.headers()));
    assert_eq!(answer.headers()["access-control-allow-methods"], "PUT");
    let other = TestClient::get(url).add_header("origin", "https://other.example", true);
    assert!(!other.send(router()).await.headers().contains_key("access-control-allow-origin"));
}
