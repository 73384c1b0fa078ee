//! One base policy, and routes that change single fields of it. The policy is picked by the route that axum has matched,
//! so no path is matched twice; what a route does not set, it inherits from the base.
//!
//! ```text
//! cargo run --example axum_overrides [ADDRESS:PORT]
//! ```
//!
//! Without axum, `tower_cors::merge::Overrides` does the same by path prefix.

use std::{error::Error, time::Duration};

use axum::{Router, http::Method, routing::get};
use tokio::net::TcpListener;
use tower_cors::{CorsLayer, CorsPolicy, axum::ByMatchedPath};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let base = CorsPolicy::new().allow_origins(["https://app.example"]).max_age(Duration::from_secs(600));
    let resolver = ByMatchedPath::new(base)?
        // Still for https://app.example, which may now use PUT.
        .route("/users/{id}", CorsPolicy::new().allow_methods([Method::PUT]))?
        // For every site, and still remembered for 600 seconds.
        .route("/public", CorsPolicy::new().allow_origins(["*"]))?
        // Untouched: preflights reach the handler as well.
        .route_disabled("/internal");

    let app = Router::new()
        .route("/", get(async || "hello"))
        .route("/users/{id}", get(async || "a user").put(async || "changed"))
        .route("/public", get(async || "for everybody"))
        .route("/internal", get(async || "for nobody's script"))
        .layer(CorsLayer::with_resolver(resolver));

    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
