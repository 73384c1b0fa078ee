//! What a layer gives to each service that it makes: the resolver, the options, the observers. In: settings. Out: what a
//! request is decided by. Without observers a request pays for one look at one pointer.

use std::sync::Arc;

use http::Request;

use super::{
    nested::InnerLayer,
    observe::{Observed, Observer, Report},
    trace, warning,
};
use crate::{
    decision::{Decision, Options, Resolution},
    request::{CorsRequest, is_preflight},
};

/// Shared by all clones of a service, behind one `Arc`: cloning a service is one atomic increment.
#[derive(Debug)]
pub(super) struct Shared<R> {
    pub(super) resolver: Arc<R>,
    pub(super) options: Options,
    pub(super) observer: Option<Arc<dyn Observer>>,
    /// Whether the layer warns of what its author probably did not mean; see `warning`.
    pub(super) warns: bool,
    /// A layer that does nothing is no second layer.
    pub(super) is_disabled: bool,
    inner_layer: InnerLayer,
}

impl<R> Shared<R> {
    pub(super) fn new(resolver: R) -> Self {
        Self {
            resolver: Arc::new(resolver),
            options: Options::new(),
            observer: trace::observer(),
            warns: true,
            is_disabled: false,
            inner_layer: InnerLayer::default(),
        }
    }

    /// The same settings with another resolver, for another service.
    pub(super) fn with_resolver<T>(&self, resolver: Arc<T>) -> Shared<T> {
        let Self { options, warns, is_disabled, .. } = *self;
        let (observer, inner_layer) = (self.observer.clone(), InnerLayer::default());
        Shared { resolver, options, observer, warns, is_disabled, inner_layer }
    }

    /// Clones the service within, and looks there for another layer the first time (5.9).
    #[inline]
    pub(super) fn clone_inner<S: Clone>(&self, inner: &S) -> S {
        if self.is_disabled { inner.clone() } else { self.inner_layer.look_for(|| inner.clone()) }
    }

    /// Warns once of another layer within, where this one answers a preflight for both (5.9).
    #[inline]
    pub(super) fn warn_of_inner_layer<B>(&self, request: &Request<B>) {
        if warning::IS_PRINTED && self.warns && is_preflight(request) && self.inner_layer.is_there_unreported() {
            warning::inner_layer();
        }
    }

    /// Whether a decision is observed.
    #[inline]
    pub(super) fn is_observed(&self) -> bool {
        self.observer.as_ref().is_some_and(|observer| observer.is_listening())
    }

    /// Reports a decision to the observers, and gives what is left to report once the response is there.
    #[inline]
    pub(super) fn observe(
        &self,
        head: &CorsRequest<'_>,
        resolution: &Resolution<'_>,
        decision: &Decision,
    ) -> Option<Box<Report>> {
        let observer = self.observer.as_ref().filter(|observer| observer.is_concerned(head, resolution, decision))?;
        let is_preflight_answer = head.is_preflight() && matches!(decision, Decision::Answer(_));
        let has_inner_layer = is_preflight_answer && self.inner_layer.is_there();
        let observed = Observed { head, options: &self.options, resolution, decision, has_inner_layer };
        Some(Arc::clone(observer).observe(&observed))
    }
}

impl<R> Clone for Shared<R> {
    fn clone(&self) -> Self {
        self.with_resolver(Arc::clone(&self.resolver))
    }
}
