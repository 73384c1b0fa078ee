//! A router that still misses its state.

use axum::{Router, extract::State, routing::get};
use tower_cors::{CorsLayer, axum::WithCors};

#[derive(Clone)]
struct Database;

fn main() {
    let app = Router::new().route("/", get(async |_: State<Database>| "hello"));
    let _ = app.with_cors(CorsLayer::permissive());
}

//~ a `Router<Database>` still misses its state
//~ `with_cors` ends a router that has its state
//~ call `.with_state(...)` before `.with_cors(...)`
