//! Two layers on one request (5.9): the one nearest to the handler decides the headers of an actual response, and the
//! outer one leaves them alone. In: a response. Out: whether a layer decided it, and the mark that tells so.
//!
//! The mark is in the extensions of the response, which no header layer touches. Putting it there allocates twice, so a
//! layer does it only where it runs within another one: while the outer layer polls the future of its inner service,
//! this thread says so. Where a service in between runs the inner layer in a task of its own, the bytes of the header values
//! are the mark: they are recognised unless something rewrites them.
//!
//! A preflight never reaches the inner layer. That there is one shows when the outer service is cloned, as routers do for
//! each request: then the inner one is cloned as well.

use std::{
    cell::Cell,
    sync::atomic::{AtomicU8, Ordering},
};

use http::{Response, header::ACCESS_CONTROL_ALLOW_ORIGIN};

use crate::decision::Found;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// Whether the service of a layer was cloned since somebody last asked.
    static IS_LAYER_CLONED: Cell<bool> = const { Cell::new(false) };
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

/// What cloning a service has told about the one within: whether a layer stands there.
#[derive(Debug, Default)]
pub(super) struct InnerLayer(AtomicU8);

const IS_UNKNOWN: u8 = 0;
const IS_ABSENT: u8 = 1;
const IS_THERE: u8 = 2;
const IS_REPORTED: u8 = 3;

impl InnerLayer {
    /// Whether a layer is known to stand within.
    pub(super) fn is_there(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= IS_THERE
    }

    /// Whether a layer is known to stand within, for the first who asks.
    pub(super) fn is_there_unreported(&self) -> bool {
        self.0.compare_exchange(IS_THERE, IS_REPORTED, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Clones the service within. The first clone shows whether a layer is there.
    #[inline]
    pub(super) fn look_for<T>(&self, clone: impl FnOnce() -> T) -> T {
        let is_first = self.0.load(Ordering::Relaxed) == IS_UNKNOWN;
        if is_first {
            IS_LAYER_CLONED.set(false);
        }
        let inner = clone();
        if is_first {
            self.0.store(if IS_LAYER_CLONED.get() { IS_THERE } else { IS_ABSENT }, Ordering::Relaxed);
        }
        IS_LAYER_CLONED.set(true);
        inner
    }
}
