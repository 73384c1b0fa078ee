//! What needs tonic's types: the name of a gRPC service, which stays when the layer wraps the service. Behind the feature
//! `tonic`; for tonic 0.14.
//!
//! # Examples
//!
//! A policy for one service of a server. The service that translates gRPC-Web goes inside: it refuses what is not a call,
//! and so it would refuse preflights over HTTP/1.1.
//!
//! ```ignore
//! use tonic::service::Routes;
//! use tonic_web::GrpcWebLayer;
//! use tower::Layer;
//! use tower_cors::{CorsLayer, CorsPolicy, policy::Preset};
//!
//! let (_reporter, health) = tonic_health::server::health_reporter();
//! let policy = CorsPolicy::new()
//!     .allow_origins(["https://app.example"])
//!     .preset(Preset::GrpcWeb);
//! let cors = CorsLayer::new(policy)?;
//! let routes = Routes::new(cors.layer(GrpcWebLayer::new().layer(health)));
//! ```
//!
//! A layer inside that changes the body to one that can't be empty, as tower-http's `TraceLayer` does, makes
//! `cors.wrap_body()` necessary; the compiler says so.
//!
//! `Server::timeout` and the header `grpc-timeout` are watched outside of every layer of tonic's server, so what they answer
//! has no CORS headers. A timeout whose answer a page can read is a layer of its own inside of this one, shorter than
//! tonic's: `Server::builder().layer(cors).layer(GrpcWebLayer::new()).layer(timeout)`, where `timeout` makes a response
//! with `Status::deadline_exceeded(…).into_http()` of what takes too long.
//!
//! With a layer for the whole server the feature is not needed: `Server::builder().layer(cors)` comes before
//! `.layer(GrpcWebLayer::new())`.

use ::tonic::server::NamedService;

use crate::layer::Cors;

/// The name of the service within, by which tonic routes calls to it.
impl<S: NamedService, R, M> NamedService for Cors<S, R, M> {
    const NAME: &'static str = S::NAME;
}
