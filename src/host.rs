//! Hosts: their grammar, patterns of them, and the index from a host to the patterns that match it. Origins and the
//! hostnames of routes use the same ones. In: text of a policy, a route or a request. Rules 2.4, 3.2 to 3.4, 8.1.

mod error;
mod grammar;
mod index;
mod ipv6;
mod pattern;
mod places;

pub use error::HostError;
pub(crate) use grammar::{MAX_HOST, read_host};
pub(crate) use index::HostIndex;
pub(crate) use ipv6::Ipv6Host;
pub(crate) use pattern::HostPattern;
pub(crate) use places::Places;
