//! [`Cors`]: the service. It asks the resolver, has `decision` decide, and answers or calls the inner service.

use std::{
    fmt,
    marker::PhantomData,
    mem,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use tower_service::Service;

use super::{AnswerBody, ResponseFuture, body::DefaultBody, nested, observe::Report, shared::Shared};
use crate::{
    compile::CompiledPolicy,
    decision::{Answer, Decision, decide},
    request::CorsRequest,
    resolver::{PolicyResolver, resolve_observed},
};

/// The service that a [`CorsLayer`](super::CorsLayer) makes of another.
pub struct Cors<S, R = Option<CompiledPolicy>, M = DefaultBody> {
    pub(super) inner: S,
    pub(super) shared: Arc<Shared<R>>,
    body: PhantomData<fn() -> M>,
}

impl<S, R, M> Cors<S, R, M> {
    pub(super) fn new(inner: S, shared: Arc<Shared<R>>) -> Self {
        Self { inner, shared, body: PhantomData }
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
        if self.shared.is_observed() {
            return self.call_observed(request);
        }
        let decision = {
            let head = CorsRequest::of(&request);
            let Shared { resolver, options, .. } = &*self.shared;
            resolve_observed(&**resolver, &head, |resolution| decide(&head, resolution, options))
        };
        self.act(request, decision, None)
    }
}

impl<S, R, M> Cors<S, R, M> {
    /// The call where the decision is observed. Apart from the usual one, which keeps its decision in registers.
    #[cold]
    #[inline(never)]
    fn call_observed<Req, Res>(&mut self, request: Request<Req>) -> ResponseFuture<S::Future, Res, M>
    where
        S: Service<Request<Req>, Response = Response<Res>>,
        R: PolicyResolver,
        M: AnswerBody<Res>,
    {
        let mut report = None;
        let decision = {
            let head = CorsRequest::of(&request);
            let shared = &*self.shared;
            resolve_observed(&*shared.resolver, &head, |resolution| {
                let decision = decide(&head, resolution, &shared.options);
                report = shared.observe(&head, resolution, &decision);
                decision
            })
        };
        self.act(request, decision, report)
    }

    #[inline(always)]
    fn act<Req, Res>(
        &mut self,
        request: Request<Req>,
        decision: Decision,
        report: Option<Box<Report>>,
    ) -> ResponseFuture<S::Future, Res, M>
    where
        S: Service<Request<Req>, Response = Response<Res>>,
        M: AnswerBody<Res>,
    {
        match decision {
            Decision::PassThrough => {
                let _within = nested::Within::a_layer();
                ResponseFuture::inner(self.inner.call(request), None, report)
            }
            Decision::Continue(plan) => {
                let _within = nested::Within::a_layer();
                ResponseFuture::inner(self.inner.call(request), Some(plan), report)
            }
            Decision::Answer(answer) => ResponseFuture::answered(respond::<_, _, M>(request, answer, report)),
        }
    }
}

/// The response of an answer, written into the request's own header map: that one is there already, and large enough.
pub(super) fn respond<Req, B, M: AnswerBody<B>>(
    mut request: Request<Req>,
    answer: Answer,
    report: Option<Box<Report>>,
) -> Response<M::Body> {
    let mut headers = mem::take(request.headers_mut());
    headers.clear();
    let mut response = Response::new(M::empty());
    *response.status_mut() = answer.status();
    answer.write_to(&mut headers);
    *response.headers_mut() = headers;
    if let Some(report) = report {
        report.complete::<B, M>(&mut response);
    }
    response
}

impl<S: Clone, R, M> Clone for Cors<S, R, M> {
    #[inline]
    fn clone(&self) -> Self {
        Self::new(self.shared.clone_inner(&self.inner), Arc::clone(&self.shared))
    }
}

impl<S: fmt::Debug, R: fmt::Debug, M> fmt::Debug for Cors<S, R, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cors")
            .field("inner", &self.inner)
            .field("resolver", &self.shared.resolver)
            .field("options", &self.shared.options)
            .field("observer", &self.shared.observer)
            .finish_non_exhaustive()
    }
}
