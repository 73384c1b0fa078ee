//! gRPC-Web for pages of another origin: tonic's health service, with the CORS layer outside of the one that translates
//! gRPC-Web. The exposed names are those that a client in a browser reads the status of a call from.
//!
//! ```text
//! cargo run --example tonic [ADDRESS:PORT]
//! ```

use std::error::Error;

use tokio::net::TcpListener;
use tonic::transport::{Server, server::TcpIncoming};
use tonic_web::GrpcWebLayer;
use tower_cors::{CorsLayer, CorsPolicy};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let policy = CorsPolicy::new()
        .allow_origins(["https://app.example"])
        .allow_headers(["Content-Type", "X-Grpc-Web", "X-User-Agent", "Grpc-Timeout"])
        .expose_headers(["Grpc-Status", "Grpc-Message"]);
    let (_reporter, health) = tonic_health::server::health_reporter();

    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    Server::builder()
        // Browsers speak HTTP/1.1 to a server without TLS.
        .accept_http1(true)
        .layer(CorsLayer::new(policy)?)
        .layer(GrpcWebLayer::new())
        .add_service(health)
        .serve_with_incoming(TcpIncoming::from(listener))
        .await?;
    Ok(())
}
