//! What can be wrong with a host, and the one text of each. Rules 2.4, 2.7.

use thiserror::Error;

/// Why a text is not a host, or a pattern of hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum HostError {
    /// Nothing is written.
    #[error("has no host")]
    Empty,
    /// An empty label (2.7).
    #[error("has two dots in a row")]
    EmptyLabel,
    /// An empty first label (2.7).
    #[error("has a host that begins with a dot")]
    LeadingDot,
    /// An empty last label (2.7).
    #[error("has a host that ends with a dot")]
    TrailingDot,
    /// A label or host longer than the DNS permits.
    #[error("is too long: a host has at most 253 bytes, and 63 between two dots")]
    TooLong,
    /// A character that no host of an origin has.
    #[error("a host has letters, digits, - and _ between its dots, and nothing else")]
    Character,
    /// A character that no hostname of a route has: the Gateway API is stricter than browsers are with origins.
    #[error("a hostname has letters, digits and - between its dots, no - beside a dot or at an end, and no port")]
    HostnameCharacter,
    /// A number at the end of the host that makes no IPv4 address (2.4).
    #[error("ends in a number but is not an IPv4 address such as 192.0.2.1")]
    Ipv4,
    /// No IPv6 address in compressed form (2.4).
    #[error("an IPv6 address stands in brackets and in its shortest form, such as [2001:db8::1]")]
    Ipv6,
    /// A misplaced `*` (2.7).
    #[error("a * stands at the start of a host, as in *.example.com, for the whole host, or for the port")]
    Wildcard,
}
