//! Clients and upstreams that say nothing, or stop in the middle: each has its time, and then its place is free.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use crate::{
    hops::before,
    process::{Gateway, PATIENCE, Response},
};

/// What the gateway sends until it closes the connection.
fn until_closed(mut stream: TcpStream) -> Vec<u8> {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut got = Vec::new();
    match stream.read_to_end(&mut got) {
        Ok(_) => got,
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => got,
        Err(error) => panic!("the connection stays open: {error}"),
    }
}

#[test]
fn a_connection_that_says_nothing_or_half_a_head_is_closed() {
    let gateway = Gateway::start(&["--head-timeout", "0.3"]);
    for said in [
        &b""[..],
        b"P",
        b"PRI * HTTP/2.0\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r",
        b"GET / HTTP/1.1\r\n",
        b"GET / HTTP/1.1\r\nhost: cors.example\r\nx-a: ",
    ] {
        let mut stream = gateway.connect();
        stream.write_all(said).unwrap();
        until_closed(stream);
    }
    // A second request that stops in the middle, on a connection that has served one.
    let mut stream = gateway.connect();
    stream.write_all(b"GET /get HTTP/1.1\r\nhost: cors.example\r\n\r\nGET /get HTTP/1.1\r\n").unwrap();
    assert!(until_closed(stream).starts_with(b"HTTP/1.1 200"));
}

#[test]
fn an_http_2_connection_that_does_not_answer_a_ping_is_closed() {
    let gateway = Gateway::start(&["--head-timeout", "0.3", "--keep-alive", "0.2"]);
    let mut stream = gateway.connect();
    // The preface and empty settings, then nothing, not even an answer to a ping.
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").unwrap();
    until_closed(stream);
}

#[test]
fn a_body_that_stops_ends_its_request() {
    let (gateway, _got) = before("timeouts-body", b"", &["--idle-body-timeout", "0.3"]);
    let mut stream = gateway.connect();
    stream
        .write_all(b"POST / HTTP/1.1\r\nhost: api.example\r\nconnection: close\r\ncontent-length: 10\r\n\r\nabc")
        .unwrap();
    let answer = until_closed(stream);
    assert!(answer.is_empty() || Response::parse(&answer).status() == 502, "{}", String::from_utf8_lossy(&answer));
}

#[test]
fn an_upstream_that_does_not_answer_is_a_gateway_timeout_with_cors_headers() {
    let (gateway, _got) = before("timeouts-upstream", b"", &["--upstream-timeout", "0.3"]);
    let response = gateway.send("GET", "/", &[("host", "api.example"), ("origin", "https://app.example")]);
    assert_eq!(response.status(), 504);
    assert_eq!(response.header("access-control-allow-origin"), Some("https://app.example"));
}

#[test]
fn a_connection_over_the_limit_waits_until_another_ends() {
    let gateway = Gateway::start(&["--max-connections", "1"]);
    let first = gateway.connect();
    let mut second = gateway.connect();
    second.write_all(b"GET /get HTTP/1.1\r\nhost: cors.example\r\nconnection: close\r\n\r\n").unwrap();
    second.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let mut byte = [0];
    assert!(second.read(&mut byte).is_err(), "it is answered although all places are taken");
    drop(first);
    assert!(until_closed(second).starts_with(b"HTTP/1.1 200"));
}
