//! A policy that an earlier layer or a router put into the extensions of a request. In: a request and another resolver.
//! Out: the policy from the extensions, else what the other resolver says.

use super::{PolicyResolver, Resolution};
use crate::{compile::CompiledPolicy, request::CorsRequest};

/// The policy of one request, to be put into its extensions; [`Overridable`] picks it from there.
///
/// It is compiled, and merged with whatever it is put over, beforehand; see [`merge::Base`](crate::merge::Base).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyOverride(Option<CompiledPolicy>);

impl PolicyOverride {
    /// This policy applies.
    pub fn new(policy: CompiledPolicy) -> Self {
        Self(Some(policy))
    }

    /// No policy applies: the request passes untouched.
    pub fn disabled() -> Self {
        Self(None)
    }

    /// The policy, where one applies.
    pub fn policy(&self) -> Option<&CompiledPolicy> {
        self.0.as_ref()
    }
}

/// A merged policy, or `None` where CORS is disabled.
impl From<Option<CompiledPolicy>> for PolicyOverride {
    fn from(policy: Option<CompiledPolicy>) -> Self {
        Self(policy)
    }
}

/// The resolver that gives the [`PolicyOverride`] in the extensions of the request the first word.
///
/// The override has to be there when the request reaches the CORS layer: what a handler inside of it inserts comes too
/// late. Nothing that a client sends gets into the extensions.
///
/// # Examples
///
/// ```
/// use tower::{ServiceBuilder, util::MapRequestLayer};
/// use tower_cors::{CorsLayer, CorsPolicy, resolver::{Overridable, PolicyOverride}};
///
/// let base = CorsPolicy::new().allow_origins(["https://app.example"]).compile()?;
/// let partner = PolicyOverride::new(CorsPolicy::new().allow_origins(["https://partner.example"]).compile()?);
/// let service = ServiceBuilder::new()
///     .layer(MapRequestLayer::new(move |mut request: http::Request<String>| {
///         request.extensions_mut().insert(partner.clone());
///         request
///     }))
///     .layer(CorsLayer::with_resolver(Overridable::new(base)))
///     .service_fn(async |_: http::Request<String>| Ok::<_, std::io::Error>(http::Response::new(String::new())));
/// # Ok::<_, tower_cors::Violations>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overridable<R>(R);

impl<R: PolicyResolver> Overridable<R> {
    /// Asks `resolver` where a request carries no override.
    pub fn new(resolver: R) -> Self {
        Self(resolver)
    }
}

fn find<'a>(request: &CorsRequest<'a>) -> Option<&'a PolicyOverride> {
    request.extensions()?.get()
}

impl<R: PolicyResolver> PolicyResolver for Overridable<R> {
    fn resolve<'a>(&'a self, request: &CorsRequest<'_>) -> Resolution<'a> {
        match find(request) {
            Some(found) => found.policy().cloned().into(),
            None => self.0.resolve(request),
        }
    }

    // The override lives in the request, so it is lent to `then` instead of being shared once more.
    fn resolve_then<T>(&self, request: &CorsRequest<'_>, then: impl FnOnce(Resolution<'_>) -> T) -> T {
        match find(request) {
            Some(found) => then(found.policy().into()),
            None => self.0.resolve_then(request, then),
        }
    }
}
