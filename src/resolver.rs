//! Which policy applies to a request. In: the head of a request. Out: a [`Resolution`]. The
//! [rules](crate::guide::semantics) 5.7, 7.1.
//!
//! [`PolicyResolver`] is synchronous and returns a borrow, so the usual resolver costs no allocation, no shared count and
//! no boxed future. Resolvers that must wait have a second trait, [`AsyncPolicyResolver`], not an associated future of
//! this one: that would make every synchronous resolver, closures included, spell a future type, and every layer carry
//! its state.
//!
//! [`guide::resolvers`](crate::guide::resolvers) has a table of what varies and which resolver is for it, ten lines of code
//! each, and the types of layers.

mod asynchronous;
mod boxed;
mod by_path;
mod origin_function;
mod per_request;
#[cfg(feature = "reload")]
mod reload;
pub(crate) mod usage;

use std::sync::Arc;

pub use asynchronous::{Async, AsyncPolicyResolver, ResolutionFailure, ResolveAsync, resolve_async};
pub use boxed::{BoxAsyncResolver, BoxResolver};
pub use by_path::{ByPathPrefix, PathPrefixError};
pub use origin_function::{AllowOriginAsync, AskOrigin};
pub use per_request::Overridable;
#[cfg(feature = "reload")]
pub use reload::{ReloadHandle, Reloadable};

use crate::{compile::CompiledPolicy, decision::Resolution, request::CorsRequest};

/// Picks the policy for a request.
///
/// A [`CompiledPolicy`] is the resolver that always picks itself, and a closure over the request is one as well.
///
/// Choose by what a preflight has too: the host, the path, the query, the origin, and the method that it announces
/// ([`CorsRequest::announced_method`]). It has no header values: of `Authorization` or `X-Tenant` it announces the name,
/// and a cookie never comes with it. A tenant that is told by a header is unknown there. Put the tenant into the host or
/// the path; or answer every tenant's preflight by one policy, and let the handler, which authenticates, say whose data
/// is read. Where the origins of all tenants are known, [`CorsPolicy::allow_origin_if`](crate::CorsPolicy::allow_origin_if)
/// asks for them.
///
/// # Examples
///
/// ```
/// use tower_cors::{
///     CompiledPolicy, CorsLayer, CorsPolicy, PolicyResolver, decision::Resolution,
///     request::CorsRequest,
/// };
///
/// struct ByPath {
///     api: CompiledPolicy,
///     site: CompiledPolicy,
/// }
///
/// impl PolicyResolver for ByPath {
///     fn resolve<'a>(&'a self, request: &CorsRequest<'_>) -> Resolution<'a> {
///         match request.uri() {
///             Some(uri) if uri.path().starts_with("/api/") => Resolution::from(&self.api),
///             _ => Resolution::from(&self.site),
///         }
///     }
/// }
///
/// let api = CorsPolicy::new().allow_origins(["https://app.example"]).compile()?;
/// let site = CorsPolicy::new().allow_origins(["*"]).compile()?;
/// let layer = CorsLayer::with_resolver(ByPath { api: api.clone(), site: site.clone() });
///
/// // The same by a closure, which shares the policies that it answers with.
/// let layer = CorsLayer::with_resolver(move |request: &CorsRequest<'_>| {
///     let is_api = request.uri().is_some_and(|uri| uri.path().starts_with("/api/"));
///     if is_api { api.clone() } else { site.clone() }
/// });
/// # Ok::<_, tower_cors::Violations>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't tell which policy applies to a request",
    note = "a `CorsPolicy` is compiled first: `CorsLayer::new(policy)?`, or `policy.compile()?` in a resolver",
    note = "a closure names the type of its argument, `|request: &CorsRequest<'_>|`, and returns a `CompiledPolicy`, an `Option` of one, or a `Resolution`",
    note = "a resolver that must wait goes into `CorsLayer::with_async_resolver`"
)]
pub trait PolicyResolver {
    /// The policy that applies to `request`.
    fn resolve<'a>(&'a self, request: &CorsRequest<'_>) -> Resolution<'a>;

    /// Calls `then` with the policy that applies to `request`.
    ///
    /// The layer asks this way. Only a resolver whose answer lives no longer than the call has a reason to override it,
    /// and one that asks another: it asks by `resolve_then` too, so that what the other lends need not be shared.
    #[inline]
    fn resolve_then<T>(&self, request: &CorsRequest<'_>, then: impl FnOnce(Resolution<'_>) -> T) -> T
    where
        Self: Sized,
    {
        then(self.resolve(request))
    }
}

/// Resolves `request`, and lets the answer vary on the origin where the resolver looked at it (6.1).
#[inline]
pub(crate) fn resolve_observed<T>(
    resolver: &impl PolicyResolver,
    request: &CorsRequest<'_>,
    then: impl FnOnce(&Resolution<'_>) -> T,
) -> T {
    resolver.resolve_then(request, |resolution| then(&resolution.vary_on_origin_if(request.is_origin_observed())))
}

/// No policy for any request, or always this one.
impl PolicyResolver for Option<CompiledPolicy> {
    #[inline]
    fn resolve<'a>(&'a self, _: &CorsRequest<'_>) -> Resolution<'a> {
        self.as_ref().into()
    }
}

impl PolicyResolver for CompiledPolicy {
    #[inline]
    fn resolve<'a>(&'a self, _: &CorsRequest<'_>) -> Resolution<'a> {
        self.into()
    }
}

/// Lends what `R` lends.
impl<R: PolicyResolver> PolicyResolver for Arc<R> {
    #[inline]
    fn resolve<'a>(&'a self, request: &CorsRequest<'_>) -> Resolution<'a> {
        R::resolve(self, request)
    }

    #[inline]
    fn resolve_then<T>(&self, request: &CorsRequest<'_>, then: impl FnOnce(Resolution<'_>) -> T) -> T {
        R::resolve_then(self, request, then)
    }
}

/// A resolver of some type, which can't lend.
impl PolicyResolver for Arc<dyn PolicyResolver + '_> {
    fn resolve<'a>(&'a self, request: &CorsRequest<'_>) -> Resolution<'a> {
        (**self).resolve(request)
    }
}

/// A resolver of some type, which can't lend.
impl PolicyResolver for Arc<dyn PolicyResolver + Send + Sync + '_> {
    fn resolve<'a>(&'a self, request: &CorsRequest<'_>) -> Resolution<'a> {
        (**self).resolve(request)
    }
}

/// A closure that answers with a policy, an `Option` of one, or a [`Resolution`].
// The compiler would ask for `Fn`, whatever the type is.
#[diagnostic::do_not_recommend]
impl<F, P> PolicyResolver for F
where
    F: Fn(&CorsRequest<'_>) -> P,
    P: Into<Resolution<'static>>,
{
    fn resolve<'a>(&'a self, request: &CorsRequest<'_>) -> Resolution<'a> {
        self(request).into()
    }
}
