//! What needs axum's types: policies by the route that axum has matched. In: route patterns and policies. Out: the
//! resolver that picks by `MatchedPath`. Behind the feature `axum`; for axum 0.8.

use std::collections::HashMap;

use ::axum::extract::MatchedPath;

use crate::{
    compile::CompiledPolicy,
    merge::{Base, MergeError, Setting},
    policy::CorsPolicy,
    request::CorsRequest,
    resolver::{PolicyResolver, Resolution},
};

/// The resolver that picks a policy by the route that axum has matched, and a base policy everywhere else.
///
/// Routes are named by the pattern they were registered with, nested routers' prefixes included: `/users/{id}`. No path
/// is matched a second time, so this can't take a request for another route than axum does.
///
/// Add the layer with `Router::layer`, which runs after the route was found. Around the router, as an outermost service,
/// it finds no route yet, and the base policy applies to every request. So it does to a fallback.
///
/// # Examples
///
/// ```
/// use axum::{Router, routing::get};
/// use tower_cors::{CorsLayer, CorsPolicy, axum::ByMatchedPath};
///
/// let resolver = ByMatchedPath::new(CorsPolicy::new().allow_origins(["https://app.example"]))?
///     .route("/users/{id}", CorsPolicy::new().allow_methods(["PUT"]))?
///     .route_disabled("/internal");
/// let app: Router = Router::new()
///     .route("/users/{id}", get(async || "a user").put(async || "changed"))
///     .route("/internal", get(async || "for us"))
///     .layer(CorsLayer::with_resolver(resolver));
/// # Ok::<_, tower_cors::merge::MergeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ByMatchedPath {
    base: Base,
    fallback: Option<CompiledPolicy>,
    routes: HashMap<Box<str>, Option<CompiledPolicy>>,
}

impl ByMatchedPath {
    /// Only the base: a policy, or a [`Base`] where more has to be said.
    ///
    /// # Errors
    ///
    /// Every violation of the base policy at once.
    pub fn new(base: impl Into<Base>) -> Result<Self, MergeError> {
        let base = base.into();
        let fallback = base.compile()?;
        Ok(Self { base, fallback, routes: HashMap::new() })
    }

    /// Puts a policy over the base for the route registered as `pattern`. One that is given again replaces the first.
    ///
    /// # Errors
    ///
    /// The policy is invalid by itself, or merged with the base.
    pub fn route(mut self, pattern: &str, policy: CorsPolicy) -> Result<Self, MergeError> {
        let merged = self.base.merge_over(&Setting::policy(format!("route {pattern}"), policy))?;
        self.routes.insert(pattern.into(), merged);
        Ok(self)
    }

    /// Disables CORS for the route registered as `pattern`: requests pass untouched, preflights included.
    #[must_use]
    pub fn route_disabled(mut self, pattern: &str) -> Self {
        self.routes.insert(pattern.into(), None);
        self
    }
}

impl PolicyResolver for ByMatchedPath {
    fn resolve<'a>(&'a self, request: &CorsRequest<'_>) -> Resolution<'a> {
        let matched = request.extensions().and_then(|extensions| extensions.get::<MatchedPath>());
        let found = matched.and_then(|matched| self.routes.get(matched.as_str()));
        found.unwrap_or(&self.fallback).as_ref().into()
    }
}

/// The pattern of the route that axum has matched, as a label for
/// [`CorsLayer::route_label`](crate::layer::CorsLayer::route_label).
///
/// # Examples
///
/// ```
/// use tower_cors::{CorsLayer, CorsPolicy, axum::matched_path};
///
/// let layer = CorsLayer::new(CorsPolicy::new().allow_origins(["https://app.example"]))?.route_label(matched_path);
/// # Ok::<_, tower_cors::Violations>(())
/// ```
pub fn matched_path<'a>(request: &CorsRequest<'a>) -> Option<&'a str> {
    request.extensions()?.get::<MatchedPath>().map(MatchedPath::as_str)
}
