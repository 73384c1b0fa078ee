//! A server of the Model Context Protocol for pages of other origins, by the official SDK over streamable HTTP: the
//! revision 2026-07-28, and those with sessions before it. The protocol demands that requests of other origins than these
//! be refused, which `enforce` does. After DNS rebinding a page's origin is the host of its request, and passes; so the
//! SDK checks the `Host`.
//!
//! ```text
//! cargo run --package mcp-example -- [ADDRESS:PORT [ORIGIN...]]
//! ```

use std::{error::Error, sync::Arc};

use axum::Router;
use rmcp::{
    ErrorData, Peer, RoleServer,
    handler::server::wrapper::Parameters,
    model::{ProgressNotificationParam, RequestMetaObject},
    schemars, tool, tool_router,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
    },
};
use tokio::net::TcpListener;
use tower_cors::{
    CorsLayer, CorsPolicy,
    axum::{CorsRouter, WithCors},
    policy::Preset,
};

/// The hosts that this server goes by. One that others reach has its own name here.
const HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

struct Tools;

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
struct Count {
    to: u32,
}

#[tool_router(server_handler)]
impl Tools {
    /// Counts, and tells of each step as an event.
    #[tool]
    async fn count(
        Parameters(Count { to }): Parameters<Count>,
        meta: RequestMetaObject,
        client: Peer<RoleServer>,
    ) -> Result<String, ErrorData> {
        if let Some(token) = meta.get_progress_token() {
            for step in 1..=to.min(10) {
                let progress = ProgressNotificationParam::new(token.clone(), f64::from(step));
                // A client that has gone away needs no events.
                let _ = client.notify_progress(progress).await;
            }
        }
        Ok(format!("counted to {}", to.min(10)))
    }
}

pub(crate) fn app(cors: CorsLayer) -> CorsRouter {
    let config = StreamableHttpServerConfig::default().with_allowed_hosts(HOSTS);
    let service = StreamableHttpService::new(|| Ok(Tools), Arc::new(LocalSessionManager::default()), config);
    Router::new().route_service("/mcp", service).with_cors(cors.enforce(true))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let origins: Vec<_> = arguments.collect();
    let cors = CorsLayer::new(CorsPolicy::new().allow_origins(origins).preset(Preset::Mcp))?;
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}/mcp", listener.local_addr()?);
    axum::serve(listener, app(cors)).await?;
    Ok(())
}
