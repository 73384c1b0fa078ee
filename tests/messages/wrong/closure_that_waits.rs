//! An asynchronous closure without `resolve_async`.

use tower_cors::{CorsLayer, request::CorsRequest};

fn main() {
    let _ = CorsLayer::with_async_resolver(|_: &CorsRequest<'_>| async { Ok::<_, std::io::Error>(None) });
}

//~ can't tell which policy applies to a request, not even when it waits
//~ a closure goes through `resolver::resolve_async(|request| ...)`, which reads the request and returns a future of a `Result`
