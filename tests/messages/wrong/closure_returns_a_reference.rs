//! A closure that lends a policy, which only a type of one's own can.

use tower_cors::{CorsLayer, CorsPolicy, request::CorsRequest};

fn main() {
    let policy = CorsPolicy::permissive().compile().unwrap();
    let _ = CorsLayer::with_resolver(move |_: &CorsRequest<'_>| &policy);
}

//~ returning this value requires that
