//! A policy that was not compiled, where a resolver is asked for.

use tower_cors::{CorsLayer, CorsPolicy};

fn main() {
    let _ = CorsLayer::with_resolver(CorsPolicy::new().allow_origins("https://app.example"));
}
