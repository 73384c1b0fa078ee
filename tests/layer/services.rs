//! The layer among services: what it passes through, what it may wrap, where it may stand, and two of it on one request.

use std::{
    cell::Cell,
    convert::Infallible,
    future::{pending, ready},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use axum::{Router, routing::get};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body::Body as _;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_cors::{
    CorsLayer, CorsPolicy,
    decision::{InnerHeaders, UnmatchedPreflight},
    layer::{AnswerBody, Cors, WrapBody},
};

const ORIGIN: &str = "https://ok.example";

fn cors() -> CorsLayer {
    CorsLayer::new(CorsPolicy::new().allow_origins([ORIGIN])).expect("a valid policy")
}

fn open() -> CorsLayer {
    CorsLayer::new(CorsPolicy::new().allow_origins(["*"]).expose_headers(["*"])).expect("a valid policy")
}

fn actual<B: Default>(origin: &str) -> Request<B> {
    Request::get("/").header("origin", origin).body(B::default()).expect("a request")
}

fn preflight<B: Default>() -> Request<B> {
    let mut request = actual(ORIGIN);
    *request.method_mut() = http::Method::OPTIONS;
    request.headers_mut().insert("access-control-request-method", HeaderValue::from_static("PUT"));
    request
}

/// A service that answers with these header lines and counts its calls.
fn answering(
    lines: &'static [(&'static str, &'static str)],
) -> (
    impl Service<Request<String>, Response = Response<String>, Error = Infallible, Future: Send> + Clone + Send,
    Arc<AtomicUsize>,
) {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let service = service_fn(move |_: Request<String>| {
        count.fetch_add(1, Ordering::SeqCst);
        let mut response = Response::new(String::from("inner"));
        for (name, value) in lines {
            response.headers_mut().append(*name, HeaderValue::from_static(value));
        }
        ready(Ok(response))
    });
    (service, calls)
}

fn lines<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a HeaderValue> {
    headers.get_all(name).iter().collect()
}

#[tokio::test]
async fn a_service_builder_takes_the_layer() {
    let (inner, calls) = answering(&[]);
    let mut service = ServiceBuilder::new().layer(cors()).service(inner);
    let response = service.ready().await.expect("ready").call(preflight()).await.expect("an answer");
    assert_eq!((response.status(), calls.load(Ordering::SeqCst)), (StatusCode::OK, 0));
    let response = service.ready().await.expect("ready").call(actual(ORIGIN)).await.expect("an answer");
    assert_eq!(
        (response.headers()["access-control-allow-origin"].as_bytes(), response.body().as_str()),
        (ORIGIN.as_bytes(), "inner")
    );
}

#[tokio::test]
async fn an_axum_router_takes_the_layer_around_all_of_its_routes() {
    let router = Router::new().route("/", get(async || "hello")).layer(cors());
    let response = router.clone().oneshot(preflight::<axum::body::Body>()).await.expect("infallible");
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["access-control-allow-origin"], ORIGIN);
    let mut missing = actual::<axum::body::Body>(ORIGIN);
    *missing.uri_mut() = "/missing".parse().expect("a path");
    let response = router.oneshot(missing).await.expect("infallible");
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert_eq!(response.headers()["access-control-allow-origin"], ORIGIN, "the fallback is inside too");
}

#[tokio::test]
async fn an_axum_method_router_takes_the_layer() {
    let router = Router::new().route("/", get(async || "hello").layer(cors())).route("/bare", get(async || "bare"));
    let response = router.clone().oneshot(preflight::<axum::body::Body>()).await.expect("infallible");
    assert_eq!(
        (response.status(), &response.headers()["access-control-allow-origin"]),
        (StatusCode::OK, &HeaderValue::from_static(ORIGIN))
    );
    let mut bare = actual::<axum::body::Body>(ORIGIN);
    *bare.uri_mut() = "/bare".parse().expect("a path");
    let response = router.oneshot(bare).await.expect("infallible");
    assert!(!response.headers().contains_key("access-control-allow-origin"));
}

/// Sends one request and reads until the server closes.
async fn exchange(address: std::net::SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(request.as_bytes()).await.expect("written");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("read");
    String::from_utf8_lossy(&answer).into_owned()
}

/// Serves `service` with hyper on a port of its own.
async fn serve<S, B>(service: S) -> std::net::SocketAddr
where
    S: Service<
            Request<hyper::body::Incoming>,
            Response = Response<B>,
            Error: Into<Box<dyn std::error::Error + Send + Sync>>,
            Future: Send,
        > + Clone
        + Send
        + 'static,
    B: http_body::Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(service.clone());
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

#[tokio::test]
async fn hyper_serves_incoming_bodies_that_nobody_can_make() {
    let backend = serve(service_fn(async |_: Request<hyper::body::Incoming>| {
        let response = Response::builder()
            .header("access-control-allow-origin", "*")
            .body(Full::<bytes::Bytes>::from("from behind"));
        Ok::<_, Infallible>(response.expect("a response"))
    }))
    .await;
    let proxy = service_fn(move |request: Request<hyper::body::Incoming>| async move {
        let stream = TcpStream::connect(backend).await.expect("the backend is there");
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        sender.send_request(request).await
    });
    let address = serve(ServiceBuilder::new().layer(cors().wrap_body()).service(proxy)).await;

    let answer =
        exchange(address, &format!("GET / HTTP/1.1\r\nhost: a\r\norigin: {ORIGIN}\r\nconnection: close\r\n\r\n")).await;
    assert!(answer.ends_with("\r\n\r\nfrom behind"), "{answer}");
    assert!(
        answer.contains("access-control-allow-origin: https://ok.example\r\n") && !answer.contains("origin: *"),
        "{answer}"
    );
    let answer = exchange(address, &format!("OPTIONS / HTTP/1.1\r\nhost: a\r\norigin: {ORIGIN}\r\naccess-control-request-method: PUT\r\nconnection: close\r\n\r\n")).await;
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n")
            && answer.contains("content-length: 0\r\n")
            && answer.ends_with("\r\n\r\n"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_body_that_nobody_can_make_is_wrapped() {
    #[derive(Debug, PartialEq)]
    struct Page(&'static str);
    let inner = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(Page("inner"))));
    let service = cors().wrap_body().layer(inner);
    assert_eq!(service.clone().oneshot(preflight()).await.expect("infallible").into_body().into_inner(), None);
    let served = service.oneshot(actual(ORIGIN)).await.expect("infallible").into_body();
    assert_eq!(served.into_inner(), Some(Page("inner")));
}

// rule 5.6
#[tokio::test]
async fn body_trailers_extensions_and_status_pass_untouched() {
    let service = cors().wrap_body().layer(service_fn(async |request: Request<()>| {
        let trailers =
            HeaderMap::from_iter([(http::HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"))]);
        let frames = [
            Ok::<_, Infallible>(http_body::Frame::data(bytes::Bytes::from("body"))),
            Ok(http_body::Frame::trailers(trailers)),
        ];
        let mut response = Response::new(StreamBody::new(tokio_stream(frames)));
        response.extensions_mut().insert(request.extensions().get::<u32>().copied().expect("the request's extension"));
        *response.status_mut() = StatusCode::IM_A_TEAPOT;
        *response.version_mut() = http::Version::HTTP_2;
        Ok::<_, Infallible>(response)
    }));
    let mut request = actual(ORIGIN);
    request.extensions_mut().insert(7_u32);
    let response = service.oneshot(request).await.expect("infallible");
    assert_eq!((response.status(), response.version()), (StatusCode::IM_A_TEAPOT, http::Version::HTTP_2));
    assert_eq!(response.extensions().get::<u32>(), Some(&7));
    let collected = response.into_body().collect().await.expect("infallible");
    assert_eq!(collected.trailers().expect("trailers")["grpc-status"], "0");
    assert_eq!(collected.to_bytes(), "body");
}

#[test]
fn every_one_of_a_hundred_threads_answers_alike() {
    let layer = cors();
    let answer = || {
        let inner = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(String::new())));
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let response = runtime.block_on(layer.layer(inner).oneshot(preflight())).expect("infallible");
        response.headers()["access-control-allow-origin"] == ORIGIN
    };
    let answers = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..100).map(|_| scope.spawn(answer)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect::<Vec<_>>()
    });
    assert_eq!(answers, [true; 100]);
}

#[tokio::test]
async fn a_wrapped_body_is_the_inner_one_or_empty() {
    let inner = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(String::from("inner"))));
    let service = cors().wrap_body().layer(inner);
    let answered = service.clone().oneshot(preflight()).await.expect("infallible").into_body();
    assert!(answered.is_end_stream());
    assert_eq!((answered.size_hint().exact(), answered.into_inner()), (Some(0), None));
    let served = service.oneshot(actual(ORIGIN)).await.expect("infallible").into_body();
    assert!(!served.is_end_stream());
    assert_eq!((served.size_hint().exact(), served.into_inner()), (Some(5), Some(String::from("inner"))));
    assert!(WrapBody::wrap(Response::new(String::new())).into_body().is_end_stream());
}

/// A stream of what is ready already.
fn tokio_stream<T: Unpin, const N: usize>(items: [T; N]) -> impl futures_core::Stream<Item = T> {
    struct Items<T>(std::collections::VecDeque<T>);
    impl<T: Unpin> futures_core::Stream for Items<T> {
        type Item = T;

        fn poll_next(mut self: std::pin::Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<T>> {
            Poll::Ready(self.0.pop_front())
        }
    }
    Items(items.into())
}

// rule 5.7
#[tokio::test]
async fn a_disabled_layer_has_the_same_type_and_passes_everything() {
    for (layer, passes) in [(cors(), false), (CorsLayer::disabled(), true)] {
        let (inner, calls) = answering(&[("access-control-allow-origin", "*")]);
        let response = layer.layer(inner).oneshot(preflight()).await.expect("infallible");
        assert_eq!(
            (calls.load(Ordering::SeqCst) == 1, response.headers()["access-control-allow-origin"] == "*"),
            (passes, passes)
        );
    }
}

#[test]
fn clone_send_and_sync_follow_the_inner_service() {
    fn is_clone<T: Clone>(_: &T) {}
    fn is_shared<T: Clone + Send + Sync + 'static>() {}
    is_shared::<CorsLayer>();
    is_shared::<Cors<fn()>>();

    // A service that is neither Send nor Sync is wrapped as well, and so are its request and response.
    let count = Rc::new(Cell::new(0));
    let seen = Rc::clone(&count);
    let service = cors().layer(service_fn(move |request: Request<Rc<()>>| {
        seen.set(seen.get() + 1);
        ready(Ok::<_, Infallible>(Response::new(request.into_body())))
    }));
    is_clone(&service);
    let future = service.oneshot(actual::<Rc<()>>(ORIGIN));
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    assert!(runtime.block_on(future).is_ok());
    assert_eq!(count.get(), 1);
}

#[tokio::test]
async fn readiness_is_the_inner_services() {
    struct Busy;
    impl Service<Request<()>> for Busy {
        type Response = Response<()>;
        type Error = &'static str;
        type Future = std::future::Pending<Result<Response<()>, &'static str>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
            Poll::Ready(Err("broken"))
        }

        fn call(&mut self, _: Request<()>) -> Self::Future {
            pending()
        }
    }
    let mut service = cors().layer(Busy);
    assert_eq!(service.ready().await.err(), Some("broken"));
    let never = tower::util::service_fn(|_: Request<()>| pending::<Result<Response<()>, Infallible>>());
    let mut limited = cors().layer(tower::limit::ConcurrencyLimit::new(never, 1));
    let _held = limited.ready().await.expect("one is free").call(actual(ORIGIN));
    let mut context = Context::from_waker(std::task::Waker::noop());
    assert!(Service::<Request<()>>::poll_ready(&mut limited, &mut context).is_pending());
}

#[tokio::test]
async fn an_inner_error_passes_untouched() {
    #[derive(Debug, PartialEq)]
    struct Broken(u8);
    let service = cors().layer(service_fn(async |_: Request<()>| Err::<Response<()>, _>(Broken(3))));
    assert_eq!(service.oneshot(actual(ORIGIN)).await.err(), Some(Broken(3)));
}

// rule 5.9
#[tokio::test]
async fn a_permissive_outer_layer_does_not_widen_a_strict_inner_one() {
    for inner_lines in [&[] as &[_], &[("vary", "origin")], &[("vary", "*")], &[("vary", "accept"), ("vary", "Origin")]]
    {
        for outer in [open(), open().inner_headers(InnerHeaders::Keep), cors_for("https://evil.example")] {
            let (handler, _) = answering(inner_lines);
            let service = outer.layer(cors().layer(handler));
            let response = service.clone().oneshot(actual("https://evil.example")).await.expect("infallible");
            assert_eq!(lines(response.headers(), "access-control-allow-origin"), [""; 0], "{inner_lines:?}");
            assert!(!response.headers().contains_key("access-control-expose-headers"));
            let response = service.clone().oneshot(actual(ORIGIN)).await.expect("infallible");
            assert_eq!(lines(response.headers(), "access-control-allow-origin"), [ORIGIN], "{inner_lines:?}");
            let response = service.oneshot(Request::new(String::new())).await.expect("infallible");
            assert_eq!(lines(response.headers(), "access-control-allow-origin"), [""; 0], "{inner_lines:?}");
        }
    }
}

fn cors_for(origin: &str) -> CorsLayer {
    CorsLayer::new(CorsPolicy::new().allow_origins([origin]).allow_credentials(true)).expect("a valid policy")
}

// rule 5.9
#[tokio::test]
async fn a_strict_outer_layer_leaves_an_open_inner_one_alone() {
    let (handler, _) = answering(&[("x-a", "1")]);
    let service = cors_for("https://other.example").layer(open().layer(handler));
    for origin in [ORIGIN, "https://other.example", "null"] {
        let response = service.clone().oneshot(actual(origin)).await.expect("infallible");
        assert_eq!(lines(response.headers(), "access-control-allow-origin"), ["*"], "{origin}");
        assert_eq!(lines(response.headers(), "access-control-expose-headers"), ["*"], "{origin}");
        assert!(!response.headers().contains_key("access-control-allow-credentials"), "{origin}");
    }
}

// rule 5.9
#[tokio::test]
async fn the_outermost_layer_answers_the_preflight() {
    let (handler, calls) = answering(&[]);
    let response = open().layer(cors().layer(handler)).oneshot(preflight()).await.expect("infallible");
    assert_eq!(calls.load(Ordering::SeqCst), 0);
    assert_eq!(lines(response.headers(), "access-control-allow-origin"), ["*"]);
}

// rule 5.9
#[tokio::test]
async fn an_inner_layers_answer_to_a_forwarded_preflight_passes_whole() {
    let (handler, calls) = answering(&[]);
    let outer = cors_for("https://other.example").unmatched_preflight(UnmatchedPreflight::Forward);
    for (inner, origin) in [(cors(), ORIGIN), (open(), "*")] {
        let response =
            outer.clone().layer(inner.layer(handler.clone())).oneshot(preflight()).await.expect("infallible");
        assert_eq!(lines(response.headers(), "access-control-allow-origin"), [origin]);
        assert_eq!(lines(response.headers(), "access-control-max-age"), ["5"]);
        assert_eq!(lines(response.headers(), "vary").len(), 1);
    }
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

// rule 5.9
#[tokio::test]
async fn a_disabled_inner_layer_decides_nothing() {
    let (handler, _) = answering(&[("access-control-allow-origin", "*")]);
    let response = cors().layer(CorsLayer::disabled().layer(handler)).oneshot(actual("https://evil.example")).await;
    assert_eq!(lines(response.expect("infallible").headers(), "access-control-allow-origin"), [""; 0]);
}

// rule 5.9
#[tokio::test]
async fn another_crates_layer_is_not_taken_for_ours() {
    use tower_http::cors::{AllowOrigin, Any};
    let open_theirs = tower_http::cors::CorsLayer::new().allow_origin(Any);
    let any_theirs =
        tower_http::cors::CorsLayer::new().allow_origin(AllowOrigin::mirror_request()).allow_credentials(true);
    for theirs in [open_theirs, any_theirs] {
        let (handler, _) = answering(&[("vary", "Origin")]);
        let service = cors().layer(theirs.layer(handler));
        let response = service.clone().oneshot(actual("https://evil.example")).await.expect("infallible");
        assert_eq!(lines(response.headers(), "access-control-allow-origin"), [""; 0]);
        assert_eq!(lines(response.headers(), "access-control-allow-credentials"), [""; 0]);
        let response = service.oneshot(actual(ORIGIN)).await.expect("infallible");
        assert_eq!(lines(response.headers(), "access-control-allow-origin"), [ORIGIN]);
    }
}

// rule 5.9
#[tokio::test]
async fn equal_bytes_from_a_handler_are_not_taken_for_a_layers_mark() {
    let (handler, _) = answering(&[("vary", "Origin"), ("access-control-allow-origin", "*")]);
    let response = cors().layer(handler).oneshot(actual("https://evil.example")).await.expect("infallible");
    assert_eq!(lines(response.headers(), "access-control-allow-origin"), [""; 0]);
}

#[tokio::test]
async fn a_service_that_was_not_called_can_be_called_after_a_preflight() {
    let (inner, calls) = answering(&[]);
    let mut service = cors().layer(inner);
    for _ in 0..3 {
        service.ready().await.expect("ready").call(preflight()).await.expect("infallible");
    }
    service.ready().await.expect("ready").call(actual(ORIGIN)).await.expect("infallible");
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}
