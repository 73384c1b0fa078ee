//! The origins of the pages, and the servers of them: blank pages on two ports, under several names of loopback.

use axum::{Router, response::Html};
use tokio::net::TcpListener;

/// The origins that the tables name.
#[derive(Clone, Debug)]
pub(crate) struct Origins {
    app: String,
    neighbour: String,
    stranger: String,
    subdomain: String,
}

impl Origins {
    /// Serves the pages, on ports that the system picks, until the runtime ends.
    pub(crate) async fn serve() -> Self {
        Self::of_ports(blank_pages().await, blank_pages().await)
    }

    /// Origins that nobody serves, for what is said of the tables themselves.
    pub(crate) fn unserved() -> Self {
        Self::of_ports(1, 2)
    }

    fn of_ports(port: u16, other_port: u16) -> Self {
        Self {
            app: format!("http://localhost:{port}"),
            neighbour: format!("http://localhost:{other_port}"),
            stranger: format!("http://127.0.0.1:{port}"),
            subdomain: format!("http://a.b.localhost:{port}"),
        }
    }

    /// The text of a table with the origins in the places of their names.
    pub(crate) fn fill(&self, text: &str) -> String {
        let names = [
            ("{app}", self.app.as_str()),
            ("{neighbour}", &self.neighbour),
            ("{stranger}", &self.stranger),
            ("{subdomain}", &self.subdomain),
            ("{null}", "null"),
        ];
        names.into_iter().fold(text.to_owned(), |text, (name, origin)| text.replace(name, origin))
    }

    /// The page to open for scripts of `origin`, and whether they run in a sandboxed frame of it.
    pub(crate) fn page_of(&self, origin: &str) -> (String, bool) {
        if origin == "null" { (self.app.clone(), true) } else { (origin.to_owned(), false) }
    }

    /// The origin that a scenario's page has unless it says otherwise.
    pub(crate) fn app(&self) -> &str {
        &self.app
    }
}

async fn blank_pages() -> u16 {
    let blank = Html("<!doctype html><html lang=en><title>blank</title>");
    serve(Router::new().fallback(async move || blank)).await
}

/// Serves `router` on a port of loopback that the system picks.
pub(crate) async fn serve(router: Router) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let port = listener.local_addr().expect("a bound address").port();
    tokio::spawn(async move { axum::serve(listener, router).await });
    port
}
