//! Where the empty body of an answered request comes from. A response body that is `Default` needs nothing; others get
//! a factory or are wrapped. In: nothing, or the inner service's body. Out: the body of the layer's response.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

/// How a layer makes the body of a response: an empty one for an answer, and its own of the inner service's.
///
/// The ways there are: [`DefaultBody`], [`EmptyBody`], [`TextBody`] and [`WrapBody`].
#[diagnostic::on_unimplemented(
    message = "a CORS layer can't make an empty `{B}` to answer a preflight with",
    label = "this response body is not `Default`",
    note = "call `.empty_body(|| ...)` on the layer to say how, or `.wrap_body()` to have the body wrapped"
)]
pub trait AnswerBody<B> {
    /// The body of the layer's responses.
    type Body;

    /// The body of an answer: empty.
    fn empty(&self) -> Self::Body;

    /// The body of an answer that says something, for [`CorsLayer::debug`](super::CorsLayer::debug); none where a text
    /// can't be made into a body.
    fn text(&self, text: String) -> Option<Self::Body> {
        drop(text);
        None
    }

    /// The body of a response that the inner service gave.
    fn wrap(body: B) -> Self::Body;
}

/// Answers with `B::default()`, and leaves the inner service's body as it is. The usual way: axum's, tonic's and most
/// other bodies are `Default`.
#[derive(Clone, Copy, Debug, Default)]
pub struct DefaultBody;

impl<B: Default> AnswerBody<B> for DefaultBody {
    type Body = B;

    #[inline]
    fn empty(&self) -> B {
        B::default()
    }

    #[inline]
    fn wrap(body: B) -> B {
        body
    }
}

/// Answers with what a closure makes, and leaves the inner service's body as it is.
#[derive(Clone, Copy, Debug)]
pub struct EmptyBody<F>(pub(super) F);

impl<B, F: Fn() -> B> AnswerBody<B> for EmptyBody<F> {
    type Body = B;

    fn empty(&self) -> B {
        (self.0)()
    }

    fn wrap(body: B) -> B {
        body
    }
}

/// Answers with what a closure makes of a text, the empty one but for
/// [`CorsLayer::debug`](super::CorsLayer::debug), and leaves the inner service's body as it is.
#[derive(Clone, Copy, Debug)]
pub struct TextBody<F>(pub(super) F);

impl<B, F: Fn(String) -> B> AnswerBody<B> for TextBody<F> {
    type Body = B;

    fn empty(&self) -> B {
        (self.0)(String::new())
    }

    fn text(&self, text: String) -> Option<B> {
        Some((self.0)(text))
    }

    fn wrap(body: B) -> B {
        body
    }
}

/// Wraps the inner service's body into a [`CorsBody`], for bodies that nobody can make, such as hyper's `Incoming`.
#[derive(Clone, Copy, Debug, Default)]
pub struct WrapBody;

impl<B> AnswerBody<B> for WrapBody {
    type Body = CorsBody<B>;

    fn empty(&self) -> CorsBody<B> {
        CorsBody { inner: None }
    }

    fn wrap(body: B) -> CorsBody<B> {
        CorsBody { inner: Some(body) }
    }
}

pin_project! {
    /// The body of an inner service, or an empty one.
    #[derive(Clone, Copy, Debug, Default)]
    pub struct CorsBody<B> {
        #[pin]
        inner: Option<B>,
    }
}

impl<B> CorsBody<B> {
    /// The inner service's body; none in an answer of the layer.
    pub fn into_inner(self) -> Option<B> {
        self.inner
    }
}

impl<B: Body> Body for CorsBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        match self.project().inner.as_pin_mut() {
            Some(inner) => inner.poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}
