//! CORS for any [`tower`](https://docs.rs/tower) service: a [`CorsLayer`] answers preflights and gives responses their
//! headers, as one compiled [`CorsPolicy`] per server, route or tenant says. The rules it keeps are numbered in
//! [`semantics`](guide::semantics).
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use tower_cors::{CorsLayer, CorsPolicy};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let policy = CorsPolicy::new().allow_origins(["https://app.example"]).allow_methods(["PUT"]);
//!     let app = Router::new().route("/", get(async || "hello")).layer(CorsLayer::new(policy)?);
//!     let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//!     axum::serve(listener, app).await?;
//!     Ok(())
//! }
//! ```
//!
//! # CORS is not access control
//!
//! CORS tells browsers which pages of other origins may read a response. What the layer refuses is that permission: a
//! preflight of an origin that is not allowed is answered without CORS headers, and so is a response to such an origin.
//! What it does not do is stop requests. An actual request is always served; clients that are not browsers ignore CORS,
//! and browsers send form posts and other simple requests without asking. Authentication and a defence against CSRF
//! stay necessary. Two opt-in guards, [`CorsLayer::enforce`] and [`CorsLayer::guard_websocket_upgrades`], refuse
//! cross-origin requests of browsers.
//!
//! # Where the layer must sit
//!
//! Outside of everything that can answer by itself: authentication, rate limits, timeouts, routers. Preflights carry no
//! token, and a 401, 404 or 504 that is made outside of the layer carries no CORS headers, so that a page sees a network
//! error in its place. With axum's `Router::layer` it is the last to be added, after all routes; in a
//! `tower::ServiceBuilder` and in tonic's `Server` it is the first.
//!
//! ```
//! # use axum::{Router, http::StatusCode, middleware::from_fn, routing::get};
//! # use tower_cors::{CorsLayer, CorsPolicy};
//! # async fn require_token(_: axum::extract::Request, _: axum::middleware::Next) -> StatusCode { StatusCode::UNAUTHORIZED }
//! # let cors = CorsLayer::new(CorsPolicy::new().allow_origins(["https://app.example"]))?;
//! // Wrong: the guard is outside, so it answers preflights with 401, and /late has no CORS at all.
//! let app: Router = Router::new()
//!     .route("/", get(async || "hello"))
//!     .layer(cors.clone())
//!     .layer(from_fn(require_token))
//!     .route("/late", get(async || "too late"));
//! # let _ = app;
//!
//! // Right.
//! let app: Router = Router::new()
//!     .route("/", get(async || "hello"))
//!     .layer(from_fn(require_token))
//!     .layer(cors);
//! # Ok::<_, tower_cors::Violations>(())
//! ```
//!
//! # More
//!
//! - tonic: the layer goes first into `Server::builder()`; `examples/tonic/main.rs` is a whole server for gRPC-Web.
//! - Several settings, one policy: [`guide::merging`], with base policies and overrides by path in [`merge`].
//! - Policies that depend on the request, also asynchronously or reloaded: [`resolver`].
//! - Kubernetes manifests (features `route` and `manifest`): [`guide::manifests`].
//! - The decision without tower: [`decision`]. The browser's side of the protocol: [`browser`].
//! - When a browser refuses: [`guide::troubleshooting`], [`Reason`], and [`guide::lints`] for every lint and violation.
//! - Why a default is what it is: [`guide::defaults`].
#![forbid(unsafe_code)]
#![deny(missing_docs)]

#[cfg(feature = "axum")]
pub mod axum;
pub mod browser;
pub mod compile;
pub mod decision;
pub mod explain;
pub mod guide;
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

/// Its code is compiled, so that what a reader copies works.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
