//! What became of a request: one word a case, for metrics. In: a decision and the request it was taken for.

use std::fmt;

use super::Decision;
use crate::request::{CorsRequest, RequestOrigin};

/// What became of a request. [`Reason`](super::Reason) says why.
///
/// Its `Display` is its [`code`](Self::code), a stable label for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// No policy applies: the request and its response pass untouched (5.7).
    PassedThrough,
    /// Not a CORS request: it has no `Origin`, and the inner service answers it.
    NotCors,
    /// A preflight got the headers of the policy. A browser can still find that the method or a header is not among
    /// them, which [`Reason::is_blocking`](super::Reason::is_blocking) of a [`Review`](super::Review) tells.
    PreflightAllowed,
    /// A preflight was answered without CORS headers (4.2, 4.3).
    PreflightDenied,
    /// A preflight whose origin is not allowed went on to the inner service (4.4).
    Forwarded,
    /// The response to an actual request gets the headers of the policy.
    ActualAllowed,
    /// The response to an actual request gets no CORS headers (5.3).
    ActualDenied,
    /// An actual request was answered with 403 and did not reach the inner service (5.8, 8.3).
    Refused,
    /// A layer nearer to the handler had decided the headers of the response already, so they were left alone (5.9).
    AlreadyDecided,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 9] = [
        Self::PassedThrough,
        Self::NotCors,
        Self::PreflightAllowed,
        Self::PreflightDenied,
        Self::Forwarded,
        Self::ActualAllowed,
        Self::ActualDenied,
        Self::Refused,
        Self::AlreadyDecided,
    ];

    /// What becomes of `request` by `decision`.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_cors::{
    ///     CorsPolicy,
    ///     decision::{Options, Outcome, decide},
    ///     request::CorsRequest,
    /// };
    ///
    /// let policy = CorsPolicy::new().allow_origins(["https://app.example"]).compile()?;
    /// let request =
    ///     http::Request::get("/").header("origin", "https://other.example").body(())?;
    /// let request = CorsRequest::of(&request);
    /// let decision = decide(&request, &(&policy).into(), &Options::new());
    /// assert_eq!(Outcome::of(&decision, &request), Outcome::ActualDenied);
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn of(decision: &Decision, request: &CorsRequest<'_>) -> Self {
        let is_preflight = request.is_preflight();
        match decision {
            Decision::PassThrough => Self::PassedThrough,
            Decision::Continue(plan) if !plan.is_of_a_policy() => Self::PassedThrough,
            Decision::Answer(answer) if answer.is_allowed() => Self::PreflightAllowed,
            Decision::Answer(_) if is_preflight => Self::PreflightDenied,
            Decision::Answer(_) => Self::Refused,
            Decision::Continue(_) if is_preflight => Self::Forwarded,
            Decision::Continue(_) if request.origin_line() == RequestOrigin::Absent => Self::NotCors,
            Decision::Continue(plan) if plan.is_allowed() => Self::ActualAllowed,
            Decision::Continue(_) => Self::ActualDenied,
        }
    }

    /// A stable label, such as `preflight-denied`.
    pub fn code(self) -> &'static str {
        match self {
            Self::PassedThrough => "passed-through",
            Self::NotCors => "not-cors",
            Self::PreflightAllowed => "preflight-allowed",
            Self::PreflightDenied => "preflight-denied",
            Self::Forwarded => "forwarded",
            Self::ActualAllowed => "actual-allowed",
            Self::ActualDenied => "actual-denied",
            Self::Refused => "refused",
            Self::AlreadyDecided => "already-decided",
        }
    }

    /// Whether the layer gave its permission.
    pub fn is_allowed(self) -> bool {
        matches!(self, Self::PreflightAllowed | Self::ActualAllowed)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
