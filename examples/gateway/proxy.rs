//! The service behind the CORS layer: 404 where no route matches, else the upstream's answer, or 502.

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
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, Version, header,
    uri::{Authority, PathAndQuery, Scheme},
};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use tower::Service;
use tower_cors::{manifest::LoadedRoutes, request::CorsRequest, resolver::ReloadHandle};

use crate::echo;

/// The upstream's body as it streams in, or one of the gateway's own.
pub(crate) type Body = Either<Incoming, Full<Bytes>>;

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
    client: Client<HttpConnector, Incoming>,
}

impl Proxy {
    /// A proxy to `upstream`, or to the echo where there is none.
    pub(crate) fn new(routes: ReloadHandle<LoadedRoutes>, upstream: Option<Authority>) -> Self {
        let upstream = match upstream {
            None => Upstream::Echo,
            Some(authority) => {
                let mut connector = HttpConnector::new();
                // The small chunks of a stream, such as server-sent events, wait for nothing.
                connector.set_nodelay(true);
                connector.set_keepalive(Some(Duration::from_secs(90)));
                let client = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector);
                Upstream::Server(Arc::new(Server { authority, client }))
            }
        };
        Self { routes, upstream }
    }
}

impl Service<Request<Incoming>> for Proxy {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let is_routed = self.routes.current().table().find(&CorsRequest::of(&request)).is_some();
        let upstream = self.upstream.clone();
        Box::pin(async move {
            Ok(match upstream {
                _ if !is_routed => answer(StatusCode::NOT_FOUND, "no route matches this request\n"),
                _ if request.method() == Method::CONNECT => answer(StatusCode::NOT_IMPLEMENTED, "no tunnels here\n"),
                Upstream::Echo => echo::respond(request).await.map(Either::Right),
                Upstream::Server(server) => forward(request, &server).await,
            })
        })
    }
}

async fn forward(mut request: Request<Incoming>, server: &Server) -> Response<Body> {
    let Server { authority, client } = server;
    let Ok(uri) = upstream_uri(authority, request.uri().path_and_query()) else {
        return answer(StatusCode::BAD_REQUEST, "this target can't be sent on\n");
    };
    // HTTP/2 has the host in the target only.
    if !request.headers().contains_key(header::HOST)
        && let Some(host) = request.uri().authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok())
    {
        request.headers_mut().insert(header::HOST, host);
    }
    *request.uri_mut() = uri;
    *request.version_mut() = Version::HTTP_11;
    remove_hop_by_hop(request.headers_mut());
    match client.request(request).await {
        Ok(mut response) => {
            *response.version_mut() = Version::HTTP_11;
            remove_hop_by_hop(response.headers_mut());
            response.map(Either::Left)
        }
        Err(error) => {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
            eprintln!("upstream {authority}: {error}{cause}");
            answer(StatusCode::BAD_GATEWAY, "the upstream did not answer\n")
        }
    }
}

fn upstream_uri(authority: &Authority, target: Option<&PathAndQuery>) -> Result<Uri, http::uri::InvalidUriParts> {
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(authority.clone());
    parts.path_and_query = Some(target.cloned().unwrap_or_else(|| PathAndQuery::from_static("/")));
    Uri::from_parts(parts)
}

/// Removes what concerns one connection only (RFC 9110, section 7.6.1): the names that `Connection` lists, and those
/// that are known.
fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let listed: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    let known = [
        header::CONNECTION,
        header::PROXY_AUTHENTICATE,
        header::PROXY_AUTHORIZATION,
        header::TE,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
        HeaderName::from_static("keep-alive"),
        HeaderName::from_static("proxy-connection"),
    ];
    for name in listed.iter().chain(&known) {
        headers.remove(name);
    }
}

fn answer(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Either::Right(Full::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
