//! RFC 9112, section 3.2, and RFC 9113, section 8.3.1: a request is for one authority, and that is what goes upstream.

use crate::process::{Gateway, Response};

const MANIFEST: &str = "\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r}
spec: {hostnames: [api.example], rules: [{filters: [{type: CORS, cors: {allowOrigins: [https://app.example]}}]}]}
";

fn gateway(name: &str) -> (Gateway, std::path::PathBuf) {
    let path = std::env::temp_dir().join(format!("tower-cors-{name}-{}.yaml", std::process::id()));
    std::fs::write(&path, MANIFEST).unwrap();
    (Gateway::start(&[path.to_str().unwrap()]), path)
}

fn send(gateway: &Gateway, head: &str) -> Response {
    let bytes = gateway.send_raw(format!("{head}connection: close\r\n\r\n").as_bytes());
    Response::parse(&bytes)
}

/// The `Host` that the upstream got, by the echo.
fn host_seen(response: &Response) -> Option<String> {
    let seen: serde_json::Value = serde_json::from_str(&response.text()).ok()?;
    seen["headers"]["host"].as_str().map(str::to_owned)
}

#[test]
fn the_upstream_gets_the_host_that_chose_the_route() {
    let (gateway, path) = gateway("targets-host");
    // The target names the authority, and the other Host does not go on.
    let response = send(&gateway, "GET http://api.example/x HTTP/1.1\r\nhost: other.example\r\n");
    assert_eq!((response.status(), host_seen(&response).as_deref()), (200, Some("api.example")));
    let response = send(&gateway, "GET http://api.example:8080/x HTTP/1.1\r\nhost: other.example\r\n");
    assert_eq!((response.status(), host_seen(&response).as_deref()), (200, Some("api.example:8080")));
    let response = send(&gateway, "GET http://other.example/x HTTP/1.1\r\nhost: api.example\r\n");
    assert_eq!(response.status(), 404, "the authority of the target chooses the route");
    let response = send(&gateway, "GET /x HTTP/1.1\r\nhost: API.example\r\n");
    assert_eq!((response.status(), host_seen(&response).as_deref()), (200, Some("API.example")));
    std::fs::remove_file(path).unwrap();
}

#[test]
fn no_host_several_an_invalid_one_or_user_information_is_a_bad_request() {
    let (gateway, path) = gateway("targets-bad");
    for head in [
        "GET /x HTTP/1.1\r\n",
        "GET /x HTTP/1.1\r\nhost: api.example\r\nhost: api.example\r\n",
        "GET /x HTTP/1.1\r\nhost: api.example\r\nhost: other.example\r\n",
        "GET /x HTTP/1.1\r\nhost: evil@api.example\r\n",
        "GET /x HTTP/1.1\r\nhost: \r\n",
        "GET /x HTTP/1.1\r\nhost: api.example:port\r\n",
        "GET /x HTTP/1.1\r\nhost: api.example/path\r\n",
        "GET http://api.example/x HTTP/1.1\r\n",
        "GET http://evil@api.example/x HTTP/1.1\r\nhost: api.example\r\n",
        "GET http://api.example/x HTTP/1.1\r\nhost: a.example\r\nhost: b.example\r\n",
    ] {
        assert_eq!(send(&gateway, head).status(), 400, "{head:?}");
    }
    std::fs::remove_file(path).unwrap();
}

#[tokio::test]
async fn the_authority_of_http_2_comes_before_its_host() {
    let (gateway, path) = gateway("targets-h2");
    let stream = tokio::net::TcpStream::connect(gateway.address).await.unwrap();
    let io = hyper_util::rt::TokioIo::new(stream);
    let executor = hyper_util::rt::TokioExecutor::new();
    let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, io).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = http::Request::get("http://api.example/x").header("host", "other.example");
    let response =
        sender.send_request(request.body(http_body_util::Empty::<bytes::Bytes>::new()).unwrap()).await.unwrap();
    assert_eq!(response.status(), 200);
    let body = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
    let seen: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(seen["headers"]["host"], "api.example");
    connection.abort();
    std::fs::remove_file(path).unwrap();
}
