//! What a layer warns its author of: the lints of its policy, and another layer within. In: what was found. Out: with the
//! feature `tracing` a warning, in debug builds without it a line on standard error, else nothing.

use std::sync::atomic::{AtomicBool, Ordering};

use super::trace;
use crate::compile::CompiledPolicy;

/// Whether this build prints warnings: a debug build, where no log takes them.
pub(super) const IS_PRINTED: bool = cfg!(debug_assertions) && !trace::IS_COMPILED;

/// Lints that are to be reported, once for all clones of a layer.
#[derive(Debug)]
pub(super) struct Lints {
    policy: CompiledPolicy,
    are_reported: AtomicBool,
}

impl Lints {
    /// None where there is nothing to report, or nowhere to report it.
    pub(super) fn of(policy: &CompiledPolicy) -> Option<Self> {
        let is_reported = (IS_PRINTED || trace::IS_COMPILED) && !policy.lints().is_empty();
        is_reported.then(|| Self { policy: policy.clone(), are_reported: AtomicBool::new(false) })
    }

    pub(super) fn report(&self) {
        if !self.are_reported.swap(true, Ordering::Relaxed) {
            for lint in self.policy.lints() {
                match trace::IS_COMPILED {
                    true => trace::lint(lint),
                    false => print(&format_args!("{}: {lint} ({})", lint.severity(), lint.code())),
                }
            }
        }
    }
}

/// 5.9: the doubling is reported; where there is a log, by the event of the preflight.
#[cold]
pub(super) fn inner_layer() {
    print(
        &"two CORS layers stand on one route: the outer one answers preflights, the inner one decides responses; remove one",
    );
}

fn print(message: &dyn std::fmt::Display) {
    if IS_PRINTED {
        eprintln!("tower-cors: {message} [`CorsLayer::warnings(false)` ends these lines]");
    }
}
