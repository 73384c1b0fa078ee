//! CORS for one route, and for a nested router, with a policy each; the rest of the server has none. A layer on a
//! `MethodRouter` covers that path's preflights and its 405, a layer on a nested router what is under its prefix.
//!
//! ```text
//! cargo run --example axum_routes [ADDRESS:PORT]
//! ```

use std::error::Error;

use axum::{
    Router,
    http::{Method, StatusCode},
    routing::get,
};
use tokio::net::TcpListener;
use tower_cors::{CorsLayer, CorsPolicy, Violations};

pub(crate) fn app() -> Result<Router, Violations> {
    let for_everybody = CorsLayer::new(CorsPolicy::new().allow_origins(["*"]))?;
    let for_the_app =
        CorsLayer::new(CorsPolicy::new().allow_origins(["https://app.example"]).allow_methods([Method::PUT]))?;

    let api = Router::new()
        .route("/users/{id}", get(async || "a user").put(async || StatusCode::NO_CONTENT))
        // A nested router without a fallback of its own leaves its 404 to the outer one, which has no CORS.
        .fallback(async || (StatusCode::NOT_FOUND, "there is nothing here"))
        .layer(for_the_app);
    Ok(Router::new()
        .route("/", get(async || "a page of this server"))
        // Not `route_layer`: that one leaves out the methods that have no handler, OPTIONS among them.
        .route("/feed", get(async || "news").layer(for_everybody))
        .nest("/api", api))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app()?).await?;
    Ok(())
}
