//! The decision: what happens to a request under a policy, and why. It is free of I/O and of tower, so a gateway that
//! is not made of tower services can use it alone. In: a [`CorsRequest`](crate::request::CorsRequest), a
//! [`Resolution`], [`Options`]. Out: a [`Decision`], which writes itself into headers.
//! Sections 4 to 6 of `docs/semantics.md`.
//!
//! # Examples
//!
//! ```
//! use http::{HeaderMap, Request, StatusCode};
//! use tower_cors::{CorsPolicy, Decision, decision::{Options, decide}, request::CorsRequest};
//!
//! let policy = CorsPolicy::new().allow_origins(["https://app.example"]).compile()?;
//! let request = Request::get("/").header("origin", "https://app.example").body(())?;
//!
//! match decide(&CorsRequest::of(&request), &(&policy).into(), &Options::new()) {
//!     Decision::Answer(answer) => {
//!         // Send `answer.status()` and the headers that `answer.write_to` sets.
//!         // The backend is not called.
//!         unreachable!("this request is no preflight: {}", answer.status());
//!     }
//!     Decision::Continue(plan) => {
//!         let (status, mut headers) = (StatusCode::OK, HeaderMap::new()); // the backend's
//!         plan.apply(status, &mut headers);
//!         assert_eq!(headers["access-control-allow-origin"], "https://app.example");
//!     }
//!     Decision::PassThrough => unreachable!("there is a policy"),
//!     _ => {}
//! }
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

mod apply;
mod consent;
mod constants;
mod decide;
mod options;
mod outcome;
mod reason;
mod resolution;
mod review;

pub(crate) use apply::Found;
pub use apply::{Answer, ResponsePlan};
pub use consent::Candidates;
#[cfg(feature = "route")]
pub(crate) use consent::{FindCandidates, FoundCandidates};
pub use decide::{Decision, decide};
pub use options::{InnerHeaders, Options, PreflightStatus, UnmatchedPreflight};
pub use outcome::Outcome;
pub use reason::Reason;
pub use resolution::Resolution;
pub use review::Review;
#[cfg(feature = "tracing")]
pub(crate) use review::{cut, is_blocked};
