//! What concerns one connection only, and so does not go on: fields, transfer codings, trailers (RFC 9110, sections 6.5
//! and 7.6.1; RFC 9112, section 6.1).

use http::{HeaderMap, HeaderName, header};

/// Removes the fields that are known to concern one connection, and those that `Connection` lists.
pub(crate) fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let listed: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .filter(|name| !is_end_to_end(name))
        .collect();
    static KNOWN: [HeaderName; 8] = [
        header::CONNECTION,
        header::PROXY_AUTHENTICATE,
        header::PROXY_AUTHORIZATION,
        header::TE,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
        HeaderName::from_static("keep-alive"),
        HeaderName::from_static("proxy-connection"),
    ];
    for name in listed.iter().chain(&KNOWN) {
        headers.remove(name);
    }
}

/// Whether a field is meant for every recipient, so that `Connection` must not list it: a client would hide from the
/// backend what the gateway has decided by.
fn is_end_to_end(name: &HeaderName) -> bool {
    const NAMES: [&str; 14] = [
        "age",
        "authorization",
        "cache-control",
        "cookie",
        "date",
        "expires",
        "forwarded",
        "host",
        "origin",
        "range",
        "referer",
        "set-cookie",
        "user-agent",
        "vary",
    ];
    const BEGINNINGS: [&str; 6] = ["accept", "access-control-", "content-", "if-", "sec-", "x-forwarded-"];
    let name = name.as_str();
    NAMES.contains(&name) || BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
}

/// Whether a message has a transfer coding other than `chunked`. It would be lost on the way, since nothing here decodes it.
pub(crate) fn has_other_coding(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::TRANSFER_ENCODING).iter();
    let codings = lines.flat_map(|line| line.as_bytes().split(|&byte| byte == b','));
    codings.map(<[u8]>::trim_ascii).any(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case(b"chunked"))
}

/// Keeps the trailers that may come as trailers: none for framing, routing, authentication, caching or content (RFC 9110,
/// section 6.5.1), and none of CORS, which a browser reads in the head alone.
pub(crate) fn keep_permitted_trailers(trailers: &mut HeaderMap) {
    const NAMES: [&str; 28] = [
        "age",
        "authorization",
        "cache-control",
        "connection",
        "cookie",
        "date",
        "expect",
        "expires",
        "forwarded",
        "host",
        "keep-alive",
        "location",
        "max-forwards",
        "origin",
        "pragma",
        "proxy-authenticate",
        "proxy-authorization",
        "range",
        "retry-after",
        "server",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "vary",
        "via",
        "www-authenticate",
    ];
    const BEGINNINGS: [&str; 5] = ["access-control-", "content-", "if-", "sec-", "x-forwarded-"];
    let is_forbidden = |name: &HeaderName| {
        NAMES.contains(&name.as_str()) || BEGINNINGS.iter().any(|beginning| name.as_str().starts_with(beginning))
    };
    let forbidden: Vec<_> = trailers.keys().filter(|name| is_forbidden(name)).cloned().collect();
    for name in forbidden {
        trailers.remove(name);
    }
}
