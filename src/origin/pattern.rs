//! A pattern of allowed origins. In: one entry of `allowOrigins`. Out: what it matches, in canonical form, or the
//! first thing that is wrong with it. Rules 2.4 to 2.7; `*` alone is not a pattern but a policy's business.

use std::{fmt, net::Ipv6Addr};

use super::{
    port::{default_port, read_port},
    scheme::{is_opaque, is_web, split_scheme},
};
use crate::{
    escape::is_invisible_or_control,
    finding::{HostError, ViolationKind},
    host::HostPattern,
};

/// One entry of `allowOrigins` that is not the lone `*`.
///
/// # Examples
///
/// ```
/// use tower_cors::origin::{Origin, OriginPattern};
///
/// let pattern = OriginPattern::parse("https://*.example.com")?;
/// let matches = |origin: &[u8]| {
///     Origin::parse(origin).is_some_and(|origin| pattern.matches(&origin))
/// };
/// assert!(matches(b"https://a.b.example.com"));
/// assert!(!matches(b"https://example.com"));
/// assert!(!matches(b"https://example.com.evil.example"));
/// # Ok::<_, tower_cors::finding::ViolationKind>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OriginPattern {
    pub(super) scheme: String,
    pub(super) host: HostPattern,
    pub(super) port: PortPattern,
    pub(super) trailing_slash: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum PortPattern {
    Any,
    /// The effective port; none where the scheme has no port of its own.
    Only(Option<u16>),
}

impl OriginPattern {
    /// Reads a pattern: `scheme://host[:port]`, the host with an optional leading `*.` or just `*`, the port a number
    /// or `*`. One trailing `/` is tolerated; scheme and host are lower-cased. With a scheme other than `http` and `https` the
    /// host is exact, and may also be a single `.` or empty, as in `app://.` and `capacitor://`.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, from left to right.
    pub fn parse(text: &str) -> Result<Self, ViolationKind> {
        // `file:` needs no slashes to be recognised; `localhost:3000` is a host without a scheme.
        if text.split_once(':').is_some_and(|(scheme, _)| is_opaque(scheme)) {
            return Err(ViolationKind::OriginOpaqueScheme);
        }
        check_characters(text)?;
        let (scheme, rest) = split_scheme(text).ok_or(ViolationKind::OriginScheme)?;
        let scheme = read_scheme(scheme)?;
        let (rest, trailing_slash) = match rest.strip_suffix('/') {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        check_delimiters(rest)?;
        let (host, port) = split_port(rest)?;
        let host = match host {
            // 2.6: a shell's own pages have a host that no page of the web has, and no port.
            "" | "." if port.is_none() && !is_web(scheme.as_bytes()) => HostPattern::Exact(host.into()),
            _ => HostPattern::of_origin(host)?,
        };
        let port = match port {
            None => PortPattern::Only(default_port(scheme.as_bytes())),
            Some("*") => PortPattern::Any,
            Some(port) => PortPattern::Only(Some(read_port(port.as_bytes()).ok_or(ViolationKind::OriginPort)?)),
        };
        let pattern = Self { scheme, host, port, trailing_slash };
        // 2.6: other schemes are only ever meant exactly.
        if pattern.is_exact() || pattern.has_web_scheme() {
            Ok(pattern)
        } else {
            Err(ViolationKind::OriginWildcardScheme)
        }
    }

    /// Whether the pattern stands for this origin (3.1 to 3.3).
    ///
    /// A policy with many patterns does not ask them one by one; this is for a caller that has one.
    pub fn matches(&self, origin: &super::Origin<'_>) -> bool {
        let port = match self.port {
            PortPattern::Any => true,
            PortPattern::Only(port) => port == origin.port(),
        };
        port && self.scheme == origin.scheme() && self.host.matches(origin.host())
    }

    /// The scheme, lower-cased.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The host without its wildcard: `example.com` for `https://*.example.com`; none for `https://*`.
    pub fn host(&self) -> Option<&str> {
        self.host.host()
    }

    /// Whether the pattern names one origin.
    pub fn is_exact(&self) -> bool {
        matches!((&self.host, self.port), (HostPattern::Exact(_), PortPattern::Only(_)))
    }

    /// Whether the host is just `*`.
    pub fn is_any_host(&self) -> bool {
        self.host == HostPattern::Any
    }

    /// Whether the pattern stands for the subdomains of its host.
    pub fn is_subdomains(&self) -> bool {
        matches!(self.host, HostPattern::Subdomains(_))
    }

    /// Whether the scheme is `http` or `https`.
    pub fn has_web_scheme(&self) -> bool {
        is_web(self.scheme.as_bytes())
    }

    /// Whether the port is `*`.
    pub fn is_any_port(&self) -> bool {
        self.port == PortPattern::Any
    }

    /// Whether a trailing `/` was written.
    pub fn has_trailing_slash(&self) -> bool {
        self.trailing_slash
    }
}

/// The canonical form: lower case, without a default port, without a trailing `/`.
impl fmt::Display for OriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scheme, host, port, .. } = self;
        write!(f, "{scheme}://{host}")?;
        match *port {
            PortPattern::Any => f.write_str(":*"),
            PortPattern::Only(Some(port)) if Some(port) != default_port(scheme.as_bytes()) => {
                write!(f, ":{port}")
            }
            PortPattern::Only(_) => Ok(()),
        }
    }
}

fn check_characters(text: &str) -> Result<(), ViolationKind> {
    if text.is_empty() {
        Err(ViolationKind::Empty)
    } else if text.eq_ignore_ascii_case("null") {
        Err(ViolationKind::OriginNull)
    } else if text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',' && byte != b';') {
        Ok(())
    } else {
        Err(strange_character(text))
    }
}

/// What is wrong with a text that has more than the characters of an origin.
#[cold]
fn strange_character(text: &str) -> ViolationKind {
    if is_list(text) {
        ViolationKind::ListInOneEntry
    } else if text.chars().any(|character| character == ' ' || is_invisible_or_control(character)) {
        ViolationKind::OriginWhitespace
    } else {
        ViolationKind::OriginNotAscii
    }
}

/// Several origins have separators between them; a space in one origin leaves a part that is none.
fn is_list(text: &str) -> bool {
    let is_origin = |part: &str| split_scheme(part).is_none_or(|(_, host)| !host.is_empty()) && part.contains('.');
    let mut parts = 0;
    let all_are_origins = text.split_ascii_whitespace().inspect(|_| parts += 1).all(is_origin);
    text.contains([',', ';']) || (all_are_origins && parts > 1)
}

fn read_scheme(scheme: &str) -> Result<String, ViolationKind> {
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    match scheme {
        "" => Err(ViolationKind::OriginScheme),
        _ if scheme.contains('*') => Err(HostError::Wildcard.into()),
        _ if !is_scheme => Err(ViolationKind::OriginInvalidScheme),
        _ => Ok(scheme.to_ascii_lowercase()),
    }
}

/// Refuses what a URL may have and an origin may not (2.7).
fn check_delimiters(rest: &str) -> Result<(), ViolationKind> {
    let delimiter = rest.bytes().find_map(|byte| match byte {
        // Browsers read a backslash as a slash.
        b'/' | b'\\' => Some(ViolationKind::OriginPath),
        b'@' => Some(ViolationKind::OriginUserInfo),
        b'?' | b'#' => Some(ViolationKind::OriginQuery),
        _ => None,
    });
    delimiter.map_or(Ok(()), Err)
}

fn split_port(rest: &str) -> Result<(&str, Option<&str>), ViolationKind> {
    // Without brackets an IPv6 address would end at its first colon.
    if rest.parse::<Ipv6Addr>().is_ok() || rest.starts_with("::") {
        return Err(HostError::Ipv6.into());
    }
    let host_end = if rest.starts_with('[') {
        rest.find(']').map(|end| end + 1).ok_or(HostError::Ipv6)?
    } else {
        rest.find(':').unwrap_or(rest.len())
    };
    let (host, port) = rest.split_at(host_end);
    match port.strip_prefix(':') {
        Some(port) => Ok((host, Some(port))),
        None if port.is_empty() => Ok((host, None)),
        None => Err(HostError::Character.into()),
    }
}
