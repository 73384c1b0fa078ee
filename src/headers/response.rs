//! Headers that only responses have. Rule 2.14.

use super::{cors::cors_response_headers, token::one_of};

/// Whether only responses have a header: those of RFC 9110, section 10.2 and others, of CORS, and of a page's security.
pub(crate) fn is_only_in_responses(name: &str) -> bool {
    const NAMES: [&str; 13] = [
        "accept-ranges",
        "age",
        "allow",
        "content-security-policy",
        "etag",
        "location",
        "retry-after",
        "server",
        "strict-transport-security",
        "vary",
        "www-authenticate",
        "x-content-type-options",
        "x-frame-options",
    ];
    one_of(name, &NAMES) || cors_response_headers().iter().any(|cors| cors.as_str().eq_ignore_ascii_case(name))
}
