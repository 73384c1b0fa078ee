//! What the server saw of each scenario: the exchanges outside of the CORS layer, the calls inside of it. A request says
//! by its query which scenario it belongs to.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{extract::Request, middleware::Next, response::Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};

/// A request's head and its answer's, as they crossed the wire.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) method: Method,
    pub(crate) request: HeaderMap,
    pub(crate) status: StatusCode,
    pub(crate) response: HeaderMap,
}

/// What happened in one scenario.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entry {
    pub(crate) exchanges: Vec<Exchange>,
    pub(crate) calls: usize,
}

/// The entries of all scenarios.
#[derive(Clone, Debug, Default)]
pub(crate) struct Journal(Arc<Mutex<HashMap<String, Entry>>>);

impl Exchange {
    /// Fetch's CORS-preflight fetch always names the method.
    pub(crate) fn is_preflight(&self) -> bool {
        self.method == Method::OPTIONS && self.request.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
    }
}

impl Entry {
    pub(crate) fn preflights(&self) -> usize {
        self.exchanges.iter().filter(|exchange| exchange.is_preflight()).count()
    }
}

impl Journal {
    pub(crate) fn entry(&self, scenario: &str) -> Entry {
        self.entries().get(scenario).cloned().unwrap_or_default()
    }

    /// Middleware for the outside of the CORS layer.
    pub(crate) async fn record(self, request: Request, next: Next) -> Response {
        let (scenario, method, headers) =
            (scenario_of(request.uri()), request.method().clone(), request.headers().clone());
        let mut response = next.run(request).await;
        // hyper writes a Date where there is none, after everything that can be wrapped.
        response.headers_mut().insert(header::DATE, HeaderValue::from_static("Mon, 01 Jan 2024 00:00:00 GMT"));
        let exchange =
            Exchange { method, request: headers, status: response.status(), response: response.headers().clone() };
        self.entries().entry(scenario).or_default().exchanges.push(exchange);
        response
    }

    /// Middleware for the inside of the CORS layer.
    pub(crate) async fn count(self, request: Request, next: Next) -> Response {
        self.entries().entry(scenario_of(request.uri())).or_default().calls += 1;
        next.run(request).await
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.0.lock().expect("nobody panics while the journal is written")
    }
}

/// The query is the name of the scenario.
fn scenario_of(uri: &Uri) -> String {
    uri.query().unwrap_or_default().to_owned()
}
