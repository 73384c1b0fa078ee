//! The threads that serve connections, each with a runtime of its own. A connection stays on one of them, with those to the
//! upstream that its requests use, so that nothing on the way of a request wakes another thread. In: how a service is made.
//! Out: a thread and its service, by turns.

use std::{
    future::pending,
    io,
    num::NonZero,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use tokio::runtime::{Builder, Handle};

/// Threads, as many as run at the same time.
pub(crate) struct Workers<S> {
    workers: Vec<Worker<S>>,
    next: AtomicUsize,
}

/// One thread, and what serves its requests.
pub(crate) struct Worker<S> {
    pub(crate) runtime: Handle,
    pub(crate) service: S,
}

impl<S> Workers<S> {
    /// Starts them. They end with the process.
    pub(crate) fn start(service: impl Fn() -> S) -> io::Result<Self> {
        let count = thread::available_parallelism().map_or(1, NonZero::get);
        let start = |_| {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let handle = runtime.handle().clone();
            thread::Builder::new().name("worker".to_owned()).spawn(move || runtime.block_on(pending::<()>()))?;
            Ok(Worker { runtime: handle, service: service() })
        };
        Ok(Self { workers: (0..count).map(start).collect::<io::Result<_>>()?, next: AtomicUsize::new(0) })
    }

    /// Whose turn it is.
    pub(crate) fn next(&self) -> &Worker<S> {
        &self.workers[self.next.fetch_add(1, Ordering::Relaxed) % self.workers.len()]
    }
}
