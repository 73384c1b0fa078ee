//! hyper, for docs/frameworks.md.

use std::{convert::Infallible, io};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::net::TcpListener;
use tower::ServiceBuilder;
use tower_cors::CorsLayer;

async fn hello(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::from("hello")))
}

pub(crate) async fn serve(listener: TcpListener, cors: CorsLayer) -> io::Result<()> {
    let service = ServiceBuilder::new().layer(cors).service_fn(hello);
    loop {
        let (stream, _) = listener.accept().await?;
        let service = TowerToHyperService::new(service.clone());
        let http1 = http1::Builder::new();
        tokio::spawn(http1.serve_connection(TokioIo::new(stream), service));
    }
}
