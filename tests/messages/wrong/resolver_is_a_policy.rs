//! A policy that was not compiled, where a resolver is asked for.

use tower_cors::{CorsLayer, CorsPolicy};

fn main() {
    let _ = CorsLayer::with_resolver(CorsPolicy::new().allow_origins("https://app.example"));
}

//~ `CorsPolicy` can't tell which policy applies to a request
//~ a `CorsPolicy` is compiled first: `CorsLayer::new(policy)?`, or `policy.compile()?` in a resolver
//~ a closure names the type of its argument, `|request: &CorsRequest<'_>|`, and returns a `CompiledPolicy`, an `Option` of one, or a `Resolution`
//~ a resolver that must wait goes into `CorsLayer::with_async_resolver`
