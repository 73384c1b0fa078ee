//! Origins: what a request's `Origin` header says, what a policy's pattern means, and the set that holds the two
//! against each other at a cost that does not depend on the number of patterns (section 3 of `docs/semantics.md`).

mod function;
mod intersection;
#[allow(clippy::module_inception, reason = "the file holds the type that the room is named after")]
mod origin;
mod pattern;
mod port;
mod scheme;
mod set;
mod wildcards;

pub use origin::Origin;
pub use pattern::OriginPattern;
pub(crate) use port::{default_port, host_and_port};
pub(crate) use scheme::split_scheme;
pub(crate) use set::OriginSet;
