//! [`ResponseFuture`]: waits for the inner service and applies the plan to its response, or is an answer already.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::Response;
use pin_project_lite::pin_project;

use super::{AnswerBody, body::DefaultBody, nested, observe::Report, trace};
use crate::decision::{Found, ResponsePlan};

pin_project! {
    /// The future of a [`Cors`](super::Cors) service.
    pub struct ResponseFuture<F, B, M = DefaultBody>
    where
        M: AnswerBody<B>,
    {
        #[pin]
        pub(super) state: State<F, M::Body>,
        pub(super) plan: Option<ResponsePlan>,
        pub(super) report: Option<Box<Report>>,
    }
}

pin_project! {
    #[project = StateProjection]
    pub(super) enum State<F, B> {
        Inner {
            #[pin]
            future: F,
        },
        Answered {
            response: Option<Response<B>>,
        },
    }
}

impl<F, B, M: AnswerBody<B>> ResponseFuture<F, B, M> {
    #[inline]
    pub(super) fn answered(response: Response<M::Body>) -> Self {
        Self { state: State::Answered { response: Some(response) }, plan: None, report: None }
    }
}

impl<F, B, E, M> Future for ResponseFuture<F, B, M>
where
    F: Future<Output = Result<Response<B>, E>>,
    M: AnswerBody<B>,
{
    type Output = Result<Response<M::Body>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        match this.state.project() {
            StateProjection::Inner { future } => {
                let polled = {
                    let _within = nested::Within::a_layer();
                    future.poll(context)
                };
                let mut response = ready!(polled)?;
                // Polled no more: what is left of the plan is dropped with the future.
                let already_decided = this.plan.as_mut().is_some_and(|plan| finish(plan, &mut response));
                match this.report.take() {
                    None if already_decided => trace::doubled(None),
                    None => {}
                    Some(report) => report.conclude(already_decided, response.extensions_mut()),
                }
                Poll::Ready(Ok(M::wrap(response)))
            }
            StateProjection::Answered { response } => match response.take() {
                Some(response) => Poll::Ready(Ok(response)),
                // Polled again after it was ready, which the contract of futures leaves open.
                None => Poll::Pending,
            },
        }
    }
}

/// Applies the plan, unless a layer nearer to the handler has decided already. Tells whether one has (5.9).
#[inline]
fn finish<B>(plan: &mut ResponsePlan, response: &mut Response<B>) -> bool {
    let is_of_a_policy = plan.is_of_a_policy();
    let found = Found::in_headers(response.headers());
    let is_decided = nested::is_decided(response, found);
    if !is_decided || !is_of_a_policy {
        let status = response.status();
        plan.apply_over(found, status, response.headers_mut());
    }
    let is_within_a_layer = nested::is_within_a_layer();
    if is_decided || (is_of_a_policy && is_within_a_layer) {
        nested::mark(response, is_within_a_layer);
    }
    is_decided && is_of_a_policy
}
