//! What two patterns both match. In: two patterns. Out: the pattern of the origins that each of them matches, or none.
//! Rules 3.1 to 3.3 say what a pattern matches; 7.8 needs it.
//!
//! A pattern is a scheme, a set of hosts and a set of ports. Two sets of hosts have nothing in common, or one lies
//! within the other, and two sets of ports likewise. So one pattern is always enough.

use super::pattern::{OriginPattern, PortPattern};

impl OriginPattern {
    /// The pattern that matches exactly the origins that both match; none where there is no such origin.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_cors::origin::OriginPattern;
    ///
    /// let pattern = |text| OriginPattern::parse(text).unwrap();
    /// let both =
    ///     pattern("https://*:*").intersection(&pattern("https://*.example.com")).unwrap();
    /// assert_eq!(both.to_string(), "https://*.example.com");
    /// assert!(
    ///     pattern("https://example.com")
    ///         .intersection(&pattern("https://*.example.com"))
    ///         .is_none()
    /// );
    /// ```
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        if self.scheme != other.scheme {
            return None;
        }
        let host = self.host.intersection(&other.host)?;
        let port = match (self.port, other.port) {
            (PortPattern::Any, port) | (port, PortPattern::Any) => port,
            (one, two) if one == two => one,
            _ => return None,
        };
        Some(Self { scheme: self.scheme.clone(), host: host.clone(), port, trailing_slash: false })
    }
}
