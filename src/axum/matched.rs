//! Policies by the route that axum has matched. In: route patterns, methods and policies. Out: the resolver that picks
//! by `MatchedPath` and, where a route says so, by the method that a preflight announces (8.3 for those).

use std::{collections::HashMap, sync::Arc};

use ::axum::extract::MatchedPath;
use http::Method;

use crate::{
    compile::CompiledPolicy,
    decision::{Candidates, Resolution},
    merge::{Base, MergeError, Setting},
    policy::RustPolicy,
    request::CorsRequest,
    resolver::{
        PolicyResolver,
        usage::{Flag, Usage, unmatched},
    },
};

/// The resolver that picks a policy by the route that axum has matched, and a base policy everywhere else.
///
/// Routes are named by the pattern they were registered with, nested routers' prefixes included: `/users/{id}`. No path
/// is matched a second time, so this can't take a request for another route than axum does. A pattern that no route has
/// applies to nothing, and [`unmatched_routes`](Self::unmatched_routes) tells.
///
/// A route's policy [inherits](Self::route) what it leaves out from the base; [`route_disabled`](Self::route_disabled)
/// leaves a route without CORS.
///
/// Add the layer with [`with_cors`](super::WithCors::with_cors) or `Router::layer`, which run it after the route was
/// found. Around the router, as an outermost service, it finds no route yet, and the base policy applies to every
/// request. So it does to a fallback.
///
/// # Examples
///
/// ```
/// use axum::{Router, http::Method, routing::get};
/// use tower_cors::{
///     CorsLayer, CorsPolicy,
///     axum::{ByMatchedPath, WithCors},
/// };
///
/// let resolver =
///     ByMatchedPath::new(CorsPolicy::new().allow_origins(["https://app.example"]))?
///         .route("/users/{id}", CorsPolicy::new().allow_origins(["*"]))?
///         .route_method(
///             "/users/{id}",
///             Method::PUT,
///             CorsPolicy::new().allow_methods(["PUT"]),
///         )?
///         .route_disabled("/internal");
/// let app = Router::new()
///     .route("/users/{id}", get(async || "a user").put(async || "changed"))
///     .route("/internal", get(async || "for us"))
///     .with_cors(CorsLayer::with_resolver(resolver));
/// # Ok::<_, tower_cors::merge::MergeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ByMatchedPath {
    base: Base,
    fallback: Option<CompiledPolicy>,
    routes: HashMap<Box<str>, RoutePolicies>,
    /// Whether there was a request.
    is_used: Flag,
}

/// The policies of one route.
#[derive(Clone, Debug)]
struct RoutePolicies {
    /// That of the methods without one of their own.
    others: Option<CompiledPolicy>,
    methods: Vec<(Method, Option<CompiledPolicy>)>,
    /// The policies that may answer the same preflight (8.3).
    candidates: Arc<Candidates>,
    usage: Arc<Usage>,
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
        Ok(Self { base, fallback, routes: HashMap::new(), is_used: Flag::default() })
    }

    /// Puts a policy over the base for the route registered as `pattern`. One that is given again replaces the first.
    ///
    /// What the policy leaves out, it inherits from the base. A list that is empty inherits nothing: with
    /// `allow_methods([""; 0])` the route allows no method beyond the safelisted ones, whatever the base allows. Where no
    /// route is to inherit anything, give [`new`](Self::new) a base that replaces:
    ///
    /// ```
    /// use tower_cors::{
    ///     CorsPolicy,
    ///     axum::ByMatchedPath,
    ///     merge::{Base, MergeOptions, MergeStrategy},
    /// };
    ///
    /// let site = CorsPolicy::new().allow_origins(["https://app.example"]).max_age(600);
    /// let base = Base::new(site).merging(MergeOptions::new(MergeStrategy::Replace));
    /// let resolver = ByMatchedPath::new(base)?
    ///     .route("/prices", CorsPolicy::new().allow_origins(["*"]))?; // with a max-age of 5
    /// # Ok::<_, tower_cors::merge::MergeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The policy is invalid by itself, or merged with the base.
    pub fn route(mut self, pattern: &str, policy: impl Into<RustPolicy>) -> Result<Self, MergeError> {
        let merged = self.base.merge_over(&Setting::policy(format!("route {pattern}"), policy))?;
        let policies = self.policies(pattern);
        policies.others = merged;
        policies.find_candidates();
        Ok(self)
    }

    /// Puts a policy over the base for one method of the route registered as `pattern`. One that is given again replaces
    /// the first.
    ///
    /// A preflight is judged by the policy of the method that it announces, and the request that follows by the same one.
    /// The route's other methods have the policy of [`route`](Self::route), else the base; nothing is inherited from it
    /// here. `HEAD` has the policy of `GET`, as it has axum's handler of `GET`, unless it is given one.
    ///
    /// A browser remembers every method that the answer to a preflight lists, whichever one was announced. So that no
    /// page uses the consent of one method's policy to send another, cross-origin requests to such a route are
    /// [held to the consent](Resolution::require_consent) of the policy of their method: where that method needs a preflight and its policy does
    /// not allow the origin and the method, the answer is 403 and the handler is not called.
    ///
    /// # Errors
    ///
    /// The policy is invalid by itself, or merged with the base.
    pub fn route_method(
        mut self,
        pattern: &str,
        method: Method,
        policy: impl Into<RustPolicy>,
    ) -> Result<Self, MergeError> {
        let merged = self.base.merge_over(&Setting::policy(format!("route {method} {pattern}"), policy))?;
        let methods = &mut self.policies(pattern).methods;
        methods.retain(|(given, _)| *given != method);
        methods.push((method, merged));
        self.policies(pattern).find_candidates();
        Ok(self)
    }

    /// Disables CORS for the route registered as `pattern`, but for methods with a policy of their own: requests pass
    /// untouched, preflights included.
    #[must_use]
    pub fn route_disabled(mut self, pattern: &str) -> Self {
        let policies = self.policies(pattern);
        policies.others = None;
        policies.find_candidates();
        self
    }

    /// The patterns that no request had so far, in alphabetical order: for a look at a server that has run for a while, or
    /// at the end of its tests. A pattern that no route has is among them. With the feature `tracing` each is a warning when
    /// the resolver is dropped. Its clones count as one resolver, so keep a clone of what the layer gets.
    ///
    /// # Examples
    ///
    /// ```
    /// use axum::{Router, body::Body, http::Request, routing::get};
    /// use tower::ServiceExt;
    /// use tower_cors::{
    ///     CorsLayer, CorsPolicy,
    ///     axum::{ByMatchedPath, WithCors},
    /// };
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let open = || CorsPolicy::new().allow_origins(["*"]);
    /// let resolver = ByMatchedPath::new(CorsPolicy::new())?
    ///     .route("/prices", open())?
    ///     .route("/price/{id}", open())?;
    /// let app = Router::new()
    ///     .route("/prices", get(async || "all"))
    ///     .route("/prices/{id}", get(async || "one"))
    ///     .with_cors(CorsLayer::with_resolver(resolver.clone()));
    /// app.clone().oneshot(Request::get("/prices").body(Body::empty())?).await?;
    /// app.oneshot(Request::get("/prices/1").body(Body::empty())?).await?;
    /// assert_eq!(resolver.unmatched_routes(), ["/price/{id}"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn unmatched_routes(&self) -> Vec<&str> {
        unmatched(self.routes.values().map(|route| &*route.usage))
    }

    fn policies(&mut self, pattern: &str) -> &mut RoutePolicies {
        let base = || RoutePolicies {
            others: self.fallback.clone(),
            methods: Vec::new(),
            candidates: Arc::default(),
            usage: Arc::new(Usage::new(pattern, &self.is_used)),
        };
        self.routes.entry(pattern.into()).or_insert_with(base)
    }
}

impl PolicyResolver for ByMatchedPath {
    fn resolve<'a>(&'a self, request: &CorsRequest<'_>) -> Resolution<'a> {
        self.is_used.set();
        match matched_path(request).and_then(|matched| self.routes.get(matched)) {
            Some(route) => {
                route.usage.set_matched();
                route.resolve(request)
            }
            None => self.fallback.as_ref().into(),
        }
    }
}

impl RoutePolicies {
    fn resolve(&self, request: &CorsRequest<'_>) -> Resolution<'_> {
        if self.methods.is_empty() {
            return self.others.as_ref().into();
        }
        let method = match request.is_preflight() {
            true => request.announced_method(),
            false => Some(request.method().as_str()),
        };
        let found = method.and_then(|method| self.find(method)).unwrap_or(&self.others);
        // 8.3: chosen by what the preflight only announced.
        Resolution::from(found).require_consent(&self.candidates)
    }

    fn find_candidates(&mut self) {
        let policies = self.methods.iter().map(|(_, policy)| policy).chain([&self.others]).flatten();
        self.candidates = Arc::new(policies.fold(Candidates::new(), Candidates::policy));
    }

    fn find(&self, method: &str) -> Option<&Option<CompiledPolicy>> {
        let of = |name: &str| self.methods.iter().find(|(given, _)| given == name).map(|(_, policy)| policy);
        of(method).or_else(|| if method == "HEAD" { of("GET") } else { None })
    }
}

/// The pattern of the route that axum has matched, as a label for
/// [`CorsLayer::route_label`](crate::layer::CorsLayer::route_label); none where it has matched none, as in a fallback.
///
/// # Examples
///
/// ```
/// use tower_cors::{CorsLayer, CorsPolicy, axum::matched_path};
///
/// let layer = CorsLayer::new(CorsPolicy::new().allow_origins(["https://app.example"]))?
///     .route_label(matched_path);
/// # Ok::<_, tower_cors::Violations>(())
/// ```
pub fn matched_path<'a>(request: &CorsRequest<'a>) -> Option<&'a str> {
    request.extensions()?.get::<MatchedPath>().map(MatchedPath::as_str)
}
