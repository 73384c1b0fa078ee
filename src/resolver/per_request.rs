//! A policy that an earlier layer or a router put into the extensions of a request. In: a request and another resolver.
//! Out: the policy from the extensions, else what the other resolver says.

use super::PolicyResolver;
use crate::{decision::Resolution, request::CorsRequest};

/// The resolver that prefers the [`Resolution`] in the extensions of the request to another resolver's.
///
/// The policy in it is compiled, and merged with whatever it is put over, beforehand; see
/// [`merge::Base`](crate::merge::Base). [`Resolution::none`] disables CORS for the request.
///
/// The override has to be there when the request reaches the CORS layer: what a handler inside of it inserts comes too
/// late. Nothing that a client sends gets into the extensions.
///
/// # Examples
///
/// ```
/// use tower::{ServiceBuilder, util::MapRequestLayer};
/// use tower_cors::{CorsLayer, CorsPolicy, decision::Resolution, resolver::Overridable};
///
/// let base = CorsPolicy::new().allow_origins(["https://app.example"]).compile()?;
/// let partner = Resolution::from(
///     CorsPolicy::new().allow_origins(["https://partner.example"]).compile()?,
/// );
/// let service = ServiceBuilder::new()
///     .layer(MapRequestLayer::new(move |mut request: http::Request<String>| {
///         request.extensions_mut().insert(partner.clone());
///         request
///     }))
///     .layer(CorsLayer::with_resolver(Overridable::new(base)))
///     .service_fn(async |_: http::Request<String>| {
///         Ok::<_, std::io::Error>(http::Response::new(String::new()))
///     });
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

fn find<'a>(request: &CorsRequest<'a>) -> Option<&'a Resolution<'static>> {
    request.extensions()?.get()
}

impl<R: PolicyResolver> PolicyResolver for Overridable<R> {
    fn resolve<'a>(&'a self, request: &CorsRequest<'_>) -> Resolution<'a> {
        match find(request) {
            Some(found) => found.clone(),
            None => self.0.resolve(request),
        }
    }

    // The override lives in the request, so it is lent to `then` instead of being shared once more.
    fn resolve_then<T>(&self, request: &CorsRequest<'_>, then: impl FnOnce(Resolution<'_>) -> T) -> T {
        match find(request) {
            Some(found) => then(found.as_borrowed()),
            None => self.0.resolve_then(request, then),
        }
    }
}
