//! The two layers that are compared: a policy as a layer of this crate, and as a layer of tower-http that comes as close
//! to it as its settings go.

use std::time::Duration;

use axum::Router;
use http::{HeaderName, HeaderValue, Method};
use tower_cors::{
    CorsLayer, CorsPolicy,
    compile::Compiler,
    origin::{Origin, OriginPattern},
};
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, ExposeHeaders};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    TowerCors,
    TowerHttp,
}

impl Engine {
    /// `router` under `policy`.
    pub(crate) fn wrap(self, router: Router, policy: &CorsPolicy) -> Router {
        match self {
            Self::TowerCors => router.layer(tower_cors(policy)),
            Self::TowerHttp => router.layer(tower_http(policy)),
        }
    }
}

fn tower_cors(policy: &CorsPolicy) -> CorsLayer {
    let compiler = Compiler::new().dangerously_allow_any_origin_with_credentials();
    compiler.compile(policy.clone()).expect("the policies of the scenarios are valid").into()
}

/// With credentials tower-http panics for every `*`. Origins, methods and headers can be mirrored in its place, exposed
/// headers can't.
fn tower_http(policy: &CorsPolicy) -> tower_http::cors::CorsLayer {
    let credentials = policy.allow_credentials == Some(true);
    let allow_origin = match list(&policy.allow_origins).as_slice() {
        ["*"] if credentials => AllowOrigin::mirror_request(),
        ["*"] => AllowOrigin::any(),
        [pattern] if pattern.contains('*') => {
            // What its lists don't know, a predicate can look for.
            let pattern = OriginPattern::parse(pattern).expect("a pattern");
            AllowOrigin::predicate(move |origin, _| {
                Origin::parse(origin.as_bytes()).is_some_and(|origin| pattern.matches(&origin))
            })
        }
        origins => AllowOrigin::list(origins.iter().map(|origin| HeaderValue::from_str(origin).expect("an origin"))),
    };
    let allow_methods = match list(&policy.allow_methods).as_slice() {
        ["*"] if credentials => AllowMethods::mirror_request(),
        ["*"] => AllowMethods::any(),
        methods => AllowMethods::list(methods.iter().map(|method| method.parse::<Method>().expect("a method"))),
    };
    let allow_headers = match list(&policy.allow_headers).as_slice() {
        // Mirrored without credentials as well: its `*` is a `*`, which does not cover Authorization.
        ["*"] => AllowHeaders::mirror_request(),
        names => AllowHeaders::list(header_names(names)),
    };
    let expose_headers = match list(&policy.expose_headers).as_slice() {
        ["*"] if credentials => ExposeHeaders::default(),
        ["*"] => ExposeHeaders::any(),
        names => ExposeHeaders::list(header_names(names)),
    };
    tower_http::cors::CorsLayer::new()
        .allow_origin(allow_origin)
        .allow_credentials(credentials)
        .allow_methods(allow_methods)
        .allow_headers(allow_headers)
        .expose_headers(expose_headers)
        .max_age(Duration::from_secs(policy.max_age.unwrap_or(5)))
}

fn list(field: &Option<Vec<String>>) -> Vec<&str> {
    field.iter().flatten().map(String::as_str).collect()
}

fn header_names(names: &[&str]) -> Vec<HeaderName> {
    names.iter().map(|name| name.parse().expect("a header name")).collect()
}
