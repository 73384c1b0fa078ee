//! What operators ask: whether the gateway is ready, and its metrics in the text format of Prometheus. In: an address.
//! Out: answers to `/readyz` and `/metrics`.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    fmt::Write,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::net::TcpListener;
use tower_cors::layer::Event;

use crate::{arguments::Limits, source::Source};

/// How many requests were decided, by outcome and reason.
#[derive(Clone, Default)]
pub(crate) struct Decisions(Arc<Mutex<BTreeMap<(&'static str, &'static str), u64>>>);

impl Decisions {
    pub(crate) fn count(&self, event: &Event<'_>) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry((event.outcome().code(), event.reason().code())).or_default() += 1;
    }

    fn write(&self, text: &mut String) {
        text.push_str("# TYPE tower_cors_decisions_total counter\n");
        for ((outcome, reason), count) in &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            let labels = format!("outcome=\"{outcome}\",reason=\"{reason}\"");
            let _ = writeln!(text, "tower_cors_decisions_total{{{labels}}} {count}");
        }
    }
}

/// Answers at an address, in the background.
pub(crate) async fn serve(
    address: &str,
    source: Source,
    decisions: Decisions,
    limits: Limits,
) -> io::Result<SocketAddr> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{address}: {error}"));
    let listener = TcpListener::bind(address).await.map_err(named)?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            let (source, decisions) = (source.clone(), decisions.clone());
            let service = service_fn(move |request: Request<Incoming>| {
                let answer = answer(request.uri().path(), &source, &decisions);
                async move { Ok::<_, Infallible>(answer) }
            });
            tokio::spawn(async move {
                let mut server = auto::Builder::new(TokioExecutor::new());
                server.http1().timer(TokioTimer::new()).header_read_timeout(limits.head);
                // A client that goes away is none of the gateway's troubles.
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    Ok(address)
}

fn answer(path: &str, source: &Source, decisions: &Decisions) -> Response<String> {
    let (status, text) = match path {
        "/readyz" if source.is_ready() => (StatusCode::OK, "ready\n".to_owned()),
        "/readyz" => (StatusCode::SERVICE_UNAVAILABLE, "the objects of the API server are not known yet\n".to_owned()),
        "/metrics" => {
            let mut text = source.metrics();
            decisions.write(&mut text);
            (StatusCode::OK, text)
        }
        _ => (StatusCode::NOT_FOUND, "/readyz and /metrics are here\n".to_owned()),
    };
    let mut response = Response::new(text);
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
