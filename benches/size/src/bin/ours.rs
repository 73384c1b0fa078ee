//! The smallest server with this crate's layer.

use axum::{Router, routing::get};
use tower_cors::{CorsLayer, CorsPolicy};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let policy = CorsPolicy::new().allow_origins(["https://app.example"]).allow_methods(["PUT"]);
    let app = Router::new().route("/", get(async || "hello")).layer(CorsLayer::new(policy)?);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, app).await?;
    Ok(())
}
