//! Waiting for a condition: the only place where time passes.

use std::{
    thread,
    time::{Duration, Instant},
};

/// How long anything may take that is not measured; whoever shares this machine may slow it down.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Asks again until there is an answer. Panics with `what` where none comes.
#[track_caller]
pub(crate) fn wait_until<T>(what: &str, ask: impl FnMut() -> Option<T>) -> T {
    wait_at_most(PATIENCE, what, ask)
}

/// The same with a limit of one's own.
#[track_caller]
pub(crate) fn wait_at_most<T>(limit: Duration, what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < limit, "not within {limit:?}: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}
