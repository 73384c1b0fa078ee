//! A route that is added to a finished router.

use axum::{Router, routing::get};
use tower_cors::{CorsLayer, axum::WithCors};

fn main() {
    let _ = Router::new().with_cors(CorsLayer::permissive()).route("/", get(async || "too late"));
}

//~ no method named `route` found for struct `CorsRouter`
//~ method `route` is available on `Router`
