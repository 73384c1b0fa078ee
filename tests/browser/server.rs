//! The service behind an engine, once under each policy of the table, with the journal inside and outside of it.

use axum::{Router, middleware::from_fn};
use tokio::net::TcpListener;

use crate::{engine::Engine, journal::Journal, scenario::Table, service};

pub(crate) struct Server {
    port: u16,
    journal: Journal,
}

impl Server {
    /// Serves until the runtime ends.
    pub(crate) async fn start(engine: Engine, table: &Table) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let port = listener.local_addr().expect("a bound address").port();
        let journal = Journal::default();
        let mut router = Router::new();
        for (name, policy) in &table.policies {
            let calls = journal.clone();
            let service = service::router(format!("http://127.0.0.1:{port}"), name);
            let service = service.layer(from_fn(move |request, next| calls.clone().count(request, next)));
            let mut service = engine.wrap(service, policy);
            if let Some(outer) = table.outer.get(name) {
                service = engine.wrap(service, outer);
            }
            router = router.nest_service(&format!("/{name}"), service);
        }
        let exchanges = journal.clone();
        let router = router.layer(from_fn(move |request, next| exchanges.clone().record(request, next)));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { port, journal }
    }

    /// The URL at which a scenario asks for `path` under `policy`.
    pub(crate) fn url(&self, policy: &str, path: &str, scenario: &str) -> String {
        format!("http://localhost:{}/{policy}{path}?{scenario}", self.port)
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }
}
