//! [`Cors`]: the service. It asks the resolver, has `decision` decide, and answers or calls the inner service.

use std::{
    fmt,
    marker::PhantomData,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use tower_service::Service;

use super::{AnswerBody, ResponseFuture, body::DefaultBody, future::State, observe::Report, shared::Shared};
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
        let Shared { resolver, options, .. } = &*self.shared;
        if self.shared.is_observed() {
            return self.call_observed(request);
        }
        let decision = {
            let head = CorsRequest::of(&request);
            resolve_observed(&**resolver, &head, |resolution| decide(&head, resolution, options))
        };
        let plan = match decision {
            Decision::Answer(answer) => {
                self.shared.warn_of_inner_layer(&request);
                return ResponseFuture::answered(respond::<_, _, M>(request, answer));
            }
            Decision::PassThrough => None,
            Decision::Continue(plan) => Some(plan),
        };
        ResponseFuture { state: State::Inner { future: self.inner.call(request) }, plan, report: None }
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
        carry_out(&mut self.inner, &self.shared, request, decision, report)
    }
}

/// Calls the inner service, or answers in its place.
pub(super) fn carry_out<S, R, Req, Res, M>(
    inner: &mut S,
    shared: &Shared<R>,
    request: Request<Req>,
    decision: Decision,
    report: Option<Box<Report>>,
) -> ResponseFuture<S::Future, Res, M>
where
    S: Service<Request<Req>, Response = Response<Res>>,
    M: AnswerBody<Res>,
{
    let plan = match decision {
        Decision::PassThrough => None,
        Decision::Continue(plan) => Some(plan),
        Decision::Answer(answer) => {
            shared.warn_of_inner_layer(&request);
            let mut response = respond::<_, _, M>(request, answer);
            if let Some(report) = report {
                report.complete::<Res, M>(&mut response);
            }
            return ResponseFuture::answered(response);
        }
    };
    ResponseFuture { state: State::Inner { future: inner.call(request) }, plan, report }
}

/// The response of an answer, written into the request's own header map: that one is there already, and large enough.
fn respond<Req, B, M: AnswerBody<B>>(request: Request<Req>, answer: Answer) -> Response<M::Body> {
    let mut response = Response::new(M::empty());
    *response.status_mut() = answer.status();
    let headers = response.headers_mut();
    *headers = request.into_parts().0.headers;
    headers.clear();
    answer.write_to(headers);
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
