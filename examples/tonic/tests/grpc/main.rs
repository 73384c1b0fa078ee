//! The layer and tonic: calls of gRPC and of gRPC-Web, in process, over sockets and from pages in Chromium, and the code
//! that the documentation shows.

/// gRPC-Web with Google's client, in Chromium.
mod browser;
/// The same behind the manifests of a Gateway, a GRPCRoute and a TrafficPolicy.
mod manifests;
/// A layer for a whole server.
mod server;
/// Native gRPC, gRPC-Web, and the layer around one service of several.
mod service;
/// The code that README.md and the documentation of the feature show.
mod shown;

/// Chromium, driven by a script of node.
#[path = "../../../../tests/browser/chromium.rs"]
mod chromium;
/// The service of `echo.proto`.
#[path = "../../src/echo.rs"]
mod echo;
/// The origins that the pages come from.
#[allow(dead_code, reason = "two origins are enough for gRPC-Web")]
#[path = "../../../../tests/browser/origins.rs"]
mod origins;
