//! [`Cors`] with a resolver that must wait: the service, and the future that waits first for the policy, then for the
//! inner service. Like its neighbours it takes no CORS decision.

use std::{
    marker::PhantomData,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::{AnswerBody, Cors, ResponseFuture, body::DefaultBody, service::carry_out, shared::Shared};
use crate::{
    decision::{Resolution, decide},
    request::{Asked, CorsRequest},
    resolver::{Async, AsyncPolicyResolver, ResolutionFailure},
};

impl<S, R, M, Req, Res> Service<Request<Req>> for Cors<S, Async<R>, M>
where
    S: Service<Request<Req>, Response = Response<Res>> + Clone,
    R: AsyncPolicyResolver,
    M: AnswerBody<Res>,
{
    type Response = Response<M::Body>;
    type Error = S::Error;
    type Future = AsyncResponseFuture<S, R, Req, Res, M>;

    #[inline]
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Req>) -> Self::Future {
        // Readiness belongs to the service that was polled: that one goes with the request, its clone stays.
        let clone = self.shared.clone_inner(&self.inner);
        let inner = mem::replace(&mut self.inner, clone);
        let head = CorsRequest::of(&request);
        let policy = self.shared.resolver.get_ref().resolve(&head);
        let asked = head.into_asked();
        let call = Call { inner, request, asked, shared: Arc::clone(&self.shared), body: PhantomData };
        AsyncResponseFuture { state: State::Resolving { policy, call: Some(call) }, failure: None }
    }
}

/// What waits for the policy.
struct Call<S, R, Req, M> {
    inner: S,
    request: Request<Req>,
    /// What the resolver asked about the request (2.19, 6.1).
    asked: Asked,
    shared: Arc<Shared<Async<R>>>,
    body: PhantomData<fn() -> M>,
}

impl<S, R, Req, M> Call<S, R, Req, M> {
    /// Calls the inner service, or answers in its place.
    fn proceed<Res>(mut self, resolution: Resolution<'_>) -> ResponseFuture<S::Future, Res, M>
    where
        S: Service<Request<Req>, Response = Response<Res>>,
        M: AnswerBody<Res>,
    {
        let head = CorsRequest::of(&self.request).with_asked(self.asked);
        let resolution = &resolution.vary_on_origin_if(head.is_origin_observed());
        let decision = decide(&head, resolution, &self.shared.options);
        let report = self.shared.observe(&head, resolution, &decision);
        carry_out(&mut self.inner, &self.shared, self.request, decision, report)
    }
}

pin_project! {
    /// The future of a [`Cors`] service whose resolver must wait.
    ///
    /// It holds the inner service that was ready until the policy is there. Dropping it drops both.
    pub struct AsyncResponseFuture<S, R, Req, Res, M = DefaultBody>
    where
        S: Service<Request<Req>>,
        R: AsyncPolicyResolver,
        M: AnswerBody<Res>,
    {
        #[pin]
        state: State<R::Future, Call<S, R, Req, M>, ResponseFuture<S::Future, Res, M>>,
        failure: Option<ResolutionFailure>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<P, C, F> {
        Resolving {
            #[pin]
            policy: P,
            call: Option<C>,
        },
        Responding {
            #[pin]
            response: F,
        },
    }
}

impl<S, R, Req, Res, M> Future for AsyncResponseFuture<S, R, Req, Res, M>
where
    S: Service<Request<Req>, Response = Response<Res>>,
    R: AsyncPolicyResolver,
    M: AnswerBody<Res>,
{
    type Output = Result<Response<M::Body>, S::Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.state.as_mut().project() {
                StateProjection::Resolving { policy, call } => {
                    let found = ready!(policy.poll(context));
                    // Taken once: the next state follows in the same poll.
                    let Some(call) = call.take() else { return Poll::Pending };
                    let resolution = match found {
                        Ok(policy) => policy.into(),
                        Err(error) => {
                            call.shared.resolver.get_ref().report(&error);
                            *this.failure = Some(ResolutionFailure::new(&error));
                            Resolution::closed()
                        }
                    };
                    this.state.set(State::Responding { response: call.proceed(resolution) });
                }
                StateProjection::Responding { response } => {
                    let mut response = ready!(response.poll(context))?;
                    if let Some(failure) = this.failure.take() {
                        response.extensions_mut().insert(failure);
                    }
                    return Poll::Ready(Ok(response));
                }
            }
        }
    }
}
