//! Routing, by subject.
#![cfg(feature = "route")]
#[path = "routes/consent.rs"]
mod consent;
