//! Hostnames of routes and listeners, and the host of a request. Rules 8.1, 8.4.

use std::fmt;

use crate::{
    host::{HostError, HostPattern, MAX_HOST},
    origin::host_and_port,
};

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
/// # Ok::<_, tower_cors::finding::HostError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Hostname(HostPattern);

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
    pub fn parse(text: &str) -> Result<Self, HostError> {
        HostPattern::of_route(text).map(Self)
    }

    /// Whether every host fits.
    pub fn is_any(&self) -> bool {
        self.0 == HostPattern::Any
    }

    /// Whether a host, in lower case and without a port, fits.
    pub fn matches(&self, host: &str) -> bool {
        self.0.matches(host)
    }

    /// Whether some host fits this and `other`.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        self.0.intersection(&other.0).is_some()
    }

    /// The hosts that fit this and `other`; none where there is no such host.
    #[cfg(feature = "manifest")]
    pub(crate) fn intersection(&self, other: &Self) -> Option<Self> {
        self.0.intersection(&other.0).cloned().map(Self)
    }

    pub(super) fn pattern(&self) -> &HostPattern {
        &self.0
    }
}

impl fmt::Display for Hostname {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
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
        return then(if host.len() > MAX_HOST { "" } else { host });
    }
    let mut lower = [0; MAX_HOST];
    let Some(lower) = lower.get_mut(..host.len()) else { return then("") };
    lower.copy_from_slice(host.as_bytes());
    lower.make_ascii_lowercase();
    then(std::str::from_utf8(lower).unwrap_or_default())
}
