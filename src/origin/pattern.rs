//! A pattern of allowed origins. In: one entry of `allowOrigins`. Out: what it matches, in canonical form, or the
//! first thing that is wrong with it. Rules 2.4 to 2.7; `*` alone is not a pattern but a policy's business.

use std::{fmt, net::Ipv6Addr};

use super::{host, origin};
use crate::shown::is_treacherous;

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
/// # Ok::<_, tower_cors::origin::PatternError>(())
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

/// What is wrong with an origin pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PatternError {
    /// Nothing is written.
    Empty,
    /// `null` is what every sandboxed frame and local file sends.
    Null,
    /// A host outside ASCII; browsers send its Punycode form.
    NotAscii,
    /// White space, or a character that is invisible.
    Whitespace,
    /// Several origins in one entry.
    List,
    /// No `scheme://` in front.
    MissingScheme,
    /// A scheme that no URL can have.
    InvalidScheme,
    /// A scheme whose pages have no origin of their own (`file:`).
    OpaqueScheme,
    /// `user:password@` in front of the host.
    UserInfo,
    /// Something after the host and the port, beginning with `/`.
    Path,
    /// A query or a fragment.
    Query,
    /// No host at all.
    EmptyHost,
    /// Two dots in a row, or a dot at either end.
    EmptyLabel,
    /// A label of more than 63 bytes, or a host of more than 253.
    TooLong,
    /// A byte that no host has.
    InvalidHost,
    /// A host that ends in a number and is not an IPv4 address in dotted-quad form.
    InvalidIpv4,
    /// An IPv6 address without brackets, or what stands in brackets and is none in compressed form.
    InvalidIpv6,
    /// Not a port from 1 to 65535, nor `*`.
    InvalidPort,
    /// A `*` that is neither the first label, nor the whole host, nor the port.
    MisplacedWildcard,
    /// A wildcard in an origin that is neither `http` nor `https`.
    WildcardScheme,
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "an origin can't be empty",
            Self::Null => "the origin null can't be allowed: every sandboxed frame and local file sends it",
            Self::NotAscii => "an origin is ASCII; use Punycode",
            Self::Whitespace => "an origin has no white space and no invisible character",
            Self::List => "each origin is an entry of its own",
            Self::MissingScheme => "has no scheme",
            Self::InvalidScheme => "has no valid scheme",
            Self::OpaqueScheme => "pages of this scheme send the origin null, which can't be allowed",
            Self::UserInfo => "an origin has no user name and no password",
            Self::Path => "an origin has no path",
            Self::Query => "an origin has no query and no fragment",
            Self::EmptyHost => "an origin needs a host",
            Self::EmptyLabel => "a host has no two dots in a row, and none at an end",
            Self::TooLong => "a host has at most 253 bytes, and 63 between two dots",
            Self::InvalidHost => "a host has letters, digits, - and _ between its dots, and nothing else",
            Self::InvalidIpv4 => "the host ends in a number but is not an IPv4 address such as 192.0.2.1",
            Self::InvalidIpv6 => "an IPv6 address stands in brackets and in its shortest form, such as [2001:db8::1]",
            Self::InvalidPort => "a port is a number from 1 to 65535 without leading zeros, or *",
            Self::MisplacedWildcard => {
                "a * stands at the start of a host, as in *.example.com, for the whole host, or for the port"
            }
            Self::WildcardScheme => "a wildcard needs the scheme http or https",
        })
    }
}

impl std::error::Error for PatternError {}

impl OriginPattern {
    /// Reads a pattern: `scheme://host[:port]`, the host with an optional leading `*.` or just `*`, the port a number
    /// or `*`. One trailing `/` is tolerated; scheme and host are lower-cased.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, from left to right.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        // `file:` needs no slashes to be recognised; `localhost:3000` is a host without a scheme.
        if is_opaque(text) {
            return Err(PatternError::OpaqueScheme);
        }
        check_characters(text)?;
        let (scheme, rest) = split_scheme(text).ok_or(PatternError::MissingScheme)?;
        let scheme = read_scheme(scheme)?;
        let (rest, trailing_slash) = match rest.strip_suffix('/') {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        check_delimiters(rest)?;
        let (host, port) = split_port(rest)?;
        let host = read_host(&lower_case(host))?;
        let port = match port {
            None => PortPattern::Only(origin::default_port(scheme.as_bytes())),
            Some("*") => PortPattern::Any,
            Some(port) => PortPattern::Only(Some(origin::read_port(port.as_bytes()).ok_or(PatternError::InvalidPort)?)),
        };
        let pattern = Self { scheme, host, port, trailing_slash };
        // 2.6: other schemes are only ever meant exactly.
        if pattern.is_exact() || pattern.has_web_scheme() { Ok(pattern) } else { Err(PatternError::WildcardScheme) }
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
            PortPattern::Only(Some(port)) if Some(port) != origin::default_port(scheme.as_bytes()) => {
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

fn check_characters(text: &str) -> Result<(), PatternError> {
    if text.is_empty() {
        Err(PatternError::Empty)
    } else if text.eq_ignore_ascii_case("null") {
        Err(PatternError::Null)
    } else if text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',' && byte != b';') {
        Ok(())
    } else {
        Err(strange_character(text))
    }
}

/// What is wrong with a text that has more than the characters of an origin.
#[cold]
fn strange_character(text: &str) -> PatternError {
    if is_list(text) {
        PatternError::List
    } else if text.chars().any(|character| character == ' ' || is_treacherous(character)) {
        PatternError::Whitespace
    } else {
        PatternError::NotAscii
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

fn read_scheme(scheme: &str) -> Result<String, PatternError> {
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    match scheme {
        "" => Err(PatternError::MissingScheme),
        _ if scheme.contains('*') => Err(PatternError::MisplacedWildcard),
        _ if !is_scheme => Err(PatternError::InvalidScheme),
        _ => Ok(lower_case(scheme)),
    }
}

/// The text with its ASCII letters in lower case, by a loop that is long enough to be compiled once.
#[inline(never)]
pub(crate) fn lower_case(text: &str) -> String {
    text.to_ascii_lowercase()
}

/// Refuses what a URL may have and an origin may not (2.7).
fn check_delimiters(rest: &str) -> Result<(), PatternError> {
    let delimiter = rest.bytes().find_map(|byte| match byte {
        // Browsers read a backslash as a slash.
        b'/' | b'\\' => Some(PatternError::Path),
        b'@' => Some(PatternError::UserInfo),
        b'?' | b'#' => Some(PatternError::Query),
        _ => None,
    });
    delimiter.map_or(Ok(()), Err)
}

fn split_port(rest: &str) -> Result<(&str, Option<&str>), PatternError> {
    // Without brackets an IPv6 address would end at its first colon.
    if rest.parse::<Ipv6Addr>().is_ok() || rest.starts_with("::") {
        return Err(PatternError::InvalidIpv6);
    }
    let host_end = if rest.starts_with('[') {
        find_byte(rest, b']').map(|end| end + 1).ok_or(PatternError::InvalidIpv6)?
    } else {
        find_byte(rest, b':').unwrap_or(rest.len())
    };
    let (host, port) = rest.split_at(host_end);
    match port.strip_prefix(':') {
        Some(port) => Ok((host, Some(port))),
        None if port.is_empty() => Ok((host, None)),
        None => Err(PatternError::InvalidHost),
    }
}

fn read_host(host: &str) -> Result<HostPattern, PatternError> {
    if host == "*" {
        return Ok(HostPattern::Any);
    }
    if host.starts_with('[') {
        return if host::read(host.as_bytes()) == Some(host.len()) {
            Ok(HostPattern::Exact(host.to_owned()))
        } else {
            Err(PatternError::InvalidIpv6)
        };
    }
    let (labels, is_wildcard) = match host.strip_prefix("*.") {
        Some(labels) => (labels, true),
        None => (host, false),
    };
    check_labels(labels, host.len())?;
    if host::read(labels.as_bytes()) != Some(labels.len()) {
        // Every label is well-formed by now, so what the grammar refuses is a number that is no address.
        return Err(PatternError::InvalidIpv4);
    }
    let is_number = labels.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    match (is_wildcard, is_number) {
        // An address has no subdomains.
        (true, true) => Err(PatternError::MisplacedWildcard),
        (true, false) => Ok(HostPattern::Subdomains(labels.to_owned())),
        (false, _) => Ok(HostPattern::Exact(labels.to_owned())),
    }
}

fn check_labels(labels: &str, length: usize) -> Result<(), PatternError> {
    if labels.is_empty() {
        return Err(if length == 0 { PatternError::EmptyHost } else { PatternError::EmptyLabel });
    }
    if labels.contains('*') {
        return Err(PatternError::MisplacedWildcard);
    }
    for label in labels.as_bytes().split(|&byte| byte == b'.') {
        if label.is_empty() {
            return Err(PatternError::EmptyLabel);
        }
        if label.len() > 63 {
            return Err(PatternError::TooLong);
        }
        if !label.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
            return Err(PatternError::InvalidHost);
        }
    }
    if length > host::MAX_HOST { Err(PatternError::TooLong) } else { Ok(()) }
}

/// The host as the URL standard prints it, in brackets, for an IPv6 address in any spelling.
pub(crate) fn compressed_ipv6(address: &str) -> Option<String> {
    let address: Ipv6Addr = address.parse().ok()?;
    let mut printed = [0; 41];
    String::from_utf8(host::print_ipv6(address, &mut printed).to_vec()).ok()
}
