//! [`ResponseFuture`]: waits for the inner service and applies the plan to its response, or is an answer already.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::Response;
use pin_project_lite::pin_project;

use super::{AnswerBody, body::DefaultBody, telling::Told, trace};
use crate::decision::{Applied, ResponsePlan};

pin_project! {
    /// The future of a [`Cors`](super::Cors) service.
    pub struct ResponseFuture<F, B, M = DefaultBody>
    where
        M: AnswerBody<B>,
    {
        #[pin]
        state: State<F, M::Body>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F, B> {
        Inner {
            #[pin]
            future: F,
            plan: Option<ResponsePlan>,
            told: Option<Box<dyn Told>>,
        },
        Answered {
            response: Option<Response<B>>,
        },
    }
}

/// Marks a response whose headers a layer has decided, where the headers themselves can't tell (5.9).
#[derive(Clone, Copy, Debug)]
struct Decided;

impl<F, B, M: AnswerBody<B>> ResponseFuture<F, B, M> {
    #[inline]
    pub(super) fn inner(future: F, plan: Option<ResponsePlan>, told: Option<Box<dyn Told>>) -> Self {
        Self { state: State::Inner { future, plan, told } }
    }

    #[inline]
    pub(super) fn answered(response: Response<M::Body>) -> Self {
        Self { state: State::Answered { response: Some(response) } }
    }
}

impl<F, B, E, M> Future for ResponseFuture<F, B, M>
where
    F: Future<Output = Result<Response<B>, E>>,
    M: AnswerBody<B>,
{
    type Output = Result<Response<M::Body>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Inner { future, plan, told } => {
                let mut response = ready!(future.poll(context))?;
                let already_decided = plan.take().is_some_and(|plan| finish(plan, &mut response));
                match told.take() {
                    None if already_decided => trace::doubled(None),
                    None => {}
                    Some(told) => told.conclude(already_decided, response.extensions_mut()),
                }
                Poll::Ready(Ok(response.map(M::wrap)))
            }
            StateProjection::Answered { response } => match response.take() {
                Some(response) => Poll::Ready(Ok(response)),
                // Polled again after it was ready, which the contract of futures leaves open.
                None => Poll::Pending,
            },
        }
    }
}

/// 5.9: the layer nearest to the handler decides; this one leaves a decided response alone, and tells so.
#[inline]
fn finish<B>(plan: ResponsePlan, response: &mut Response<B>) -> bool {
    if response.extensions().get::<Decided>().is_some() {
        return true;
    }
    let status = response.status();
    match plan.apply(status, response.headers_mut()) {
        Applied::AlreadyDecided => true,
        Applied::Unmarked => {
            response.extensions_mut().insert(Decided);
            false
        }
        Applied::Marked => false,
    }
}
