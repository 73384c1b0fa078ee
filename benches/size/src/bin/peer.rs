//! The same server with tower-http's layer.

use axum::{
    Router,
    http::{HeaderValue, Method},
    routing::get,
};
use tower_http::cors::CorsLayer;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let origin = "https://app.example".parse::<HeaderValue>()?;
    let cors = CorsLayer::new().allow_origin([origin]).allow_methods([Method::PUT]);
    let app = Router::new().route("/", get(async || "hello")).layer(cors);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, app).await?;
    Ok(())
}
