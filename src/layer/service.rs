//! [`Cors`]: the service. It asks the resolver, has `decision` decide, and answers or calls the inner service.

use std::{
    fmt, mem,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use tower_service::Service;

use super::{AnswerBody, ResponseFuture, body::DefaultBody};
use crate::{
    decision::{Answer, Decision, Options, decide},
    request::CorsRequest,
    resolver::{Fixed, PolicyResolver, Resolution},
};

/// The service that a [`CorsLayer`](super::CorsLayer) makes of another.
pub struct Cors<S, R = Fixed, M = DefaultBody> {
    pub(super) inner: S,
    pub(super) resolver: Arc<R>,
    pub(super) options: Options,
    pub(super) body: M,
}

impl<S, R, M> Cors<S, R, M> {
    pub(super) fn new(inner: S, resolver: Arc<R>, options: Options, body: M) -> Self {
        Self { inner, resolver, options, body }
    }

    /// The service within.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The service within.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The service within.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, R, M, Req, Res> Service<Request<Req>> for Cors<S, R, M>
where
    S: Service<Request<Req>, Response = Response<Res>>,
    R: PolicyResolver,
    M: AnswerBody<Res>,
{
    type Response = Response<M::Body>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, Res, M>;

    #[inline]
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Req>) -> Self::Future {
        let decision = {
            let head = CorsRequest::of(&request);
            self.resolver.resolve_then(&head, |resolution| decide_under(&head, &resolution, &self.options))
        };
        match decision {
            Decision::PassThrough => ResponseFuture::inner(self.inner.call(request), None),
            Decision::Continue(plan) => ResponseFuture::inner(self.inner.call(request), Some(plan)),
            Decision::Answer(answer) => ResponseFuture::answered(respond(request, answer, self.body.empty())),
        }
    }
}

/// Decides under what a resolver answered.
#[inline]
pub(crate) fn decide_under(head: &CorsRequest<'_>, resolution: &Resolution<'_>, options: &Options) -> Decision {
    let closed;
    let options = if resolution.is_closed() {
        closed = options.closed();
        &closed
    } else {
        options
    };
    decide(&head.held(resolution.hold()), resolution.policy(), options)
}

/// The response of an answer, written into the request's own header map: that one is there already, and large enough.
pub(super) fn respond<Req, B>(mut request: Request<Req>, answer: Answer, body: B) -> Response<B> {
    let mut headers = mem::take(request.headers_mut());
    headers.clear();
    let mut response = Response::new(body);
    *response.status_mut() = answer.status();
    answer.write_to(&mut headers);
    *response.headers_mut() = headers;
    response
}

impl<S: Clone, R, M: Clone> Clone for Cors<S, R, M> {
    #[inline]
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            resolver: Arc::clone(&self.resolver),
            options: self.options,
            body: self.body.clone(),
        }
    }
}

impl<S: fmt::Debug, R: fmt::Debug, M> fmt::Debug for Cors<S, R, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cors")
            .field("inner", &self.inner)
            .field("resolver", &self.resolver)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
