//! A resolver that can be swapped while requests are in flight. In: a resolver, later others in its place. Out: what the
//! present one answers, and a handle to swap it. Behind the feature `reload`.
//!
//! Readers take no lock and no shared count: `arc-swap` lends them what is current for the time of one decision. A
//! decision owns everything that a response will need, so a request that was decided before a swap gets the headers of
//! the policy that decided it, and no request sees parts of two.

use std::{fmt, sync::Arc};

use arc_swap::ArcSwap;
use http::Extensions;

use super::{AsyncPolicyResolver, PolicyResolver};
use crate::{
    compile::{CompiledPolicy, Compiler},
    decision::Resolution,
    finding::Violations,
    policy::RustPolicy,
    request::CorsRequest,
};

/// The resolver that a [`ReloadHandle`] swaps: a policy, a route table, anything that resolves.
///
/// # Examples
///
/// ```
/// use tower_cors::{CorsLayer, CorsPolicy, resolver::Reloadable};
///
/// let policy = CorsPolicy::new().allow_origins(["https://app.example"]).compile()?;
/// let resolver = Reloadable::new(policy);
/// let handle = resolver.handle();
/// let layer = CorsLayer::with_resolver(resolver);
///
/// // Later, perhaps in another thread.
/// let more = ["https://app.example", "https://admin.example"];
/// handle.try_reload(CorsPolicy::new().allow_origins(more))?;
/// // An invalid policy is refused, and the old one keeps serving.
/// assert!(handle.try_reload(CorsPolicy::new().allow_origins(["admin.example"])).is_err());
/// assert!(handle.current().allows_origin("https://admin.example"));
/// # Ok::<_, tower_cors::Violations>(())
/// ```
pub struct Reloadable<R>(Arc<ArcSwap<R>>);

/// Swaps the resolver of a [`Reloadable`]. Cheap to clone.
pub struct ReloadHandle<R>(Arc<ArcSwap<R>>);

impl<R> Reloadable<R> {
    /// Starts with `resolver`.
    pub fn new(resolver: R) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(resolver)))
    }

    /// A handle to swap it.
    pub fn handle(&self) -> ReloadHandle<R> {
        ReloadHandle(Arc::clone(&self.0))
    }
}

impl<R> ReloadHandle<R> {
    /// Puts `resolver` in the place of the current one. Requests that are decided already are not touched; the old
    /// resolver is dropped when the last of them has let go of it.
    pub fn reload(&self, resolver: R) {
        self.0.store(Arc::new(resolver));
    }

    /// What serves now.
    pub fn current(&self) -> Arc<R> {
        self.0.load_full()
    }
}

/// What is pinned to a request.
struct Pinned<R>(Arc<R>);

impl<R> Clone for Pinned<R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<R: Send + Sync + 'static> ReloadHandle<R> {
    /// Pins what serves now to a request, by its extensions: whatever is reloaded while the request is under way, the
    /// [`Reloadable`] of this handle decides about it by this resolver. So the layer and what stands behind it, such as a
    /// proxy that looks up the backend in the same table, act on one configuration.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_cors::{
    ///     CorsPolicy, PolicyResolver, request::CorsRequest, resolver::Reloadable,
    /// };
    ///
    /// let policy = |origin| CorsPolicy::new().allow_origins([origin]).compile();
    /// let resolver = Reloadable::new(policy("https://a.example")?);
    /// let handle = resolver.handle();
    ///
    /// let mut request = http::Request::new(());
    /// handle.pin(request.extensions_mut());
    /// handle.reload(policy("https://b.example")?);
    /// let resolution = resolver.resolve(&CorsRequest::of(&request));
    /// assert!(
    ///     resolution.policy().is_some_and(|policy| policy.allows_origin("https://a.example"))
    /// );
    /// assert!(handle.pinned(request.extensions()).is_some());
    /// # Ok::<_, tower_cors::Violations>(())
    /// ```
    pub fn pin(&self, extensions: &mut Extensions) {
        extensions.insert(Pinned(self.current()));
    }

    /// What [`pin`](Self::pin) has pinned to a request.
    pub fn pinned(&self, extensions: &Extensions) -> Option<Arc<R>> {
        extensions.get::<Pinned<R>>().map(|pinned| Arc::clone(&pinned.0))
    }
}

impl ReloadHandle<CompiledPolicy> {
    /// Compiles a policy under the profile of the current one and, where it is valid, puts it in its place.
    ///
    /// [`try_reload_with`](Self::try_reload_with) takes a [`Compiler`] where more has to be said.
    ///
    /// # Errors
    ///
    /// Every violation of the policy at once; then the current one keeps serving.
    pub fn try_reload(&self, policy: impl Into<RustPolicy>) -> Result<(), Violations> {
        let profile = self.0.load().profile();
        self.try_reload_with(&Compiler::new().profile(profile), policy)
    }

    /// Compiles a policy with `compiler` and, where it is valid, puts it in the place of the current one.
    ///
    /// # Errors
    ///
    /// Every violation of the policy at once; then the current one keeps serving.
    pub fn try_reload_with(&self, compiler: &Compiler, policy: impl Into<RustPolicy>) -> Result<(), Violations> {
        self.reload(compiler.compile(policy)?);
        Ok(())
    }
}

impl<R: PolicyResolver + Send + Sync + 'static> PolicyResolver for Reloadable<R> {
    // The answer may outlive the resolver that gave it, so it shares what it is made of.
    fn resolve<'a>(&'a self, request: &CorsRequest<'_>) -> Resolution<'a> {
        self.resolve_then(request, |resolution| resolution.into_owned())
    }

    // The layer comes this way: the answer is lent, and nothing is counted.
    #[inline]
    fn resolve_then<T>(&self, request: &CorsRequest<'_>, then: impl FnOnce(Resolution<'_>) -> T) -> T {
        match request.extensions().and_then(|extensions| extensions.get::<Pinned<R>>()) {
            Some(pinned) => pinned.0.resolve_then(request, then),
            None => self.0.load().resolve_then(request, then),
        }
    }
}

/// A resolver that must wait is swapped as well; a future that has begun goes on with the old one's.
impl<R: AsyncPolicyResolver> AsyncPolicyResolver for Reloadable<R> {
    type Policy = R::Policy;
    type Error = R::Error;
    type Future = R::Future;

    fn resolve(&self, request: &CorsRequest<'_>) -> R::Future {
        AsyncPolicyResolver::resolve(&**self.0.load(), request)
    }

    fn report(&self, error: &R::Error) {
        self.0.load().report(error);
    }
}

impl<R> Clone for Reloadable<R> {
    /// The same resolver: a swap reaches every clone.
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<R> Clone for ReloadHandle<R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<R: fmt::Debug> fmt::Debug for Reloadable<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reloadable").field(&**self.0.load()).finish()
    }
}

impl<R: fmt::Debug> fmt::Debug for ReloadHandle<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReloadHandle").field(&**self.0.load()).finish()
    }
}
