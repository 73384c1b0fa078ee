//! Swapping policies while requests are in flight (feature `reload`).

use std::{
    convert::Infallible,
    future::{Future, Ready, ready},
    sync::{
        Arc, Barrier, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    thread,
};

use http::{HeaderMap, Request, Response};
use tower::{Layer, Service, service_fn};
use tower_cors::{
    CompiledPolicy, CorsLayer, CorsPolicy, Decision, PolicyResolver, Profile,
    decision::{Candidates, Options, Resolution, decide},
    request::CorsRequest,
    resolver::{AsyncPolicyResolver, Reloadable, resolve_async},
};

const BOTH: &str = "https://both.example";

/// The two policies differ in every header but the one that says who asked.
fn policy_a() -> CorsPolicy {
    CorsPolicy {
        allow_origins: Some(vec![BOTH.into()]),
        allow_credentials: Some(true),
        allow_methods: Some(vec!["PUT".into()]),
        allow_headers: Some(vec!["X-A".into()]),
        expose_headers: Some(vec!["X-Exposed-A".into()]),
        max_age: Some(11),
    }
}

fn policy_b() -> CorsPolicy {
    CorsPolicy {
        allow_origins: Some(vec!["https://*.example".into()]),
        allow_credentials: None,
        allow_methods: Some(vec!["DELETE".into()]),
        allow_headers: Some(vec!["X-B".into()]),
        expose_headers: Some(vec!["X-Exposed-B".into()]),
        max_age: Some(22),
    }
}

fn get() -> Request<String> {
    Request::get("/").header("origin", BOTH).body(String::new()).unwrap()
}

fn preflight() -> Request<String> {
    Request::options("/")
        .header("origin", BOTH)
        .header("access-control-request-method", "PUT")
        .body(String::new())
        .unwrap()
}

/// The values of the CORS headers, in one order.
fn cors_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let mut found: Vec<_> = headers
        .iter()
        .filter(|(name, _)| name.as_str().starts_with("access-control-"))
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    found.sort();
    found
}

fn expected(entries: &[(&str, &str)]) -> Vec<(String, String)> {
    entries.iter().map(|(name, value)| (format!("access-control-{name}"), (*value).to_owned())).collect()
}

fn now<F: Future>(future: F) -> F::Output {
    match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("nothing here waits"),
    }
}

fn inner(_: Request<String>) -> Ready<Result<Response<String>, Infallible>> {
    ready(Ok(Response::new(String::new())))
}

/// A policy that tells when it is dropped.
struct Watched {
    policy: CompiledPolicy,
    _alive: Arc<()>,
}

impl PolicyResolver for Watched {
    fn resolve<'a>(&'a self, request: &CorsRequest<'_>) -> Resolution<'a> {
        self.policy.resolve(request)
    }
}

fn watched(policy: CorsPolicy) -> (Watched, Weak<()>) {
    let alive = Arc::new(());
    let weak = Arc::downgrade(&alive);
    (Watched { policy: policy.compile().unwrap(), _alive: alive }, weak)
}

/// Counts a thread that has ended, well or not, so that nobody waits for one that failed.
struct Done<'a>(&'a AtomicUsize);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_thousand_swaps_during_a_hundred_thousand_requests_mix_nothing() {
    // Miri sees every access and is thousands of times slower: there a few swaps are enough.
    const SWAPS: usize = if cfg!(miri) { 20 } else { 1_000 };
    const REQUESTS: usize = if cfg!(miri) { 100 } else { 50_000 };
    let preflights = [
        expected(&[
            ("allow-credentials", "true"),
            ("allow-headers", "X-A"),
            ("allow-methods", "PUT"),
            ("allow-origin", BOTH),
            ("expose-headers", "X-Exposed-A"),
            ("max-age", "11"),
        ]),
        expected(&[
            ("allow-headers", "X-B"),
            ("allow-methods", "DELETE"),
            ("allow-origin", BOTH),
            ("expose-headers", "X-Exposed-B"),
            ("max-age", "22"),
        ]),
    ];
    let actuals = [
        expected(&[("allow-credentials", "true"), ("allow-origin", BOTH), ("expose-headers", "X-Exposed-A")]),
        expected(&[("allow-origin", BOTH), ("expose-headers", "X-Exposed-B")]),
    ];

    let (first, weak) = watched(policy_a());
    let resolver = Reloadable::new(first);
    let handle = resolver.handle();
    let layer = CorsLayer::with_resolver(resolver);
    let (done, answered) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let start = Barrier::new(3);
    let mut old = vec![weak];
    let seen: [[AtomicUsize; 2]; 2] = Default::default();

    thread::scope(|scope| {
        for _ in 0..2 {
            let (layer, seen, preflights, actuals) = (layer.clone(), &seen, &preflights, &actuals);
            let (start, done, answered) = (&start, &done, &answered);
            scope.spawn(move || {
                let mut service = layer.layer(service_fn(inner));
                let _done = Done(done);
                start.wait();
                for at in 0..REQUESTS {
                    let is_preflight = at % 2 == 0;
                    let request = if is_preflight { preflight() } else { get() };
                    let response = now(service.call(request)).unwrap();
                    let headers = cors_headers(response.headers());
                    let whole = if is_preflight { preflights } else { actuals };
                    let which = whole.iter().position(|whole| *whole == headers);
                    let which = which.unwrap_or_else(|| panic!("a mixture: {headers:?}"));
                    seen[usize::from(is_preflight)][which].fetch_add(1, Ordering::Relaxed);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        start.wait();
        for swap in 0..SWAPS {
            // Spread over all the requests, so that swaps and requests really meet.
            while answered.load(Ordering::Relaxed) < swap * 2 * REQUESTS / SWAPS && done.load(Ordering::SeqCst) < 2 {
                thread::yield_now();
            }
            let (next, weak) = watched(if swap % 2 == 0 { policy_b() } else { policy_a() });
            old.push(weak);
            handle.reload(next);
        }
    });

    assert_eq!(answered.into_inner(), 2 * REQUESTS);
    for kind in &seen {
        for policy in kind {
            assert!(policy.load(Ordering::Relaxed) > 0, "both policies were seen: {seen:?}");
        }
    }
    // Memory is back at its level: of all the policies, the one that serves is left.
    let alive = old.iter().filter(|weak| weak.strong_count() > 0).count();
    assert_eq!((old.len(), alive), (SWAPS + 1, 1));
}

#[test]
fn a_request_in_flight_keeps_the_policy_that_decided_it() {
    let resolver = Reloadable::new(policy_a().compile().unwrap());
    let handle = resolver.handle();
    let gate = Arc::new(AtomicBool::new(false));
    let opened = Arc::clone(&gate);
    let inner = service_fn(move |_: Request<String>| {
        let gate = Arc::clone(&opened);
        async move {
            std::future::poll_fn(|_| if gate.load(Ordering::SeqCst) { Poll::Ready(()) } else { Poll::Pending }).await;
            Ok::<_, Infallible>(Response::new(String::new()))
        }
    });
    let mut service = CorsLayer::with_resolver(resolver).layer(inner);
    let mut response = Box::pin(service.call(get()));
    let mut context = Context::from_waker(Waker::noop());
    assert!(response.as_mut().poll(&mut context).is_pending());

    let old = Arc::downgrade(&handle.current());
    handle.try_reload(policy_b()).unwrap();
    assert_eq!(old.strong_count(), 0, "a request in flight holds its headers, not the policy");
    gate.store(true, Ordering::SeqCst);
    let Poll::Ready(Ok(first)) = response.as_mut().poll(&mut context) else { panic!("the gate is open") };
    assert_eq!(first.headers()["access-control-expose-headers"], "X-Exposed-A");
    let second = now(service.call(get())).unwrap();
    assert_eq!(second.headers()["access-control-expose-headers"], "X-Exposed-B");
}

#[test]
fn an_invalid_policy_is_refused_and_the_old_one_keeps_serving() {
    let resolver = Reloadable::new(policy_a().compile().unwrap());
    let handle = resolver.handle();
    let violations = handle.try_reload(CorsPolicy::new().allow_origins(["a.example"]).allow_methods([""])).unwrap_err();
    assert_eq!(
        violations.to_string(),
        "allowOrigins[0]: \"a.example\" has no scheme; write \"https://a.example\"\nallowMethods[0] is empty"
    );
    assert_eq!(*handle.current().policy(), policy_a());
    let mut service = CorsLayer::with_resolver(resolver).layer(service_fn(inner));
    assert_eq!(now(service.call(preflight())).unwrap().headers()["access-control-max-age"], "11");
}

#[test]
fn a_reload_is_held_to_the_profile_of_what_serves() {
    let any = || CorsPolicy::new().allow_origins(["*"]).allow_credentials(true);
    let strict = Reloadable::new(policy_a().compile().unwrap()).handle();
    assert!(strict.try_reload(any()).is_err());
    let compiler = tower_cors::compile::Compiler::new().profile(Profile::GatewayApi);
    let lenient = Reloadable::new(compiler.compile(policy_a()).unwrap()).handle();
    assert!(lenient.try_reload(any()).is_ok());
    assert_eq!(lenient.current().profile(), Profile::GatewayApi);
}

#[test]
fn the_need_for_consent_survives_being_shared() {
    struct ByMethod(CompiledPolicy, Arc<Candidates>);
    impl PolicyResolver for ByMethod {
        fn resolve<'a>(&'a self, _: &CorsRequest<'_>) -> Resolution<'a> {
            Resolution::from(&self.0).require_consent(&self.1)
        }
    }
    let resolver = Reloadable::new(ByMethod(policy_a().compile().unwrap(), Arc::default()));
    let put = http::Request::put("/").header("origin", "https://nobody.example").body(()).unwrap();
    let head = CorsRequest::of(&put);
    // Not by `resolve_then`, which would lend the answer.
    let resolution = resolver.resolve(&head);
    assert_eq!(*resolution.policy().unwrap().policy(), policy_a());
    assert!(matches!(decide(&head, &resolution, &Options::new()), Decision::Answer(_)));
}

#[test]
fn a_resolver_that_can_be_swapped_hears_of_its_errors() {
    let heard = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&heard);
    let failing = resolve_async(|_| ready(Err::<CompiledPolicy, _>("the database is gone")));
    let failing = failing.on_error(move |_| _ = count.fetch_add(1, Ordering::Relaxed));
    let mut service = CorsLayer::with_async_resolver(Reloadable::new(failing)).layer(service_fn(inner));
    assert!(!now(service.call(preflight())).unwrap().headers().contains_key("access-control-max-age"));
    assert_eq!(heard.load(Ordering::Relaxed), 1);
}

#[test]
fn an_asynchronous_resolver_is_swapped_as_well() {
    type Find = fn(&CorsRequest<'_>) -> Ready<Result<CompiledPolicy, Infallible>>;
    fn find_a(_: &CorsRequest<'_>) -> Ready<Result<CompiledPolicy, Infallible>> {
        ready(Ok(policy_a().compile().unwrap()))
    }
    fn find_b(_: &CorsRequest<'_>) -> Ready<Result<CompiledPolicy, Infallible>> {
        ready(Ok(policy_b().compile().unwrap()))
    }
    fn is_asynchronous(_: &impl AsyncPolicyResolver) {}
    let resolver = Reloadable::new(resolve_async(find_a as Find));
    is_asynchronous(&resolver);
    let handle = resolver.handle();
    let mut service = CorsLayer::with_async_resolver(resolver).layer(service_fn(inner));
    assert_eq!(now(service.call(preflight())).unwrap().headers()["access-control-max-age"], "11");
    handle.reload(resolve_async(find_b as Find));
    assert_eq!(now(service.call(preflight())).unwrap().headers()["access-control-max-age"], "22");
}
