//! A layer is one type that can be written: what a function returns, a field, a static. And the setters that people who
//! come from other layers look for.

use std::{
    convert::Infallible,
    sync::{Arc, LazyLock},
};

use http::{Method, Request, Response};
use tower::{Layer, ServiceBuilder, ServiceExt, service_fn};
use tower_cors::{
    CompiledPolicy, CorsLayer, CorsPolicy,
    decision::{Options, UnmatchedPreflight},
    request::CorsRequest,
    resolver::{Async, AsyncPolicyResolver, BoxAsyncResolver, BoxResolver, ResolutionFailure, resolve_async},
};

const PAGE: &str = "https://app.example";

fn policy() -> CompiledPolicy {
    CorsPolicy::new().allow_origins(PAGE).compile().expect("a valid policy")
}

/// A closure.
static BY_CLOSURE: LazyLock<CorsLayer<BoxResolver>> = LazyLock::new(|| {
    let policy = policy();
    CorsLayer::with_resolver(move |_: &CorsRequest<'_>| policy.clone()).boxed()
});

/// An asynchronous closure.
static BY_ASYNC_CLOSURE: LazyLock<CorsLayer<Async<BoxAsyncResolver>>> = LazyLock::new(|| {
    let resolver = resolve_async(|request| {
        let is_known = request.authority().is_some();
        async move { if is_known { Ok(policy()) } else { Err("no tenant") } }
    });
    CorsLayer::with_async_resolver(resolver).boxed()
});

/// A resolver of one's own: it has a name already.
struct Tenants;

impl AsyncPolicyResolver for Tenants {
    type Policy = CompiledPolicy;
    type Error = &'static str;
    type Future = std::future::Ready<Result<CompiledPolicy, &'static str>>;

    fn resolve(&self, _: &CorsRequest<'_>) -> Self::Future {
        std::future::ready(Ok(policy()))
    }
}

/// A field of each kind.
#[derive(Clone, Debug)]
struct Server {
    plain: CorsLayer,
    #[cfg(feature = "reload")]
    reloadable: CorsLayer<tower_cors::resolver::Reloadable<CompiledPolicy>>,
    closure: CorsLayer<BoxResolver>,
    tenants: Arc<CorsLayer<Async<BoxAsyncResolver>>>,
}

fn tenants() -> CorsLayer<Async<Tenants>> {
    CorsLayer::with_async_resolver(Tenants)
}

async fn permission<L>(layer: &L, host: Option<&str>) -> (Option<String>, Option<String>)
where
    L: Layer<tower::util::BoxCloneService<Request<String>, Response<String>, Infallible>>,
    L::Service: tower::Service<Request<String>, Response = Response<String>, Error = Infallible>,
{
    let inner = service_fn(async |_: Request<String>| Ok(Response::new(String::new())));
    let request =
        host.into_iter().fold(Request::get("/").header("origin", PAGE), |request, host| request.header("host", host));
    let service = layer.layer(tower::util::BoxCloneService::new(inner));
    let response = service.oneshot(request.body(String::new()).expect("a request")).await.expect("infallible");
    let origin = response.headers().get("access-control-allow-origin");
    let failure = response.extensions().get::<ResolutionFailure>();
    (
        origin.map(|origin| origin.to_str().expect("ASCII").to_owned()),
        failure.map(|failure| failure.message().to_owned()),
    )
}

#[tokio::test]
async fn a_layer_with_a_name_resolves_as_the_one_without() {
    let server = Server {
        plain: CorsLayer::from(policy()),
        #[cfg(feature = "reload")]
        reloadable: CorsLayer::with_resolver(tower_cors::resolver::Reloadable::new(policy())),
        closure: BY_CLOSURE.clone(),
        tenants: Arc::new(tenants().boxed()),
    };
    let allowed = (Some(PAGE.to_owned()), None);
    assert_eq!(permission(&server.plain, None).await, allowed);
    #[cfg(feature = "reload")]
    assert_eq!(permission(&server.reloadable, None).await, allowed);
    assert_eq!(permission(&server.closure, None).await, allowed);
    assert_eq!(permission(&*server.tenants, None).await, allowed);
    assert_eq!(permission(&tenants(), None).await, allowed);
    assert_eq!(permission(&*BY_ASYNC_CLOSURE, Some("a.example")).await, allowed);
    assert_eq!(permission(&*BY_ASYNC_CLOSURE, None).await, (None, Some("no tenant".to_owned())));
    assert!(format!("{server:?}").contains("BoxResolver"));
}

#[tokio::test]
async fn a_boxed_resolver_reports_its_errors_with_their_own_type() {
    let (sender, receiver) = std::sync::mpsc::channel::<String>();
    let resolver =
        resolve_async(|_: &CorsRequest<'_>| async { Err::<CompiledPolicy, std::fmt::Error>(std::fmt::Error) });
    let sender = std::sync::Mutex::new(sender);
    let resolver = resolver.on_error(move |error: &std::fmt::Error| {
        sender.lock().expect("no panic").send(format!("{error:?}")).expect("it is received");
    });
    permission(&CorsLayer::with_async_resolver(resolver).boxed(), None).await;
    assert_eq!(receiver.try_iter().collect::<Vec<_>>(), ["Error"]);
}

#[tokio::test]
async fn what_was_set_before_a_layer_is_boxed_stays() {
    let layer = CorsLayer::with_resolver(policy()).unmatched_preflight(UnmatchedPreflight::Forbid).debug(true).boxed();
    let inner = service_fn(async |_: Request<String>| Ok::<_, Infallible>(Response::new(String::new())));
    let preflight = Request::options("/").header("origin", "https://other.example");
    let preflight = preflight.header("access-control-request-method", "PUT").body(String::new()).expect("a request");
    let response = layer.layer(inner).oneshot(preflight).await.expect("infallible");
    assert_eq!(response.status(), 403);
    assert!(response.headers().contains_key("tower-cors-debug"));
}

#[tokio::test]
async fn options_set_at_once_are_those_that_are_set_one_by_one() {
    let at_once = CorsLayer::from(policy()).options(Options::new().unmatched_preflight(UnmatchedPreflight::Forbid));
    let inner = service_fn(async |_: Request<String>| Ok::<_, Infallible>(Response::new(String::new())));
    let preflight = Request::options("/").header("origin", "https://other.example");
    let preflight = preflight.header("access-control-request-method", "PUT").body(String::new()).expect("a request");
    assert_eq!(at_once.layer(inner).oneshot(preflight).await.expect("infallible").status(), 403);
}

#[tokio::test]
async fn a_permissive_layer_allows_everything_but_credentials() {
    let inner = service_fn(async |_: Request<String>| Ok::<_, Infallible>(Response::new(String::new())));
    let preflight = Request::builder().method(Method::OPTIONS).header("origin", "https://anywhere.example");
    let preflight = preflight
        .header("access-control-request-method", "DELETE")
        .header("access-control-request-headers", "authorization,x-mine");
    let service = ServiceBuilder::new().layer(CorsLayer::permissive()).service(inner);
    let response =
        service.clone().oneshot(preflight.body(String::new()).expect("a request")).await.expect("infallible");
    let headers = response.headers();
    assert_eq!(headers["access-control-allow-origin"], "*");
    assert_eq!(headers["access-control-allow-methods"], "DELETE");
    assert_eq!(headers["access-control-allow-headers"], "authorization, x-mine");
    assert!(!headers.contains_key("access-control-allow-credentials"));
    let actual = Request::get("/").header("origin", "https://anywhere.example").body(String::new()).expect("a request");
    let response = service.oneshot(actual).await.expect("infallible");
    assert_eq!(response.headers()["access-control-expose-headers"], "*");
}

#[test]
fn one_origin_is_taken_as_well_as_many() {
    let many = CorsPolicy::new().allow_origins([PAGE]);
    assert_eq!(CorsPolicy::new().allow_origins(PAGE), many);
    assert_eq!(CorsPolicy::new().allow_origins(PAGE.to_owned()), many);
    assert_eq!(CorsPolicy::new().allow_origins(std::borrow::Cow::Borrowed(PAGE)), many);
    assert_eq!(CorsPolicy::new().allow_origins(vec![PAGE.to_owned()]), many);
    assert_eq!(CorsPolicy::new().allow_origins([PAGE].iter()), many);
    assert_eq!(CorsPolicy::new().allow_origins(Some(PAGE)), many);
    assert_eq!(CorsPolicy::new().allow_origins(tower_cors::policy::split_list(PAGE)), many);
    assert_eq!(CorsPolicy::new().extend_allow_origins(PAGE), many);
}
