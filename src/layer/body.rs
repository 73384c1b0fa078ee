//! Where the body of an answer comes from: a response body that is `Default` needs nothing, others are wrapped. In:
//! nothing, a text, or the inner service's body. Out: the body of the layer's response.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use http::Response;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

/// How a layer makes the bodies of its responses of those of the inner service: by [`DefaultBody`] or by [`WrapBody`].
#[diagnostic::on_unimplemented(
    message = "a CORS layer can't make an empty `{B}` to answer a preflight with",
    label = "`{B}` is not `Default`",
    note = "call `.wrap_body()` on the CORS layer: its responses then have a `CorsBody<{B}>`, which can be empty"
)]
pub trait AnswerBody<B> {
    /// The body of the layer's responses.
    type Body;

    /// The body of an answer: empty.
    fn empty() -> Self::Body;

    /// The body of an answer that says something, for [`CorsLayer::debug`](super::CorsLayer::debug); none where a text
    /// can't be made into a body.
    fn text(text: String) -> Option<Self::Body>;

    /// A response that the inner service gave, with the body that the layer's responses have.
    fn wrap(response: Response<B>) -> Response<Self::Body>;
}

/// Answers with `B::default()`, and leaves the inner service's body as it is. The usual way: axum's, tonic's and most
/// other bodies are `Default`.
#[derive(Clone, Copy, Debug, Default)]
pub struct DefaultBody;

// The compiler would ask for `Default`, and not say that there is another way.
#[diagnostic::do_not_recommend]
impl<B: Default> AnswerBody<B> for DefaultBody {
    type Body = B;

    #[inline]
    fn empty() -> B {
        B::default()
    }

    fn text(_: String) -> Option<B> {
        None
    }

    #[inline]
    fn wrap(response: Response<B>) -> Response<B> {
        response
    }
}

/// Wraps the inner service's body into a [`CorsBody`]; see [`CorsLayer::wrap_body`](super::CorsLayer::wrap_body).
#[derive(Clone, Copy, Debug, Default)]
pub struct WrapBody;

impl<B> AnswerBody<B> for WrapBody {
    type Body = CorsBody<B>;

    fn empty() -> CorsBody<B> {
        CorsBody::default()
    }

    fn text(text: String) -> Option<CorsBody<B>> {
        Some(CorsBody { inner: None, text: Some(text) })
    }

    fn wrap(response: Response<B>) -> Response<CorsBody<B>> {
        response.map(|body| CorsBody { inner: Some(body), text: None })
    }
}

pin_project! {
    /// The body of an inner service; in an answer of the layer nothing, or what the debug mode says.
    #[derive(Clone, Debug)]
    pub struct CorsBody<B> {
        #[pin]
        inner: Option<B>,
        text: Option<String>,
    }
}

impl<B> CorsBody<B> {
    /// The inner service's body; none in an answer of the layer.
    pub fn into_inner(self) -> Option<B> {
        self.inner
    }
}

/// An empty one.
impl<B> Default for CorsBody<B> {
    fn default() -> Self {
        Self { inner: None, text: None }
    }
}

impl<B: Body<Data: From<String>>> Body for CorsBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = self.project();
        match this.inner.as_pin_mut() {
            Some(inner) => inner.poll_frame(context),
            None => Poll::Ready(this.text.take().map(|text| Ok(Frame::data(text.into())))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().map_or(self.text.is_none(), Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let of_text = || SizeHint::with_exact(self.text.as_ref().map_or(0, |text| text.len() as u64));
        self.inner.as_ref().map_or_else(of_text, Body::size_hint)
    }
}
