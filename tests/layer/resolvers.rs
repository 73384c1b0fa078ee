//! The resolvers that people write: path prefixes, overrides in the extensions of a request, and asynchronous ones.

use std::{
    cell::Cell,
    convert::Infallible,
    future::{Ready, ready},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use tokio::sync::oneshot;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_cors::{
    CompiledPolicy, CorsLayer, CorsPolicy, PolicyResolver,
    decision::Resolution,
    decision::{InnerHeaders, PreflightStatus, UnmatchedPreflight},
    merge::{Base, Ceiling, MergeOptions, MergeStrategy, Overrides, Setting},
    request::CorsRequest,
    resolver::{ByPathPrefix, Overridable, Reloadable, ResolutionFailure, resolve_async},
};

const A: &str = "https://a.example";

fn policy(max_age: u64) -> CorsPolicy {
    CorsPolicy { max_age: Some(max_age), ..CorsPolicy::new().allow_origins([A]) }
}

fn compiled(max_age: u64) -> CompiledPolicy {
    policy(max_age).compile().unwrap()
}

fn get(path: &str) -> Request<String> {
    Request::get(path).header("origin", A).body(String::new()).unwrap()
}

fn preflight(path: &str) -> Request<String> {
    Request::options(path)
        .header("origin", A)
        .header("access-control-request-method", "PUT")
        .body(String::new())
        .unwrap()
}

/// The max-age of the policy that a resolver picks; none where no policy applies.
fn picked(resolver: &impl PolicyResolver, request: &Request<String>) -> Option<u64> {
    resolver.resolve_then(&CorsRequest::of(request), |resolution| resolution.policy()?.policy().max_age)
}

// ---- path prefixes ----

#[test]
fn a_prefix_matches_whole_segments_and_the_longest_wins() {
    let resolver = Overrides::new(policy(1))
        .path_prefix("/api", policy(2))
        .path_prefix("/api/v1/", policy(3))
        .path_prefix_disabled("/api/v1/internal")
        .build()
        .unwrap();
    let table = [
        ("/", Some(1)),
        ("/api", Some(2)),
        ("/api/", Some(2)),
        ("/api?query", Some(2)),
        ("/api/users", Some(2)),
        ("/apis", Some(1)),
        ("/API", Some(1)),
        ("/ap", Some(1)),
        ("/api/v1", Some(3)),
        ("/api/v12", Some(2)),
        ("/api/v1/x", Some(3)),
        ("/api/v1/internal", None),
        ("/api/v1/internal/x/y/z", None),
        ("/api/v1/internals", Some(3)),
        ("/other/api", Some(1)),
        ("http://a.example/api/v1", Some(3)),
    ];
    for (path, expected) in table {
        assert_eq!(picked(&resolver, &get(path)), expected, "{path}");
    }
}

#[test]
fn the_prefix_slash_matches_every_path() {
    let resolver = ByPathPrefix::new(None).path_prefix("/", compiled(1)).unwrap();
    for path in ["/", "/a", "/a/b", "//"] {
        assert_eq!(picked(&resolver, &get(path)), Some(1), "{path}");
    }
    assert_eq!(picked(&resolver, &preflight("*")), None);
}

#[test]
fn without_a_path_the_fallback_applies() {
    let resolver = ByPathPrefix::new(compiled(1)).path_prefix("/", compiled(2)).unwrap();
    let request = get("/");
    let head = CorsRequest::new(request.method(), request.headers());
    assert_eq!(resolver.resolve(&head).policy().unwrap().policy().max_age, Some(1));
}

// rule 7.7
#[test]
fn an_override_inherits_what_it_does_not_set() {
    let base = policy(1).expose_headers(["X-Base"]);
    let resolver = Overrides::new(base).path_prefix("/api", CorsPolicy::new().allow_methods(["PUT"])).build().unwrap();
    let request = get("/api");
    let resolution = resolver.resolve(&CorsRequest::of(&request));
    let expected = policy(1).expose_headers(["X-Base"]).allow_methods(["PUT"]);
    assert_eq!(*resolution.policy().unwrap().policy(), expected);
    assert_eq!(
        resolution.policy().unwrap().provenance().unwrap().to_string(),
        "allowOrigins: the base policy\nallowMethods: path prefix /api\nexposeHeaders: the base policy\n\
         maxAge: the base policy"
    );
}

#[test]
fn a_base_can_say_how_overrides_merge_and_set_a_ceiling() {
    let ceiling = Ceiling::new(CorsPolicy::new().allow_origins(["https://*.example"])).unwrap();
    let base = Base::new(policy(1)).merging(MergeOptions::new(MergeStrategy::Union)).ceiling("the platform", ceiling);
    let own = CorsPolicy::new().allow_origins(["https://b.example", "https://b.test"]);
    let merged = base.merge_over(&Setting::policy("own", own)).unwrap().unwrap();
    assert_eq!(merged.policy().allow_origins.as_deref().unwrap(), ["https://b.example", A]);
    assert_eq!(base.merge_over(&Setting::disabled("own")), Ok(None));
}

#[test]
fn everything_that_is_wrong_with_overrides_is_said_at_once() {
    let errors = Overrides::new(CorsPolicy::new().allow_origins(["*"]))
        .path_prefix("api", CorsPolicy::new())
        .path_prefix("/api", CorsPolicy::new())
        .path_prefix("/api/", CorsPolicy::new())
        .path_prefix("/mail", CorsPolicy::new().allow_methods(["a b"]))
        .path_prefix("/bank", CorsPolicy::new().allow_credentials(true))
        .build()
        .unwrap_err();
    assert_eq!((&errors).into_iter().count(), 4);
    assert_eq!(
        errors.to_string(),
        "path prefix \"api\" does not begin with /\n\
         path prefix \"/api/\" is given twice\n\
         path prefix /mail: allowMethods[0]: \"a b\" is a list in one string; make each element an entry of its own\n\
         allowOrigins[0]: \"*\" lets every site act and read with its visitors' credentials; list the origins, or drop \
         credentials; merged from allowOrigins of the base policy and allowCredentials of path prefix /bank"
    );
}

#[test]
fn an_invalid_base_is_named_once() {
    let errors = Overrides::new(CorsPolicy::new().allow_origins(["a.example"]))
        .path_prefix("/api", CorsPolicy::new())
        .build()
        .unwrap_err();
    assert_eq!(
        errors.to_string(),
        "the base policy: allowOrigins[0]: \"a.example\" has no scheme; write \"https://a.example\""
    );
}

// ---- the extensions of a request ----

#[test]
fn an_override_in_the_extensions_has_the_first_word() {
    let resolver = Overridable::new(compiled(1));
    let mut request = get("/");
    assert_eq!(picked(&resolver, &request), Some(1));
    request.extensions_mut().insert(Resolution::from(compiled(2)));
    assert_eq!(picked(&resolver, &request), Some(2));
    // Through `resolve` as well, where the answer has to be shared.
    let shared = Arc::new(resolver.clone());
    assert_eq!(picked(&shared, &request), Some(2));
    request.extensions_mut().insert(Resolution::none());
    assert_eq!(picked(&resolver, &request), None);
    assert_eq!(picked(&shared, &request), None);
}

// ---- asynchronous ----

/// An inner service that sets permissive headers of its own.
async fn permissive(_: Request<String>) -> Result<Response<String>, Infallible> {
    let mut response = Response::new("inner".to_owned());
    let origin = HeaderName::from_static("access-control-allow-origin");
    response.headers_mut().insert(origin, HeaderValue::from_static("*"));
    Ok(response)
}

#[tokio::test]
async fn the_policy_that_a_future_finds_is_applied() {
    let layer = CorsLayer::with_async_resolver(resolve_async(|request| {
        let path = request.uri().map(|uri| uri.path().to_owned());
        async move {
            tokio::task::yield_now().await;
            Ok::<_, Infallible>((path.as_deref() != Some("/none")).then(|| compiled(7)))
        }
    }));
    let service = layer.layer(service_fn(permissive));

    let response = service.clone().oneshot(get("/")).await.unwrap();
    assert_eq!(response.headers()["access-control-allow-origin"], A);
    assert_eq!(response.body(), "inner");

    let response = service.clone().oneshot(preflight("/")).await.unwrap();
    assert_eq!(response.headers()["access-control-max-age"], "7");
    assert_eq!(response.body(), "");

    let response = service.oneshot(preflight("/none")).await.unwrap();
    assert_eq!(
        (response.body().as_str(), &response.headers()["access-control-allow-origin"]),
        ("inner", &HeaderValue::from_static("*"))
    );
}

#[tokio::test]
async fn an_error_fails_closed_whatever_the_layer_says_and_is_reported() {
    let reported = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&reported);
    let resolver = resolve_async(|_| ready(Err::<CompiledPolicy, _>("the database is gone")))
        .on_error(move |error| log.lock().unwrap().push((*error).to_owned()));
    let layer = CorsLayer::with_async_resolver(resolver)
        .inner_headers(InnerHeaders::Keep)
        .unmatched_preflight(UnmatchedPreflight::Forward);
    let service = layer.layer(service_fn(permissive));

    for (request, body) in [(get("/"), "inner"), (preflight("/"), "")] {
        let response = service.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.body(), body);
        assert!(response.headers().keys().all(|name| !name.as_str().starts_with("access-control-")), "{response:?}");
        let failure = response.extensions().get::<ResolutionFailure>().unwrap();
        assert_eq!(failure.message(), "the database is gone");
    }
    assert_eq!(*reported.lock().unwrap(), ["the database is gone", "the database is gone"]);
}

#[tokio::test]
async fn a_shared_resolver_hears_of_its_errors() {
    let reported = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&reported);
    let resolver = resolve_async(|_| ready(Err::<CompiledPolicy, _>("the database is gone")))
        .on_error(move |error| log.lock().unwrap().push((*error).to_owned()));
    let response = CorsLayer::with_async_resolver(Arc::new(resolver))
        .layer(service_fn(permissive))
        .oneshot(get("/"))
        .await
        .unwrap();
    assert_eq!(*reported.lock().unwrap(), ["the database is gone"]);
    let failure = response.extensions().get::<ResolutionFailure>().unwrap();
    assert_eq!(failure.to_string(), "the CORS policy could not be found: the database is gone");
}

#[tokio::test]
async fn a_layer_that_fails_closed_keeps_its_other_settings() {
    let resolver = resolve_async(|_| ready(Err::<CompiledPolicy, _>("the database is gone")));
    let layer = CorsLayer::with_async_resolver(resolver)
        .preflight_status(PreflightStatus::NoContent)
        .unmatched_preflight(UnmatchedPreflight::Forbid);
    let response = layer.clone().layer(service_fn(permissive)).oneshot(preflight("/")).await.unwrap();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    let layer = layer.unmatched_preflight(UnmatchedPreflight::Answer);
    let response = layer.layer(service_fn(permissive)).oneshot(preflight("/")).await.unwrap();
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
}

#[test]
fn a_closure_picks_the_policy() {
    let (one, two) = (compiled(1), compiled(2));
    let resolver = move |request: &CorsRequest<'_>| match request.uri().map(http::Uri::path) {
        Some("/one") => Some(one.clone()),
        Some("/two") => Some(two.clone()),
        _ => None,
    };
    let picks = ["/one", "/two", "/three"].map(|path| picked(&resolver, &get(path)));
    assert_eq!(picks, [Some(1), Some(2), None]);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_in_the_future_fails_closed() {
    let resolver = resolve_async(|_| async {
        let never = std::future::pending::<CompiledPolicy>();
        tokio::time::timeout(std::time::Duration::from_secs(1), never).await
    });
    let service = CorsLayer::with_async_resolver(resolver).layer(service_fn(permissive));
    let response = service.oneshot(get("/")).await.unwrap();
    assert!(!response.headers().contains_key("access-control-allow-origin"));
    assert_eq!(response.extensions().get::<ResolutionFailure>().unwrap().message(), "deadline has elapsed");
}

#[tokio::test]
async fn a_synchronous_resolver_that_closes_lets_no_inner_permission_through() {
    struct Closed;
    impl PolicyResolver for Closed {
        fn resolve<'a>(&'a self, _: &CorsRequest<'_>) -> Resolution<'a> {
            Resolution::closed()
        }
    }
    let layer = CorsLayer::with_resolver(Closed)
        .inner_headers(InnerHeaders::Keep)
        .unmatched_preflight(UnmatchedPreflight::Forward);
    for request in [get("/"), preflight("/")] {
        let response = layer.layer(service_fn(permissive)).oneshot(request).await.unwrap();
        assert!(!response.headers().contains_key("access-control-allow-origin"));
    }
}

/// A service that must be polled ready before each call, and whose clones start unready.
struct Strict {
    ready: Cell<bool>,
    calls: Arc<AtomicUsize>,
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self { ready: Cell::new(false), calls: Arc::clone(&self.calls) }
    }
}

impl Service<Request<String>> for Strict {
    type Response = Response<String>;
    type Error = &'static str;
    type Future = Ready<Result<Response<String>, &'static str>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.ready.set(true);
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<String>) -> Self::Future {
        self.calls.fetch_add(1, Ordering::SeqCst);
        ready(if self.ready.take() { Ok(Response::new(String::new())) } else { Err("called before it was ready") })
    }
}

#[tokio::test]
async fn the_clone_that_was_polled_ready_is_the_one_called_and_only_after_the_policy() {
    let (send, receive) = oneshot::channel::<CompiledPolicy>();
    let receive = Mutex::new(Some(receive));
    let layer = CorsLayer::with_async_resolver(resolve_async(move |_| receive.lock().unwrap().take().unwrap()));
    let calls = Arc::new(AtomicUsize::new(0));
    let mut service = layer.layer(Strict { ready: Cell::new(false), calls: Arc::clone(&calls) });

    let mut response = by_hand(service.ready().await.unwrap().call(get("/")));
    assert!(response.poll().is_pending());
    assert_eq!(calls.load(Ordering::SeqCst), 0, "the policy is not there yet");
    send.send(compiled(1)).unwrap();
    let Poll::Ready(answer) = response.poll() else { panic!("the policy is there") };
    assert_eq!(answer.unwrap().headers()["access-control-allow-origin"], A);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

/// A future that a test polls by hand.
struct ByHand<F>(std::pin::Pin<Box<F>>);

fn by_hand<F: Future>(future: F) -> ByHand<F> {
    ByHand(Box::pin(future))
}

impl<F: Future> ByHand<F> {
    fn poll(&mut self) -> Poll<F::Output> {
        self.0.as_mut().poll(&mut Context::from_waker(std::task::Waker::noop()))
    }
}

#[test]
fn a_service_that_is_not_ready_is_not_ready_behind_the_layer() {
    #[derive(Clone)]
    struct Busy(Arc<AtomicBool>);
    impl Service<Request<String>> for Busy {
        type Response = Response<String>;
        type Error = Infallible;
        type Future = Ready<Result<Response<String>, Infallible>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            if self.0.load(Ordering::SeqCst) { Poll::Pending } else { Poll::Ready(Ok(())) }
        }
        fn call(&mut self, _: Request<String>) -> Self::Future {
            ready(Ok(Response::new(String::new())))
        }
    }
    let busy = Arc::new(AtomicBool::new(true));
    let layer = CorsLayer::with_async_resolver(resolve_async(|_| ready(Ok::<_, Infallible>(compiled(1)))));
    let mut service = layer.layer(Busy(Arc::clone(&busy)));
    let mut context = Context::from_waker(std::task::Waker::noop());
    assert!(service.poll_ready(&mut context).is_pending());
    busy.store(false, Ordering::SeqCst);
    assert!(service.poll_ready(&mut context).is_ready());
}

#[tokio::test]
async fn an_error_of_the_inner_service_passes_untouched() {
    let layer = CorsLayer::with_async_resolver(resolve_async(|_| ready(Ok::<_, Infallible>(compiled(1)))));
    let inner = service_fn(async |_: Request<String>| Err::<Response<String>, _>("broken"));
    assert_eq!(layer.layer(inner).oneshot(get("/")).await.unwrap_err(), "broken");
}

#[tokio::test]
async fn an_asynchronous_layer_fits_an_axum_router() {
    use axum::{Router, body::Body, routing};
    let layer = CorsLayer::with_async_resolver(resolve_async(|_| async {
        tokio::task::yield_now().await;
        Ok::<_, Infallible>(compiled(1))
    }));
    let app: Router = Router::new().route("/", routing::get(async || "hello")).layer(layer);
    let response = app.oneshot(get("/").map(Body::from)).await.unwrap();
    assert_eq!(response.headers()["access-control-allow-origin"], A);
}

// ---- resolvers that lend ----

/// Lends its policy for the time of one decision, as a resolver does whose policy lives no longer.
struct Lending(CompiledPolicy);

impl PolicyResolver for Lending {
    fn resolve<'a>(&'a self, _: &CorsRequest<'_>) -> Resolution<'a> {
        panic!("a policy was asked for that outlives the decision")
    }

    fn resolve_then<T>(&self, _: &CorsRequest<'_>, then: impl FnOnce(Resolution<'_>) -> T) -> T {
        then((&self.0).into())
    }
}

#[test]
fn a_resolver_that_lends_lends_through_whatever_holds_it() {
    let lending = || Lending(compiled(7));
    assert_eq!(picked(&Arc::new(lending()), &get("/")), Some(7));
    assert_eq!(picked(&Arc::new(Arc::new(lending())), &get("/")), Some(7));
    assert_eq!(picked(&Overridable::new(lending()), &get("/")), Some(7));
    assert_eq!(picked(&Reloadable::new(lending()), &get("/")), Some(7));
    assert_eq!(picked(&Arc::new(Reloadable::new(Arc::new(lending()))), &get("/")), Some(7));
}

#[tokio::test]
async fn a_layer_borrows_from_a_resolver_that_lends() {
    let layer = || CorsLayer::with_resolver(Lending(compiled(7)));
    for layer in [layer(), layer().on_decision(|_| {})] {
        let inner = service_fn(async |_: Request<String>| Ok::<_, Infallible>(Response::new(String::new())));
        let answered = layer.layer(inner).oneshot(preflight("/")).await.unwrap();
        assert_eq!(answered.headers()["access-control-max-age"], "7");
    }
}

#[test]
fn a_shared_resolver_of_any_type_is_a_resolver() {
    let any: Arc<dyn PolicyResolver> = Arc::new(compiled(1));
    let any_thread: Arc<dyn PolicyResolver + Send + Sync> = Arc::new(compiled(2));
    assert_eq!((picked(&any, &get("/")), picked(&any_thread, &get("/"))), (Some(1), Some(2)));
}
