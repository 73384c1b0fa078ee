//! The scenarios that the benches measure and the allocation test holds: a policy, a request, and what it may cost.
//! Every service under measurement wraps the same handler; a request's cost is what it takes above that handler alone,
//! or above dropping the request, for those that the handler never sees.

use std::{
    convert::Infallible,
    future::{Future, Ready, ready},
    hint::black_box,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response, header};
use http_body_util::Full;
use tower_cors::{CorsLayer, CorsPolicy};
use tower_layer::Layer;
use tower_service::Service;

/// The body of every request and response.
pub type Body = Full<Bytes>;

/// What one call of a service costs at most above the bare handler.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    /// Instructions, as callgrind counts them.
    pub instructions: u64,
    /// Allocations, beyond the header map of the response.
    pub allocations: u64,
}

/// A policy, a request under it, and the bound of its cost.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// A short name, such as `S1`.
    pub name: &'static str,
    /// What is asked, in words.
    pub about: &'static str,
    /// The bound.
    pub bound: Bound,
    policy: fn() -> CorsPolicy,
    request: fn() -> Request<Body>,
    /// Whether the service is cloned for the call.
    pub cloned: bool,
}

impl Scenario {
    /// The policy.
    pub fn policy(&self) -> CorsPolicy {
        (self.policy)()
    }

    /// One request.
    pub fn request(&self) -> Request<Body> {
        (self.request)()
    }

    /// Whether the layer answers by itself, so that the handler is not called.
    pub fn is_preflight(&self) -> bool {
        self.request().method() == Method::OPTIONS
    }

    /// The handler in this crate's layer.
    pub fn ours(&self) -> tower_cors::layer::Cors<Handler> {
        CorsLayer::new(self.policy()).expect("the policies of the scenarios are valid").layer(Handler)
    }

    /// The handler in tower-http's layer, configured as closely as it can be.
    pub fn peer(&self) -> tower_http::cors::Cors<Handler> {
        peer_layer(&self.policy()).layer(Handler)
    }
}

/// Every scenario with a bound.
pub const SCENARIOS: &[Scenario] = &[
    scenario("S1", "GET without Origin, six ordinary headers", 670, 0, one_origin, plain_get),
    scenario("S2", "actual, 1 origin, allowed", 1030, 0, one_origin, allowed_get),
    scenario("S3", "actual, 1 origin, not allowed", 840, 0, one_origin, denied_get),
    scenario("S4e", "actual, credentials, 4 exposed headers, 64 origins, the last", 1660, 0, credentialed, last_get),
    scenario("S4w", "the same, matched by a wildcard subdomain", 2290, 0, with_wildcard, wildcard_get),
    scenario("S5", "preflight, 1 origin, 3 methods, 3 headers, max-age", 2180, 0, simple_preflights, preflight),
    scenario("S6", "preflight, 64 origins, 16 headers, 4 asked for", 2760, 0, many_headers, large_preflight),
    scenario("S6e", "the same, `*` headers with credentials (echo)", 4090, 2, echoed_headers, large_preflight),
    scenario("S7", "preflight, origin denied", 1120, 0, simple_preflights, denied_preflight),
    Scenario {
        cloned: true,
        ..scenario("S10", "S4e, the service cloned for each call", 1680, 0, credentialed, last_get)
    },
    scenario("S9o", "actual, Origin of 8 KiB of labels, 63 origins and a wildcard", 620, 0, with_wildcard, long_origin),
    scenario("S9c", "preflight, 8 KiB of commas asked for, listed headers", 2680, 0, many_headers, commas_preflight),
    scenario("S9t", "preflight, 8 KiB of `a,` asked for, listed headers", 2680, 0, many_headers, names_preflight),
    scenario("S9e", "the same, `*` headers with credentials", 11330, 2, echoed_headers, names_preflight),
    scenario("S8/10", "actual, 10 exact origins, hit", 1090, 0, || exact(10), || exact_get(10)),
    scenario("S8/1k", "actual, 1,000 exact origins, hit", 1090, 0, || exact(1_000), || exact_get(1_000)),
    scenario("S8/100k", "actual, 100,000 exact origins, hit", 1090, 0, || exact(100_000), || exact_get(100_000)),
    scenario("S8/10-", "actual, 10 exact origins, miss", 840, 0, || exact(10), || exact_get(0)),
    scenario("S8/100k-", "actual, 100,000 exact origins, miss", 840, 0, || exact(100_000), || exact_get(0)),
];

const fn scenario(
    name: &'static str,
    about: &'static str,
    instructions: u64,
    allocations: u64,
    policy: fn() -> CorsPolicy,
    request: fn() -> Request<Body>,
) -> Scenario {
    Scenario { name, about, bound: Bound { instructions, allocations }, policy, request, cloned: false }
}

/// The scenario with this name.
pub fn named(name: &str) -> Scenario {
    *SCENARIOS.iter().find(|scenario| scenario.name == name).expect("a scenario of the table")
}

/// The handler within: an empty response with one header.
#[derive(Clone, Copy, Debug)]
pub struct Handler;

impl Service<Request<Body>> for Handler {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        drop(black_box(request));
        let mut response = Response::new(Body::default());
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        ready(Ok(response))
    }
}

/// How often a measurement calls; its count is divided by this.
pub const CALLS: usize = 100;

/// Sends copies of a request through a service, one after the other, and drops the responses.
#[inline(never)]
pub fn send<S>(service: &mut S, request: &Request<Body>)
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    for _ in 0..CALLS {
        send_one(service, request.clone());
    }
}

/// Sends copies of a request through clones of a service, one after the other, and drops the responses.
#[inline(never)]
pub fn send_cloned<S>(service: &mut S, request: &Request<Body>)
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone,
{
    for _ in 0..CALLS {
        send_one(&mut black_box(service.clone()), request.clone());
    }
}

/// Drops copies of a request: what a preflight costs that nobody answers.
#[inline(never)]
pub fn discard(request: &Request<Body>) {
    for _ in 0..CALLS {
        drop(black_box(request.clone()));
    }
}

/// Sends one request through a service and drops the response.
pub fn send_one<S>(service: &mut S, request: Request<Body>)
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    let mut context = Context::from_waker(Waker::noop());
    let _ = black_box(service.poll_ready(&mut context));
    let future = pin!(service.call(black_box(request)));
    match future.poll(&mut context) {
        Poll::Ready(response) => drop(black_box(response)),
        Poll::Pending => panic!("the handler is always ready"),
    }
}

/// tower-http's layer for a policy.
pub fn peer_layer(policy: &CorsPolicy) -> tower_http::cors::CorsLayer {
    use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer, ExposeHeaders};
    let names = |names: &Option<Vec<String>>| -> Vec<HeaderName> {
        names.iter().flatten().map(|name| name.parse().expect("a header name")).collect()
    };
    let origins: Vec<String> = policy.allow_origins.clone().unwrap_or_default();
    let wildcard = origins.iter().find_map(|origin| origin.strip_prefix("https://*")).map(str::to_owned);
    let exact: Vec<HeaderValue> = origins.iter().map(|origin| origin.parse().expect("a header value")).collect();
    let allow_origin = match wildcard {
        None => AllowOrigin::list(exact),
        Some(suffix) => AllowOrigin::predicate(move |origin, _| {
            exact.contains(origin)
                || (origin.as_bytes().starts_with(b"https://") && origin.as_bytes().ends_with(suffix.as_bytes()))
        }),
    };
    let layer = CorsLayer::new()
        .allow_origin(allow_origin)
        .allow_credentials(policy.allow_credentials == Some(true))
        .expose_headers(ExposeHeaders::list(names(&policy.expose_headers)))
        .allow_methods(AllowMethods::list(
            policy.allow_methods.iter().flatten().map(|method| method.parse().expect("a method")),
        ))
        .max_age(Duration::from_secs(policy.max_age.unwrap_or(5)));
    match policy.allow_headers.as_deref() {
        Some([any]) if any == "*" => layer.allow_headers(AllowHeaders::mirror_request()),
        _ => layer.allow_headers(AllowHeaders::list(names(&policy.allow_headers))),
    }
}

fn one_origin() -> CorsPolicy {
    CorsPolicy::new().allow_origins(["https://app.example.com"])
}

fn sixty_four(last: &str) -> CorsPolicy {
    CorsPolicy::new().allow_origins((0..63).map(|n| format!("https://app{n}.example.com")).chain([last.to_owned()]))
}

fn credentialed() -> CorsPolicy {
    sixty_four("https://last.example.com").allow_credentials(true).expose_headers([
        "x-request-id",
        "x-trace-id",
        "x-page",
        "etag",
    ])
}

fn with_wildcard() -> CorsPolicy {
    CorsPolicy { allow_origins: sixty_four("https://*.example.org").allow_origins, ..credentialed() }
}

fn simple_preflights() -> CorsPolicy {
    one_origin()
        .allow_methods([Method::GET, Method::PUT, Method::DELETE])
        .allow_headers(["content-type", "authorization", "x-request-id"])
        .max_age(600)
}

fn many_headers() -> CorsPolicy {
    credentialed()
        .allow_methods([Method::GET, Method::PUT, Method::DELETE])
        .allow_headers((0..16).map(|n| format!("x-header-{n}")))
        .max_age(600)
}

fn echoed_headers() -> CorsPolicy {
    many_headers().allow_headers(["*"])
}

fn exact(count: usize) -> CorsPolicy {
    CorsPolicy::new().allow_origins((1..=count).map(exact_origin))
}

fn exact_origin(number: usize) -> String {
    format!("https://tenant-{number:06}.example.com")
}

/// A request as servers get it: its values share the buffer that they were read into, so cloning one allocates nothing.
fn request(method: Method, headers: &[(HeaderName, &str)]) -> Request<Body> {
    let mut request = Request::new(Body::default());
    *request.method_mut() = method;
    let ordinary = [
        (header::HOST, "api.example.com"),
        (header::USER_AGENT, "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
        (header::ACCEPT, "application/json"),
        (header::ACCEPT_LANGUAGE, "en-GB,en;q=0.5"),
        (header::ACCEPT_ENCODING, "gzip, deflate, br"),
        (header::REFERER, "https://app.example.com/"),
    ];
    for (name, value) in ordinary.iter().chain(headers) {
        let shared = Bytes::from_owner(value.as_bytes().to_vec());
        request.headers_mut().append(name, HeaderValue::from_maybe_shared(shared).expect("a header value"));
    }
    request
}

fn get(origin: &str) -> Request<Body> {
    request(Method::GET, &[(header::ORIGIN, origin)])
}

fn preflight_from(origin: &str, names: &str) -> Request<Body> {
    request(
        Method::OPTIONS,
        &[
            (header::ORIGIN, origin),
            (header::ACCESS_CONTROL_REQUEST_METHOD, "PUT"),
            (header::ACCESS_CONTROL_REQUEST_HEADERS, names),
        ],
    )
}

fn plain_get() -> Request<Body> {
    request(Method::GET, &[])
}

fn allowed_get() -> Request<Body> {
    get("https://app.example.com")
}

fn denied_get() -> Request<Body> {
    get("https://app.example.net")
}

fn last_get() -> Request<Body> {
    get("https://last.example.com")
}

fn wildcard_get() -> Request<Body> {
    get("https://preview-17.example.org")
}

fn long_origin() -> Request<Body> {
    get(&format!("https://{}example.org", "a.".repeat(4096 - 10)))
}

fn exact_get(number: usize) -> Request<Body> {
    get(&exact_origin(number))
}

fn preflight() -> Request<Body> {
    preflight_from("https://app.example.com", "content-type,x-request-id")
}

fn large_preflight() -> Request<Body> {
    preflight_from("https://last.example.com", "x-header-1,x-header-2,x-header-3,x-header-4")
}

fn denied_preflight() -> Request<Body> {
    preflight_from("https://app.example.net", "content-type,x-request-id")
}

fn commas_preflight() -> Request<Body> {
    preflight_from("https://last.example.com", &",".repeat(8192))
}

fn names_preflight() -> Request<Body> {
    preflight_from("https://last.example.com", &"a,".repeat(4096))
}
