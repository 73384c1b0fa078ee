//! The header values that no policy changes, made once. Their clones cost no allocation and no shared count.
//! Rules 4.5, 4.6, 6.1, 6.2.

use http::HeaderValue;

// The values are parts of longer texts that nobody else has, so that no linker gives another text their address: that
// address is how a second layer recognises them (5.9).
static VARY: [u8; 109] =
    *b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers, Access-Control-Request-Private-Network";
static ANY: [u8; 38] = *b"*, by the policy of a tower-cors layer";
static TRUE: [u8; 41] = *b"true, by the policy of a tower-cors layer";

static VARY_ON_ORIGIN: HeaderValue = part(&VARY, 0, ORIGIN_END);
static VARY_OPEN: HeaderValue = part(&VARY, ORIGIN_END + 2, HEADERS_END);
static VARY_OPEN_PRIVATE: HeaderValue = part(&VARY, ORIGIN_END + 2, VARY.len());
static VARY_CLOSED: HeaderValue = part(&VARY, 0, HEADERS_END);
static VARY_CLOSED_PRIVATE: HeaderValue = part(&VARY, 0, VARY.len());
static ANY_ORIGIN: HeaderValue = part(&ANY, 0, 1);
static YES: HeaderValue = part(&TRUE, 0, 4);

const ORIGIN_END: usize = "Origin".len();
const HEADERS_END: usize = VARY.len() - ", Access-Control-Request-Private-Network".len();

/// The bytes `start..end` of `text`; out of range does not compile.
const fn part(text: &'static [u8], start: usize, end: usize) -> HeaderValue {
    match std::str::from_utf8(text.split_at(end).0.split_at(start).1) {
        Ok(text) => HeaderValue::from_static(text),
        Err(_) => HeaderValue::from_static(""),
    }
}

/// 6.2: what the answer to a preflight varies on. Whether and how it answers depends on the announced names, allowed
/// or not; on the origin where 6.1 says so.
pub(super) fn vary_of_preflight(on_origin: bool, private_network: bool) -> &'static HeaderValue {
    match (on_origin, private_network) {
        (true, false) => &VARY_CLOSED,
        (true, true) => &VARY_CLOSED_PRIVATE,
        (false, false) => &VARY_OPEN,
        (false, true) => &VARY_OPEN_PRIVATE,
    }
}

/// 6.1: what every response under a policy that is not open varies on.
pub(super) fn vary_on_origin() -> &'static HeaderValue {
    &VARY_ON_ORIGIN
}

/// 4.5, 5.1: the permission for any origin.
pub(super) fn any_origin() -> HeaderValue {
    ANY_ORIGIN.clone()
}

/// 4.6: the one value that `Access-Control-Allow-Credentials` has.
pub(super) fn yes() -> HeaderValue {
    YES.clone()
}

/// Whether a value is a clone of [`vary_on_origin`]'s, not just equal to it.
pub(super) fn is_vary_on_origin(value: &HeaderValue) -> bool {
    value.as_bytes().as_ptr() == VARY_ON_ORIGIN.as_bytes().as_ptr()
}

/// Whether a value is a clone of [`any_origin`]'s, not just equal to it.
pub(super) fn is_any_origin(value: &HeaderValue) -> bool {
    value.as_bytes().as_ptr() == ANY_ORIGIN.as_bytes().as_ptr()
}

/// Whether a value is a clone of [`yes`]'s, not just equal to it.
pub(super) fn is_yes(value: &HeaderValue) -> bool {
    value.as_bytes().as_ptr() == YES.as_bytes().as_ptr()
}
