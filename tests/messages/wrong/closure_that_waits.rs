//! An asynchronous closure without `resolve_async`.

use tower_cors::{CorsLayer, request::CorsRequest};

fn main() {
    let _ = CorsLayer::with_async_resolver(|_: &CorsRequest<'_>| async { Ok::<_, std::io::Error>(None) });
}
