//! One collection of an API server, listed and watched for ever. In: a collection. Out: what happens to it, failures among
//! it, between which the pauses grow. Rule 10.4.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use futures::{
    Stream, StreamExt,
    future::{Either, select},
    stream,
};
use kube::{
    api::{Api, DynamicObject, ListParams},
    core::Status,
    runtime::watcher::{self, Event},
};

use super::{error::ClusterError, kinds::Collection};

/// What happens to a collection.
pub(crate) enum Happening {
    Object(Box<Event<DynamicObject>>),
    /// The collection can be read after a failure, and nothing in it has changed.
    Readable,
    /// The server does not know the kind, so it has no objects (10.1).
    Unknown,
    /// The collection can't be read, for now.
    Failed(String),
    /// It never can.
    Never(ClusterError),
}

/// The longest a watch lasts, in seconds, after which it is asked for anew. A connection that died without a word is
/// noticed five seconds later.
const WATCH_SECONDS: u32 = 55;

/// The longest pause after a failure of the server, which may have too much to do (10.4).
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// The longest pause where the server was not reached, does not know the kind, or does not grant it: whoever repairs that
/// waits for it, and the question costs little.
const LONGEST_SHORT_PAUSE: Duration = Duration::from_secs(1);
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Lists and watches a collection.
pub(crate) fn watch(
    collection: Collection,
    api: Api<DynamicObject>,
) -> impl Stream<Item = (Collection, Happening)> + Send {
    let begin = {
        let api = api.clone();
        // Pages, as kubectl has them: one answer with everything would be in memory as a whole, here and on the server.
        let config = watcher::Config::default().timeout(WATCH_SECONDS).page_size(500);
        move || Box::pin(kube::runtime::watcher(api.clone(), config.clone()))
    };
    stream::unfold((begin(), Pause::default()), move |(mut events, mut pause)| {
        let (api, begin) = (api.clone(), begin.clone());
        async move {
            loop {
                tokio::time::sleep(pause.next).await;
                let event = match pause.failures {
                    0 => events.next().await,
                    // A watch that has begun again says nothing until something changes.
                    _ => match select(events.next(), Box::pin(until_readable(&api))).await {
                        Either::Left((event, _)) => event,
                        Either::Right(_) => {
                            return Some(((collection, Happening::Readable), (events, Pause::default())));
                        }
                    },
                };
                let happening = match event? {
                    // A list is about to be asked for, and nothing says yet that it will be answered.
                    Ok(Event::Init) => {
                        pause.next = Duration::ZERO;
                        Some(Happening::Object(Box::new(Event::Init)))
                    }
                    Ok(event) => {
                        pause = Pause::default();
                        Some(Happening::Object(Box::new(event)))
                    }
                    Err(error) => {
                        pause = pause.after(&error);
                        // The place is too old, or means something else in the store of whoever answers next.
                        if is_gone(&error) || is_unreached(&error) {
                            events = begin();
                        }
                        happening_of(&error)
                    }
                };
                if let Some(happening) = happening {
                    return Some(((collection, happening), (events, pause)));
                }
            }
        }
    })
}

/// Waits until a list of the collection is answered; for a while first, in which a watch that fails does so.
async fn until_readable(api: &Api<DynamicObject>) {
    loop {
        tokio::time::sleep(2 * LONGEST_SHORT_PAUSE).await;
        if api.list_metadata(&ListParams::default().limit(1)).await.is_ok() {
            return;
        }
    }
}

/// What an error means to those who wait for the collection; none where the next try tells.
fn happening_of(error: &watcher::Error) -> Option<Happening> {
    match (error, status_of(error)) {
        // The stream broke, as it does now and then, or its place in the history is too old.
        (watcher::Error::WatchFailed(_) | watcher::Error::WatchError(_), _) => None,
        _ if is_gone(error) => None,
        (_, Some(status)) if status.code == 404 => Some(Happening::Unknown),
        (_, Some(status)) => Some(Happening::Failed(status.message.clone())),
        _ => match cause_of(error) {
            Some(kube::Error::BuildRequest(_) | kube::Error::HttpError(_)) => {
                Some(Happening::Never(ClusterError(message_of(error).into())))
            }
            _ => Some(Happening::Failed(message_of(error))),
        },
    }
}

/// Whether a place in the history is too old: in the stream of a watch, or as the status of an answer.
fn is_gone(error: &watcher::Error) -> bool {
    status_of(error).is_some_and(|status| status.code == 410)
}

/// Whether a request got no answer.
fn is_unreached(error: &watcher::Error) -> bool {
    let is_answer = matches!(error, watcher::Error::WatchFailed(_)) || status_of(error).is_some();
    !is_answer && cause_of(error).is_some()
}

/// What the server says, where it says something.
fn status_of(error: &watcher::Error) -> Option<&Status> {
    match (error, cause_of(error)) {
        (watcher::Error::WatchError(status), _) | (_, Some(kube::Error::Api(status))) => Some(status),
        _ => None,
    }
}

fn cause_of(error: &watcher::Error) -> Option<&kube::Error> {
    match error {
        watcher::Error::InitialListFailed(cause)
        | watcher::Error::WatchStartFailed(cause)
        | watcher::Error::WatchFailed(cause) => Some(cause),
        watcher::Error::WatchError(_) | watcher::Error::NoResourceVersion => None,
    }
}

/// An error with its causes, without what is said twice.
fn message_of(error: &dyn std::error::Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let text = next.to_string();
        if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
        cause = next.source();
    }
    message
}

/// The pause before the next try.
#[derive(Clone, Copy, Debug, Default)]
struct Pause {
    next: Duration,
    /// How many tries have failed one after the other.
    failures: u32,
}

impl Pause {
    /// The pause after one more failure: twice as long each time, and not the same for replicas.
    fn after(self, error: &watcher::Error) -> Self {
        let status = status_of(error);
        let is_busy = status.is_some_and(|status| status.code == 429 || status.code >= 500);
        let longest = if is_busy { LONGEST_PAUSE } else { LONGEST_SHORT_PAUSE };
        let asked_for = status.and_then(|status| status.details.as_ref()).map_or(0, |of| of.retry_after_seconds);
        let growing = FIRST_PAUSE.saturating_mul(1 << self.failures.min(16)).min(longest);
        // A hasher with new keys is the random number that the standard library has: three quarters of the pause to all
        // of it.
        let random = u32::try_from(RandomState::new().hash_one(self.failures) % 1024).unwrap_or_default();
        let growing = growing * (3 * 1024 + random) / (4 * 1024);
        // Never before the server has said.
        let asked_for = Duration::from_secs(asked_for.into()).min(LONGEST_PAUSE);
        Self { next: growing.max(asked_for), failures: self.failures.saturating_add(1) }
    }
}
