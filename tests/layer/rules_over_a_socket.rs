//! Runs the rows of `tests/rules/*.toml` through the whole layer in a server of hyper, over loopback: what is sent and what
//! comes back is what HTTP/1.1 makes of a row.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http::{Request, Response};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tower::{Layer, service_fn};

use crate::{
    row::{By, Case, Got, Table},
    rules::{header_name, header_value, layer},
    tables::TABLES,
};

const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_server_answers_every_row_as_the_row_says() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let (mut failures, mut left_out, mut count) = (Vec::new(), Vec::new(), 0);
    for (file, text) in TABLES {
        for case in Table::parse(text).cases() {
            if !is_http(&case) {
                left_out.push(case.name);
                continue;
            }
            count += 1;
            let got = timeout(PATIENCE, run(&listener, &case)).await;
            let got = got.unwrap_or_else(|_| panic!("{file}: {} is not answered in time", case.name));
            failures.extend(case.check(&got).err().map(|difference| format!("{file}: {difference}")));
        }
    }
    assert!(count > 700 && left_out.len() < 20, "{count} cases were sent; left out: {left_out:#?}");
    assert!(failures.is_empty(), "{} of {count} cases differ:\n\n{}", failures.len(), failures.join("\n\n"));
}

/// Whether HTTP/1.1 carries the request as it is: without spaces around values and without control bytes.
fn is_http(case: &Case) -> bool {
    case.request_lines().iter().all(|(_, value)| {
        let is_sent = |byte: u8| byte == b'\t' || (byte >= b' ' && byte != 0x7f);
        value.trim_matches([' ', '\t']) == value && value.bytes().all(is_sent)
    })
}

/// One connection for one case.
async fn run(listener: &TcpListener, case: &Case) -> Got {
    let called = Arc::new(AtomicBool::new(false));
    let (seen, inner) = (Arc::clone(&called), case.clone());
    let handler = service_fn(move |_: Request<Incoming>| {
        seen.store(true, Ordering::SeqCst);
        let mut response = Response::new(String::new());
        *response.status_mut() = inner.inner.status.try_into().expect("a status");
        for (name, value) in inner.inner_lines() {
            response.headers_mut().append(header_name(&name), header_value(&value));
        }
        std::future::ready(Ok::<_, std::convert::Infallible>(response))
    });
    let service = TowerToHyperService::new(layer(case).layer(handler));
    let serve = async {
        let (stream, _) = listener.accept().await.expect("a connection");
        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    };
    let ((), answer) = tokio::join!(serve, ask(listener, case));
    let (status, headers) = read(&answer);
    Got { by: if called.load(Ordering::SeqCst) { By::Inner } else { By::Layer }, status, headers }
}

/// Sends the request of a case, and receives all that comes back.
async fn ask(listener: &TcpListener, case: &Case) -> String {
    let mut stream = TcpStream::connect(listener.local_addr().expect("a bound address")).await.expect("a server");
    let mut head = format!("{} / HTTP/1.1\r\n", case.method);
    for (name, value) in case.request_lines() {
        head += &format!("{name}: {value}\r\n");
    }
    head += "Connection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("the request is sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("an answer");
    String::from_utf8_lossy(&answer).into_owned()
}

/// The status and the lines of a response.
fn read(answer: &str) -> (u16, Vec<(String, String)>) {
    let (head, _) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer:?} is no response"));
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).expect("a status line");
    let line = |line: &str| {
        let (name, value) = line.split_once(':').expect("a header line");
        (name.to_owned(), value.trim().to_owned())
    };
    (status, lines.map(line).collect())
}
