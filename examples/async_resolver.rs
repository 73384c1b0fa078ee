//! The policies of tenants, found while the request waits: by host, in what stands for a database here, within a second.
//! The database is the router's state, so handlers and resolver see the same tenants, and what a handler stores counts
//! from the next request on. A tenant that is not known gets no CORS; a database that fails or does not answer in time
//! closes the door, so that nobody is allowed anything because of an outage.
//!
//! ```text
//! cargo run --example async_resolver [ADDRESS:PORT]
//! curl -i http://ADDRESS:PORT/ -H 'host: acme.example' -H 'origin: https://app.acme.example'
//! curl -i -X PUT http://ADDRESS:PORT/tenants/new.example -d 'https://app.new.example'
//! ```

use std::{collections::HashMap, error::Error, io, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, put},
};
use tokio::{net::TcpListener, sync::RwLock, time::timeout};
use tower_cors::{
    CompiledPolicy, CorsLayer, CorsPolicy, Violations,
    axum::{CorsRouter, WithCors},
    resolver::resolve_async,
};

/// The tenants' policies by host. They are compiled when they are stored, so that a request only looks one up, and an
/// invalid policy is refused where somebody can correct it.
#[derive(Clone)]
struct Tenants(Arc<RwLock<HashMap<String, CompiledPolicy>>>);

impl Tenants {
    fn sample() -> Result<Self, Violations> {
        let acme = CorsPolicy::new().allow_origins(["https://app.acme.example"]).allow_credentials(true).compile()?;
        let open = CorsPolicy::new().allow_origins(["*"]).compile()?;
        let policies = HashMap::from([("acme.example".to_owned(), acme), ("open.example".to_owned(), open)]);
        Ok(Self(Arc::new(RwLock::new(policies))))
    }

    async fn find(&self, host: &str) -> io::Result<Option<CompiledPolicy>> {
        match host {
            "broken.example" => Err(io::Error::other("the database is down")),
            _ => Ok(self.0.read().await.get(host).cloned()),
        }
    }

    async fn store(&self, host: String, policy: CompiledPolicy) {
        self.0.write().await.insert(host, policy);
    }
}

pub(crate) fn app() -> Result<CorsRouter, Violations> {
    let tenants = Tenants::sample()?;
    let found_in = tenants.clone();
    let resolver = resolve_async(move |request| {
        let tenants = found_in.clone();
        let authority = request.authority().unwrap_or_default();
        let host = authority.split(':').next().unwrap_or_default().to_ascii_lowercase();
        async move { timeout(Duration::from_secs(1), tenants.find(&host)).await.map_err(io::Error::from)? }
    });
    let cors = CorsLayer::with_async_resolver(resolver.on_error(|error| eprintln!("no policy: {error}")));
    Ok(Router::new()
        .route("/", get(async || "hello"))
        .route("/tenants/{host}", put(allow))
        .with_state(tenants)
        .with_cors(cors))
}

/// Allows a tenant the origins that stand in the body, a line each. Who may do so is left out here.
async fn allow(
    State(tenants): State<Tenants>,
    Path(host): Path<String>,
    origins: String,
) -> Result<StatusCode, (StatusCode, String)> {
    let policy = CorsPolicy::new().allow_origins(origins.lines()).compile();
    let policy = policy.map_err(|violations| (StatusCode::UNPROCESSABLE_ENTITY, violations.to_string()))?;
    tenants.store(host.to_ascii_lowercase(), policy).await;
    Ok(StatusCode::NO_CONTENT)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app()?).await?;
    Ok(())
}
