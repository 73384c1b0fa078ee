//! What was served and what was seen: an exchange is one scenario under an address of its own, and the requests that
//! came to it. The store keeps the latest ones, so that it never grows.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use serde::Serialize;
use tower_cors::{CompiledPolicy, layer::Event, manifest::LoadedRoutes};

use super::scenario::Backend;

/// The most exchanges that are kept.
const MAX_EXCHANGES: usize = 64;
/// The most requests that are kept of one exchange.
const MAX_SEEN: usize = 16;
/// The most bytes of headers that are kept of one request; a browser's own are a few hundred.
const MAX_HEAD: usize = 16 << 10;

/// The exchanges, by their numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Store(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    exchanges: VecDeque<(u64, Arc<Exchange>)>,
}

/// Whose policy is served.
#[derive(Clone, Debug)]
pub(crate) enum Serves {
    /// One for every request.
    Policy(Option<CompiledPolicy>),
    /// That of a manifest: every request is taken for one for this URL, by a page of this origin.
    Routes(Arc<LoadedRoutes>, Uri, HeaderValue),
}

/// A scenario that is served.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) serves: Serves,
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Bytes,
    /// Whether the answer is made outside of the layer.
    pub(crate) outside: bool,
    seen: Mutex<Vec<Seen>>,
}

/// A request that came, its answer, and what the layer decided.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) request: HeaderMap,
    pub(crate) said: Option<Said>,
    /// Whether the service within the layer was called.
    pub(crate) reached_backend: bool,
    pub(crate) status: StatusCode,
    pub(crate) response: HeaderMap,
}

/// What the layer said about a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Said {
    pub(crate) outcome: &'static str,
    pub(crate) reason: &'static str,
    pub(crate) sentence: String,
}

impl Store {
    /// Keeps an exchange, in the place of the oldest one where there are too many. Returns its number, which nobody can
    /// guess, so that no other page reaches the exchange; none where the system has no random numbers.
    pub(crate) fn insert(&self, exchange: Exchange) -> Option<u64> {
        let mut kept = unpoisoned(&self.0);
        // As many bits as a number of JavaScript holds.
        let number = getrandom::u64().ok()? >> 11;
        kept.exchanges.push_back((number, Arc::new(exchange)));
        if kept.exchanges.len() > MAX_EXCHANGES {
            kept.exchanges.pop_front();
        }
        Some(number)
    }

    pub(crate) fn find(&self, number: u64) -> Option<Arc<Exchange>> {
        let kept = unpoisoned(&self.0);
        kept.exchanges.iter().find(|(known, _)| *known == number).map(|(_, exchange)| Arc::clone(exchange))
    }
}

impl Exchange {
    pub(crate) fn new(
        serves: Serves,
        (status, headers): (StatusCode, Vec<(HeaderName, HeaderValue)>),
        Backend { body, outside, .. }: Backend,
    ) -> Self {
        Self { serves, status, headers, body: body.into(), outside, seen: Mutex::default() }
    }

    pub(crate) fn record(&self, seen: Seen) {
        let head: usize = seen.request.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        let mut list = unpoisoned(&self.seen);
        if list.len() < MAX_SEEN && head <= MAX_HEAD {
            list.push(seen);
        }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        unpoisoned(&self.seen).clone()
    }
}

impl Said {
    pub(crate) fn of(event: &Event<'_>) -> Self {
        Self {
            outcome: event.outcome().code(),
            reason: event.reason().code(),
            sentence: event.review().map(ToString::to_string).unwrap_or_else(|| event.reason().to_string()),
        }
    }
}

/// Nothing is left half done under these locks, so a panic elsewhere is no reason to stop serving.
fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
