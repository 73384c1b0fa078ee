//! [`CorsLayer`]: a resolver and the settings that the Gateway API does not have, ready to wrap services.

use std::sync::Arc;

use tower_layer::Layer;

use super::{
    Cors,
    body::{DefaultBody, EmptyBody, WrapBody},
};
use crate::{
    compile::CompiledPolicy,
    decision::{InnerHeaders, Options, PreflightStatus, UnmatchedPreflight},
    policy::CorsPolicy,
    resolver::{Async, AsyncPolicyResolver, Fixed, PolicyResolver},
    violation::Violations,
};

/// A [`Layer`] that answers preflights and gives responses their CORS headers.
///
/// Put it outside everything that can answer by itself: routers, authentication, rate limits, timeouts. What a layer
/// outside of it answers carries no CORS headers, so a script can't read it.
///
/// `R` picks the policy of a request; `M` makes the bodies of answers.
///
/// # Examples
///
/// ```
/// use tower::ServiceBuilder;
/// use tower_cors::{CorsLayer, CorsPolicy};
///
/// let cors = CorsLayer::new(CorsPolicy::new().allow_origins(["https://app.example"]))?;
/// let service = ServiceBuilder::new()
///     .layer(cors)
///     .service_fn(async |_: http::Request<String>| Ok::<_, std::io::Error>(http::Response::new(String::from("hello"))));
/// # Ok::<_, tower_cors::Violations>(())
/// ```
#[derive(Debug)]
pub struct CorsLayer<R = Fixed, M = DefaultBody> {
    resolver: Arc<R>,
    options: Options,
    body: M,
}

impl CorsLayer {
    /// A layer with one policy for every request, compiled under [`Profile::Strict`](crate::Profile::Strict).
    ///
    /// # Errors
    ///
    /// Every violation of the policy at once.
    pub fn new(policy: CorsPolicy) -> Result<Self, Violations> {
        policy.compile().map(Self::from)
    }

    /// A layer that does nothing, for servers that choose at run time: requests pass untouched, preflights included.
    pub fn disabled() -> Self {
        Self::with_resolver(Fixed::none())
    }
}

impl From<CompiledPolicy> for CorsLayer {
    fn from(policy: CompiledPolicy) -> Self {
        Self::with_resolver(Fixed::new(policy))
    }
}

impl<R: PolicyResolver> CorsLayer<R> {
    /// A layer whose policy depends on the request.
    pub fn with_resolver(resolver: R) -> Self {
        Self { resolver: Arc::new(resolver), options: Options::new(), body: DefaultBody }
    }
}

impl<R: AsyncPolicyResolver> CorsLayer<Async<R>> {
    /// A layer that waits for the policy of each request. See [`AsyncPolicyResolver`].
    ///
    /// The services it wraps are cloned for each request.
    pub fn with_async_resolver(resolver: R) -> Self {
        Self { resolver: Arc::new(Async::new(resolver)), options: Options::new(), body: DefaultBody }
    }
}

impl<R, M> CorsLayer<R, M> {
    /// Sets the status of an answered preflight. The default is [`PreflightStatus::Ok`].
    pub fn preflight_status(mut self, status: PreflightStatus) -> Self {
        self.options = self.options.preflight_status(status);
        self
    }

    /// Sets what happens to a preflight whose origin is not allowed. The default is [`UnmatchedPreflight::Answer`].
    pub fn unmatched_preflight(mut self, unmatched: UnmatchedPreflight) -> Self {
        self.options = self.options.unmatched_preflight(unmatched);
        self
    }

    /// Sets what happens to the inner service's own CORS headers. The default is [`InnerHeaders::Remove`].
    pub fn inner_headers(mut self, inner: InnerHeaders) -> Self {
        self.options = self.options.inner_headers(inner);
        self
    }

    /// Answers 403 to a cross-origin actual request whose origin is not allowed. Off by default; see
    /// [`Options::enforce`].
    pub fn enforce(mut self, enforce: bool) -> Self {
        self.options = self.options.enforce(enforce);
        self
    }

    /// Answers 403 to a cross-origin WebSocket upgrade whose origin is not allowed. Off by default; see
    /// [`Options::guard_websocket_upgrades`].
    pub fn guard_websocket_upgrades(mut self, guard: bool) -> Self {
        self.options = self.options.guard_websocket_upgrades(guard);
        self
    }

    /// Grants allowed origins access to a private network, where the preflight asks for it. Off by default.
    pub fn allow_private_network(mut self, allow: bool) -> Self {
        self.options = self.options.allow_private_network(allow);
        self
    }

    /// Makes the empty body of an answer with a closure, for response bodies that are not `Default`.
    pub fn empty_body<F>(self, empty: F) -> CorsLayer<R, EmptyBody<F>> {
        CorsLayer { resolver: self.resolver, options: self.options, body: EmptyBody(empty) }
    }

    /// Wraps the bodies of responses into a [`CorsBody`](super::CorsBody), for those that nobody can make, such as
    /// hyper's `Incoming`.
    pub fn wrap_body(self) -> CorsLayer<R, WrapBody> {
        CorsLayer { resolver: self.resolver, options: self.options, body: WrapBody }
    }
}

impl<S, R, M: Clone> Layer<S> for CorsLayer<R, M> {
    type Service = Cors<S, R, M>;

    fn layer(&self, inner: S) -> Self::Service {
        Cors::new(inner, Arc::clone(&self.resolver), self.options, self.body.clone())
    }
}

impl<R, M: Clone> Clone for CorsLayer<R, M> {
    fn clone(&self) -> Self {
        Self { resolver: Arc::clone(&self.resolver), options: self.options, body: self.body.clone() }
    }
}
