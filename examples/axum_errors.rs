//! Errors that a page can read: 404, 405, 413, 500, a panic, a timeout, too many requests at once. Whatever makes a
//! response of an error is added before the CORS layer, so that it stands inside of it.
//!
//! ```text
//! cargo run --example axum_errors [ADDRESS:PORT]
//! curl -i http://ADDRESS:PORT/panic -H 'origin: https://app.example'
//! ```

use std::{error::Error, time::Duration};

use axum::{
    BoxError, Router,
    body::Bytes,
    error_handling::HandleErrorLayer,
    extract::DefaultBodyLimit,
    http::StatusCode,
    routing::{get, post},
};
use tokio::net::TcpListener;
use tower::{
    ServiceBuilder, limit::GlobalConcurrencyLimitLayer, load_shed::error::Overloaded, timeout::error::Elapsed,
};
use tower_cors::{
    CorsLayer, CorsPolicy, Violations,
    axum::{CorsRouter, WithCors},
};
use tower_http::catch_panic::CatchPanicLayer;

const AT_ONCE: usize = 64;
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn app() -> Result<CorsRouter, Violations> {
    let cors = CorsLayer::new(CorsPolicy::new().allow_origins(["https://app.example"]))?;
    Ok(Router::new()
        .route("/upload", post(async |body: Bytes| body.len().to_string()))
        .route("/broken", get(async || StatusCode::INTERNAL_SERVER_ERROR))
        .route("/panic", get(panics))
        .route("/slow", get(std::future::pending::<()>))
        .fallback(async || (StatusCode::NOT_FOUND, "there is no such page"))
        .layer(DefaultBodyLimit::max(1024))
        .layer(CatchPanicLayer::new())
        .layer(
            ServiceBuilder::new()
                // These two fail with `Err`, which this makes a response of.
                .layer(HandleErrorLayer::new(async |error: BoxError| status(&error)))
                .load_shed()
                .layer(GlobalConcurrencyLimitLayer::new(AT_ONCE))
                .timeout(PATIENCE),
        )
        .with_cors(cors))
}

async fn panics() {
    panic!("a mistake of the handler");
}

fn status(error: &BoxError) -> StatusCode {
    if error.is::<Elapsed>() {
        StatusCode::GATEWAY_TIMEOUT
    } else if error.is::<Overloaded>() {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::INTERNAL_SERVER_ERROR
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
