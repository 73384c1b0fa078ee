//! What a page asks, and what holds for the answers: by a service, or over a socket.

use std::{fmt::Debug, net::SocketAddr};

use http::{HeaderMap, Method, Request, Response, StatusCode};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tower::{Service, ServiceExt};
use tower_cors::{CorsLayer, CorsPolicy};

const PAGE: &str = "https://app.example";
const OTHER: &str = "https://other.example";

pub(crate) fn policy() -> CorsPolicy {
    CorsPolicy::new().allow_origins([PAGE]).allow_methods(["PUT"]).allow_headers(["content-type", "x-grpc-web"])
}

pub(crate) fn cors() -> CorsLayer {
    CorsLayer::new(policy()).expect("a valid policy")
}

/// A request of a page of the allowed origin.
pub(crate) fn request<B>(method: Method, path: &str, body: B) -> Request<B> {
    request_of(PAGE, method, path, body)
}

fn request_of<B>(origin: &str, method: Method, path: &str, body: B) -> Request<B> {
    let request = Request::builder().method(method).uri(path).header("origin", origin).header("host", "api.example");
    request.body(body).expect("a request")
}

pub(crate) fn preflight<B>(path: &str, body: B) -> Request<B> {
    announced(request(Method::OPTIONS, path, body))
}

fn announced<B>(mut request: Request<B>) -> Request<B> {
    request.headers_mut().insert("access-control-request-method", "PUT".parse().expect("a value"));
    request
}

/// Whether a page of the allowed origin may read what has these headers.
pub(crate) fn is_readable(headers: &HeaderMap) -> bool {
    headers.get("access-control-allow-origin").is_some_and(|origin| origin == PAGE)
}

/// Holds a service to the policy: the answer to `GET path` has this status, and is for pages of the allowed origin.
pub(crate) async fn holds<S, B, R>(service: S, path: &str, status: StatusCode, body: impl Fn() -> B)
where
    S: Service<Request<B>, Response = Response<R>, Error: Debug> + Clone,
{
    let ask = async |request: Request<B>| {
        let response = service.clone().oneshot(request).await.expect("no error");
        (response.status(), response.headers().clone())
    };
    let (found, headers) = ask(request(Method::GET, path, body())).await;
    assert_eq!((found, is_readable(&headers)), (status, true), "{headers:?}");
    let (found, headers) = ask(preflight(path, body())).await;
    assert_eq!((found, is_readable(&headers)), (StatusCode::OK, true), "{headers:?}");
    assert_eq!(headers["access-control-allow-methods"], "PUT");
    for refused in
        [request_of(OTHER, Method::GET, path, body()), announced(request_of(OTHER, Method::OPTIONS, path, body()))]
    {
        let (_, headers) = ask(refused).await;
        assert!(!headers.contains_key("access-control-allow-origin"), "{headers:?}");
        assert!(headers["vary"].to_str().expect("text").contains("Origin"), "{headers:?}");
    }
}

/// Holds a server to the policy, over HTTP/1.1.
pub(crate) async fn holds_at(address: SocketAddr, path: &str, status: u16) {
    let rows = [("GET", "", PAGE, status), ("OPTIONS", "access-control-request-method: PUT\r\n", PAGE, 200)];
    for (method, line, origin, status) in rows {
        let answer = fetch(address, method, path, origin, line).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
        assert!(answer.contains(&format!("access-control-allow-origin: {PAGE}\r\n")), "{answer}");
    }
    for (method, line, _, _) in rows {
        let answer = fetch(address, method, path, OTHER, line).await;
        assert!(!answer.contains("access-control-allow-origin"), "{answer}");
    }
}

/// What a server answers to a page of the allowed origin.
pub(crate) async fn fetched(address: SocketAddr, path: &str) -> String {
    fetch(address, "GET", path, PAGE, "").await
}

async fn fetch(address: SocketAddr, method: &str, path: &str, origin: &str, line: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let request =
        format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\norigin: {origin}\r\n{line}connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("written");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("read");
    String::from_utf8_lossy(&answer).into_owned()
}
