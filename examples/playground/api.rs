//! The API under test: a `CorsLayer` with the policy of the exchange that the path names, before a service that answers
//! as the scenario says. It writes down what comes and what goes.

use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use axum::{
    Router,
    body::Body,
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderValue, Response, StatusCode, header},
    response::IntoResponse,
    routing::any,
};
use tower::{ServiceExt, service_fn};
use tower_cors::CorsLayer;

use super::exchange::{Exchange, Said, Seen, Store};

pub(crate) fn router(store: Store) -> Router {
    Router::new().route("/{number}/hello", any(serve)).with_state(store)
}

async fn serve(State(store): State<Store>, Path(number): Path<u64>, request: Request) -> Response<Body> {
    let Some(exchange) = store.find(number) else {
        return (StatusCode::GONE, "this exchange has made room for newer ones; press Send again\n").into_response();
    };
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let received = request.headers().clone();

    let said = Arc::new(Mutex::new(None));
    let heard = Arc::clone(&said);
    let cors = CorsLayer::with_resolver(exchange.resolver.clone()).on_decision(move |event| {
        *heard.lock().unwrap_or_else(PoisonError::into_inner) = Some(Said::of(event));
    });
    let reached = Arc::new(AtomicBool::new(false));
    let (inner, reaches) = (Arc::clone(&exchange), Arc::clone(&reached));
    let backend = service_fn(move |_: Request| {
        reaches.store(true, Relaxed);
        let response = answer(&inner);
        async move { Ok::<_, Infallible>(response) }
    });
    let mut response = match exchange.outside {
        true => answer(&exchange),
        false => {
            let Ok(response) = tower::Layer::layer(&cors, backend).oneshot(request).await;
            response
        }
    };
    confine(response.headers_mut());

    let said = said.lock().unwrap_or_else(PoisonError::into_inner).take();
    exchange.record(Seen {
        method,
        path,
        request: received,
        said,
        reached_backend: reached.load(Relaxed),
        status: response.status(),
        response: response.headers().clone(),
    });
    response
}

/// A permalink of a stranger chooses what is answered here, on an origin of this machine: whatever that is, it runs no
/// script, is taken for nothing else, and leaves nothing behind.
fn confine(headers: &mut HeaderMap) {
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.remove(header::SET_COOKIE);
    for name in ["set-cookie2", "clear-site-data", "service-worker-allowed"] {
        headers.remove(name);
    }
}

/// What the service within answers; it sees no preflight unless the policy says so.
fn answer(exchange: &Exchange) -> Response<Body> {
    let is_empty = [StatusCode::NO_CONTENT, StatusCode::RESET_CONTENT, StatusCode::NOT_MODIFIED];
    let body = if is_empty.contains(&exchange.status) { Body::empty() } else { exchange.body.clone().into() };
    let mut response = Response::new(body);
    *response.status_mut() = exchange.status;
    for (name, value) in &exchange.headers {
        response.headers_mut().append(name, value.clone());
    }
    response
}
