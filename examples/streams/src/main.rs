//! Server-sent events and a WebSocket beside other routes. Events are a response like any other: an `EventSource` of an
//! allowed origin can read them, and they pass the layer as they come. A WebSocket is not covered by CORS, and any page
//! can open one with its visitor's cookies, so the guard refuses the pages that the policy does not allow.
//!
//! ```text
//! cargo run --package streams-example -- [ADDRESS:PORT]
//! curl -iN http://ADDRESS:PORT/events -H 'origin: https://app.example'
//! ```

use std::{convert::Infallible, error::Error, time::Duration};

use axum::{
    Router,
    extract::ws::{WebSocket, WebSocketUpgrade},
    response::sse::{Event, KeepAlive, Sse},
    routing::{any, get},
};
use futures_core::Stream;
use tokio::{net::TcpListener, time::interval};
use tokio_stream::{StreamExt, wrappers::IntervalStream};
use tower_cors::{
    CorsLayer, CorsPolicy, Violations,
    axum::{CorsRouter, WithCors},
};

pub(crate) fn app() -> Result<CorsRouter, Violations> {
    let policy = CorsPolicy::new().allow_origins(["https://app.example"]).allow_credentials(true);
    let cors = CorsLayer::new(policy)?.guard_websocket_upgrades(true);
    Ok(Router::new()
        .route("/", get(async || "hello"))
        .route("/events", get(events))
        // `any`, because a WebSocket is opened with GET in HTTP/1.1 and with CONNECT in HTTP/2.
        .route("/socket", any(async |upgrade: WebSocketUpgrade| upgrade.on_upgrade(echo)))
        .with_cors(cors))
}

/// A tick a second, for as long as somebody listens.
async fn events() -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let ticks = IntervalStream::new(interval(Duration::from_secs(1)));
    Sse::new(ticks.map(|_| Ok(Event::default().event("tick").data("still here")))).keep_alive(KeepAlive::default())
}

/// Sends back what it receives, until the page goes away.
async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if socket.send(message).await.is_err() {
            return;
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app()?).await?;
    Ok(())
}
