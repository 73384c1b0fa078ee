//! The route table, section 8 of `docs/semantics.md`.
#![cfg(feature = "route")]

/// Rule 8.3: no request reaches a backend without the consent of its rule, and none that needed none is refused.
mod consent;
/// Hostnames against a slow matcher.
mod hosts;
/// The same against a slow resolver that looks at every match.
mod reference;
/// Which rule a request reaches, which one answers a preflight, and what is held.
mod table;
