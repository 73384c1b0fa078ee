//! The header values that a policy computes for its responses, in a copy for each thread that serves them.
//! In: a policy. Out: values whose clones neither allocate nor disturb another thread. Rules 2.10, 4.7 to 4.11, 5.4.

use std::{
    cell::Cell,
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use http::HeaderValue;

use crate::policy::{CorsPolicy, DEFAULT_MAX_AGE_TEXT, list::is_any};

/// What the responses under a policy are made of.
pub(crate) struct Values {
    pub(crate) methods: List,
    pub(crate) headers: List,
    pub(crate) expose: Expose,
    pub(crate) max_age: HeaderValue,
}

/// `allowMethods` or `allowHeaders`, ready for a response.
pub(crate) enum List {
    /// Unset or empty: the header is absent.
    Absent,
    /// `*`: what was asked for is echoed.
    Any,
    /// The list as configured.
    Listed(HeaderValue),
}

/// `exposeHeaders`, ready for a response.
pub(crate) enum Expose {
    /// Unset or empty: the header is absent.
    Absent,
    /// The list as configured; or `*`, which means everything where the policy is not credentialed.
    Value(HeaderValue),
    /// `*` of a credentialed policy: the names that the response has, since browsers take a `*` literally then (5.4).
    EveryName,
}

impl Values {
    fn new(policy: &CorsPolicy) -> Self {
        let list = |entries: &Option<Vec<String>>| match entries.as_deref() {
            None | Some([]) => List::Absent,
            Some(entries) if is_any(entries) => List::Any,
            Some(entries) => List::Listed(shared_value(joined(entries))),
        };
        Self {
            methods: list(&policy.allow_methods),
            headers: list(&policy.allow_headers),
            expose: match list(&policy.expose_headers) {
                List::Absent => Expose::Absent,
                List::Any if policy.allow_credentials == Some(true) => Expose::EveryName,
                List::Any => Expose::Value(HeaderValue::from_static("*")),
                List::Listed(value) => Expose::Value(value),
            },
            max_age: match policy.max_age {
                // 2.10
                None => HeaderValue::from_static(DEFAULT_MAX_AGE_TEXT),
                Some(age) => shared_value(seconds(age)),
            },
        }
    }
}

/// The entries with `", "` between them. `join` is 2 KB of code (`benches/size.rs`).
fn joined(entries: &[String]) -> String {
    let mut text = String::new();
    for entry in entries {
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(entry);
    }
    text
}

/// A number of seconds in digits, compiled once for all who write it.
#[inline(never)]
pub(super) fn seconds(age: u64) -> String {
    age.to_string()
}

/// A value whose clones share its bytes without allocating, from the first one on.
#[inline(never)]
fn shared_value(text: String) -> HeaderValue {
    // Checked lists are tokens, and a number is digits, so the value is always valid.
    HeaderValue::from_maybe_shared(Bytes::from_owner(CacheLine(text))).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Keeps the count of a value's clones on a cache line of its own (two, since processors fetch them in pairs).
#[repr(align(128))]
struct CacheLine(String);

impl AsRef<[u8]> for CacheLine {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// [`Values`] in up to eight copies, of which each thread uses one.
///
/// Every clone of a value counts itself where the value lies. Two threads that count in one place make a request take
/// 1.6 times as long; in two places, as long as on one thread. Copies are made when a thread first needs one, so a
/// policy that is hardly used keeps one or two.
pub(super) struct ValuesByThread {
    /// A slice, since an array would be dropped by as many copies of the code; made when the first thread asks, since
    /// most policies of a cluster serve none of a replica's requests.
    copies: OnceLock<Box<[OnceLock<Box<Values>>]>>,
}

const COPIES: usize = 8;

impl ValuesByThread {
    pub(super) fn new() -> Self {
        Self { copies: OnceLock::new() }
    }

    /// This thread's copy of the values of `policy`, which is the same at every call.
    #[inline]
    pub(super) fn get(&self, policy: &CorsPolicy) -> &Values {
        let copies = self.copies.get_or_init(|| (0..COPIES).map(|_| OnceLock::new()).collect());
        copies[thread_number() % COPIES].get_or_init(|| Box::new(Values::new(policy)))
    }
}

/// A number for each thread, from 0.
#[inline]
fn thread_number() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(1);
    thread_local! {
        // 0 until asked: a constant needs no check for being there at each access.
        static NUMBER: Cell<usize> = const { Cell::new(0) };
    }
    // A thread that is ending has no number any more, and shares the first copy.
    NUMBER
        .try_with(|number| {
            if number.get() == 0 {
                number.set(THREADS.fetch_add(1, Ordering::Relaxed));
            }
            number.get()
        })
        .unwrap_or_default()
}
