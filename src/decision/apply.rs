//! From a decision to headers: sections 5 and 6 of `docs/semantics.md`. In: a plan and the headers of a response. Out:
//! the headers that the browser gets. As pure as deciding: nothing here asks the policy or the request again.

use std::mem;

use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
        ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, Entry, VARY,
    },
};

use super::{
    Reason,
    constants::{self, Vary},
};
use crate::headers;

/// An answer that needs no inner service: a preflight's, or a guard's 403. Its body is empty.
#[derive(Clone, Debug)]
pub struct Answer {
    pub(super) status: StatusCode,
    pub(super) allowed: Option<Allowed>,
    pub(super) vary: Option<Vary>,
    pub(super) reason: Reason,
}

/// What an allowed preflight is told.
#[derive(Clone, Debug)]
pub(super) struct Allowed {
    pub(super) origin: HeaderValue,
    pub(super) credentials: bool,
    pub(super) methods: Option<HeaderValue>,
    pub(super) headers: Option<HeaderValue>,
    pub(super) expose: Option<HeaderValue>,
    pub(super) max_age: HeaderValue,
    pub(super) private_network: bool,
}

impl Answer {
    pub(super) fn denied(status: StatusCode, vary: Option<Vary>, reason: Reason) -> Self {
        Self { status, allowed: None, vary, reason }
    }

    /// The status: 200 or 204, or 403 for a denied preflight and a guard where the options say so.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Whether the answer permits anything.
    pub fn is_allowed(&self) -> bool {
        self.allowed.is_some()
    }

    /// Writes the headers of the answer. Whatever `headers` held of these names is replaced.
    // Where the layer is built, an answer without a permission takes 115 instructions less than by a call (S7 of `benches`).
    #[inline]
    pub fn write_to(self, headers: &mut HeaderMap) {
        // 6.3: without room for `Vary` there is no permission.
        if self.vary.is_some_and(|vary| headers.try_insert(&VARY, vary.value()).is_err()) {
            return;
        }
        let Some(allowed) = self.allowed else { return };
        set(headers, ACCESS_CONTROL_ALLOW_ORIGIN, allowed.origin);
        // 4.6
        if allowed.credentials {
            set(headers, ACCESS_CONTROL_ALLOW_CREDENTIALS, constants::yes());
        }
        if let Some(methods) = allowed.methods {
            set(headers, ACCESS_CONTROL_ALLOW_METHODS, methods);
        }
        if let Some(names) = allowed.headers {
            set(headers, ACCESS_CONTROL_ALLOW_HEADERS, names);
        }
        if let Some(names) = allowed.expose {
            set(headers, ACCESS_CONTROL_EXPOSE_HEADERS, names);
        }
        // 4.11
        set(headers, ACCESS_CONTROL_MAX_AGE, allowed.max_age);
        if allowed.private_network {
            set(headers, headers::ALLOW_PRIVATE_NETWORK.clone(), constants::yes());
        }
    }
}

/// What happens to the headers of a response that the inner service gives.
#[derive(Clone, Debug)]
pub struct ResponsePlan {
    /// The value of `Access-Control-Allow-Origin`.
    pub(super) origin: Option<HeaderValue>,
    pub(super) credentials: bool,
    pub(super) expose: ExposePlan,
    pub(super) vary_on_origin: bool,
    pub(super) inner: Inner,
    pub(super) reason: Reason,
}

/// What becomes of the CORS headers that the inner service set itself (5.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inner {
    Removed,
    /// They stay where the plan sets none, but `*` and credentials never meet.
    Kept,
    /// They are the answer (4.4), or nobody's business (5.7).
    Untouched,
}

/// What becomes of `Access-Control-Expose-Headers`.
#[derive(Clone, Debug)]
pub(super) enum ExposePlan {
    Absent,
    Value(HeaderValue),
    /// The names of the headers that the response turns out to have.
    EveryName,
}

impl ResponsePlan {
    pub(super) fn denied(reason: Reason) -> Self {
        Self {
            origin: None,
            credentials: false,
            expose: ExposePlan::Absent,
            vary_on_origin: true,
            inner: Inner::Removed,
            reason,
        }
    }

    /// 6.1: no policy applies, but for another origin one might.
    pub(super) fn vary_only() -> Self {
        Self { inner: Inner::Untouched, ..Self::denied(Reason::NoPolicy) }
    }

    /// Whether the plan permits anything.
    pub fn is_allowed(&self) -> bool {
        self.origin.is_some()
    }

    /// Whether a policy decided, so that a layer around this one has nothing to decide any more (5.9).
    pub(crate) fn is_of_a_policy(&self) -> bool {
        self.reason != Reason::NoPolicy
    }

    /// Applies the plan to the headers of a response with this status, whatever the status is (5.6).
    pub fn apply(mut self, status: StatusCode, headers: &mut HeaderMap) {
        let found = Found::in_headers(headers);
        self.apply_over(found, status, headers);
    }

    /// [`apply`](Self::apply), for a caller that has looked at the headers already. It takes the values out of the plan:
    /// to move a whole one costs a request 30 instructions more.
    ///
    /// In place, and with what is rare in functions of its own, it takes 30 less again where a program is linked as one.
    #[inline(always)]
    pub(crate) fn apply_over(&mut self, found: Found, status: StatusCode, headers: &mut HeaderMap) {
        if found.cors {
            self.clear(headers);
        }
        // 6.3: `Vary` comes before any permission, and without room for it there is none.
        if self.vary_on_origin && !vary_on_origin(headers, found.vary) {
            return;
        }
        if let Some(origin) = self.origin.take() {
            set(headers, ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        }
        if self.credentials {
            set(headers, ACCESS_CONTROL_ALLOW_CREDENTIALS, constants::yes());
        }
        if found.cors && self.inner == Inner::Kept && allows_any_origin(headers) {
            headers.remove(ACCESS_CONTROL_ALLOW_CREDENTIALS);
        }
        if !matches!(self.expose, ExposePlan::Absent) {
            self.expose(status, headers);
        }
    }

    /// 5.5: the policy is the authority, so what the inner service set itself goes first.
    #[cold]
    fn clear(&self, headers: &mut HeaderMap) {
        if self.inner == Inner::Removed {
            for name in headers::cors_response_headers() {
                headers.remove(name);
            }
        }
    }

    #[inline(never)]
    fn expose(&mut self, status: StatusCode, headers: &mut HeaderMap) {
        match mem::replace(&mut self.expose, ExposePlan::Absent) {
            ExposePlan::Absent => {}
            ExposePlan::Value(names) => set(headers, ACCESS_CONTROL_EXPOSE_HEADERS, names),
            // A browser would put this list in the place of the one it stored with the response that it revalidates.
            ExposePlan::EveryName if status == StatusCode::NOT_MODIFIED => {}
            ExposePlan::EveryName => {
                if let Some(names) = every_name(headers) {
                    set(headers, ACCESS_CONTROL_EXPOSE_HEADERS, names);
                }
            }
        }
    }
}

fn allows_any_origin(headers: &HeaderMap) -> bool {
    headers.get_all(ACCESS_CONTROL_ALLOW_ORIGIN).iter().any(|origin| origin == "*")
}

/// What one walk over the names of a response finds; seven look-ups for what is hardly ever there would cost ten times
/// as much.
#[derive(Clone, Copy, Default)]
pub(crate) struct Found {
    cors: bool,
    vary: bool,
}

impl Found {
    #[inline]
    pub(crate) fn in_headers(headers: &HeaderMap) -> Self {
        let mut found = Self::default();
        for name in headers.keys() {
            if *name == VARY {
                found.vary = true;
            } else if headers::is_cors_response_header(name) {
                found.cors = true;
            }
        }
        found
    }

    /// Whether the headers are those of a layer of this crate, told by the very bytes of the values that it sets (5.9).
    #[inline]
    pub(crate) fn is_of_a_layer(self, headers: &HeaderMap) -> bool {
        (self.cors || self.vary) && are_of_a_layer(headers)
    }
}

#[inline(never)]
fn are_of_a_layer(headers: &HeaderMap) -> bool {
    let is_of_a_layer = |value: &HeaderValue| constants::is_any_origin(value) || value.is_sensitive();
    headers.get_all(VARY).iter().any(constants::is_vary_on_origin)
        || headers.get(ACCESS_CONTROL_ALLOW_ORIGIN).is_some_and(is_of_a_layer)
        || headers.get(ACCESS_CONTROL_ALLOW_CREDENTIALS).is_some_and(constants::is_yes)
}

/// 6.1, 6.3: adds `Origin` to `Vary`, unless it is there. False where the map has no room for it.
#[inline]
fn vary_on_origin(headers: &mut HeaderMap, has_vary: bool) -> bool {
    // By a reference to the name the map takes 35 instructions less where a program is linked as one, since other headers are
    // inserted by value; what joins is apart, so that this stays small (88 less).
    if has_vary { join_vary_on_origin(headers) } else { headers.try_insert(&VARY, Vary::Origin.value()).is_ok() }
}

/// The same where there is a `Vary`, which most handlers don't set.
#[cold]
fn join_vary_on_origin(headers: &mut HeaderMap) -> bool {
    if headers::varies_on(headers, "origin") {
        return true;
    }
    // Caches exist that read one line only (nginx before 1.23), so it joins the last one.
    let Entry::Occupied(mut lines) = headers.entry(VARY) else { return false };
    let Some(last) = lines.iter_mut().next_back() else { return false };
    let joined = match last.as_bytes().trim_ascii() {
        b"" => Ok(Vary::Origin.value()),
        members => HeaderValue::from_bytes(&[members, b", Origin"].concat()),
    };
    joined.map(|joined| *last = joined).is_ok()
}

/// 5.4: the names that this response has, but for those that scripts see anyway, never see, or that are CORS's own.
fn every_name(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut names = String::new();
    for name in headers.keys() {
        let is_hidden = headers::is_cors_response_header(name)
            || headers::is_safelisted_response_header(name.as_str())
            || headers::is_forbidden_response_header(name.as_str());
        if !is_hidden {
            if !names.is_empty() {
                names.push_str(", ");
            }
            names.push_str(name.as_str());
        }
    }
    if names.is_empty() { None } else { HeaderValue::try_from(names).ok() }
}

/// Sets a header. A map with 32,768 entries takes no more; then the response stays without, which only denies.
///
/// Inlined where it is called, it would cost a request 20 to 60 instructions more.
#[inline(never)]
fn set(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    let _ = headers.try_insert(name, value);
}
