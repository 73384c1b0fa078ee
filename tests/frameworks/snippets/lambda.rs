//! lambda_http, for docs/frameworks.md.

use std::convert::Infallible;

use lambda_http::{Body, Error, Request, Response};
use tower::{Service, ServiceBuilder};
use tower_cors::CorsLayer;

async fn hello(_: Request) -> Result<Response<Body>, Infallible> {
    Ok(Response::new(Body::from("hello")))
}

pub(crate) fn service(
    cors: CorsLayer,
) -> impl Service<Request, Response = Response<Body>, Error = Infallible, Future: Send>
+ Clone {
    ServiceBuilder::new().layer(cors).service_fn(hello)
}

pub(crate) async fn run(cors: CorsLayer) -> Result<(), Error> {
    lambda_http::run(service(cors)).await
}
