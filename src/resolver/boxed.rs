//! Resolvers whose type has a name, whatever is inside. In: any resolver. Out: [`BoxResolver`], [`BoxAsyncResolver`].

use std::{fmt, pin::Pin, sync::Arc};

use super::{Async, AsyncPolicyResolver, PolicyResolver};
use crate::{decision::Resolution, request::CorsRequest};

/// Any resolver; [`CorsLayer::boxed`](crate::CorsLayer::boxed) puts one into it. Clones share it.
#[derive(Clone)]
pub struct BoxResolver(Arc<dyn PolicyResolver + Send + Sync>);

impl BoxResolver {
    pub(crate) fn new(resolver: Arc<impl PolicyResolver + Send + Sync + 'static>) -> Self {
        Self(resolver)
    }
}

impl PolicyResolver for BoxResolver {
    fn resolve<'a>(&'a self, request: &CorsRequest<'_>) -> Resolution<'a> {
        self.0.resolve(request)
    }
}

impl fmt::Debug for BoxResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxResolver").finish_non_exhaustive()
    }
}

type BoxFuture = Pin<Box<dyn Future<Output = Result<Resolution<'static>, String>> + Send>>;

/// Any resolver that must wait; [`CorsLayer::boxed`](crate::CorsLayer::boxed) puts one into it. Clones share it.
#[derive(Clone)]
pub struct BoxAsyncResolver(Arc<dyn StartResolving + Send + Sync>);

/// [`AsyncPolicyResolver`] without its types.
trait StartResolving {
    fn start(self: Arc<Self>, request: &CorsRequest<'_>) -> BoxFuture;
}

impl<R> StartResolving for Async<R>
where
    R: AsyncPolicyResolver<Future: Send + 'static> + Send + Sync + 'static,
{
    fn start(self: Arc<Self>, request: &CorsRequest<'_>) -> BoxFuture {
        let policy = self.get_ref().resolve(request);
        Box::pin(async move {
            policy.await.map(Into::into).map_err(|error| {
                // Here the error still has its own type.
                self.get_ref().report(&error);
                error.to_string()
            })
        })
    }
}

impl BoxAsyncResolver {
    pub(crate) fn new<R>(resolver: Arc<Async<R>>) -> Self
    where
        R: AsyncPolicyResolver<Future: Send + 'static> + Send + Sync + 'static,
    {
        Self(resolver)
    }
}

impl AsyncPolicyResolver for BoxAsyncResolver {
    type Policy = Resolution<'static>;
    type Error = String;
    type Future = BoxFuture;

    fn resolve(&self, request: &CorsRequest<'_>) -> BoxFuture {
        Arc::clone(&self.0).start(request)
    }
}

impl fmt::Debug for BoxAsyncResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxAsyncResolver").finish_non_exhaustive()
    }
}
