//! [`CorsLayer::answer_errors`]: between the CORS service and the inner one stands a service that makes responses of
//! errors, so that these get CORS headers like any other. In: a closure from an error to a response. Out: a layer and a
//! service that never fail. Nothing of it is there where it was not asked for.

use std::{
    convert::Infallible,
    fmt,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::{Cors, CorsLayer, body::DefaultBody};
use crate::compile::CompiledPolicy;

/// A [`CorsLayer`] within which errors become responses; see [`CorsLayer::answer_errors`].
pub struct AnswerErrorsLayer<F, E, R = Option<CompiledPolicy>, M = DefaultBody> {
    cors: CorsLayer<R, M>,
    answer: F,
    error: PhantomData<fn(E)>,
}

impl<F, E, R, M> AnswerErrorsLayer<F, E, R, M> {
    pub(super) fn new(cors: CorsLayer<R, M>, answer: F) -> Self {
        Self { cors, answer, error: PhantomData }
    }
}

impl<S, F: Clone, E, R, M> Layer<S> for AnswerErrorsLayer<F, E, R, M> {
    type Service = Cors<AnswerErrors<S, F, E>, R, M>;

    fn layer(&self, inner: S) -> Self::Service {
        self.cors.layer(AnswerErrors { inner, answer: self.answer.clone(), failure: None })
    }
}

impl<F: Clone, E, R, M> Clone for AnswerErrorsLayer<F, E, R, M> {
    fn clone(&self) -> Self {
        Self::new(self.cors.clone(), self.answer.clone())
    }
}

impl<F, E, R: fmt::Debug, M> fmt::Debug for AnswerErrorsLayer<F, E, R, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnswerErrorsLayer").field("cors", &self.cors).finish_non_exhaustive()
    }
}

/// A service that answers in the place of the errors of another.
pub struct AnswerErrors<S, F, E> {
    inner: S,
    answer: F,
    /// Why the inner service is not ready. There is nobody to answer before the request is there.
    failure: Option<E>,
}

impl<S, F, E, Req, B> Service<Request<Req>> for AnswerErrors<S, F, E>
where
    S: Service<Request<Req>, Response = Response<B>, Error = E>,
    F: Fn(E) -> Response<B> + Clone,
{
    type Response = Response<B>;
    type Error = Infallible;
    type Future = AnswerErrorsFuture<S::Future, F, E>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        if self.failure.is_none() {
            self.failure = ready!(self.inner.poll_ready(context)).err();
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Req>) -> Self::Future {
        let state = match self.failure.take() {
            Some(error) => State::Failed { error: Some(error) },
            None => State::Inner { future: self.inner.call(request) },
        };
        AnswerErrorsFuture { state, answer: self.answer.clone() }
    }
}

impl<S: Clone, F: Clone, E> Clone for AnswerErrors<S, F, E> {
    /// A clone asks its own inner service whether it is ready.
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), answer: self.answer.clone(), failure: None }
    }
}

impl<S: fmt::Debug, F, E> fmt::Debug for AnswerErrors<S, F, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnswerErrors").field("inner", &self.inner).finish_non_exhaustive()
    }
}

pin_project! {
    /// The future of an [`AnswerErrors`] service.
    pub struct AnswerErrorsFuture<Fut, F, E> {
        #[pin]
        state: State<Fut, E>,
        answer: F,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<Fut, E> {
        Inner {
            #[pin]
            future: Fut,
        },
        Failed {
            error: Option<E>,
        },
    }
}

impl<Fut, F, E, B> Future for AnswerErrorsFuture<Fut, F, E>
where
    Fut: Future<Output = Result<Response<B>, E>>,
    F: Fn(E) -> Response<B>,
{
    type Output = Result<Response<B>, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = match this.state.project() {
            StateProjection::Inner { future } => ready!(future.poll(context)),
            StateProjection::Failed { error } => match error.take() {
                Some(error) => Err(error),
                // Polled again after it was ready, which the contract of futures leaves open.
                None => return Poll::Pending,
            },
        };
        Poll::Ready(Ok(result.unwrap_or_else(this.answer)))
    }
}
