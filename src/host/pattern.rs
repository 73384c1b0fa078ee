//! A pattern of hosts: one host, what is below one, or every host. In: the host of an allowed origin, or the hostname of
//! a route. Out: the pattern in lower case, or the first thing that is wrong with it. Rules 2.4, 2.7, 3.2, 8.1.

use std::fmt;

use super::{
    HostError,
    grammar::{MAX_HOST, read_host},
};

/// The longest label, in bytes (RFC 1035, section 2.3.4).
const MAX_LABEL: usize = 63;

/// Hosts of an origin or a route, in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum HostPattern {
    /// Every host.
    #[default]
    Any,
    Exact(Box<str>),
    /// One or more labels before a dot and this host (3.2).
    Subdomains(Box<str>),
}

impl HostPattern {
    /// Reads the host of an allowed origin (2.4): a DNS name, an address, `*.` before a name, or `*`. Case is ignored.
    pub(crate) fn of_origin(text: &str) -> Result<Self, HostError> {
        let host = text.to_ascii_lowercase();
        if host == "*" {
            return Ok(Self::Any);
        }
        if host.starts_with('[') {
            let is_address = read_host(host.as_bytes()) == Some(host.len());
            return if is_address { Ok(Self::Exact(host.into())) } else { Err(HostError::Ipv6) };
        }
        let name = split_labels(&host, |label| match label {
            _ if label.len() > MAX_LABEL => Err(HostError::TooLong),
            _ if label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) => Ok(()),
            _ => Err(HostError::Character),
        })?;
        // Every label is well-formed by now, so what the grammar refuses is a number that is no address.
        if read_host(name.as_bytes()) != Some(name.len()) {
            return Err(HostError::Ipv4);
        }
        let is_wildcard = name.len() < host.len();
        // An address has no subdomains.
        if is_wildcard && name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
            return Err(HostError::Wildcard);
        }
        Ok(Self::new(name, is_wildcard))
    }

    /// Reads the hostname of a route or a listener, as the Gateway API has them: `host` or `*.host`. Case is ignored.
    #[cfg(feature = "route")]
    pub(crate) fn of_route(text: &str) -> Result<Self, HostError> {
        let host = text.to_ascii_lowercase();
        // The CRD's pattern, which has no limit for one label and does not tell numbers from names.
        let name = split_labels(&host, |label| {
            let is_label = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-');
            if is_label { Ok(()) } else { Err(HostError::HostnameCharacter) }
        })?;
        Ok(Self::new(name, name.len() < host.len()))
    }

    fn new(name: &str, is_wildcard: bool) -> Self {
        if is_wildcard { Self::Subdomains(name.into()) } else { Self::Exact(name.into()) }
    }

    /// Whether the pattern matches a host in lower case.
    pub(crate) fn matches(&self, host: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(exact) => **exact == *host,
            // 3.2: one or more labels to the left, never the apex, never an empty label.
            Self::Subdomains(parent) => {
                let labels = host.strip_suffix(&**parent).and_then(|labels| labels.strip_suffix('.'));
                labels.is_some_and(|labels| !labels.is_empty())
            }
        }
    }

    /// The host without its wildcard; none where every host matches.
    pub(crate) fn host(&self) -> Option<&str> {
        match self {
            Self::Any => None,
            Self::Exact(host) | Self::Subdomains(host) => Some(host),
        }
    }

    /// The hosts that both match. Two sets of hosts have none in common, or one of them lies within the other.
    pub(crate) fn intersection<'a>(&'a self, other: &'a Self) -> Option<&'a Self> {
        if self.is_within(other) {
            Some(self)
        } else if other.is_within(self) {
            Some(other)
        } else {
            None
        }
    }

    fn is_within(&self, outer: &Self) -> bool {
        match (self, outer) {
            (_, Self::Any) => true,
            (Self::Exact(host), _) => outer.matches(host),
            // What is below a host that is below `outer` is below `outer` as well.
            (Self::Subdomains(parent), Self::Subdomains(_)) => self == outer || outer.matches(parent),
            (Self::Any, _) | (Self::Subdomains(_), Self::Exact(_)) => false,
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Exact(host) => f.write_str(host),
            Self::Subdomains(parent) => write!(f, "*.{parent}"),
        }
    }
}

/// The labels of a host without its wildcard, each of which `check` accepts.
fn split_labels(host: &str, check: impl Fn(&str) -> Result<(), HostError>) -> Result<&str, HostError> {
    let name = host.strip_prefix("*.").unwrap_or(host);
    match name {
        _ if host.is_empty() => return Err(HostError::Empty),
        "" => return Err(HostError::TrailingDot),
        _ if name.contains('*') => return Err(HostError::Wildcard),
        _ => {}
    }
    name.split('.').try_for_each(|label| if label.is_empty() { Err(empty_label(host)) } else { check(label) })?;
    if host.len() > MAX_HOST { Err(HostError::TooLong) } else { Ok(name) }
}

#[cold]
fn empty_label(host: &str) -> HostError {
    match host {
        _ if host.as_bytes().windows(2).any(|pair| pair == b"..") => HostError::EmptyLabel,
        _ if host.starts_with('.') => HostError::LeadingDot,
        _ => HostError::TrailingDot,
    }
}
