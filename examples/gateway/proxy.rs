//! The service behind the CORS layer: 404 where no route matches, 500 where the route leads nowhere, else the upstream's
//! answer, 502 or 504.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, Response, StatusCode, Uri, Version, header,
    uri::{Authority, PathAndQuery, Scheme},
};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::body::{Frame, Incoming};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use tokio::time::timeout;
use tower::{BoxError, Service};
use tower_cors::{manifest::LoadedRoutes, request::CorsRequest, resolver::ReloadHandle};
use tower_http::timeout::TimeoutBody;

use crate::{arguments::Limits, echo, hops, upgrade};

/// The upstream's body as it streams in, or one of the gateway's own.
pub(crate) type Body = UnsyncBoxBody<Bytes, BoxError>;

/// Sends requests that a route matches to the upstream.
#[derive(Clone)]
pub(crate) struct Proxy {
    routes: ReloadHandle<LoadedRoutes>,
    upstream: Upstream,
}

#[derive(Clone)]
enum Upstream {
    Echo,
    Server(Arc<Server>),
}

struct Server {
    authority: Authority,
    client: Client<HttpConnector, Body>,
    limits: Limits,
}

impl Proxy {
    /// A proxy to `upstream`, or to the echo where there is none.
    pub(crate) fn new(routes: ReloadHandle<LoadedRoutes>, upstream: Option<Authority>, limits: Limits) -> Self {
        let upstream = match upstream {
            None => Upstream::Echo,
            Some(authority) => {
                let mut connector = HttpConnector::new();
                // The small chunks of a stream, such as server-sent events, wait for nothing.
                connector.set_nodelay(true);
                connector.set_keepalive(Some(Duration::from_secs(90)));
                connector.set_connect_timeout(Some(limits.upstream));
                let client = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector);
                Upstream::Server(Arc::new(Server { authority, client, limits }))
            }
        };
        Self { routes, upstream }
    }
}

/// Where a request goes.
enum Way {
    NoRoute,
    NoBackend,
    Backend,
}

impl Service<Request<Incoming>> for Proxy {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        // The table that the layer has decided by, whatever was reloaded since.
        let routes = self.routes.pinned(request.extensions()).unwrap_or_else(|| self.routes.current());
        let way = match routes.table().find(&CorsRequest::of(&request)) {
            None => Way::NoRoute,
            Some(rule) if routes.leads_nowhere(&rule) => Way::NoBackend,
            Some(_) => Way::Backend,
        };
        drop(routes);
        let upstream = self.upstream.clone();
        Box::pin(async move {
            Ok(match (way, upstream) {
                (Way::NoRoute, _) => answer(StatusCode::NOT_FOUND, "no route matches this request\n"),
                (Way::NoBackend, _) => answer(StatusCode::INTERNAL_SERVER_ERROR, "this route delegates to nothing\n"),
                _ if request.method() == Method::CONNECT => answer(StatusCode::NOT_IMPLEMENTED, "no tunnels here\n"),
                _ if hops::has_other_coding(request.headers()) => {
                    answer(StatusCode::NOT_IMPLEMENTED, "no transfer coding but chunked is known here\n")
                }
                (_, Upstream::Echo) => echo::respond(request).await.map(|body| body.map_err(Into::into).boxed_unsync()),
                (_, Upstream::Server(server)) => forward(request, &server).await,
            })
        })
    }
}

async fn forward(mut request: Request<Incoming>, server: &Server) -> Response<Body> {
    let Server { authority, client, limits } = server;
    let Ok(uri) = upstream_uri(authority, request.uri().path_and_query()) else {
        return answer(StatusCode::BAD_REQUEST, "this target can't be sent on\n");
    };
    *request.uri_mut() = uri;
    let is_websocket = upgrade::is_websocket(&request);
    hops::remove_hop_by_hop(request.headers_mut());
    *request.version_mut() = Version::HTTP_11;
    let client_side = is_websocket.then(|| upgrade::ask(&mut request));
    let idle = limits.idle_body;
    let request = request.map(|body| passing(TimeoutBody::new(idle, body)));
    let mut response = match timeout(limits.upstream, client.request(request)).await {
        Err(_) => {
            eprintln!("upstream {authority}: no answer within {:?}", limits.upstream);
            return answer(StatusCode::GATEWAY_TIMEOUT, "the upstream did not answer in time\n");
        }
        Ok(Err(error)) => {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
            eprintln!("upstream {authority}: {error}{cause}");
            return answer(StatusCode::BAD_GATEWAY, "the upstream did not answer\n");
        }
        Ok(Ok(response)) => response,
    };
    if response.status().is_informational() && !(is_websocket && upgrade::is_agreed(&response)) {
        eprintln!("upstream {authority}: {} without being asked", response.status());
        return answer(StatusCode::BAD_GATEWAY, "the upstream switched to another protocol\n");
    }
    if hops::has_other_coding(response.headers()) {
        return answer(StatusCode::BAD_GATEWAY, "the upstream used a transfer coding that is not known here\n");
    }
    let upgraded =
        client_side.filter(|_| upgrade::is_agreed(&response)).map(|client| upgrade::connect(client, &mut response));
    *response.version_mut() = Version::HTTP_11;
    hops::remove_hop_by_hop(response.headers_mut());
    if upgraded.is_some() {
        upgrade::add_fields(response.headers_mut());
    }
    response.map(passing)
}

/// A body that goes on, with those trailers that may.
fn passing<B>(body: B) -> Body
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let permitted = |frame: Frame<Bytes>| match frame.into_trailers() {
        Ok(mut trailers) => {
            hops::keep_permitted_trailers(&mut trailers);
            Frame::trailers(trailers)
        }
        Err(frame) => frame,
    };
    body.map_frame(permitted).map_err(Into::into).boxed_unsync()
}

fn upstream_uri(authority: &Authority, target: Option<&PathAndQuery>) -> Result<Uri, http::uri::InvalidUriParts> {
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(authority.clone());
    parts.path_and_query = Some(target.cloned().unwrap_or_else(|| PathAndQuery::from_static("/")));
    Uri::from_parts(parts)
}

pub(crate) fn answer(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Full::from(text).map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
