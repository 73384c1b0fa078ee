//! axum in each placement of `docs/axum.md` that is right, and what is built on axum.

use std::net::SocketAddr;

use axum::{Router, body::Body, response::Response, routing::get};
use http::StatusCode;
use tokio::net::TcpListener;
use tower::{Layer, ServiceBuilder};
use tower_cors::{CorsLayer, axum::WithCors};
use tower_http::trace::TraceLayer;

use crate::page::{cors, holds, holds_at};

fn hello() -> Router {
    Router::new().route("/", get(async || "hello"))
}

#[tokio::test]
async fn axum_takes_the_layer_in_each_place() {
    let with_fallback = || hello().fallback(async || (StatusCode::NOT_FOUND, "nothing here"));
    let routers = [
        hello().layer(cors()),
        hello().with_cors(cors()).into_router(),
        hello().layer(ServiceBuilder::new().layer(TraceLayer::new_for_http()).layer(cors())),
        Router::new().route("/", get(async || "hello").layer(cors())),
        Router::new().route("/", get(async || "hello")).route_layer(cors()),
        Router::new().merge(hello()).layer(cors()),
        Router::new().fallback_service(hello().with_cors(cors())),
        hello().layer(CorsLayer::with_resolver(cors_by_path())),
    ];
    for router in routers {
        holds(router, "/", StatusCode::OK, Body::empty).await;
    }
    holds(with_fallback().layer(cors()), "/nowhere", StatusCode::NOT_FOUND, Body::empty).await;
    let nested = Router::new().nest("/api", with_fallback().layer(cors()));
    holds(nested.clone(), "/api", StatusCode::OK, Body::empty).await;
    holds(nested, "/api/nowhere", StatusCode::NOT_FOUND, Body::empty).await;
    holds(cors().layer(hello()), "/", StatusCode::OK, Body::empty).await;
    let service = Router::new().nest_service("/api", hello().with_cors(cors()));
    holds(service, "/api/", StatusCode::OK, Body::empty).await;
}

fn cors_by_path() -> tower_cors::resolver::ByPathPrefix {
    let overrides = tower_cors::merge::Overrides::new(crate::page::policy());
    overrides.path_prefix_disabled("/internal").build().expect("valid policies")
}

#[tokio::test]
async fn axum_serve_takes_a_router_under_the_layer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = tokio::spawn(async move { axum::serve(listener, hello().layer(cors())).await });
    holds_at(address, "/", 200).await;
    server.abort();
}

#[tokio::test]
async fn axum_server_takes_a_router_under_the_layer() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let app = hello().layer(cors()).into_make_service_with_connect_info::<SocketAddr>();
    let server = tokio::spawn(async move { axum_server::from_tcp(listener)?.serve(app).await });
    holds_at(address, "/", 200).await;
    server.abort();
}

#[tokio::test]
async fn aide_takes_the_layer() {
    let mut api = aide::openapi::OpenApi::default();
    let app = aide::axum::ApiRouter::new().api_route("/", aide::axum::routing::get(async || "hello"));
    holds(app.finish_api(&mut api).layer(cors()), "/", StatusCode::OK, Body::empty).await;
    let app = aide::axum::ApiRouter::new().route("/", get(async || "hello")).layer(cors());
    holds(Router::from(app), "/", StatusCode::OK, Body::empty).await;
}

#[tokio::test]
async fn utoipa_axum_takes_the_layer() {
    let app = utoipa_axum::router::OpenApiRouter::new().route("/", get(async || "hello")).layer(cors());
    let (router, _) = app.split_for_parts();
    holds(router, "/", StatusCode::OK, Body::empty).await;
}

#[tokio::test]
async fn a_body_of_reqwest_passes() {
    // As a handler that is a proxy has it; and a service whose bodies are reqwest's own.
    let proxied = async || Response::new(Body::new(reqwest::Body::from("from elsewhere")));
    holds(Router::new().route("/", get(proxied)).layer(cors()), "/", StatusCode::OK, Body::empty).await;
    let service = ServiceBuilder::new().layer(cors()).service_fn(async |_: http::Request<reqwest::Body>| {
        Ok::<_, reqwest::Error>(http::Response::new(reqwest::Body::from("from elsewhere")))
    });
    holds(service, "/", StatusCode::OK, reqwest::Body::default).await;
}
