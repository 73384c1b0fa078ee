//! An origin as a header value, as tower-http takes it.

use http::HeaderValue;
use tower_cors::CorsPolicy;

fn main() {
    let _ = CorsPolicy::new().allow_origins(HeaderValue::from_static("https://app.example"));
}

//~ `HeaderValue` is neither an origin nor a list of origins
//~ write a string such as "https://app.example", or an array, a `Vec` or an iterator of strings
