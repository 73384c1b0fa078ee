//! One base policy, and routes and methods that change single fields of it. The policy is picked by the route that axum
//! has matched, so no path is matched twice; a preflight is judged by the policy of the method that it announces; what is
//! not set is inherited from the base.
//!
//! ```text
//! cargo run --example axum_overrides [ADDRESS:PORT]
//! ```
//!
//! Without axum, `tower_cors::merge::Overrides` does the same by path prefix.

use std::error::Error;

use axum::{Router, http::Method, routing::get};
use tokio::net::TcpListener;
use tower_cors::{
    CorsLayer, CorsPolicy,
    axum::{ByMatchedPath, CorsRouter, WithCors},
    merge::MergeError,
};

pub(crate) fn app() -> Result<CorsRouter, MergeError> {
    let base = CorsPolicy::new().allow_origins(["https://app.example"]).max_age(600);
    let resolver = ByMatchedPath::new(base)?
        // Still for https://app.example, which may now use PUT.
        .route("/users/{id}", CorsPolicy::new().allow_methods([Method::PUT]))?
        // Every site may read the prices, still remembered for 600 seconds; the back office alone may change them.
        .route("/prices", CorsPolicy::new().allow_origins(["*"]))?
        .route_method(
            "/prices",
            Method::PUT,
            CorsPolicy::new().allow_origins(["https://office.example"]).allow_methods([Method::PUT]),
        )?
        // Untouched: preflights reach the handler as well.
        .route_disabled("/internal");

    Ok(Router::new()
        .route("/", get(async || "hello"))
        .route("/users/{id}", get(async || "a user").put(async || "changed"))
        .route("/prices", get(async || "for everybody").put(async || "changed"))
        .route("/internal", get(async || "for nobody's script"))
        .with_cors(CorsLayer::with_resolver(resolver)))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app()?).await?;
    Ok(())
}
