//! Which policy applies to a request. In: the head of a request. Out: a [`Resolution`]. Rules 5.7, 7.1.
//!
//! [`PolicyResolver`] is synchronous and returns a borrow, so the usual resolver costs no allocation, no shared count and
//! no boxed future. Resolvers that must wait have a second trait, [`AsyncPolicyResolver`], not an associated future of
//! this one: that would make every synchronous resolver, closures included, spell a future type, and every layer carry
//! its state.

mod asynchronous;
mod by_path;
mod per_request;
#[cfg(feature = "reload")]
mod reload;

use std::sync::{Arc, LazyLock};

use http::HeaderName;

pub use asynchronous::{Async, AsyncPolicyResolver, ResolutionFailure, ResolveAsync, resolve_async};
pub use by_path::{ByPathPrefix, PathPrefixError};
pub use per_request::{Overridable, PolicyOverride};
#[cfg(feature = "reload")]
pub use reload::{ReloadHandle, Reloadable};

use crate::{compile::CompiledPolicy, policy::CorsPolicy, request::CorsRequest};

/// Picks the policy for a request.
///
/// A [`CompiledPolicy`] is the resolver that always picks itself, and a closure over the request is one as well.
///
/// # Examples
///
/// ```
/// use tower_cors::{CompiledPolicy, CorsLayer, CorsPolicy, PolicyResolver, request::CorsRequest, resolver::Resolution};
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
/// let layer = CorsLayer::with_resolver(ByPath { api, site });
/// # Ok::<_, tower_cors::Violations>(())
/// ```
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

/// What a resolver answers: the policy that applies, none, or none that allows anything.
#[derive(Clone, Debug, Default)]
pub struct Resolution<'a> {
    applies: Applies<'a>,
    hold: Option<Hold<'a>>,
}

/// The names that a request is held to.
#[derive(Clone, Debug)]
enum Hold<'a> {
    Borrowed(&'a [HeaderName]),
    Shared(Arc<[HeaderName]>),
}

#[derive(Clone, Debug, Default)]
enum Applies<'a> {
    #[default]
    Nothing,
    Borrowed(&'a CompiledPolicy),
    Shared(CompiledPolicy),
    Closed,
}

/// The policy that allows nothing, for [`Resolution::closed`].
static CLOSED: LazyLock<Option<CompiledPolicy>> = LazyLock::new(|| CorsPolicy::new().compile().ok());

impl<'a> Resolution<'a> {
    /// No policy applies: the request passes untouched, preflights included (5.7).
    pub fn none() -> Self {
        Self::default()
    }

    /// No policy could be found, so nothing is allowed: preflights are denied, and the inner service's own CORS headers
    /// removed. The answer that fails closed.
    pub fn closed() -> Self {
        Self { applies: Applies::Closed, hold: None }
    }

    /// Holds the request to the policy (8.3): when it is cross-origin, and its method or one of the headers `names`
    /// needs a preflight, and the policy does not allow the origin, that method or those headers, the answer is 403.
    ///
    /// For resolvers that choose by what a preflight only announces, so that nobody uses one policy's consent to send
    /// what another policy applies to. `names` are the headers that the choice looks at.
    #[must_use]
    pub fn held(mut self, names: &'a [HeaderName]) -> Self {
        self.hold = Some(Hold::Borrowed(names));
        self
    }

    /// The policy that applies, where one does.
    #[inline]
    pub fn policy(&self) -> Option<&CompiledPolicy> {
        match &self.applies {
            Applies::Nothing => None,
            Applies::Borrowed(policy) => Some(policy),
            Applies::Shared(policy) => Some(policy),
            Applies::Closed => CLOSED.as_ref(),
        }
    }

    /// The names given to [`held`](Self::held), where the request is held to the policy.
    #[inline]
    pub fn hold(&self) -> Option<&[HeaderName]> {
        match self.hold.as_ref()? {
            Hold::Borrowed(names) => Some(names),
            Hold::Shared(names) => Some(names),
        }
    }

    /// Whether this is [`closed`](Self::closed).
    #[inline]
    pub fn is_closed(&self) -> bool {
        matches!(self.applies, Applies::Closed)
    }

    /// The same answer, sharing what it borrowed: for a resolver whose answer outlives what it came from.
    pub fn into_owned(self) -> Resolution<'static> {
        Resolution {
            applies: match self.applies {
                Applies::Nothing => Applies::Nothing,
                Applies::Borrowed(policy) => Applies::Shared(policy.clone()),
                Applies::Shared(policy) => Applies::Shared(policy),
                Applies::Closed => Applies::Closed,
            },
            hold: self.hold.map(|names| match names {
                Hold::Borrowed(names) => Hold::Shared(names.into()),
                Hold::Shared(names) => Hold::Shared(names),
            }),
        }
    }
}

impl<'a> From<&'a CompiledPolicy> for Resolution<'a> {
    #[inline]
    fn from(policy: &'a CompiledPolicy) -> Self {
        Self { applies: Applies::Borrowed(policy), hold: None }
    }
}

impl From<CompiledPolicy> for Resolution<'_> {
    fn from(policy: CompiledPolicy) -> Self {
        Self { applies: Applies::Shared(policy), hold: None }
    }
}

impl<'a> From<Option<&'a CompiledPolicy>> for Resolution<'a> {
    #[inline]
    fn from(policy: Option<&'a CompiledPolicy>) -> Self {
        policy.map_or_else(Self::none, Self::from)
    }
}

impl From<Option<CompiledPolicy>> for Resolution<'_> {
    fn from(policy: Option<CompiledPolicy>) -> Self {
        policy.map_or_else(Self::none, Self::from)
    }
}

/// The resolver with one policy for every request, or with none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fixed(Option<CompiledPolicy>);

impl Fixed {
    /// One policy for every request.
    pub fn new(policy: CompiledPolicy) -> Self {
        Self(Some(policy))
    }

    /// No policy for any request.
    pub fn none() -> Self {
        Self(None)
    }

    /// The policy, where there is one.
    pub fn policy(&self) -> Option<&CompiledPolicy> {
        self.0.as_ref()
    }
}

impl PolicyResolver for Fixed {
    #[inline]
    fn resolve<'a>(&'a self, _: &CorsRequest<'_>) -> Resolution<'a> {
        self.0.as_ref().into()
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

/// A closure as a resolver; see [`resolve_with`].
#[derive(Clone, Copy, Debug)]
pub struct ResolveWith<F>(F);

/// Makes a resolver of a closure that answers with a policy it shares.
///
/// # Examples
///
/// ```
/// use tower_cors::{CorsLayer, CorsPolicy, request::CorsRequest, resolver::resolve_with};
///
/// let policy = CorsPolicy::new().allow_origins(["https://app.example"]).compile()?;
/// let layer = CorsLayer::with_resolver(resolve_with(move |request: &CorsRequest<'_>| {
///     let is_api = request.uri().is_some_and(|uri| uri.path().starts_with("/api/"));
///     is_api.then(|| policy.clone())
/// }));
/// # Ok::<_, tower_cors::Violations>(())
/// ```
pub fn resolve_with<F, P>(closure: F) -> ResolveWith<F>
where
    F: Fn(&CorsRequest<'_>) -> P,
    P: Into<Resolution<'static>>,
{
    ResolveWith(closure)
}

impl<F, P> PolicyResolver for ResolveWith<F>
where
    F: Fn(&CorsRequest<'_>) -> P,
    P: Into<Resolution<'static>>,
{
    fn resolve<'a>(&'a self, request: &CorsRequest<'_>) -> Resolution<'a> {
        (self.0)(request).into()
    }
}
