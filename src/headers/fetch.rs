//! Fetch's tables of names: what scripts may send and see without permission, and what they never may. Rules 2.14, 5.4, 8.3.

use super::token::one_of;

/// Whether scripts see a response header without its being exposed (Fetch, CORS-safelisted response-header name).
pub(crate) fn is_safelisted_response_header(name: &str) -> bool {
    one_of(
        name,
        &["cache-control", "content-language", "content-length", "content-type", "expires", "last-modified", "pragma"],
    )
}

/// Whether no script ever sees a response header (Fetch, forbidden response-header name).
pub(crate) fn is_forbidden_response_header(name: &str) -> bool {
    one_of(name, &["set-cookie", "set-cookie2"])
}

/// Whether scripts can't set a request header (Fetch, forbidden request-header).
pub(crate) fn is_forbidden_request_header(name: &str) -> bool {
    one_of(
        name,
        &[
            "accept-charset",
            "accept-encoding",
            "access-control-request-headers",
            "access-control-request-method",
            "access-control-request-private-network",
            "connection",
            "content-length",
            "cookie",
            "cookie2",
            "date",
            "dnt",
            "expect",
            "host",
            "keep-alive",
            "origin",
            "referer",
            "set-cookie",
            "te",
            "trailer",
            "transfer-encoding",
            "upgrade",
            "via",
        ],
    ) || has_prefix(name, "proxy-")
        || has_prefix(name, "sec-")
}

/// Whether scripts can't use a method (Fetch, forbidden method).
pub(crate) fn is_forbidden_method(method: &str) -> bool {
    one_of(method, &["CONNECT", "TRACE", "TRACK"])
}

/// Whether scripts may use a method without a preflight (Fetch, CORS-safelisted method).
pub(crate) fn is_safelisted_method(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "POST")
}

/// Whether scripts may send a header with this value without a preflight (Fetch, CORS-safelisted request-header).
pub(crate) fn is_safelisted_request_header(name: &str, value: &[u8]) -> bool {
    value.len() <= 128 && safelisted_value(name).is_some_and(|is_safe| is_safe(value))
}

type ValueTest = fn(&[u8]) -> bool;

/// What the value of a header must be for scripts to send it without a preflight; none where no value will do.
pub(crate) fn safelisted_value(name: &str) -> Option<ValueTest> {
    const SAFELISTED: [(&str, ValueTest); 5] = [
        ("accept", has_safe_bytes),
        ("accept-language", is_language),
        ("content-language", is_language),
        ("content-type", |value| has_safe_bytes(value) && is_form_type(value)),
        ("range", is_simple_range),
    ];
    SAFELISTED.iter().find(|(safelisted, _)| name.eq_ignore_ascii_case(safelisted)).map(|(_, is_safe)| *is_safe)
}

/// No CORS-unsafe request-header byte.
pub(super) fn has_safe_bytes(value: &[u8]) -> bool {
    value.iter().all(|&byte| (byte >= 0x20 || byte == b'\t') && !b"\"():<>?@[\\]{}\x7f".contains(&byte))
}

fn is_language(value: &[u8]) -> bool {
    value.iter().all(|&byte| byte.is_ascii_alphanumeric() || b" *,-.;=".contains(&byte))
}

/// Whether the essence of a MIME type is one that an HTML form can send.
fn is_form_type(value: &[u8]) -> bool {
    let essence = value.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
    [&b"application/x-www-form-urlencoded"[..], b"multipart/form-data", b"text/plain"]
        .iter()
        .any(|form| essence.eq_ignore_ascii_case(form))
}

/// `bytes=` with a start and perhaps an end (Fetch, simple range header value).
fn is_simple_range(value: &[u8]) -> bool {
    let is_number = |digits: &[u8]| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let Some(range) = value.strip_prefix(b"bytes=") else { return false };
    let mut bounds = range.splitn(2, |&byte| byte == b'-');
    let (Some(start), Some(end)) = (bounds.next(), bounds.next()) else { return false };
    let is_ordered = || {
        let digits = |number: &[u8]| number.iter().skip_while(|&&digit| digit == b'0').copied().collect::<Vec<_>>();
        // Without leading zeros, a longer number is a larger one, and numbers of one length compare as text.
        let (start, end) = (digits(start), digits(end));
        (start.len(), start) <= (end.len(), end)
    };
    is_number(start) && (end.is_empty() || (is_number(end) && is_ordered()))
}

pub(super) fn has_prefix(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}
