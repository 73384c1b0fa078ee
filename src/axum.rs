//! What needs axum's types: a finished router under a CORS layer, and policies by the route that axum has matched. In:
//! routers, route patterns and policies. Out: a service that nothing can be added to, and a resolver. Behind the feature
//! `axum`; for axum 0.8.
//!
//! [`CorsLayer`](crate::CorsLayer) itself needs none of this: `Router::layer` and `MethodRouter::layer` take it.
#![doc = include_str!("../docs/axum.md")]

mod matched;
mod router;

pub use matched::{ByMatchedPath, matched_path};
pub use router::{CorsRouter, HasState, WithCors};
