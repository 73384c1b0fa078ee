//! The inner service: what the pages ask for. It knows no CORS, but for `/permissive`, which believes that it does.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Body,
    extract::{Path, RawQuery, State},
    http::HeaderMap,
    response::{IntoResponse, Redirect},
    routing::{any, get},
};
use http::{Method, StatusCode, header};
use tokio::sync::mpsc;
use tokio_stream::{StreamExt, wrappers::UnboundedReceiverStream};

/// The streams that wait for their page to say that it has the beginning, by scenario.
#[derive(Clone, Default)]
struct Streams(Arc<Mutex<HashMap<String, mpsc::UnboundedSender<&'static str>>>>);

/// Where redirects lead.
#[derive(Clone)]
struct Targets {
    here: String,
    elsewhere: String,
}

/// The service below `/{policy}` of a server that is also called `elsewhere`.
pub(crate) fn router(elsewhere: String, policy: &str) -> Router {
    let targets = Targets { here: format!("/{policy}/hello"), elsewhere: format!("{elsewhere}/{policy}/hello") };
    Router::new()
        .route("/hello", any(hello))
        .route("/cookie", get(cookie))
        .route("/cacheable", get(async || ([(header::CACHE_CONTROL, "max-age=600")], "for a while")))
        .route("/permissive", get(permissive))
        .route("/status/{status}", get(status))
        .route("/redirect/{place}", any(redirect))
        .with_state(targets)
        .merge(
            Router::new().route("/stream", get(stream)).route("/release", get(release)).with_state(Streams::default()),
        )
        .fallback(async || StatusCode::NOT_FOUND)
}

/// Greets by the cookie, and shows headers that a page may want to read.
async fn hello(method: Method, headers: HeaderMap) -> impl IntoResponse {
    let body = match method {
        Method::OPTIONS => "options of the service",
        _ if has_cookie(&headers, "user=ada") => "hello, ada",
        _ => "hello, stranger",
    };
    ([("x-request-id", "7"), ("etag", "\"7\""), ("vary", "Accept-Encoding")], body)
}

/// Sets a cookie for the policy's paths, and says whether it has come.
async fn cookie(headers: HeaderMap) -> impl IntoResponse {
    let body = if has_cookie(&headers, "seen=yes") { "the cookie is back" } else { "a cookie" };
    ([("set-cookie", "seen=yes; SameSite=Lax"), ("vary", "Accept-Encoding")], body)
}

async fn permissive() -> impl IntoResponse {
    ([("access-control-allow-origin", "*"), ("access-control-expose-headers", "*")], "permissive")
}

async fn status(Path(status): Path<u16>) -> StatusCode {
    StatusCode::from_u16(status).expect("a scenario asks for a status that there is")
}

async fn redirect(State(targets): State<Targets>, Path(place): Path<String>, RawQuery(scenario): RawQuery) -> Redirect {
    let target = if place == "here" { targets.here } else { targets.elsewhere };
    Redirect::temporary(&format!("{target}?{}", scenario.unwrap_or_default()))
}

/// Sends one event, and another when `release` is asked to.
async fn stream(State(Streams(streams)): State<Streams>, RawQuery(scenario): RawQuery) -> impl IntoResponse {
    let (sender, receiver) = mpsc::unbounded_channel();
    sender.send("data: one\n\n").expect("the receiver is here");
    streams.lock().expect("nobody panics").insert(scenario.unwrap_or_default(), sender);
    let events = UnboundedReceiverStream::new(receiver).map(Ok::<_, Infallible>);
    ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(events))
}

/// Its scenario's name is that of the stream, with `release-` before it.
async fn release(State(Streams(streams)): State<Streams>, RawQuery(scenario): RawQuery) -> StatusCode {
    let scenario = scenario.unwrap_or_default();
    let stream = streams.lock().expect("nobody panics").remove(scenario.trim_start_matches("release-"));
    stream.expect("the stream is open").send("data: two\n\n").expect("the page reads it");
    StatusCode::NO_CONTENT
}

fn has_cookie(headers: &HeaderMap, cookie: &str) -> bool {
    let cookies = headers.get(header::COOKIE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    cookies.split("; ").any(|found| found == cookie)
}
