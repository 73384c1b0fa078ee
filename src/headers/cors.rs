//! The names of CORS itself: what a policy writes, and what the `http` crate has no constant for. Rule 5.5.

use http::{HeaderName, header};

/// `Access-Control-Allow-Private-Network`, which the `http` crate has no constant for.
pub(crate) static ALLOW_PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-allow-private-network");
/// `Access-Control-Request-Private-Network`, which the `http` crate has no constant for.
pub(crate) static REQUEST_PRIVATE_NETWORK: HeaderName =
    HeaderName::from_static("access-control-request-private-network");
/// `Sec-Fetch-Site`, which the `http` crate has no constant for.
pub(crate) static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether a response header is one of the *CORS response headers* that a policy is the authority for (5.5).
#[inline]
pub(crate) fn is_cors_response_header(name: &HeaderName) -> bool {
    // The seven names have these lengths; most others are told apart by length alone.
    matches!(name.as_str().len(), 22 | 27..=29 | 32 | 36) && cors_response_headers().contains(&name)
}

/// The CORS response headers, to be removed one by one where [`is_cors_response_header`] found any.
pub(crate) fn cors_response_headers() -> [&'static HeaderName; 7] {
    [
        &header::ACCESS_CONTROL_ALLOW_ORIGIN,
        &header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
        &header::ACCESS_CONTROL_ALLOW_METHODS,
        &header::ACCESS_CONTROL_ALLOW_HEADERS,
        &header::ACCESS_CONTROL_EXPOSE_HEADERS,
        &header::ACCESS_CONTROL_MAX_AGE,
        &ALLOW_PRIVATE_NETWORK,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cors_response_header_has_a_length_that_is_looked_at() {
        assert!(cors_response_headers().into_iter().all(is_cors_response_header));
        assert!(!is_cors_response_header(&header::ACCESS_CONTROL_REQUEST_METHOD));
    }
}
