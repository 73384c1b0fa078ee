//! The example does what its first lines say: events, and a WebSocket for the pages of the policy alone.

use axum::{
    body::Body,
    http::{HeaderMap, Request},
    response::Response,
};
use http_body_util::BodyExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tower::ServiceExt;
use tower_cors::axum::CorsRouter;

#[path = "../src/main.rs"]
#[allow(dead_code, reason = "a program's main is not called")]
mod streams;

const APP: &str = "https://app.example";

async fn send(app: &CorsRouter, path: &str, origin: &str) -> Response {
    let request = Request::get(path).header("origin", origin).body(Body::empty()).expect("a request");
    app.clone().oneshot(request).await.expect("infallible")
}

/// The origin that may read a response.
fn reader(headers: &HeaderMap) -> Option<&str> {
    headers.get("access-control-allow-origin").map(|value| value.to_str().expect("ASCII"))
}

#[tokio::test(start_paused = true)]
async fn events_pass_one_by_one() {
    let app = streams::app().unwrap();
    let mut response = send(&app, "/events", APP).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert_eq!(reader(response.headers()), Some(APP));
    assert_eq!(response.headers()["access-control-allow-credentials"], "true");
    for _ in 0..3 {
        let frame = response.body_mut().frame().await.expect("no end").expect("no error");
        assert_eq!(frame.into_data().expect("data"), "event: tick\ndata: still here\n\n");
    }
    let denied = send(&app, "/events", "https://evil.example").await;
    assert_eq!(reader(denied.headers()), None);
}

#[tokio::test]
async fn a_socket_opens_for_the_app_and_for_no_other_page() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(axum::serve(listener, streams::app().unwrap()).into_future());

    let (_, head) = open_socket(address, "https://evil.example").await;
    assert!(head.starts_with("HTTP/1.1 403 "), "{head}");
    let (mut socket, head) = open_socket(address, APP).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    // A text frame of a client, masked with zeros, and the server's, which has no mask.
    socket.write_all(b"\x81\x85\0\0\0\0hello").await.unwrap();
    let mut echo = [0; 7];
    socket.read_exact(&mut echo).await.unwrap();
    assert_eq!(&echo, b"\x81\x05hello");
    server.abort();
}

async fn open_socket(address: std::net::SocketAddr, origin: &str) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /socket HTTP/1.1\r\nhost: {address}\r\norigin: {origin}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    (stream, String::from_utf8(head).unwrap())
}
