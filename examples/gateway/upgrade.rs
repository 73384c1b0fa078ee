//! WebSockets: the upgrade of HTTP/1.1 goes on to the upstream, and what both sides send afterwards goes through until
//! either ends (RFC 6455, RFC 9110, section 7.8).

use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version, header};
use hyper::upgrade::{self, OnUpgrade};
use hyper_util::rt::TokioIo;

/// Whether a request asks for a WebSocket in HTTP/1.1.
pub(crate) fn is_websocket<B>(request: &Request<B>) -> bool {
    request.method() == Method::GET
        && request.version() == Version::HTTP_11
        && lists(request.headers(), &header::CONNECTION, b"upgrade")
        && lists(request.headers(), &header::UPGRADE, b"websocket")
}

/// Takes what becomes of the client's connection, and asks the upstream for the upgrade.
pub(crate) fn ask<B>(request: &mut Request<B>) -> OnUpgrade {
    let client = upgrade::on(&mut *request);
    add_fields(request.headers_mut());
    client
}

/// Whether the upstream has agreed to the upgrade that it was asked for.
pub(crate) fn is_agreed<B>(response: &Response<B>) -> bool {
    response.status() == StatusCode::SWITCHING_PROTOCOLS && lists(response.headers(), &header::UPGRADE, b"websocket")
}

/// Lets the bytes of both sides through, once both connections are free.
pub(crate) fn connect<B>(client: OnUpgrade, response: &mut Response<B>) {
    let upstream = upgrade::on(&mut *response);
    tokio::spawn(async move {
        let Ok((client, upstream)) = tokio::try_join!(client, upstream) else { return };
        let (mut client, mut upstream) = (TokioIo::new(client), TokioIo::new(upstream));
        // Either side may end it at any time.
        let _ = tokio::io::copy_bidirectional(&mut client, &mut upstream).await;
    });
}

/// Sets the fields that an upgrade needs on each connection.
pub(crate) fn add_fields(headers: &mut HeaderMap) {
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
}

fn lists(headers: &HeaderMap, name: &header::HeaderName, member: &[u8]) -> bool {
    let lines = headers.get_all(name).iter();
    lines
        .flat_map(|line| line.as_bytes().split(|&byte| byte == b','))
        .any(|known| known.trim_ascii().eq_ignore_ascii_case(member))
}
