//! tonic, for docs/frameworks.md.

use tokio::net::TcpListener;
use tonic::transport::{Error, Server, server::TcpIncoming};
use tonic_web::GrpcWebLayer;
use tower_cors::CorsLayer;

pub(crate) async fn serve(listener: TcpListener, cors: CorsLayer) -> Result<(), Error> {
    let (_reporter, health) = tonic_health::server::health_reporter();
    Server::builder()
        .accept_http1(true)
        .layer(cors)
        .layer(GrpcWebLayer::new())
        .add_service(health)
        .serve_with_incoming(TcpIncoming::from(listener))
        .await
}
