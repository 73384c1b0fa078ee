//! RFC 9110, sections 6.5.1 and 7.6.1; RFC 9112, section 6.1: what concerns one connection does not go on, and what is
//! meant for every recipient does.

use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::mpsc,
    thread,
};

use crate::process::{Gateway, PATIENCE, Response};

const MANIFEST: &str = "\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r}
spec: {rules: [{filters: [{type: CORS, cors: {allowOrigins: [https://app.example]}}]}]}
";

/// A gateway before an upstream that answers one request with these bytes, and what the upstream got.
pub(crate) fn before(name: &str, answer: &'static [u8], arguments: &[&str]) -> (Gateway, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let upstream = format!("http://{}", listener.local_addr().unwrap());
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let Ok((mut stream, _)) = listener.accept() else { return };
        let mut got: Vec<u8> = Vec::new();
        let mut buffer = [0; 4096];
        while !got.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
            match stream.read(&mut buffer) {
                Ok(0) | Err(_) => break,
                Ok(read) => got.extend(&buffer[..read]),
            }
        }
        let _ = sender.send(String::from_utf8_lossy(&got).to_ascii_lowercase());
        let _ = stream.write_all(answer);
        // A client that goes on is answered as a WebSocket's echo would.
        while let Ok(read) = stream.read(&mut buffer) {
            if read == 0 || stream.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
    });
    let path = std::env::temp_dir().join(format!("tower-cors-{name}-{}.yaml", std::process::id()));
    std::fs::write(&path, MANIFEST).unwrap();
    let arguments = [&["--upstream", &upstream], arguments, &[path.to_str().unwrap()]].concat();
    let gateway = Gateway::start(&arguments);
    std::fs::remove_file(path).unwrap();
    (gateway, receiver)
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

fn send(gateway: &Gateway, head: &str) -> Response {
    Response::parse(&gateway.send_raw(format!("{head}\r\n").as_bytes()))
}

#[test]
fn connection_can_not_hide_what_is_meant_for_every_recipient() {
    let (gateway, got) = before("hops-hide", OK, &[]);
    let hidden = "connection: close, host, origin, authorization, cookie, x-own, sec-fetch-site, x-forwarded-for";
    let fields = "host: api.example\r\norigin: https://app.example\r\nauthorization: secret\r\ncookie: a=1\r\n\
                  x-own: 1\r\nsec-fetch-site: cross-site\r\nx-forwarded-for: 192.0.2.1\r\n";
    assert_eq!(send(&gateway, &format!("GET / HTTP/1.1\r\n{fields}{hidden}\r\n")).status(), 200);
    let got = got.recv_timeout(PATIENCE).unwrap();
    for field in [
        "host: api.example",
        "origin: https://app.example",
        "authorization: secret",
        "cookie: a=1",
        "sec-fetch-site: cross-site",
        "x-forwarded-for: 192.0.2.1",
    ] {
        assert!(got.contains(&format!("\r\n{field}\r\n")), "{field}: {got}");
    }
    assert!(!got.contains("x-own"), "a field of this connection does not go on: {got}");
}

#[test]
fn a_transfer_coding_that_would_be_lost_is_refused() {
    let (gateway, _got) = before("hops-coding", OK, &[]);
    let request =
        "POST / HTTP/1.1\r\nhost: api.example\r\nconnection: close\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n";
    assert_eq!(send(&gateway, request).status(), 501);
    let coded = b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n";
    let (gateway, _got) = before("hops-coded", coded, &[]);
    assert_eq!(send(&gateway, "GET / HTTP/1.1\r\nhost: api.example\r\nconnection: close\r\n").status(), 502);
}

#[test]
fn a_101_that_nobody_asked_for_does_not_reach_the_client() {
    let switched = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    let (gateway, _got) = before("hops-101", switched, &[]);
    assert_eq!(send(&gateway, "GET / HTTP/1.1\r\nhost: api.example\r\nconnection: close\r\n").status(), 502);
}

#[test]
fn trailers_go_on_under_permitted_names_only() {
    let trailed = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum, access-control-allow-origin, set-cookie, content-length\r\n\r\n\
                    1\r\na\r\n0\r\nx-sum: 1\r\naccess-control-allow-origin: *\r\nset-cookie: a=1\r\ncontent-length: 7\r\n\r\n";
    let (gateway, _got) = before("hops-trailers", trailed, &[]);
    let request = "GET / HTTP/1.1\r\nhost: api.example\r\nconnection: close\r\nte: trailers\r\n\r\n";
    let text = String::from_utf8_lossy(&gateway.send_raw(request.as_bytes())).to_ascii_lowercase();
    let (_, trailers) = text.split_once("\r\n0\r\n").unwrap_or_else(|| panic!("no last chunk: {text}"));
    assert!(trailers.contains("x-sum: 1"), "{text}");
    for name in ["access-control-allow-origin", "set-cookie", "content-length"] {
        assert!(!trailers.contains(name), "{name}: {text}");
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_for_a_manifest_is_refused_and_does_not_block() {
    let path = std::env::temp_dir().join(format!("tower-cors-pipe-{}.yaml", std::process::id()));
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let output = crate::process::run(&["--check", path.to_str().unwrap()]);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("not a file"), "{output:?}");
}
