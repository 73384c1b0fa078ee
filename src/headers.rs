//! The grammar of tokens and lists with its limits, Fetch's tables of names, and membership in `Vary`. In: header
//! names and values. Out: what they hold. Nothing here knows a policy. Rules 2.8, 2.9, 4.8, 4.9, 5.5, 6.3.

use std::iter;

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{self, GetAll},
};

/// `Access-Control-Allow-Private-Network`, which the `http` crate has no constant for.
pub(crate) static ALLOW_PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-allow-private-network");
/// `Access-Control-Request-Private-Network`, which the `http` crate has no constant for.
pub(crate) static REQUEST_PRIVATE_NETWORK: HeaderName =
    HeaderName::from_static("access-control-request-private-network");
/// `Sec-Fetch-Site`, which the `http` crate has no constant for.
pub(crate) static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The longest list of requested headers, and the longest requested method, that is read: 8 KiB (4.7, 4.9).
pub(crate) const MAX_LIST_BYTES: usize = 8 * 1024;
/// The most names of a list of requested headers that are read (4.9).
pub(crate) const MAX_LIST_NAMES: usize = 256;

/// Whether a byte may stand in a token (RFC 9110, section 5.6.2).
const fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
        )
}

static TCHARS: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = is_tchar(byte as u8);
        byte += 1;
    }
    table
};

/// Whether `text` is a token: a method or a header name (RFC 9110, section 5.6.2).
#[inline]
pub(crate) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|&byte| TCHARS[byte as usize])
}

/// The elements of a comma-separated list, trimmed; empty ones are left out (RFC 9110, section 5.6.1).
pub(crate) fn elements(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|&byte| byte == b',').map(<[u8]>::trim_ascii).filter(|element| !element.is_empty())
}

/// The elements of a list that are tokens other than `*`. A browser's list takes one look at each byte.
fn names(mut list: &[u8]) -> impl Iterator<Item = &[u8]> {
    iter::from_fn(move || {
        while !list.is_empty() {
            let element = list.trim_ascii_start();
            let end = element.iter().position(|&byte| !TCHARS[byte as usize]).unwrap_or(element.len());
            let (name, rest) = element.split_at(end);
            // In a browser's list the comma follows at once.
            let comma = rest.iter().position(|&byte| byte == b',').unwrap_or(rest.len());
            let (space, after) = rest.split_at(comma);
            list = after.get(1..).unwrap_or_default();
            if !name.is_empty() && name != b"*" && space.trim_ascii().is_empty() {
                return Some(name);
            }
        }
        None
    })
}

/// The list of requested headers, which several lines may spell, longer than 4.9 permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ListTooLong;

/// The names that `lines` list, joined with `", "`; none where they name nothing.
///
/// Invalid names and `*` are dropped: what is echoed into a response is made of valid tokens only (4.8).
pub(crate) fn join_names(lines: GetAll<'_, HeaderValue>) -> Result<Option<HeaderValue>, ListTooLong> {
    let bytes = lines.iter().map(HeaderValue::len).sum::<usize>();
    if bytes > MAX_LIST_BYTES {
        return Err(ListTooLong);
    }
    if bytes == 0 {
        return Ok(None);
    }
    // Each comma may become a comma and a space, and each line but the first gains both.
    let mut joined = Vec::with_capacity(bytes + 2 * MAX_LIST_NAMES.min(bytes));
    let mut count = 0;
    for line in lines.iter() {
        for name in names(line.as_bytes()) {
            count += 1;
            if count > MAX_LIST_NAMES {
                return Err(ListTooLong);
            }
            if !joined.is_empty() {
                joined.extend_from_slice(b", ");
            }
            joined.extend_from_slice(name);
        }
    }
    // Tokens, commas and spaces always make a header value.
    Ok(if joined.is_empty() { None } else { HeaderValue::try_from(joined).ok() })
}

/// Whether a response header is one of the *CORS response headers* that a policy is the authority for (5.5).
#[inline]
pub(crate) fn is_cors_response_header(name: &HeaderName) -> bool {
    // The seven names have these lengths; most others are told apart by length alone.
    let name = name.as_str();
    matches!(name.len(), 22 | 27..=29 | 32 | 36)
        && matches!(
            name,
            "access-control-allow-origin"
                | "access-control-allow-credentials"
                | "access-control-allow-methods"
                | "access-control-allow-headers"
                | "access-control-expose-headers"
                | "access-control-max-age"
                | "access-control-allow-private-network"
        )
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

/// Whether a header comes with requests that no script set it on, so that it shows no preflight (8.3): browsers keep it
/// from scripts or set it by themselves, or proxies add it.
pub(crate) fn is_sent_without_preflight(name: &HeaderName, value: &HeaderValue) -> bool {
    let name = name.as_str();
    match name {
        // Of any length: those of browsers grow. With a byte that no browser's has, a script set it.
        "accept" => !has_unsafe_byte(value.as_bytes()),
        _ => is_set_by_browser(name) || is_added_by_proxy(name),
    }
}

/// Whether a browser sets a request header by itself, without asking: those that it keeps from scripts, and those of
/// its cache, its identity and its hints.
pub(crate) fn is_set_by_browser(name: &str) -> bool {
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

/// Whether scripts can't use a method (Fetch, forbidden method).
pub(crate) fn is_forbidden_method(method: &str) -> bool {
    one_of(method, &["CONNECT", "TRACE", "TRACK"])
}

/// Whether scripts may use a method without a preflight (Fetch, CORS-safelisted method).
pub(crate) fn is_safelisted_method(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "POST")
}

/// Whether scripts may send a header with this value without a preflight (Fetch, CORS-safelisted request-header).
/// The name is in lower case, as `HeaderName` has it.
pub(crate) fn is_safelisted_request_header(name: &str, value: &[u8]) -> bool {
    let is_language = || value.iter().all(|&byte| byte.is_ascii_alphanumeric() || b" *,-.;=".contains(&byte));
    value.len() <= 128
        && match name {
            "accept" => !has_unsafe_byte(value),
            "accept-language" | "content-language" => is_language(),
            "content-type" => !has_unsafe_byte(value) && is_form_type(value),
            "range" => is_simple_range(value),
            _ => false,
        }
}

/// Whether a value has a CORS-unsafe request-header byte (Fetch).
fn has_unsafe_byte(value: &[u8]) -> bool {
    value.iter().any(|&byte| (byte < 0x20 && byte != b'\t') || b"\"():<>?@[\\]{}\x7f".contains(&byte))
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

/// Whether `name` is one of `names`, in any case.
#[inline(never)]
pub(crate) fn one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|other| name.eq_ignore_ascii_case(other))
}

fn has_prefix(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// Whether the response varies on `name` already: a member with that name, in any case, or `*` (6.3).
pub(crate) fn varies_on(headers: &HeaderMap, name: &str) -> bool {
    headers
        .get_all(header::VARY)
        .iter()
        .flat_map(|line| elements(line.as_bytes()))
        .any(|member| member == b"*" || member.eq_ignore_ascii_case(name.as_bytes()))
}
