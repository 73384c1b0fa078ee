//! The policies of tenants, found while the request waits: by host, in what stands for a database here, within a second.
//! A tenant that is not known gets no CORS; a database that fails or does not answer in time closes the door, so that
//! nobody is allowed anything because of an outage.
//!
//! ```text
//! cargo run --example async_resolver [ADDRESS:PORT]
//! curl -i http://ADDRESS:PORT/ -H 'host: acme.example' -H 'origin: https://app.acme.example'
//! ```

use std::{collections::HashMap, error::Error, io, sync::Arc, time::Duration};

use axum::{Router, routing::get};
use tokio::{net::TcpListener, time::timeout};
use tower_cors::{CompiledPolicy, CorsLayer, CorsPolicy, Violations, resolver::resolve_async};

/// The tenants' policies by host. They are compiled when they are stored, so that a request only looks one up, and an
/// invalid policy is refused where somebody can correct it.
struct Tenants(HashMap<String, CompiledPolicy>);

impl Tenants {
    fn sample() -> Result<Self, Violations> {
        let acme = CorsPolicy::new().allow_origins(["https://app.acme.example"]).allow_credentials(true).compile()?;
        let open = CorsPolicy::new().allow_origins(["*"]).compile()?;
        Ok(Self(HashMap::from([("acme.example".to_owned(), acme), ("open.example".to_owned(), open)])))
    }

    async fn find(&self, host: &str) -> io::Result<Option<CompiledPolicy>> {
        match host {
            "broken.example" => Err(io::Error::other("the database is down")),
            _ => Ok(self.0.get(host).cloned()),
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let tenants = Arc::new(Tenants::sample()?);
    let resolver = resolve_async(move |request| {
        let tenants = Arc::clone(&tenants);
        let authority = request.authority().unwrap_or_default();
        let host = authority.split(':').next().unwrap_or_default().to_ascii_lowercase();
        async move { timeout(Duration::from_secs(1), tenants.find(&host)).await.map_err(io::Error::from)? }
    });
    let cors = CorsLayer::with_async_resolver(resolver.on_error(|error| eprintln!("no policy: {error}")));
    let app = Router::new().route("/", get(async || "hello")).layer(cors);

    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
