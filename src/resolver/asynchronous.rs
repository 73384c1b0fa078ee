//! Resolvers that must wait, such as for tenants' origins in a database. In: the head of a request. Out: a future of a
//! [`Resolution`], or of an error, which fails closed. `layer` waits for it before it calls the inner service.

use std::{fmt, sync::Arc};

use crate::{decision::Resolution, request::CorsRequest};

/// Finds the policy for a request in its own time.
///
/// The future borrows nothing from the request: what it needs (a host, a path, a tenant) is read first, and owned. So it
/// can be `Send` where the request's body is not. It is a type of its own, not a boxed one; for a type that nobody can
/// write, an async block's, [`resolve_async`] takes a closure.
///
/// An error fails closed: the answer is [`Resolution::closed`], so nothing is allowed and the inner service's own CORS
/// headers are removed, whatever the layer says of them. It is reported twice: to [`report`](Self::report), and as a
/// [`ResolutionFailure`] in the extensions of the response. A future that never ends holds its request up, and this
/// crate has no clock: put the runtime's timeout into the future and let it end in an error.
///
/// # Examples
///
/// ```
/// use std::{
///     future::{Ready, ready},
///     io,
/// };
/// use tower_cors::{
///     CompiledPolicy, CorsLayer, request::CorsRequest, resolver::AsyncPolicyResolver,
/// };
///
/// struct Cached(CompiledPolicy);
///
/// impl AsyncPolicyResolver for Cached {
///     type Policy = CompiledPolicy;
///     type Error = io::Error;
///     type Future = Ready<Result<CompiledPolicy, io::Error>>;
///
///     fn resolve(&self, _: &CorsRequest<'_>) -> Self::Future {
///         ready(Ok(self.0.clone()))
///     }
/// }
/// # fn layer(cached: Cached) { let _ = CorsLayer::with_async_resolver(cached); }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't tell which policy applies to a request, not even when it waits",
    note = "a closure goes through `resolver::resolve_async(|request| ...)`, which reads the request and returns a future of a `Result`"
)]
pub trait AsyncPolicyResolver {
    /// What the future finds: a [`CompiledPolicy`](crate::CompiledPolicy), an `Option` of one, or a [`Resolution`].
    type Policy: Into<Resolution<'static>>;
    /// Why nothing was found.
    type Error: fmt::Display;
    /// The future of the policy.
    type Future: Future<Output = Result<Self::Policy, Self::Error>>;

    /// Starts to find the policy that applies to `request`.
    fn resolve(&self, request: &CorsRequest<'_>) -> Self::Future;

    /// Hears of an error before the request goes on without CORS: the place for a log or a count. Does nothing unless
    /// implemented.
    fn report(&self, error: &Self::Error) {
        let _ = error;
    }
}

impl<R: AsyncPolicyResolver + ?Sized> AsyncPolicyResolver for Arc<R> {
    type Policy = R::Policy;
    type Error = R::Error;
    type Future = R::Future;

    fn resolve(&self, request: &CorsRequest<'_>) -> Self::Future {
        R::resolve(self, request)
    }

    fn report(&self, error: &Self::Error) {
        R::report(self, error);
    }
}

/// What a layer holds in the place of a [`PolicyResolver`](super::PolicyResolver) when it has to wait.
#[derive(Clone, Copy, Debug)]
pub struct Async<R>(R);

impl<R: AsyncPolicyResolver> Async<R> {
    pub(crate) fn new(resolver: R) -> Self {
        Self(resolver)
    }

    pub(crate) fn get_ref(&self) -> &R {
        &self.0
    }
}

/// In the extensions of a response: its policy could not be found, so it went without CORS headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolutionFailure(Arc<str>);

impl ResolutionFailure {
    pub(crate) fn new(error: &impl fmt::Display) -> Self {
        Self(error.to_string().into())
    }

    /// The text of the resolver's error.
    pub fn message(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ResolutionFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the CORS policy could not be found: {}", self.0)
    }
}

/// A closure as an asynchronous resolver, and another that hears of its errors; see [`resolve_async`].
#[derive(Clone, Copy, Debug)]
pub struct ResolveAsync<F, H> {
    closure: F,
    on_error: H,
}

/// Makes an asynchronous resolver of a closure: it reads the request and returns a future.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tower_cors::{CompiledPolicy, CorsLayer, resolver::resolve_async};
///
/// # async fn find_policy(_: String) -> Option<CompiledPolicy> { None }
/// let resolver = resolve_async(|request| {
///     let tenant = request.authority().unwrap_or_default().to_owned();
///     async move {
///         let found =
///             tokio::time::timeout(Duration::from_secs(1), find_policy(tenant)).await;
///         found.map_err(|_| "the tenants' policies did not come in time")
///     }
/// });
/// let layer =
///     CorsLayer::with_async_resolver(resolver.on_error(|error| eprintln!("{error}")));
/// ```
pub fn resolve_async<F, Fut, P, E>(closure: F) -> ResolveAsync<F, fn(&E)>
where
    F: Fn(&CorsRequest<'_>) -> Fut,
    Fut: Future<Output = Result<P, E>>,
    P: Into<Resolution<'static>>,
    E: fmt::Display,
{
    ResolveAsync { closure, on_error: |_| {} }
}

impl<F, H> ResolveAsync<F, H> {
    /// Calls `on_error` with each error, before the request goes on without CORS.
    pub fn on_error<Fut, P, E, G>(self, on_error: G) -> ResolveAsync<F, G>
    where
        F: Fn(&CorsRequest<'_>) -> Fut,
        Fut: Future<Output = Result<P, E>>,
        G: Fn(&E),
    {
        ResolveAsync { closure: self.closure, on_error }
    }
}

impl<F, Fut, P, E, H> AsyncPolicyResolver for ResolveAsync<F, H>
where
    F: Fn(&CorsRequest<'_>) -> Fut,
    Fut: Future<Output = Result<P, E>>,
    P: Into<Resolution<'static>>,
    E: fmt::Display,
    H: Fn(&E),
{
    type Policy = P;
    type Error = E;
    type Future = Fut;

    fn resolve(&self, request: &CorsRequest<'_>) -> Fut {
        (self.closure)(request)
    }

    fn report(&self, error: &E) {
        (self.on_error)(error);
    }
}
