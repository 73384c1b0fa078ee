//! What of a resolver's table no request has met. In: what is met. Out: the rest, for a look at a server that has run for a
//! while, and with the feature `tracing` a warning when the resolver is dropped.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Whether a request met an entry of a table; shared by the clones of a resolver.
#[derive(Debug)]
pub(crate) struct Usage {
    /// The prefix or the pattern, as it was given.
    entry: Box<str>,
    is_matched: Flag,
    #[cfg_attr(not(feature = "tracing"), allow(dead_code, reason = "only the trace asks for it"))]
    is_resolver_used: Flag,
}

impl Usage {
    /// An entry of a resolver that sets `is_resolver_used` at a request.
    pub(crate) fn new(entry: &str, is_resolver_used: &Flag) -> Self {
        Self { entry: entry.into(), is_matched: Flag::default(), is_resolver_used: is_resolver_used.clone() }
    }

    #[inline]
    pub(crate) fn set_matched(&self) {
        self.is_matched.set();
    }
}

#[cfg(feature = "tracing")]
impl Drop for Usage {
    fn drop(&mut self) {
        if self.is_resolver_used.is_set() && !self.is_matched.is_set() {
            let entry = crate::escape::Escaped(&self.entry).to_string();
            tracing::event!(
                target: "tower_cors",
                tracing::Level::WARN,
                cors.path = entry,
                "no request had the path of the policy; it may be mistyped, or a router around the layer takes a part of the path away"
            );
        }
    }
}

/// The entries that no request had so far, in alphabetical order.
pub(crate) fn unmatched<'a>(usages: impl Iterator<Item = &'a Usage>) -> Vec<&'a str> {
    let mut entries: Vec<_> = usages.filter(|usage| !usage.is_matched.is_set()).map(|usage| &*usage.entry).collect();
    entries.sort_unstable();
    entries
}

/// Set once, so that requests on many threads do not write to one place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flag(Arc<AtomicBool>);

impl Flag {
    #[inline]
    pub(crate) fn set(&self) {
        if !self.is_set() {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    #[inline]
    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
