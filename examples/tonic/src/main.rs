//! gRPC-Web for pages of another origin: a service with a unary and a streaming method, the layer that translates
//! gRPC-Web around it, and the CORS layer outside of both. Native gRPC clients are served at the same address.
//!
//! ```text
//! cargo run --package tonic-example -- [ADDRESS:PORT [ORIGIN...]]
//! ```

mod echo;

use std::error::Error;

use tokio::net::TcpListener;
use tonic::transport::{Server, server::TcpIncoming};
use tonic_web::GrpcWebLayer;
use tower_cors::{
    CorsLayer, CorsPolicy,
    policy::{Preset, RustPolicy},
};

use echo::{ECHO_LENGTH, Echo};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let origins: Vec<_> = arguments.collect();

    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    Server::builder()
        // Browsers speak HTTP/1.1 to a server without TLS.
        .accept_http1(true)
        .layer(CorsLayer::new(policy(&origins))?)
        .layer(GrpcWebLayer::new())
        .add_service(Echo)
        .serve_with_incoming(TcpIncoming::from(listener))
        .await?;
    Ok(())
}

/// What gRPC-Web needs, and the metadata of our own; for the origins given, or for any.
fn policy(origins: &[String]) -> RustPolicy {
    let policy = CorsPolicy::new().preset(Preset::GrpcWeb).extend_expose_headers([ECHO_LENGTH]);
    if origins.is_empty() { policy.allow_origins(["*"]) } else { policy.allow_origins(origins) }
}
