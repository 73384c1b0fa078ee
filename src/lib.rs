//! CORS for any tower service.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

#[cfg(feature = "axum")]
pub mod axum;
pub mod browser;
pub mod compile;
pub mod decision;
pub mod explain;
mod headers;
pub mod layer;
pub mod lint;
#[cfg(feature = "manifest")]
pub mod manifest;
pub mod merge;
pub mod origin;
pub mod policy;
pub mod request;
pub mod resolver;
#[cfg(feature = "route")]
pub mod route;
pub mod violation;

pub use compile::{CompiledPolicy, Profile};
pub use decision::{Decision, Reason};
pub use layer::CorsLayer;
pub use lint::Lint;
pub use policy::CorsPolicy;
pub use resolver::PolicyResolver;
pub use violation::Violations;
