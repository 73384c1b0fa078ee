//! WebSockets through the gateway: the upgrade of HTTP/1.1, the bytes of both sides, the guard, and many at once.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread,
};

use crate::process::{Gateway, PATIENCE};

const MANIFEST: &str = "\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r}
spec: {rules: [{filters: [{type: CORS, cors: {allowOrigins: [https://app.example]}}]}]}
";
const SWITCHED: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                          sec-websocket-accept: accepted\r\n\r\n";

/// A gateway before an upstream that agrees to each upgrade and echoes what comes then.
fn gateway(name: &str, arguments: &[&str]) -> Gateway {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let upstream = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || {
                let mut got: Vec<u8> = Vec::new();
                let mut buffer = [0; 4096];
                while !got.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
                    match stream.read(&mut buffer) {
                        Ok(0) | Err(_) => return,
                        Ok(read) => got.extend(&buffer[..read]),
                    }
                }
                if stream.write_all(SWITCHED).is_err() {
                    return;
                }
                while let Ok(read) = stream.read(&mut buffer) {
                    if read == 0 || stream.write_all(&buffer[..read]).is_err() {
                        return;
                    }
                }
            });
        }
    });
    let path = std::env::temp_dir().join(format!("tower-cors-{name}-{}.yaml", std::process::id()));
    std::fs::write(&path, MANIFEST).unwrap();
    let arguments = [&["--upstream", &upstream], arguments, &[path.to_str().unwrap()]].concat();
    let gateway = Gateway::start(&arguments);
    std::fs::remove_file(path).unwrap();
    gateway
}

/// Asks for an upgrade, and gives the head of the answer and the connection.
fn upgrade(gateway: &Gateway, origin: &str) -> (String, TcpStream) {
    let mut stream = gateway.connect();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!(
        "GET /chat HTTP/1.1\r\nhost: api.example\r\nconnection: Upgrade\r\nupgrade: websocket\r\norigin: {origin}\r\n\
         sec-websocket-key: key\r\nsec-websocket-version: 13\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
        answer.push(byte[0]);
    }
    (String::from_utf8(answer).unwrap().to_ascii_lowercase(), stream)
}

fn echoes(stream: &mut TcpStream, bytes: &[u8]) {
    stream.write_all(bytes).unwrap();
    let mut got = vec![0; bytes.len()];
    stream.read_exact(&mut got).unwrap();
    assert_eq!(got, bytes);
}

#[test]
fn bytes_go_both_ways_until_either_side_ends() {
    let gateway = gateway("websockets-both", &[]);
    let (head, mut stream) = upgrade(&gateway, "https://app.example");
    assert!(head.starts_with("http/1.1 101") && head.contains("sec-websocket-accept: accepted"), "{head}");
    echoes(&mut stream, b"hello");
    echoes(&mut stream, &[7; 100_000]);
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    assert!(rest.is_empty());
}

// rule 5.8
#[test]
fn the_guard_refuses_an_upgrade_of_an_origin_that_is_not_allowed() {
    let guarded = gateway("websockets-guard", &["--guard-websocket-upgrades"]);
    assert!(upgrade(&guarded, "https://evil.example").0.starts_with("http/1.1 403"));
    let (head, mut stream) = upgrade(&guarded, "https://app.example");
    assert!(head.starts_with("http/1.1 101"), "{head}");
    echoes(&mut stream, b"hello");
    let open = gateway("websockets-open", &[]);
    assert!(upgrade(&open, "https://evil.example").0.starts_with("http/1.1 101"), "CORS does not cover WebSockets");
}

#[test]
fn five_hundred_at_once_are_served() {
    let gateway = gateway("websockets-many", &[]);
    let mut open: Vec<_> = (0..500).map(|_| upgrade(&gateway, "https://app.example")).collect();
    for (head, stream) in &mut open {
        assert!(head.starts_with("http/1.1 101"), "{head}");
        echoes(stream, b"still here");
    }
}

#[test]
fn a_head_of_64_kib_is_refused_with_a_status_or_served() {
    let gateway = gateway("websockets-head", &[]);
    let mut stream = gateway.connect();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head =
        format!("GET / HTTP/1.1\r\nhost: api.example\r\nconnection: close\r\nx-long: {}\r\n\r\n", "a".repeat(64 << 10));
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 "), "{answer:?}");
}
