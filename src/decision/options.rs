//! What a decision depends on beside the policy: the settings that the Gateway API does not have.
//! Rules 4.1 to 4.4, 5.5, 5.8.

use http::StatusCode;

use crate::request::CorsRequest;

/// The settings beside the policy. The defaults are the ones of `docs/semantics.md`.
///
/// `CorsLayer` has a method for each; this type is for callers of [`decide`](super::decide).
///
/// # Examples
///
/// ```
/// use http::Request;
/// use tower_cors::{
///     CorsPolicy, Decision,
///     decision::{Options, PreflightStatus, decide},
///     request::CorsRequest,
/// };
///
/// let options = Options::new().preflight_status(PreflightStatus::NoContent).enforce(true);
/// let policy = CorsPolicy::new().allow_origins(["https://app.example"]).compile()?;
/// let request = Request::get("/").header("origin", "https://other.example").body(())?;
/// let decision = decide(&CorsRequest::of(&request), &(&policy).into(), &options);
/// assert!(matches!(decision, Decision::Answer(answer) if answer.status() == 403));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    pub(super) preflight_status: PreflightStatus,
    pub(super) unmatched_preflight: UnmatchedPreflight,
    pub(super) inner_headers: InnerHeaders,
    enforce: bool,
    guard_websocket_upgrades: bool,
    pub(super) allow_private_network: bool,
}

/// The status of an answered preflight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PreflightStatus {
    /// 200, which every client, proxy and conformance test takes for success.
    #[default]
    Ok,
    /// 204, which says that there is no body.
    NoContent,
}

/// What happens to a preflight whose origin is not allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UnmatchedPreflight {
    /// It is answered with the success status and without CORS headers; the browser refuses by itself (4.2).
    #[default]
    Answer,
    /// It is answered with 403 (4.3).
    Forbid,
    /// The inner service answers, with its own CORS headers, as behind Envoy (4.4).
    Forward,
}

/// What happens to the CORS headers that the inner service set itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InnerHeaders {
    /// They are removed: the policy is the authority.
    #[default]
    Remove,
    /// They stay, but for those that the policy sets.
    Keep,
}

impl Options {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the status of an answered preflight. The default is [`PreflightStatus::Ok`].
    pub fn preflight_status(mut self, status: PreflightStatus) -> Self {
        self.preflight_status = status;
        self
    }

    /// Sets what happens to a preflight whose origin is not allowed. The default is [`UnmatchedPreflight::Answer`].
    pub fn unmatched_preflight(mut self, unmatched: UnmatchedPreflight) -> Self {
        self.unmatched_preflight = unmatched;
        self
    }

    /// Sets what happens to the inner service's own CORS headers. The default is [`InnerHeaders::Remove`].
    pub fn inner_headers(mut self, inner: InnerHeaders) -> Self {
        self.inner_headers = inner;
        self
    }

    /// Answers 403 to a cross-origin actual request whose origin is not allowed. Off by default: CORS is not access
    /// control, and this guards only against browsers.
    ///
    /// A page of the server's own origin passes. It is told by `Sec-Fetch-Site`, which browsers send to `https` and
    /// to the local machine only, and old ones never; else by comparing the `Origin` with the host. Behind a proxy that rewrites `Host`
    /// these differ: let the proxy keep it, or put the server's own public origin into the list.
    pub fn enforce(mut self, enforce: bool) -> Self {
        self.enforce = enforce;
        self
    }

    /// Answers 403 to a cross-origin WebSocket upgrade whose origin is not allowed. Off by default. Browsers open
    /// WebSockets to any origin without asking, so this is the only thing between a foreign page and the socket.
    pub fn guard_websocket_upgrades(mut self, guard: bool) -> Self {
        self.guard_websocket_upgrades = guard;
        self
    }

    /// Grants allowed origins access to a private network, where the preflight asks for it. Off by default.
    pub fn allow_private_network(mut self, allow: bool) -> Self {
        self.allow_private_network = allow;
        self
    }
}

impl Options {
    /// The same settings without those that let the inner service's own permissions through, for a request whose policy
    /// could not be found: an unknown policy must not turn into the inner service's.
    pub(crate) fn closed(mut self) -> Self {
        self.unmatched_preflight = match self.unmatched_preflight {
            UnmatchedPreflight::Forward => UnmatchedPreflight::Answer,
            other => other,
        };
        self.inner_headers = InnerHeaders::Remove;
        self
    }

    /// 5.8: whether one of the opt-in guards refuses a request whose origin is not allowed.
    #[inline]
    pub(super) fn refuses(&self, request: &CorsRequest<'_>) -> bool {
        (self.enforce || self.guard_websocket_upgrades && request.is_websocket_upgrade())
            && request.is_from_another_origin()
    }
}

impl PreflightStatus {
    pub(super) fn code(self) -> StatusCode {
        match self {
            Self::Ok => StatusCode::OK,
            Self::NoContent => StatusCode::NO_CONTENT,
        }
    }
}
