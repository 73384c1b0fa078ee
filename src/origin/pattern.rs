//! A pattern of allowed origins. In: one entry of `allowOrigins`. Out: what it matches, in canonical form, or the
//! first thing that is wrong with it. Rules 2.4 to 2.7; `*` alone is not a pattern but a policy's business.

use std::{fmt, net::Ipv6Addr};

use super::{host, port};
use crate::{escape::is_invisible_or_control, finding::ViolationKind};

/// One entry of `allowOrigins` that is not the lone `*`.
///
/// # Examples
///
/// ```
/// use tower_cors::origin::{Origin, OriginPattern};
///
/// let pattern = OriginPattern::parse("https://*.example.com")?;
/// let matches = |origin: &[u8]| Origin::parse(origin).is_some_and(|origin| pattern.matches(&origin));
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

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum HostPattern {
    Any,
    Exact(String),
    /// One or more labels before a dot and this host.
    Subdomains(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum PortPattern {
    Any,
    /// The effective port; none where the scheme has no port of its own.
    Only(Option<u16>),
}

impl OriginPattern {
    /// Reads a pattern: `scheme://host[:port]`, the host with an optional leading `*.` or just `*`, the port a number
    /// or `*`. One trailing `/` is tolerated; scheme and host are lower-cased.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, from left to right.
    pub fn parse(text: &str) -> Result<Self, ViolationKind> {
        // `file:` needs no slashes to be recognised; `localhost:3000` is a host without a scheme.
        if is_opaque(text) {
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
        let host = read_host(&lower_case(host))?;
        let port = match port {
            None => PortPattern::Only(port::default_port(scheme.as_bytes())),
            Some("*") => PortPattern::Any,
            Some(port) => PortPattern::Only(Some(port::read_port(port.as_bytes()).ok_or(ViolationKind::OriginPort)?)),
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
        let host = match &self.host {
            HostPattern::Any => true,
            HostPattern::Exact(host) => host == origin.host(),
            HostPattern::Subdomains(parent) => {
                origin.host().strip_suffix(parent.as_str()).is_some_and(|labels| labels.ends_with('.'))
            }
        };
        let port = match self.port {
            PortPattern::Any => true,
            PortPattern::Only(port) => port == origin.port(),
        };
        host && port && self.scheme == origin.scheme()
    }

    /// The scheme, lower-cased.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The host without its wildcard: `example.com` for `https://*.example.com`; none for `https://*`.
    pub fn host(&self) -> Option<&str> {
        match &self.host {
            HostPattern::Any => None,
            HostPattern::Exact(host) | HostPattern::Subdomains(host) => Some(host),
        }
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
        matches!(self.scheme.as_str(), "http" | "https")
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
        f.write_str(scheme)?;
        f.write_str(match host {
            HostPattern::Any => "://*",
            HostPattern::Exact(_) => "://",
            HostPattern::Subdomains(_) => "://*.",
        })?;
        f.write_str(self.host().unwrap_or_default())?;
        match *port {
            PortPattern::Any => f.write_str(":*"),
            PortPattern::Only(Some(port)) if Some(port) != port::default_port(scheme.as_bytes()) => {
                write!(f, ":{port}")
            }
            PortPattern::Only(_) => Ok(()),
        }
    }
}

/// What stands before and after the first `://`.
#[inline(never)]
pub(crate) fn split_scheme(text: &str) -> Option<(&str, &str)> {
    // Not `split_once`: its search for longer texts is compiled into every place that calls it.
    let at = text.as_bytes().windows(3).position(|bytes| bytes == b"://")?;
    Some((&text[..at], &text[at + 3..]))
}

/// Where the first such byte, which is ASCII, stands. Like [`split_scheme`], it keeps the search of `str` out.
#[inline(never)]
pub(crate) fn find_byte(text: &str, byte: u8) -> Option<usize> {
    text.bytes().position(|other| other == byte)
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

fn is_opaque(text: &str) -> bool {
    find_byte(text, b':')
        .is_some_and(|end| ["file", "data", "blob", "about", "javascript"].contains(&&*lower_case(&text[..end])))
}

fn read_scheme(scheme: &str) -> Result<String, ViolationKind> {
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    match scheme {
        "" => Err(ViolationKind::OriginScheme),
        _ if scheme.contains('*') => Err(ViolationKind::OriginWildcard),
        _ if !is_scheme => Err(ViolationKind::OriginInvalidScheme),
        _ => Ok(lower_case(scheme)),
    }
}

/// The text with its ASCII letters in lower case, by a loop that is long enough to be compiled once.
#[inline(never)]
pub(crate) fn lower_case(text: &str) -> String {
    text.to_ascii_lowercase()
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
        return Err(ViolationKind::OriginIpv6);
    }
    let host_end = if rest.starts_with('[') {
        find_byte(rest, b']').map(|end| end + 1).ok_or(ViolationKind::OriginIpv6)?
    } else {
        find_byte(rest, b':').unwrap_or(rest.len())
    };
    let (host, port) = rest.split_at(host_end);
    match port.strip_prefix(':') {
        Some(port) => Ok((host, Some(port))),
        None if port.is_empty() => Ok((host, None)),
        None => Err(ViolationKind::OriginHostCharacter),
    }
}

fn read_host(host: &str) -> Result<HostPattern, ViolationKind> {
    if host == "*" {
        return Ok(HostPattern::Any);
    }
    if host.starts_with('[') {
        return if host::read(host.as_bytes()) == Some(host.len()) {
            Ok(HostPattern::Exact(host.to_owned()))
        } else {
            Err(ViolationKind::OriginIpv6)
        };
    }
    let (labels, is_wildcard) = match host.strip_prefix("*.") {
        Some(labels) => (labels, true),
        None => (host, false),
    };
    check_labels(labels, host.len())?;
    if host::read(labels.as_bytes()) != Some(labels.len()) {
        // Every label is well-formed by now, so what the grammar refuses is a number that is no address.
        return Err(ViolationKind::OriginIpv4);
    }
    let is_number = labels.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    match (is_wildcard, is_number) {
        // An address has no subdomains.
        (true, true) => Err(ViolationKind::OriginWildcard),
        (true, false) => Ok(HostPattern::Subdomains(labels.to_owned())),
        (false, _) => Ok(HostPattern::Exact(labels.to_owned())),
    }
}

fn check_labels(labels: &str, length: usize) -> Result<(), ViolationKind> {
    if labels.is_empty() {
        return Err(if length == 0 { ViolationKind::OriginHost } else { ViolationKind::OriginEmptyLabel });
    }
    if labels.contains('*') {
        return Err(ViolationKind::OriginWildcard);
    }
    for label in labels.as_bytes().split(|&byte| byte == b'.') {
        if label.is_empty() {
            return Err(ViolationKind::OriginEmptyLabel);
        }
        if label.len() > 63 {
            return Err(ViolationKind::OriginHostTooLong);
        }
        if !label.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
            return Err(ViolationKind::OriginHostCharacter);
        }
    }
    if length > host::MAX_HOST { Err(ViolationKind::OriginHostTooLong) } else { Ok(()) }
}

/// The host as the URL standard prints it, in brackets, for an IPv6 address in any spelling.
pub(crate) fn compressed_ipv6(address: &str) -> Option<String> {
    let address: Ipv6Addr = address.parse().ok()?;
    let mut printed = [0; 41];
    String::from_utf8(host::print_ipv6(address, &mut printed).to_vec()).ok()
}
