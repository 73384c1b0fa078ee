//! Two layers on one request (5.9): the one nearest to the handler decides the headers of an actual response, and the
//! outer one leaves them alone. In: a response. Out: whether a layer decided it, and the mark that tells so.
//!
//! The mark is in the extensions of the response, which no header layer touches. Putting it there allocates twice, so a
//! layer does it only where it runs within another one: while the outer layer calls and polls its inner service, this
//! thread says so. Where a service in between runs the inner layer in a task of its own, the bytes of the header values
//! are the mark: they are recognised unless something rewrites them.

use std::cell::Cell;

use http::{Response, header::ACCESS_CONTROL_ALLOW_ORIGIN};

use crate::decision::Found;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// A layer has decided the headers of the response.
#[derive(Clone, Copy, Debug)]
struct Decided;

/// While this lives, the thread runs within a layer: also where the inner service panics.
pub(super) struct Within(u32);

impl Within {
    #[inline]
    pub(super) fn a_layer() -> Self {
        let depth = DEPTH.get();
        DEPTH.set(depth.wrapping_add(1));
        Self(depth)
    }
}

impl Drop for Within {
    #[inline]
    fn drop(&mut self) {
        DEPTH.set(self.0);
    }
}

/// Whether this thread runs within a layer.
#[inline]
pub(super) fn is_within_a_layer() -> bool {
    DEPTH.get() != 0
}

/// Whether a layer nearer to the handler has decided the headers of the response.
#[inline]
pub(super) fn is_decided<B>(response: &Response<B>, found: Found) -> bool {
    response.extensions().get::<Decided>().is_some() || found.is_of_a_layer(response.headers())
}

/// Marks a response that is decided, for the layers around this one; the outermost removes what a header has of it.
pub(super) fn mark<B>(response: &mut Response<B>, is_within_a_layer: bool) {
    if is_within_a_layer {
        response.extensions_mut().insert(Decided);
    }
    // A response may be taken apart and put together again without its extensions. Its values keep this flag, which
    // stays within the process.
    if let Some(origin) = response.headers_mut().get_mut(ACCESS_CONTROL_ALLOW_ORIGIN) {
        origin.set_sensitive(is_within_a_layer);
    }
}
