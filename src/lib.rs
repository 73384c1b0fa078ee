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
//!     let policy =
//!         CorsPolicy::new().allow_origins(["https://app.example"]).allow_methods(["PUT"]);
//!     let app =
//!         Router::new().route("/", get(async || "hello")).layer(CorsLayer::new(policy)?);
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
//! What it does not do is stop requests: clients that are not browsers ignore CORS, and browsers send form posts and other
//! simple requests without asking. Authentication and a defence against CSRF stay necessary. An actual request is served,
//! but for three cases, each answered with 403:
//!
//! - [`CorsLayer::enforce`], an opt-in guard, refuses cross-origin requests of origins that are not allowed.
//! - [`CorsLayer::guard_websocket_upgrades`], another, refuses their WebSocket upgrades.
//! - Where the policy is chosen by method or by header (`axum::ByMatchedPath::route_method`, a `route::RouteTable`), a
//!   cross-origin request that needed a preflight is [held](decision::Resolution::require_consent) to the policy of what it
//!   reaches ([rule 8.3](guide::semantics)). [`CorsLayer::debug`] says why.
//!
//! # Where the layer must sit
//!
//! Outside of everything that can answer by itself: authentication, rate limits, timeouts, routers. Preflights carry no
//! token, and a 401, 404 or 504 that is made outside of the layer carries no CORS headers, so that a page sees a network
//! error in its place. With axum's `Router::layer` it is the last to be added, after all routes; with the feature `axum`,
//! `with_cors` ends a router, so that nothing can come later. In a `tower::ServiceBuilder` and in tonic's `Server` it is
//! the first.
//!
//! ```
//! # use axum::{Router, body::Body, http::{Request, StatusCode}, middleware::from_fn, routing::get};
//! # use tower::ServiceExt;
//! # use tower_cors::{CorsLayer, CorsPolicy};
//! # async fn require_token(_: axum::extract::Request, _: axum::middleware::Next) -> StatusCode { StatusCode::UNAUTHORIZED }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let cors = CorsLayer::new(CorsPolicy::new().allow_origins(["https://app.example"]))?;
//! # let preflight = || Request::options("/").header("origin", "https://app.example")
//! #     .header("access-control-request-method", "PUT").body(Body::empty());
//! # let late = || Request::get("/late").header("origin", "https://app.example").body(Body::empty());
//! // Wrong: the guard is outside, so it answers preflights with 401, and /late has no CORS.
//! let app: Router = Router::new()
//!     .route("/", get(async || "hello"))
//!     .layer(cors.clone())
//!     .layer(from_fn(require_token))
//!     .route("/late", get(async || "too late"));
//! assert_eq!(app.clone().oneshot(preflight()?).await?.status(), 401);
//! assert!(!app.oneshot(late()?).await?.headers().contains_key("access-control-allow-origin"));
//!
//! // Right.
//! let app: Router = Router::new()
//!     .route("/", get(async || "hello"))
//!     .route("/late", get(async || "in time"))
//!     .layer(from_fn(require_token))
//!     .layer(cors);
//! assert_eq!(app.clone().oneshot(preflight()?).await?.status(), 200);
//! assert!(app.oneshot(late()?).await?.headers().contains_key("access-control-allow-origin"));
//! # Ok(())
//! # }
//! ```
//!
//! # More
//!
//! - What a policy probably does not mean: [`CorsLayer::lints`], of which the layer warns by itself.
//! - axum: every place that leaves something out, errors, WebSockets: the module `axum`, with the feature of that name.
//! - tonic: the layer goes first into `Server::builder()`; `examples/tonic/src/main.rs` is a whole server for gRPC-Web.
//! - hyper, lambda_http, salvo, poem, actix-web: [`guide::frameworks`].
//! - Several settings, one policy: [`guide::merging`], with base policies and overrides by path in [`merge`].
//! - Origins by a rule of your own, plain or asynchronous: [`CorsPolicy::allow_origin_if`],
//!   [`CorsLayer::allow_origin_if_async`].
//! - Policies that depend on the request, also asynchronously or reloaded: [`guide::resolvers`].
//! - Kubernetes manifests (features `route` and `manifest`): [`guide::manifests`]; an API server (feature
//!   `kubernetes`): [`guide::kubernetes`].
//! - The same policies in Envoy, by external processing: [`guide::envoy`].
//! - Protocols that scripts speak, from gRPC-Web to the Model Context Protocol: [`policy::Preset`].
//! - The decision without tower: [`decision`]. The browser's side of the protocol: [`browser`].
//! - When a browser refuses: [`guide::troubleshooting`], [`Reason`], and [`guide::lints`] for every lint and violation.
//! - Coming from tower-http, actix-cors, ingress-nginx, Istio or Envoy: [`guide::migrating`].
//! - Why a default is what it is: [`guide::defaults`].
//!
//! # Features
//!
//! None is on by default. The minimum Rust version is 1.85; `tonic` needs 1.88, `manifest` and `k8s-openapi-latest` 1.89,
//! `gateway-api` 1.92. The README has a table of what each adds.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

#[cfg(feature = "axum")]
pub mod axum;
pub mod browser;
pub mod compile;
pub mod decision;
mod escape;
pub mod explain;
pub mod finding;
#[cfg(feature = "gateway-api")]
pub mod gateway_api;
pub mod guide;
mod headers;
mod host;
#[cfg(feature = "kubernetes")]
#[clippy::msrv = "1.89"]
pub mod kubernetes;
pub mod layer;
// What it reads YAML with needs that version, and clippy holds every other room to the one of Cargo.toml.
#[cfg(feature = "manifest")]
#[clippy::msrv = "1.89"]
pub mod manifest;
pub mod merge;
pub mod origin;
pub mod policy;
pub mod request;
pub mod resolver;
#[cfg(feature = "route")]
pub mod route;
#[cfg(feature = "tonic")]
pub mod tonic;

pub use compile::{CompiledPolicy, Profile};
pub use decision::{Decision, Reason};
pub use finding::{Lint, Violations};
pub use layer::CorsLayer;
pub use policy::CorsPolicy;
pub use resolver::PolicyResolver;

/// Its code is compiled, so that what a reader copies works.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
