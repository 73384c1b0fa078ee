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
    extract::{OriginalUri, Path, Request, State},
    http::{HeaderMap, HeaderValue, Response, StatusCode, header},
    response::IntoResponse,
    routing::any,
};
use tower::{ServiceExt, service_fn};
use tower_cors::{CorsLayer, request::CorsRequest};

use super::exchange::{Exchange, Said, Seen, Serves, Store};

pub(crate) fn router(store: Store) -> Router {
    Router::new().route("/{number}/hello", any(serve)).with_state(store)
}

async fn serve(State(store): State<Store>, Path(number): Path<u64>, mut request: Request) -> Response<Body> {
    let Some(exchange) = store.find(number) else {
        return (StatusCode::GONE, "this exchange has made room for newer ones; press Send again\n").into_response();
    };
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let received = request.headers().clone();

    let said = Arc::new(Mutex::new(None));
    let heard = Arc::clone(&said);
    let cors = match &exchange.serves {
        Serves::Policy(policy) => CorsLayer::with_resolver(policy.clone()).boxed(),
        Serves::Routes(routes, ..) => CorsLayer::with_resolver(Arc::clone(routes)).boxed(),
    };
    let cors = cors.on_decision(move |event| {
        *heard.lock().unwrap_or_else(PoisonError::into_inner) = Some(Said::of(event));
    });
    let stand_in = stand_in(&exchange.serves, &mut request);
    let reached = Arc::new(AtomicBool::new(false));
    let (inner, reaches) = (Arc::clone(&exchange), Arc::clone(&reached));
    let backend = service_fn(move |request: Request| {
        let is_served = is_served(&inner.serves, &request);
        reaches.store(is_served, Relaxed);
        let response = if is_served { answer(&inner) } else { StatusCode::NOT_FOUND.into_response() };
        async move { Ok::<_, Infallible>(response) }
    });
    let mut response = match exchange.outside {
        true => answer(&exchange),
        false => {
            let Ok(response) = tower::Layer::layer(&cors, backend).oneshot(request).await;
            response
        }
    };
    if let (Some((page, sender)), Serves::Routes(..)) = (stand_in, &exchange.serves) {
        let allowed = response.headers_mut().get_mut(header::ACCESS_CONTROL_ALLOW_ORIGIN);
        allowed.filter(|allowed| **allowed == page).into_iter().for_each(|allowed| *allowed = sender.clone());
    }
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

/// Makes the request one for the URL of the manifest's host, by the page that this one stands for. Answers with both origins
/// where they differ: no other page can be sent from here. A frame without an origin of its own stands for itself.
fn stand_in(serves: &Serves, request: &mut Request) -> Option<(HeaderValue, HeaderValue)> {
    let Serves::Routes(_, uri, page) = serves else { return None };
    *request.uri_mut() = uri.clone();
    // Else the path would be that of the exchange.
    request.extensions_mut().remove::<OriginalUri>();
    let host = uri.authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok())?;
    request.headers_mut().insert(header::HOST, host);
    let sender = request.headers_mut().get_mut(header::ORIGIN).filter(|sender| *sender != "null")?;
    Some((page.clone(), std::mem::replace(sender, page.clone())))
}

/// Whether a route takes the request, as every one does where there are no routes.
fn is_served(serves: &Serves, request: &Request) -> bool {
    match serves {
        Serves::Policy(_) => true,
        Serves::Routes(routes, ..) => routes.table().find(&CorsRequest::of(request)).is_some(),
    }
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
