//! axum, for docs/frameworks.md.

use std::io;

use axum::{Router, routing::get};
use tokio::net::TcpListener;
use tower_cors::{CorsLayer, axum::WithCors};

pub(crate) async fn serve(listener: TcpListener, cors: CorsLayer) -> io::Result<()> {
    let app = Router::new().route("/", get(async || "hello")).with_cors(cors);
    axum::serve(listener, app).await
}
