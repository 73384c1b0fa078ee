//! Finding the route of a request as the Gateway API does, and with it the policy. In: routes with their hostnames,
//! rules, matches and policies. Out: a [`RouteTable`], which is a resolver. Section 8 of the
//! [rules](crate::guide::semantics).
//!
//! # Examples
//!
//! ```
//! use tower_cors::{
//!     CorsLayer, CorsPolicy,
//!     route::{Hostname, PathMatch, Route, RouteMatch, RouteTable, Rule},
//! };
//!
//! let api = CorsPolicy::new()
//!     .allow_origins(["https://app.example"])
//!     .allow_methods(["PUT"])
//!     .compile()?;
//! let table = RouteTable::new([Route::new("shop", "api")
//!     .hostname(Hostname::parse("api.example")?)
//!     .rule(
//!         Rule::new()
//!             .matching(RouteMatch::new().path(PathMatch::prefix("/v1")?))
//!             .policy(api),
//!     )]);
//!
//! let request =
//!     http::Request::get("/v1/users").header("host", "API.example:8080").body(())?;
//! let found = table.find(&tower_cors::request::CorsRequest::of(&request)).unwrap();
//! assert_eq!((found.namespace(), found.name(), found.rule()), ("shop", "api", 0));
//!
//! let layer = CorsLayer::with_resolver(table);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

mod backend;
mod bucket;
#[cfg(feature = "manifest")]
mod delegated;
mod describe;
mod expression;
mod grpc;
mod hostname;
mod listener;
mod order;
#[cfg(feature = "manifest")]
mod overlap;
mod path;
mod pattern;
mod preflight;
mod reach;
mod rule;
mod sparse;
mod table;
#[cfg(feature = "manifest")]
mod unreachable;

#[cfg(feature = "manifest")]
pub(crate) use backend::ByListener;
pub use backend::ChosenBackend;
#[cfg(feature = "manifest")]
pub(crate) use expression::{Cost, ExpressionBudget};
pub use hostname::Hostname;
pub use listener::Listener;
#[cfg(feature = "manifest")]
pub(crate) use listener::{ListenerGroup, Listeners};
pub use path::{PathError, PathMatch};
pub use pattern::{PatternError, ValueMatch};
pub use rule::{Route, RouteMatch, Rule};
pub use table::{MatchedRule, RouteTable};
