//! CORS for a whole axum router. `with_cors` ends it, so the layer stands outside of everything that can answer by
//! itself: the handlers, the guard that answers 401, axum's own 404 and 405. All of these carry the headers of the policy,
//! so a page can read why it was refused, and no preflight gets as far as the guard.
//!
//! ```text
//! cargo run --example axum [ADDRESS:PORT]
//! ```

use std::error::Error;

use axum::{
    Router,
    extract::Request,
    http::{HeaderMap, Method, StatusCode, header},
    middleware::{self, Next},
    response::Response,
    routing::get,
};
use tokio::net::TcpListener;
use tower_cors::{
    CorsLayer, CorsPolicy, Violations,
    axum::{CorsRouter, WithCors},
};

pub(crate) fn app() -> Result<CorsRouter, Violations> {
    let policy = CorsPolicy::new()
        .allow_origins(["https://app.example", "https://*.preview.example"])
        .allow_methods([Method::PUT])
        .allow_headers([header::CONTENT_TYPE, header::AUTHORIZATION])
        .expose_headers([header::ETAG]);
    let cors = CorsLayer::new(policy)?;

    // A layer of axum covers the routes and the fallback that are there when it is added. Were `.layer(cors)` to stand
    // above `require_token`, preflights, which never carry a token, would be answered with 401.
    Ok(Router::new()
        .route("/", get(async || "hello"))
        .route("/users/{id}", get(async || "a user").put(async || StatusCode::NO_CONTENT))
        .layer(middleware::from_fn(require_token))
        .with_cors(cors))
}

/// A stand-in for authentication.
async fn require_token(headers: HeaderMap, request: Request, next: Next) -> Result<Response, StatusCode> {
    if headers.contains_key(header::AUTHORIZATION) {
        Ok(next.run(request).await)
    } else {
        Err(StatusCode::UNAUTHORIZED)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app()?).await?;
    Ok(())
}
