//! The header values that no policy changes, made once. Their clones cost no allocation and no shared count.
//! Rules 4.5, 4.6, 6.1, 6.2.

use http::HeaderValue;

// The values are parts of longer texts that nobody else has, so that no linker gives another text their address: that
// address is how a second layer recognises them (5.9).
static VARY: [u8; 109] =
    *b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers, Access-Control-Request-Private-Network";
static ANY: [u8; 38] = *b"*, by the policy of a tower-cors layer";
static TRUE: [u8; 41] = *b"true, by the policy of a tower-cors layer";

const ORIGIN_END: usize = "Origin".len();
const HEADERS_END: usize = VARY.len() - ", Access-Control-Request-Private-Network".len();

/// The bytes `start..end` of `text`; out of range does not compile.
const fn part(text: &'static [u8], start: usize, end: usize) -> HeaderValue {
    match std::str::from_utf8(text.split_at(end).0.split_at(start).1) {
        Ok(text) => HeaderValue::from_static(text),
        Err(_) => HeaderValue::from_static(""),
    }
}

/// What a response varies on, as one word (6.1, 6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Vary {
    /// 6.1: what every response under a policy that is not open varies on.
    Origin,
    /// 6.2: what the answer to a preflight varies on. Whether and how it answers depends on the announced names, allowed
    /// or not; on the origin where 6.1 says so.
    Preflight { on_origin: bool, private_network: bool },
}

impl Vary {
    /// The value of the header. Made of constants in place, it needs no call of the clone function of [`bytes::Bytes`].
    #[inline]
    pub(super) fn value(self) -> HeaderValue {
        match self {
            Self::Origin => const { part(&VARY, 0, ORIGIN_END) },
            Self::Preflight { on_origin: true, private_network: false } => const { part(&VARY, 0, HEADERS_END) },
            Self::Preflight { on_origin: true, private_network: true } => const { part(&VARY, 0, VARY.len()) },
            Self::Preflight { on_origin: false, private_network: false } => {
                const { part(&VARY, ORIGIN_END + 2, HEADERS_END) }
            }
            Self::Preflight { on_origin: false, private_network: true } => {
                const { part(&VARY, ORIGIN_END + 2, VARY.len()) }
            }
        }
    }
}

/// 4.5, 5.1: the permission for any origin.
#[inline]
pub(super) fn any_origin() -> HeaderValue {
    const { part(&ANY, 0, 1) }
}

/// 4.6: the one value that `Access-Control-Allow-Credentials` has.
#[inline]
pub(super) fn yes() -> HeaderValue {
    const { part(&TRUE, 0, 4) }
}

/// Whether a value is [`Vary::Origin`]'s or a clone of it, not just equal to it.
pub(super) fn is_vary_on_origin(value: &HeaderValue) -> bool {
    value.as_bytes().as_ptr() == VARY.as_ptr()
}

/// Whether a value is [`any_origin`]'s or a clone of it, not just equal to it.
pub(super) fn is_any_origin(value: &HeaderValue) -> bool {
    value.as_bytes().as_ptr() == ANY.as_ptr()
}

/// Whether a value is [`yes`]'s or a clone of it, not just equal to it.
pub(super) fn is_yes(value: &HeaderValue) -> bool {
    value.as_bytes().as_ptr() == TRUE.as_ptr()
}
