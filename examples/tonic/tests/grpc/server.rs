//! A layer for a whole server of tonic, as bytes on the wire.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll},
};

use http::{Request, Response};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tower::Service;
use tower_cors::{CorsLayer, CorsPolicy};

const ORIGIN: &str = "https://ok.example";

fn cors() -> CorsLayer {
    CorsLayer::new(CorsPolicy::new().allow_origins([ORIGIN])).expect("a valid policy")
}

/// A gRPC service without generated code.
#[derive(Clone)]
struct Echo;

impl tonic::server::NamedService for Echo {
    const NAME: &'static str = "echo.Echo";
}

impl Service<Request<tonic::body::Body>> for Echo {
    type Response = Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<tonic::body::Body>) -> Self::Future {
        ready(Ok(Response::builder().header("grpc-status", "0").body(tonic::body::Body::empty()).expect("a response")))
    }
}

#[tokio::test]
async fn a_tonic_server_takes_the_layer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let incoming = tonic::transport::server::TcpIncoming::from(listener);
    let server = tonic::transport::Server::builder().accept_http1(true).layer(cors()).add_service(Echo);
    let server = tokio::spawn(server.serve_with_incoming(incoming));
    let answer = exchange(address, &format!("OPTIONS /echo.Echo/Say HTTP/1.1\r\nhost: a\r\norigin: {ORIGIN}\r\naccess-control-request-method: POST\r\nconnection: close\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains("access-control-allow-origin: https://ok.example\r\n"), "{answer}");
    let answer = exchange(address, &format!("POST /echo.Echo/Say HTTP/1.1\r\nhost: a\r\norigin: {ORIGIN}\r\ncontent-type: application/grpc\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")).await;
    assert!(answer.contains("grpc-status: 0\r\n") && answer.contains("vary: Origin\r\n"), "{answer}");
    server.abort();
}

/// Sends one request and reads until the server closes.
async fn exchange(address: std::net::SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(request.as_bytes()).await.expect("written");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("read");
    String::from_utf8_lossy(&answer).into_owned()
}
