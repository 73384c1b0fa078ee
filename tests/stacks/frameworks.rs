//! Frameworks with services of their own that take or give a service of tower.

use http::StatusCode;
use tower::ServiceBuilder;
use warp::Filter;

use crate::page::{cors, holds, holds_at};

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
