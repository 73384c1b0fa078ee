//! What two patterns both match. In: two patterns. Out: the pattern of the origins that each of them matches, or none.
//! Rules 3.1 to 3.3 say what a pattern matches; 7.8 needs it.
//!
//! A pattern is a scheme, a set of hosts and a set of ports. Two sets of hosts have nothing in common, or one lies
//! within the other; so do two sets of ports. That is why one pattern is always enough.

use super::pattern::{HostPattern, OriginPattern, PortPattern};

impl OriginPattern {
    /// The pattern that matches exactly the origins that both match; none where there is no such origin.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_cors::origin::OriginPattern;
    ///
    /// let pattern = |text| OriginPattern::parse(text).unwrap();
    /// let both = pattern("https://*:*").intersection(&pattern("https://*.example.com")).unwrap();
    /// assert_eq!(both.to_string(), "https://*.example.com");
    /// assert!(pattern("https://example.com").intersection(&pattern("https://*.example.com")).is_none());
    /// ```
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        if self.scheme != other.scheme {
            return None;
        }
        let host = intersect_hosts(&self.host, &other.host)?;
        let port = match (self.port, other.port) {
            (PortPattern::Any, port) | (port, PortPattern::Any) => port,
            (one, two) if one == two => one,
            _ => return None,
        };
        Some(Self { scheme: self.scheme.clone(), host: host.clone(), port, trailing_slash: false })
    }
}

/// The smaller of two sets of hosts, where it lies within the other.
fn intersect_hosts<'a>(one: &'a HostPattern, two: &'a HostPattern) -> Option<&'a HostPattern> {
    if is_within(one, two) {
        Some(one)
    } else if is_within(two, one) {
        Some(two)
    } else {
        None
    }
}

fn is_within(inner: &HostPattern, outer: &HostPattern) -> bool {
    match (inner, outer) {
        (_, HostPattern::Any) => true,
        (HostPattern::Exact(inner), HostPattern::Exact(outer)) => inner == outer,
        // 3.2: one or more labels to the left, never the apex.
        (HostPattern::Exact(inner), HostPattern::Subdomains(outer)) => is_below(inner, outer),
        // What lies below a host of these lies below `outer` as well.
        (HostPattern::Subdomains(inner), HostPattern::Subdomains(outer)) => inner == outer || is_below(inner, outer),
        (HostPattern::Any, _) | (HostPattern::Subdomains(_), HostPattern::Exact(_)) => false,
    }
}

fn is_below(host: &str, parent: &str) -> bool {
    host.strip_suffix(parent).is_some_and(|labels| labels.ends_with('.'))
}
