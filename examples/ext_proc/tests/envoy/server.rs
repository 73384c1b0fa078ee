//! The server behind Envoy: it answers what the test wants, and knows whether it was asked.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// The server. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Server(Arc<State>);

struct State {
    address: SocketAddr,
    answer: Mutex<(u16, Vec<(String, String)>)>,
    asked: AtomicUsize,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("a bound address");
        let server =
            Self(Arc::new(State { address, answer: Mutex::new((200, Vec::new())), asked: AtomicUsize::new(0) }));
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = serving.clone();
                let service = service_fn(move |request: Request<Incoming>| {
                    let response = server.respond();
                    if response.status() == 101 {
                        // It speaks no other protocol, and leaves when Envoy does.
                        tokio::spawn(async move {
                            let mut upgraded = TokioIo::new(hyper::upgrade::on(request).await.ok()?);
                            tokio::io::copy(&mut upgraded, &mut tokio::io::sink()).await.ok()
                        });
                    }
                    async { Ok::<_, Infallible>(response) }
                });
                let _ = stream.set_nodelay(true);
                // A row says which headers there are.
                let mut builder = http1::Builder::new();
                let connection = builder.auto_date_header(false).serve_connection(TokioIo::new(stream), service);
                tokio::spawn(connection.with_upgrades());
            }
        });
        server
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// Sets what it answers.
    pub(crate) fn set(&self, status: u16, lines: Vec<(String, String)>) {
        *self.0.answer.lock().expect("no panic") = (status, lines);
    }

    /// How often it was asked so far.
    pub(crate) fn asked(&self) -> usize {
        self.0.asked.load(Ordering::SeqCst)
    }

    fn respond(&self) -> Response<Full<Bytes>> {
        self.0.asked.fetch_add(1, Ordering::SeqCst);
        let (status, lines) = &*self.0.answer.lock().expect("no panic");
        let mut response = Response::new(Full::default());
        *response.status_mut() = (*status).try_into().expect("a status");
        if *status == 101 {
            response.headers_mut().insert("connection", http::HeaderValue::from_static("upgrade"));
        }
        for (name, value) in lines {
            let value = http::HeaderValue::from_bytes(value.as_bytes()).expect("a value");
            response.headers_mut().append(name.parse::<http::HeaderName>().expect("a name"), value);
        }
        response
    }
}
