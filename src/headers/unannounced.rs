//! Request headers that come without a preflight announcing them: browsers set them by themselves, or proxies add them.
//! Rules 8.2, 8.3.

use http::{HeaderName, HeaderValue};

use super::{
    fetch::{has_prefix, has_safe_bytes, is_forbidden_request_header},
    token::one_of,
};

/// Whether a request may carry a header that its preflight does not announce: a safelisted one, which a script sets
/// without asking, or one that the browser sets by itself (8.2).
#[cfg(feature = "route")]
pub(crate) fn is_sent_unannounced(name: &HeaderName) -> bool {
    let name = name.as_str();
    // The preflight carries these two as the request itself does.
    !matches!(name, "host" | "origin") && (super::fetch::safelisted_value(name).is_some() || is_set_by_browser(name))
}

/// Whether a header that is not safelisted comes with requests that had no preflight, so that it shows none (8.3).
pub(crate) fn is_sent_without_preflight(name: &HeaderName, value: &HeaderValue) -> bool {
    let name = name.as_str();
    match name {
        // Of any length: those of browsers grow. With a byte that no browser's has, a script set it.
        "accept" => has_safe_bytes(value.as_bytes()),
        _ => is_set_by_browser(name) || is_added_by_proxy(name),
    }
}

/// Whether a browser sets a request header by itself, without asking: those that it keeps from scripts, and those of
/// its cache, its identity and its hints.
fn is_set_by_browser(name: &str) -> bool {
    is_forbidden_request_header(name)
        || one_of(
            name,
            &[
                "cache-control",
                "device-memory",
                "downlink",
                "dpr",
                "ect",
                "if-modified-since",
                "if-none-match",
                "if-range",
                "pragma",
                "priority",
                "rtt",
                "save-data",
                "upgrade-insecure-requests",
                "user-agent",
                "viewport-width",
                "width",
            ],
        )
}

/// Whether proxies before a server add a request header.
fn is_added_by_proxy(name: &str) -> bool {
    one_of(name, &["baggage", "forwarded", "traceparent", "tracestate", "via", "x-real-ip", "x-request-id"])
        || has_prefix(name, "x-forwarded-")
}
