//! Where the layer stands in an axum router: each place that leaves something out, shown failing, beside the one that
//! leaves nothing out. In `docs/axum.md` these are the rows of the table.

use std::{convert::Infallible, net::SocketAddr};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, State},
    http::{Method, Request, Response, StatusCode, header},
    middleware::{self, Next},
    routing::{any_service, get, put},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_cors::{
    CorsLayer, CorsPolicy,
    axum::{ByMatchedPath, WithCors},
    merge::Overrides,
    resolver::{ByPathPrefix, resolve_async},
};

const PAGE: &str = "https://app.example";
/// Whether a page of the allowed origin can read a response.
const READABLE: bool = true;
const BLOCKED: bool = false;

fn policy() -> CorsPolicy {
    CorsPolicy::new().allow_origins([PAGE]).allow_methods(["PUT"])
}

fn cors() -> CorsLayer {
    CorsLayer::new(policy()).expect("a valid policy")
}

fn hello() -> Router {
    Router::new().route("/hello", get(async || "hello"))
}

/// The status that the page gets, and whether it may read it.
async fn ask<S>(app: &S, method: Method, path: &str) -> (u16, bool)
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone,
{
    let request = Request::builder().method(method).uri(path).header("origin", PAGE);
    answer(app, request.body(Body::empty()).expect("a request")).await
}

/// The same for a preflight that announces `PUT`.
async fn ask_preflight<S>(app: &S, path: &str) -> (u16, bool)
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone,
{
    let request = Request::options(path).header("origin", PAGE).header("access-control-request-method", "PUT");
    answer(app, request.body(Body::empty()).expect("a request")).await
}

async fn answer<S>(app: &S, request: Request<Body>) -> (u16, bool)
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone,
{
    let response = app.clone().oneshot(request).await.expect("infallible");
    let permission = response.headers().get("access-control-allow-origin").map(|value| value.as_bytes());
    assert!(permission.is_none_or(|value| value == PAGE.as_bytes()), "{permission:?}");
    (response.status().as_u16(), permission.is_some())
}

#[tokio::test]
async fn a_route_that_is_added_after_the_layer_is_outside_of_it() {
    let wrong = hello().layer(cors()).route("/late", put(async || "late"));
    assert_eq!(ask(&wrong, Method::GET, "/hello").await, (200, READABLE));
    assert_eq!(ask(&wrong, Method::PUT, "/late").await, (200, BLOCKED));
    assert_eq!(ask_preflight(&wrong, "/late").await, (405, BLOCKED));

    let right = hello().route("/late", put(async || "in time")).with_cors(cors());
    assert_eq!(ask(&right, Method::PUT, "/late").await, (200, READABLE));
    assert_eq!(ask_preflight(&right, "/late").await, (200, READABLE));
}

#[tokio::test]
async fn a_route_layer_of_a_router_leaves_out_the_404() {
    let wrong = hello().route_layer(cors());
    assert_eq!(ask(&wrong, Method::GET, "/hello").await, (200, READABLE));
    assert_eq!(ask(&wrong, Method::GET, "/nowhere").await, (404, BLOCKED));

    let right = hello().with_cors(cors());
    assert_eq!(ask(&right, Method::GET, "/nowhere").await, (404, READABLE));
}

#[tokio::test]
async fn a_route_layer_of_a_method_router_leaves_out_preflights_and_the_405() {
    let methods = || put(async || "put");
    let wrong = Router::new().route("/hello", methods().route_layer(cors()));
    assert_eq!(ask(&wrong, Method::PUT, "/hello").await, (200, READABLE));
    assert_eq!(ask_preflight(&wrong, "/hello").await, (405, BLOCKED), "so no browser ever sends the PUT");
    assert_eq!(ask(&wrong, Method::GET, "/hello").await, (405, BLOCKED));

    let right = Router::new().route("/hello", methods().layer(cors()));
    assert_eq!(ask_preflight(&right, "/hello").await, (200, READABLE));
    assert_eq!(ask(&right, Method::GET, "/hello").await, (405, READABLE));
}

#[tokio::test]
async fn what_is_merged_after_the_layer_is_outside_and_takes_the_404_along() {
    let other = || Router::new().route("/other", get(async || "other"));
    let wrong = hello().layer(cors()).merge(other());
    assert_eq!(ask(&wrong, Method::GET, "/hello").await, (200, READABLE));
    assert_eq!(ask(&wrong, Method::GET, "/other").await, (200, BLOCKED));
    assert_eq!(ask(&wrong, Method::GET, "/nowhere").await, (404, BLOCKED));

    let right = hello().merge(other()).with_cors(cors());
    assert_eq!(ask(&right, Method::GET, "/other").await, (200, READABLE));
    assert_eq!(ask(&right, Method::GET, "/nowhere").await, (404, READABLE));
}

#[tokio::test]
async fn what_is_nested_after_the_layer_is_outside() {
    let wrong = hello().layer(cors()).nest("/api", hello());
    assert_eq!(ask(&wrong, Method::GET, "/api/hello").await, (200, BLOCKED));
    assert_eq!(ask_preflight(&wrong, "/api/hello").await, (405, BLOCKED));

    let right = hello().nest("/api", hello()).with_cors(cors());
    assert_eq!(ask(&right, Method::GET, "/api/hello").await, (200, READABLE));
    assert_eq!(ask_preflight(&right, "/api/hello").await, (200, READABLE));
}

#[tokio::test]
async fn the_layer_of_a_nested_router_covers_its_404_only_with_a_fallback_of_its_own() {
    let wrong = Router::new().nest("/api", hello().layer(cors()));
    assert_eq!(ask(&wrong, Method::GET, "/api/hello").await, (200, READABLE));
    assert_eq!(ask(&wrong, Method::PUT, "/api/hello").await, (405, READABLE));
    // Axum asks the outer router's fallback, and drops the nested one's default.
    assert_eq!(ask(&wrong, Method::GET, "/api/nowhere").await, (404, BLOCKED));

    let right = Router::new().nest("/api", hello().fallback(async || StatusCode::NOT_FOUND).layer(cors()));
    assert_eq!(ask(&right, Method::GET, "/api/nowhere").await, (404, READABLE));
    assert_eq!(ask(&right, Method::GET, "/nowhere").await, (404, BLOCKED), "not under the prefix");
}

#[tokio::test]
async fn a_fallback_that_is_set_after_the_layer_is_outside_of_it() {
    let wrong = hello().layer(cors()).fallback(async || (StatusCode::NOT_FOUND, "lost"));
    assert_eq!(ask(&wrong, Method::GET, "/nowhere").await, (404, BLOCKED));

    let right = hello().fallback(async || (StatusCode::NOT_FOUND, "lost")).with_cors(cors());
    assert_eq!(ask(&right, Method::GET, "/nowhere").await, (404, READABLE));
}

#[tokio::test]
async fn a_method_not_allowed_fallback_that_is_set_after_the_layer_takes_the_preflights() {
    let wrong = hello().layer(cors()).method_not_allowed_fallback(async || StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(ask(&wrong, Method::GET, "/hello").await, (200, READABLE));
    assert_eq!(ask(&wrong, Method::PUT, "/hello").await, (405, BLOCKED));
    assert_eq!(ask_preflight(&wrong, "/hello").await, (405, BLOCKED));

    let right = hello().method_not_allowed_fallback(async || StatusCode::METHOD_NOT_ALLOWED).with_cors(cors());
    assert_eq!(ask(&right, Method::PUT, "/hello").await, (405, READABLE));
    assert_eq!(ask_preflight(&right, "/hello").await, (200, READABLE));
}

#[tokio::test]
async fn authentication_outside_of_the_layer_refuses_preflights() {
    async fn require_token(
        request: axum::extract::Request,
        next: Next,
    ) -> Result<axum::response::Response, StatusCode> {
        match request.headers().contains_key(header::AUTHORIZATION) {
            true => Ok(next.run(request).await),
            false => Err(StatusCode::UNAUTHORIZED),
        }
    }
    let wrong = hello().layer(cors()).layer(middleware::from_fn(require_token));
    assert_eq!(ask_preflight(&wrong, "/hello").await, (401, BLOCKED));
    assert_eq!(ask(&wrong, Method::GET, "/hello").await, (401, BLOCKED));

    let right = hello().layer(middleware::from_fn(require_token)).with_cors(cors());
    assert_eq!(ask_preflight(&right, "/hello").await, (200, READABLE));
    assert_eq!(ask(&right, Method::GET, "/hello").await, (401, READABLE));
}

#[tokio::test]
async fn a_layer_around_the_router_finds_no_matched_path() {
    let resolver = || {
        ByMatchedPath::new(CorsPolicy::new())
            .and_then(|base| base.route("/hello", CorsPolicy::new().allow_origins([PAGE])))
    };
    let wrong = CorsLayer::with_resolver(resolver().expect("valid policies")).layer(hello());
    assert_eq!(ask(&wrong, Method::GET, "/hello").await, (200, BLOCKED));

    let right = hello().with_cors(CorsLayer::with_resolver(resolver().expect("valid policies")));
    assert_eq!(ask(&right, Method::GET, "/hello").await, (200, READABLE));
}

#[tokio::test]
async fn two_layers_on_one_path_judge_each_others_preflights() {
    // Whoever may PUT is the page; to read is for another one.
    let other = || CorsLayer::new(CorsPolicy::new().allow_origins(["https://reader.example"])).expect("a valid policy");
    let (read, write) = (async || "read", async || "written");

    // The second layer is around the first one, so it answers every preflight of the path.
    let wrong = Router::new().route("/hello", put(write).layer(cors()).get(read).layer(other()));
    assert_eq!(ask(&wrong, Method::PUT, "/hello").await, (200, READABLE));
    assert_eq!(ask_preflight(&wrong, "/hello").await, (200, BLOCKED));

    // Of two fallbacks axum keeps the second, and the preflights are that one's.
    let wrong = Router::new().route("/hello", put(write).layer(cors())).route("/hello", get(read).layer(other()));
    assert_eq!(ask(&wrong, Method::PUT, "/hello").await, (200, READABLE));
    assert_eq!(ask_preflight(&wrong, "/hello").await, (200, BLOCKED));

    let resolver = ByMatchedPath::new(CorsPolicy::new())
        .and_then(|base| base.route("/hello", CorsPolicy::new().allow_origins(["https://reader.example"])))
        .and_then(|base| base.route_method("/hello", Method::PUT, policy()))
        .expect("valid policies");
    let right = Router::new().route("/hello", get(read).put(write)).with_cors(CorsLayer::with_resolver(resolver));
    assert_eq!(ask(&right, Method::PUT, "/hello").await, (200, READABLE));
    assert_eq!(ask_preflight(&right, "/hello").await, (200, READABLE));
    assert_eq!(ask(&right, Method::GET, "/hello").await, (200, BLOCKED));
}

/// A router with one of everything that can answer.
fn everything() -> Router {
    let with_fallback = Router::new().route("/a", get(async || "a")).fallback(async || (StatusCode::NOT_FOUND, "lost"));
    let service = service_fn(async |_| Ok::<_, Infallible>(Response::new(Body::from("service"))));
    Router::new()
        .route("/state", get(async |State(name): State<&'static str>| name))
        .with_state("state")
        .route("/method", put(async || "put").fallback(async || StatusCode::IM_A_TEAPOT))
        .route_service("/service", any_service(service))
        .merge(hello())
        .nest("/nested", hello())
        .nest("/with-fallback", with_fallback)
        .nest_service("/opaque", hello())
}

#[tokio::test]
async fn with_cors_covers_everything_that_can_answer() {
    let app = everything().with_cors(cors());
    let table = [
        (Method::GET, "/state", 200),
        (Method::GET, "/method", 418),
        (Method::PUT, "/method", 200),
        (Method::GET, "/service", 200),
        (Method::GET, "/hello", 200),
        (Method::HEAD, "/hello", 200),
        (Method::DELETE, "/hello", 405),
        (Method::OPTIONS, "/hello", 405),
        (Method::GET, "/nested/hello", 200),
        (Method::DELETE, "/nested/hello", 405),
        (Method::GET, "/nested/nowhere", 404),
        (Method::GET, "/with-fallback/a", 200),
        (Method::GET, "/with-fallback/nowhere", 404),
        (Method::GET, "/opaque/hello", 200),
        (Method::DELETE, "/opaque/hello", 405),
        (Method::GET, "/opaque/nowhere", 404),
        (Method::GET, "/nowhere", 404),
        (Method::OPTIONS, "*", 404),
        (Method::CONNECT, "app.example:443", 404),
    ];
    for (method, path, status) in table {
        assert_eq!(ask(&app, method.clone(), path).await, (status, READABLE), "{method} {path}");
        assert_eq!(ask_preflight(&app, path).await, (200, READABLE), "{path}");
    }
}

#[tokio::test]
async fn with_cors_takes_a_layer_that_waits_or_wraps_bodies() {
    let policy = policy().compile().expect("a valid policy");
    let waiting = CorsLayer::with_async_resolver(resolve_async(move |_| {
        let policy = policy.clone();
        async move {
            tokio::task::yield_now().await;
            Ok::<_, Infallible>(policy)
        }
    }));
    assert_eq!(ask_preflight(&hello().with_cors(waiting), "/hello").await, (200, READABLE));
    assert_eq!(ask(&hello().with_cors(cors().wrap_body()), Method::GET, "/hello").await, (200, READABLE));
}

#[tokio::test]
async fn a_finished_router_is_a_service_among_others_and_covers_its_whole_prefix() {
    let app = Router::new().nest_service("/api", hello().with_cors(cors()));
    assert_eq!(ask(&app, Method::GET, "/api/hello").await, (200, READABLE));
    assert_eq!(ask(&app, Method::GET, "/api/nowhere").await, (404, READABLE));
    assert_eq!(ask(&app, Method::GET, "/nowhere").await, (404, BLOCKED));
    let app = ServiceBuilder::new().map_request(|request: Request<Body>| request).service(hello().with_cors(cors()));
    assert_eq!(ask_preflight(&app, "/hello").await, (200, READABLE));
}

#[tokio::test]
async fn a_finished_router_is_served_and_asked_for_the_address_of_its_client() {
    let app = Router::new()
        .route("/", get(async |ConnectInfo(address): ConnectInfo<SocketAddr>| address.ip().to_string()))
        .with_cors(cors());
    // Without the address, axum refuses the request inside of the layer.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    assert!(
        fetch(listener, |listener| axum::serve(listener, app.clone()).into_future()).await.starts_with("HTTP/1.1 500")
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let make = app.into_router().into_make_service_with_connect_info::<SocketAddr>();
    let response = fetch(listener, |listener| axum::serve(listener, make).into_future()).await;
    assert!(response.ends_with("\r\n\r\n127.0.0.1"), "{response}");
}

/// Serves one request of the page over a socket, and gives back the response, which must be readable.
async fn fetch<F: Future>(listener: TcpListener, serve: impl FnOnce(TcpListener) -> F) -> String {
    let address = listener.local_addr().expect("an address");
    let client = async {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        let request = format!("GET / HTTP/1.1\r\nhost: {address}\r\norigin: {PAGE}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("written");
        let mut response = String::new();
        stream.read_to_string(&mut response).await.expect("read");
        response
    };
    let response = tokio::select! {
        response = client => response,
        _ = serve(listener) => unreachable!("a server does not end"),
    };
    assert!(response.contains(&format!("access-control-allow-origin: {PAGE}\r\n")), "{response}");
    response
}

#[tokio::test]
async fn a_body_that_a_layer_within_changes_is_wrapped() {
    use tower_http::trace::TraceLayer;

    let layers = ServiceBuilder::new().layer(cors().wrap_body()).layer(TraceLayer::new_for_http());
    let app = hello().layer(layers);
    assert_eq!(ask(&app, Method::GET, "/hello").await, (200, READABLE));
    assert_eq!(ask_preflight(&app, "/hello").await, (200, READABLE));
}

#[tokio::test]
async fn a_finished_router_makes_services_for_connections() {
    let shows_address = async |ConnectInfo(address): ConnectInfo<SocketAddr>| address.ip().to_string();
    let app = Router::new().route("/", get(shows_address)).with_cors(cors());
    let mut plain = app.clone().into_make_service();
    let service = plain.call(()).await.expect("infallible");
    assert_eq!(ask(&service, Method::GET, "/nowhere").await, (404, READABLE));

    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = app.into_make_service_with_connect_info::<SocketAddr>();
    let server = tokio::spawn(async move { axum::serve(listener, server).await });
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let request = format!("GET / HTTP/1.1\r\nhost: a\r\norigin: {PAGE}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("it reads");
    let mut response = String::new();
    stream.read_to_string(&mut response).await.expect("it answers");
    server.abort();
    assert!(response.contains(&format!("access-control-allow-origin: {PAGE}\r\n")), "{response}");
    assert!(response.ends_with("127.0.0.1"), "{response}");
}

#[tokio::test]
async fn policies_by_path_see_the_whole_path_in_a_nested_router() {
    let base = policy();
    let strict = CorsPolicy::new().allow_origins(["https://other.example"]);
    let by_prefix = ByPathPrefix::new(base.clone().compile().expect("a valid policy"))
        .path_prefix("/api/internal", strict.clone().compile().expect("a valid policy"))
        .expect("a new prefix");
    let overrides = Overrides::new(base).path_prefix("/api/internal", strict).build().expect("valid wholes");
    for resolver in [by_prefix, overrides] {
        let nested = Router::new()
            .route("/internal", get(async || "for us"))
            .route("/public", get(async || "for everybody"))
            .layer(CorsLayer::with_resolver(resolver.clone()));
        let app = Router::new().nest("/v1", Router::new()).nest("/api", nested);
        assert_eq!(ask(&app, Method::GET, "/api/internal").await, (200, BLOCKED));
        assert_eq!(ask(&app, Method::GET, "/api/public").await, (200, READABLE));
        assert_eq!(resolver.unmatched_prefixes(), [""; 0]);
    }
}
