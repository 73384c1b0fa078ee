//! Rule 6.1: where the choice of the policy depends on the origin, every answer has `Vary: Origin`, an open policy's and
//! one without any policy too. The layer sees that a resolver looked at the origin, whatever kind of resolver it is.

use std::{convert::Infallible, future::ready};

use http::{HeaderMap, Method, Request, Response, header};
use tower::{Layer, ServiceExt, service_fn, util::BoxCloneService};
use tower_cors::{
    CompiledPolicy, CorsLayer, CorsPolicy, PolicyResolver,
    decision::Resolution,
    request::{CorsRequest, RequestOrigin},
    resolver::{AsyncPolicyResolver, resolve_async},
};

const LISTED: &str = "https://listed.example";

type Service = BoxCloneService<Request<String>, Response<String>, Infallible>;

/// The listed origin gets a policy with credentials, every other one an open policy or none.
#[derive(Clone)]
struct ByOrigin {
    listed: CompiledPolicy,
    others: Option<CompiledPolicy>,
}

impl ByOrigin {
    fn new(others: Option<CompiledPolicy>) -> Self {
        let listed = CorsPolicy::new().allow_origins(LISTED).allow_credentials(true).compile().expect("a valid policy");
        Self { listed, others }
    }

    fn choose(&self, request: &CorsRequest<'_>) -> Option<&CompiledPolicy> {
        let is_listed = matches!(request.origin(), RequestOrigin::One(origin) if origin == LISTED);
        if is_listed { Some(&self.listed) } else { self.others.as_ref() }
    }
}

impl PolicyResolver for ByOrigin {
    fn resolve<'a>(&'a self, request: &CorsRequest<'_>) -> Resolution<'a> {
        self.choose(request).into()
    }
}

/// The same by an asynchronous trait.
struct Waiting(ByOrigin);

impl AsyncPolicyResolver for Waiting {
    type Policy = Option<CompiledPolicy>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Option<CompiledPolicy>, Infallible>>;

    fn resolve(&self, request: &CorsRequest<'_>) -> Self::Future {
        ready(Ok(self.0.choose(request).cloned()))
    }
}

fn open() -> CompiledPolicy {
    CorsPolicy::permissive().compile().expect("a valid policy")
}

fn inner() -> Service {
    BoxCloneService::new(service_fn(async |_: Request<String>| Ok(Response::new(String::from("inner")))))
}

/// Each kind of resolver, choosing alike.
fn every_kind(others: &Option<CompiledPolicy>) -> Vec<(&'static str, Service)> {
    let by_origin = || ByOrigin::new(others.clone());
    let closure = {
        let by_origin = by_origin();
        move |request: &CorsRequest<'_>| by_origin.choose(request).cloned()
    };
    let by_parsed_origin = {
        let by_origin = by_origin();
        move |request: &CorsRequest<'_>| {
            let is_listed = request.parsed_origin().is_some_and(|origin| origin.host() == "listed.example");
            if is_listed { Some(by_origin.listed.clone()) } else { by_origin.others.clone() }
        }
    };
    let asynchronous = {
        let by_origin = by_origin();
        resolve_async(move |request: &CorsRequest<'_>| {
            let found = by_origin.choose(request).cloned();
            async move { Ok::<_, Infallible>(found) }
        })
    };
    fn serve(
        layer: impl Layer<
            Service,
            Service: tower::Service<Request<String>, Response = Response<String>, Error = Infallible, Future: Send>
                         + Clone
                         + Send
                         + 'static,
        >,
    ) -> Service {
        BoxCloneService::new(layer.layer(inner()))
    }
    vec![
        ("a trait", serve(CorsLayer::with_resolver(by_origin()))),
        ("a shared trait", serve(CorsLayer::with_resolver(std::sync::Arc::new(by_origin())))),
        ("a closure", serve(CorsLayer::with_resolver(closure.clone()))),
        ("a boxed closure", serve(CorsLayer::with_resolver(closure).boxed())),
        ("a closure that parses", serve(CorsLayer::with_resolver(by_parsed_origin))),
        ("an asynchronous trait", serve(CorsLayer::with_async_resolver(Waiting(by_origin())))),
        ("a boxed asynchronous trait", serve(CorsLayer::with_async_resolver(Waiting(by_origin())).boxed())),
        ("an asynchronous closure", serve(CorsLayer::with_async_resolver(asynchronous))),
        #[cfg(feature = "reload")]
        ("a reloadable one", serve(CorsLayer::with_resolver(tower_cors::resolver::Reloadable::new(by_origin())))),
        ("one under overrides", serve(CorsLayer::with_resolver(tower_cors::resolver::Overridable::new(by_origin())))),
    ]
}

/// With the name of what sends it.
fn requests() -> [(&'static str, Request<String>); 5] {
    let request = |method, origin: Option<&str>| {
        let request = Request::builder().method(method);
        let request = origin.into_iter().fold(request, |request, origin| request.header("origin", origin));
        request.header("access-control-request-method", "PUT").body(String::new()).expect("a request")
    };
    [
        ("a listed page", request(Method::GET, Some(LISTED))),
        ("another page", request(Method::GET, Some("https://other.example"))),
        ("a request without Origin", request(Method::GET, None)),
        ("a preflight of a listed page", request(Method::OPTIONS, Some(LISTED))),
        ("a preflight of another page", request(Method::OPTIONS, Some("https://other.example"))),
    ]
}

fn varies_on_origin(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::VARY).iter().map(|line| line.to_str().expect("ASCII"));
    lines.flat_map(|line| line.split(", ")).any(|member| member == "Origin")
}

// rule 6.1
#[tokio::test]
async fn every_answer_varies_on_the_origin_where_a_resolver_looked_at_it() {
    for (what_others_get, others) in [("an open policy", Some(open())), ("no policy", None)] {
        for (kind, service) in every_kind(&others) {
            for (sender, request) in requests() {
                let response = service.clone().oneshot(request).await.expect("infallible");
                let headers = response.headers();
                assert!(varies_on_origin(headers), "{kind}, {what_others_get}, {sender}: {headers:?}");
            }
        }
    }
}

// rule 6.1
#[tokio::test]
async fn what_the_resolver_chose_is_answered_beside_the_vary() {
    for (kind, service) in every_kind(&Some(open())) {
        let permissions = async |request| {
            let response = service.clone().oneshot(request).await.expect("infallible");
            response
                .headers()
                .get("access-control-allow-origin")
                .map(|origin| origin.to_str().expect("ASCII").to_owned())
        };
        let [(_, listed), (_, other), ..] = requests();
        assert_eq!(permissions(listed).await.as_deref(), Some(LISTED), "{kind}");
        assert_eq!(permissions(other).await.as_deref(), Some("*"), "{kind}");
    }
    for (kind, service) in every_kind(&None) {
        let [.., (_, preflight)] = requests();
        let response = service.clone().oneshot(preflight).await.expect("infallible");
        assert_eq!(response.body(), "inner", "{kind}: no policy applies, so the preflight passes");
        assert!(!response.headers().contains_key("access-control-allow-origin"), "{kind}");
    }
}

// rule 6.1
#[tokio::test]
async fn an_open_policy_does_not_vary_on_the_origin_where_nobody_looked_at_it() {
    let by_path = |request: &CorsRequest<'_>| request.uri().map(|_| open());
    let asynchronous = resolve_async(|_: &CorsRequest<'_>| ready(Ok::<_, Infallible>(open())));
    for service in [
        BoxCloneService::new(CorsLayer::permissive().layer(inner())),
        BoxCloneService::new(CorsLayer::with_resolver(by_path).layer(inner())),
        BoxCloneService::new(CorsLayer::with_async_resolver(asynchronous).layer(inner())),
    ] {
        for (sender, request) in requests() {
            let response = service.clone().oneshot(request).await.expect("infallible");
            assert!(!varies_on_origin(response.headers()), "{sender}");
        }
    }
}

// rule 6.1
#[tokio::test]
async fn a_resolver_that_read_the_origin_elsewhere_says_so() {
    let from_the_headers = |request: &CorsRequest<'_>| {
        let is_listed = request.headers().get("origin").is_some_and(|origin| origin == LISTED);
        Resolution::from(is_listed.then(open)).vary_on_origin()
    };
    let service = CorsLayer::with_resolver(from_the_headers).layer(inner());
    for (sender, request) in requests() {
        let response = service.clone().oneshot(request).await.expect("infallible");
        assert!(varies_on_origin(response.headers()), "{sender}");
    }
}
