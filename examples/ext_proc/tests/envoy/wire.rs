//! HTTP/1.1 as bytes, so that nothing tidies up what is sent or what comes back.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The head of a response.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) status: u16,
    /// Every line, in order.
    pub(crate) headers: Vec<(String, String)>,
}

impl Head {
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|line| line.0.eq_ignore_ascii_case(name)).map(|line| line.1.as_str())
    }
}

/// Sends a request, and receives until the connection closes.
pub(crate) async fn ask(address: SocketAddr, request: &str) -> String {
    exchange(address, request, |_| false).await
}

/// Sends a request, and receives the head of the response; that of status 0 where the connection closes without one.
pub(crate) async fn head(address: SocketAddr, request: &str) -> Head {
    let answer = exchange(address, request, |answer| answer.windows(4).any(|bytes| bytes == b"\r\n\r\n")).await;
    let Some((head, _)) = answer.split_once("\r\n\r\n") else { return Head { status: 0, headers: Vec::new() } };
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).expect("a status line");
    let line = |line: &str| {
        let (name, value) = line.split_once(':').expect("a header line");
        (name.to_owned(), value.trim().to_owned())
    };
    Head { status, headers: lines.map(line).collect() }
}

async fn exchange(address: SocketAddr, request: &str, is_done: impl Fn(&[u8]) -> bool) -> String {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(request.as_bytes()).await.expect("the request is sent");
    let mut answer = Vec::new();
    while !is_done(&answer) && stream.read_buf(&mut answer).await.expect("an answer") > 0 {}
    String::from_utf8_lossy(&answer).into_owned()
}
