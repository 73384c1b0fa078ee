//! The example `decision_only`, over sockets: a gateway without tower answers and forwards as the rules say.

#[path = "../../examples/decision_only.rs"]
#[allow(dead_code, reason = "a test has a main function of its own")]
mod example;

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use example::{run, start_upstream};

const PAGE: &str = "https://app.example";
const STRANGER: &str = "https://evil.example";

/// A gateway before its own upstream.
async fn gateway() -> SocketAddr {
    gateway_before(start_upstream().await.expect("an upstream")).await
}

async fn gateway_before(upstream: String) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(run(listener, upstream));
    address
}

async fn ask(address: SocketAddr, method: Method, path: &str, origin: &str) -> (StatusCode, HeaderMap, Bytes) {
    let stream = TcpStream::connect(address).await.expect("a connection");
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.expect("HTTP/1.1");
    tokio::spawn(connection);
    let request = Request::builder()
        .method(&method)
        .uri(path)
        .header(header::HOST, "api.example")
        .header(header::ORIGIN, origin)
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "PUT")
        .body(Full::<Bytes>::default())
        .expect("a request");
    let (head, body) = sender.send_request(request).await.expect("a response").into_parts();
    (head.status, head.headers, body.collect().await.expect("a body").to_bytes())
}

/// What the headers allow: the origin, and the methods.
fn allowed(headers: &HeaderMap) -> (Option<&str>, Option<&str>) {
    let value = |name| headers.get(name).map(|value| value.to_str().expect("ASCII"));
    (value(header::ACCESS_CONTROL_ALLOW_ORIGIN), value(header::ACCESS_CONTROL_ALLOW_METHODS))
}

/// rule 4.1
#[tokio::test]
async fn a_preflight_is_answered_without_the_upstream() {
    let (status, headers, body) = ask(gateway().await, Method::OPTIONS, "/api/x", PAGE).await;
    assert_eq!((status, allowed(&headers), body), (StatusCode::OK, (Some(PAGE), Some("PUT")), Bytes::new()));
}

/// rules 5.2 and 5.3
#[tokio::test]
async fn a_request_is_forwarded_and_its_response_says_what_the_policy_says() {
    let gateway = gateway().await;
    for (origin, expected) in [(PAGE, Some(PAGE)), (STRANGER, None)] {
        let (status, headers, body) = ask(gateway, Method::PUT, "/api/x?y=1", origin).await;
        assert_eq!((status, body), (StatusCode::OK, Bytes::from("PUT /api/x?y=1\n")), "{origin}");
        assert_eq!(allowed(&headers), (expected, None), "{origin}");
    }
}

/// rule 5.7
#[tokio::test]
async fn where_no_policy_applies_the_upstream_has_its_say_preflights_included() {
    let (_, headers, body) = ask(gateway().await, Method::OPTIONS, "/other", STRANGER).await;
    assert_eq!((allowed(&headers), body), ((Some("*"), None), Bytes::from("OPTIONS /other\n")));
}

/// rule 5.6
#[tokio::test]
async fn a_page_can_read_that_the_upstream_does_not_answer() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("its address");
    let (status, headers, _) = ask(gateway_before(nobody.to_string()).await, Method::PUT, "/api/x", PAGE).await;
    assert_eq!((status, allowed(&headers)), (StatusCode::BAD_GATEWAY, (Some(PAGE), None)));
}
