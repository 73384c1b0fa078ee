//! An origin as a browser writes it. In: the bytes of an `Origin` header. Out: scheme, host and port, borrowed, or
//! nothing when the bytes are not a well-formed, lower-case tuple origin. Rules 3.1, 3.4.

use super::{
    port::{default_port, read_port},
    scheme::{is_opaque, is_web},
};
use crate::host::read_host;

/// A well-formed tuple origin, borrowed from the bytes of a header.
///
/// It is what the [HTML standard](https://html.spec.whatwg.org/multipage/browsers.html#ascii-serialisation-of-an-origin)
/// makes a browser send: a lower-case scheme and host, and a port where it is not the scheme's own. One trailing `/`
/// and a default port are tolerated.
///
/// # Examples
///
/// ```
/// use tower_cors::origin::Origin;
///
/// let origin = Origin::parse(b"https://app.example:8443").unwrap();
/// assert_eq!(
///     (origin.scheme(), origin.host(), origin.port()),
///     ("https", "app.example", Some(8443))
/// );
///
/// assert_eq!(Origin::parse(b"https://app.example").unwrap().port(), Some(443));
/// assert!(Origin::parse(b"null").is_none());
/// assert!(Origin::parse(b"https://app.example/login").is_none());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin<'a> {
    /// `scheme://host[:port]` without a default port and without the trailing `/`: ASCII, as parsing made sure.
    canonical: &'a [u8],
    scheme: usize,
    host: usize,
    port: Option<u16>,
}

impl<'a> Origin<'a> {
    /// Reads the bytes of an `Origin` header; `None` for everything that is not a well-formed tuple origin.
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let scheme = read_scheme(bytes)?;
        let rest = &bytes[scheme + 3..];
        let host = read_host(rest).or_else(|| read_shell_host(&bytes[..scheme], rest))?;
        let end = scheme + 3 + host;
        // The documented `Origin: https://example.com/` works: one trailing slash is no path.
        let port_text = match &rest[host..] {
            [port @ .., b'/'] => port,
            port => port,
        };
        let default = default_port(&bytes[..scheme]);
        let (port, canonical) = match port_text {
            [] => (default, end),
            [b':', digits @ ..] => {
                let port = read_port(digits)?;
                (Some(port), if Some(port) == default { end } else { end + port_text.len() })
            }
            _ => return None,
        };
        Some(Self { canonical: &bytes[..canonical], scheme, host, port })
    }

    /// The scheme, such as `https`.
    pub fn scheme(&self) -> &'a str {
        ascii(&self.canonical[..self.scheme])
    }

    /// The host: a DNS name, an IPv4 address or an IPv6 address in brackets. With a scheme other than `http` and `https` it
    /// may also be empty, or a single `.` (2.6).
    pub fn host(&self) -> &'a str {
        ascii(self.host_bytes())
    }

    /// The host, without a second look at what parsing has looked at already.
    pub(super) fn host_bytes(&self) -> &'a [u8] {
        &self.canonical[self.scheme + 3..][..self.host]
    }

    /// The effective port: the one written, else 80 for `http` and 443 for `https`, else none.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// `scheme://host[:port]` as a browser prints it: without a default port, without a trailing `/`.
    pub fn as_str(&self) -> &'a str {
        ascii(self.canonical)
    }

    /// [`as_str`](Self::as_str), without a second look at what parsing has looked at already.
    pub(super) fn as_bytes(&self) -> &'a [u8] {
        self.canonical
    }

    /// Whether the scheme is `https`, or else `http`; none for other schemes.
    pub(super) fn is_secure(&self) -> Option<bool> {
        match &self.canonical[..self.scheme] {
            b"https" => Some(true),
            b"http" => Some(false),
            _ => None,
        }
    }
}

/// Text that is known to be ASCII. The alternative never happens, and there is no `unsafe` to say so.
fn ascii(text: &[u8]) -> &str {
    std::str::from_utf8(text).unwrap_or_default()
}

/// The length of a host that a shell has for its own pages and the web has not (2.6): `app://.` in Electron, `capacitor://`.
#[cold]
fn read_shell_host(scheme: &[u8], rest: &[u8]) -> Option<usize> {
    match rest {
        // Pages of an opaque scheme have the origin `null`, whatever an old browser sends (2.7).
        _ if is_web(scheme) || is_opaque(ascii(scheme)) => None,
        b"" | b"/" => Some(0),
        b"." | b"./" => Some(1),
        _ => None,
    }
}

/// The length of the lower-case scheme before `://` (RFC 3986, section 3.1).
fn read_scheme(bytes: &[u8]) -> Option<usize> {
    // Two comparisons settle nearly every request.
    if bytes.starts_with(b"https://") {
        return Some(5);
    }
    if bytes.starts_with(b"http://") {
        return Some(4);
    }
    let length = bytes.iter().position(|&byte| byte == b':')?;
    let (scheme, rest) = bytes.split_at(length);
    let is_scheme = scheme.first().is_some_and(u8::is_ascii_lowercase)
        && scheme.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'+' | b'-' | b'.'));
    (is_scheme && rest.starts_with(b"://")).then_some(length)
}
