//! Hostnames of routes and listeners, and the index that finds those that fit a request's host, most specific first.
//! Rules 8.1, 8.4.

use std::{collections::HashMap, fmt, ops::ControlFlow};

use crate::origin::host_and_port;

/// The longest hostname, in bytes.
const MAX_HOSTNAME: usize = 253;

/// A hostname of a route or a listener: exact, a wildcard for one or more labels to the left, or any.
///
/// # Examples
///
/// ```
/// use tower_cors::route::Hostname;
///
/// let hostname = Hostname::parse("*.example.com")?;
/// assert!(hostname.matches("a.b.example.com"));
/// assert!(!hostname.matches("example.com"));
/// # Ok::<_, tower_cors::route::HostnameError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Hostname(Kind);

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
enum Kind {
    #[default]
    Any,
    Exact(Box<str>),
    /// What stands after `*.`.
    Wildcard(Box<str>),
}

/// Why a text is not a hostname.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum HostnameError {
    /// Nothing is written.
    #[error("the hostname is empty")]
    Empty,
    /// More than 253 bytes.
    #[error("the hostname is longer than 253 bytes")]
    TooLong,
    /// A port, which no hostname has.
    #[error("a hostname has no port")]
    Port,
    /// A `*` that is not the whole first label.
    #[error("a * stands for the first labels of a hostname and nothing else")]
    Wildcard,
    /// A label that is empty, or has a character other than letters, digits and `-`, or a `-` at an end.
    #[error("a label of the hostname is empty or has a character that no label has")]
    Label,
}

impl Hostname {
    /// The hostname that every host fits.
    pub fn any() -> Self {
        Self::default()
    }

    /// Reads `host` or `*.host`. Case is ignored.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, HostnameError> {
        let text = text.to_ascii_lowercase();
        let (labels, is_wildcard) = match text.strip_prefix("*.") {
            Some(labels) => (labels, true),
            None => (text.as_str(), false),
        };
        let is_label = |label: &str| {
            let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            !label.is_empty() && label.bytes().all(inner) && !label.starts_with('-') && !label.ends_with('-')
        };
        match labels {
            "" => Err(HostnameError::Empty),
            _ if text.len() > MAX_HOSTNAME => Err(HostnameError::TooLong),
            _ if labels.contains('*') => Err(HostnameError::Wildcard),
            _ if labels.contains(':') => Err(HostnameError::Port),
            _ if !labels.split('.').all(is_label) => Err(HostnameError::Label),
            _ if is_wildcard => Ok(Self(Kind::Wildcard(labels.into()))),
            _ => Ok(Self(Kind::Exact(labels.into()))),
        }
    }

    /// Whether every host fits.
    pub fn is_any(&self) -> bool {
        self.0 == Kind::Any
    }

    /// Whether a host, in lower case and without a port, fits.
    pub fn matches(&self, host: &str) -> bool {
        match &self.0 {
            Kind::Any => true,
            Kind::Exact(exact) => **exact == *host,
            // One or more labels to the left, none of them empty at the dot.
            Kind::Wildcard(parent) => host
                .strip_suffix(&**parent)
                .and_then(|rest| rest.strip_suffix('.'))
                .is_some_and(|rest| !rest.is_empty()),
        }
    }
}

impl Hostname {
    /// Whether some host fits this and `other`.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Kind::Any, _) | (_, Kind::Any) => true,
            (Kind::Exact(host), _) => other.matches(host),
            (_, Kind::Exact(host)) => self.matches(host),
            (Kind::Wildcard(one), Kind::Wildcard(two)) => one == two || self.matches(two) || other.matches(one),
        }
    }
}

impl fmt::Display for Hostname {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Any => f.write_str("*"),
            Kind::Exact(host) => f.write_str(host),
            Kind::Wildcard(parent) => write!(f, "*.{parent}"),
        }
    }
}

/// The host of an authority such as `user@host:port`, as it is written.
fn without_port(authority: &str) -> &str {
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    host_and_port(authority).0
}

/// Calls `then` with the host of `authority` in lower case and without its port, and allocates nothing.
///
/// A request without a host, or with one longer than any hostname, has the empty one, which only [`Hostname::any`] fits.
pub(super) fn with_host<T>(authority: Option<&str>, then: impl FnOnce(&str) -> T) -> T {
    let host = authority.map(without_port).unwrap_or_default();
    if !host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return then(if host.len() > MAX_HOSTNAME { "" } else { host });
    }
    let mut lower = [0; MAX_HOSTNAME];
    let Some(lower) = lower.get_mut(..host.len()) else { return then("") };
    lower.copy_from_slice(host.as_bytes());
    lower.make_ascii_lowercase();
    then(std::str::from_utf8(lower).unwrap_or_default())
}

/// Values by hostname: one hash look-up for the host, and one for each of its parents that has the length of some
/// wildcard.
#[derive(Clone, Debug, Default)]
pub(super) struct HostIndex<T> {
    values: Vec<T>,
    exact: HashMap<Box<str>, usize>,
    wildcards: HashMap<Box<str>, usize>,
    any: Option<usize>,
    /// The lengths of the wildcards, as a set of bits: other parents of a host need no look-up.
    lengths: [u64; 4],
}

impl<T: Default> HostIndex<T> {
    /// The value of `hostname`, made where there is none yet.
    pub(super) fn entry(&mut self, hostname: &Hostname) -> Option<&mut T> {
        let next = self.values.len();
        let at = match &hostname.0 {
            Kind::Any => *self.any.get_or_insert(next),
            Kind::Exact(host) => *self.exact.entry(host.clone()).or_insert(next),
            Kind::Wildcard(parent) => {
                if let Some(bits) = self.lengths.get_mut(parent.len() / 64) {
                    *bits |= 1 << (parent.len() % 64);
                }
                *self.wildcards.entry(parent.clone()).or_insert(next)
            }
        };
        if at == next {
            self.values.push(T::default());
        }
        self.values.get_mut(at)
    }
}

impl<T> HostIndex<T> {
    /// Visits the values of the hostnames that fit `host`: exact before wildcard, longer wildcard first, then any (8.1).
    #[inline]
    pub(super) fn visit<'t, B>(&'t self, host: &str, mut visit: impl FnMut(&'t T) -> ControlFlow<B>) -> ControlFlow<B> {
        if let Some(value) = self.exact.get(host).and_then(|&at| self.values.get(at)) {
            visit(value)?;
        }
        self.parents_of(host).try_for_each(|at| self.values.get(at).map_or(ControlFlow::Continue(()), &mut visit))
    }

    /// The wildcards that `host` fits, longest first, then any.
    fn parents_of<'s>(&'s self, host: &'s str) -> impl Iterator<Item = usize> + use<'s, T> {
        host.match_indices('.')
            // A host that begins with a dot has an empty label there, which a wildcard does not match.
            .filter(|&(dot, _)| dot != 0)
            .filter_map(|(dot, _)| host.get(dot + 1..))
            .filter(|parent| {
                self.lengths.get(parent.len() / 64).is_some_and(|bits| bits >> (parent.len() % 64) & 1 == 1)
            })
            .filter_map(|parent| self.wildcards.get(parent).copied())
            .chain(self.any)
    }

    /// Every value, as its place in [`values`](Self::values), with those that every host of its hostname fits as well,
    /// most specific first.
    pub(super) fn chains(&self) -> impl Iterator<Item = (usize, Vec<usize>)> {
        let exact = self.exact.iter().map(|(host, &at)| (at, self.parents_of(host).collect()));
        // A wildcard's hosts fit the parents of its own host, and its own host's wildcard is itself.
        let wildcards = self.wildcards.iter().map(|(host, &at)| (at, self.parents_of(host).collect()));
        exact.chain(wildcards).chain(self.any.map(|at| (at, Vec::new())))
    }

    /// Every value, in no order.
    pub(super) fn values(&self) -> &[T] {
        &self.values
    }

    /// Every value, in no order.
    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.values.iter_mut()
    }
}
