//! The route table, section 8 of `docs/semantics.md`.
#![cfg(feature = "route")]

/// The same against a slow resolver that looks at every match.
mod reference;
/// Which rule a request reaches, which one answers a preflight, and what is held.
mod table;
