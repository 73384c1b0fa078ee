//! From a request and a policy to a decision: section 4 and the cases of section 5 of `docs/semantics.md`.

use http::{HeaderValue, StatusCode};

use super::{
    Options, Reason, Resolution,
    apply::{Allowed, Answer, ExposePlan, Inner, ResponsePlan},
    constants::{self, Vary},
    options::{InnerHeaders, UnmatchedPreflight},
};
use crate::{
    compile::{CompiledPolicy, Expose, Judgement, List, Values},
    headers::ListTooLong,
    request::{CorsRequest, RequestOrigin},
};

/// What happens to a request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Decision {
    /// No policy applies: the request and its response pass untouched (5.7).
    PassThrough,
    /// The request is answered at once; the inner service is not called. A preflight, or a guard's 403.
    Answer(Answer),
    /// The inner service is called, and the plan is applied to the headers of its response.
    Continue(ResponsePlan),
}

impl Decision {
    /// What decided, as far as the decision itself had to look; [`Review`](super::Review) looks closer.
    pub(super) fn reason(&self) -> Reason {
        match self {
            Self::PassThrough => Reason::NoPolicy,
            Self::Answer(answer) => answer.reason,
            Self::Continue(plan) => plan.reason,
        }
    }
}

/// Decides what happens to `request` under what a resolver answered.
///
/// The decision borrows nothing, so the request can go on its way. It is the same for the same arguments, but for what a
/// function of the policy says of the origin.
///
/// # Examples
///
/// ```
/// use http::{HeaderMap, Request};
/// use tower_cors::{
///     CorsPolicy, Decision,
///     decision::{Options, decide},
///     request::CorsRequest,
/// };
///
/// let policy = CorsPolicy::new().allow_origins(["https://app.example"]).compile()?;
/// let preflight = Request::options("/")
///     .header("origin", "https://app.example")
///     .header("access-control-request-method", "PUT")
///     .body(())?;
/// let decision = decide(&CorsRequest::of(&preflight), &(&policy).into(), &Options::new());
/// let Decision::Answer(answer) = decision else { panic!("a preflight is answered") };
///
/// assert_eq!(answer.status(), 200);
/// let mut headers = HeaderMap::new();
/// answer.write_to(&mut headers);
/// assert_eq!(headers["access-control-allow-origin"], "https://app.example");
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[inline(always)]
pub fn decide(request: &CorsRequest<'_>, resolution: &Resolution<'_>, options: &Options) -> Decision {
    let Some(policy) = resolution.policy() else {
        return match resolution.varies_on_origin() {
            true => Decision::Continue(ResponsePlan::vary_only()),
            false => Decision::PassThrough,
        };
    };
    // 7.10: what is unknown must not turn into the inner service's own permissions.
    let closed;
    let options = if resolution.is_closed() {
        closed = options.closed();
        &closed
    } else {
        options
    };
    let request = Request { head: request, policy, resolution, options };
    if request.head.is_preflight() { request.decide_preflight() } else { request.decide_actual() }
}

/// Everything that a decision depends on.
#[derive(Clone, Copy)]
struct Request<'a, 'r> {
    head: &'a CorsRequest<'r>,
    policy: &'a CompiledPolicy,
    resolution: &'a Resolution<'a>,
    options: &'a Options,
}

impl<'r> Request<'_, 'r> {
    fn decide_preflight(self) -> Decision {
        let Self { head, policy, options, .. } = self;
        let vary =
            Vary::Preflight { on_origin: self.varies_on_origin(), private_network: options.allow_private_network };
        let (origin, by) = match self.judge() {
            Ok(permitted) => permitted,
            Err(denial) => {
                let reason = denial.into();
                return match options.unmatched_preflight {
                    // 3.5: several origins are never forwarded.
                    UnmatchedPreflight::Forward if denial != Denial::SeveralOrigins => {
                        // 4.4: the inner service's answer, untouched but for Vary. An open policy refuses no preflight.
                        Decision::Continue(ResponsePlan { inner: Inner::Untouched, ..ResponsePlan::denied(reason) })
                    }
                    // 4.3
                    UnmatchedPreflight::Forbid => {
                        Decision::Answer(Answer::denied(StatusCode::FORBIDDEN, Some(vary), reason))
                    }
                    // 4.2: the browser refuses by itself, and an error status would hide that.
                    _ => Decision::Answer(Answer::denied(options.preflight_status.code(), Some(vary), reason)),
                };
            }
        };
        // 4.1
        let values = policy.values();
        let (headers, reason) = match allow_headers(head, policy, values) {
            Ok(headers) => (headers, by),
            Err(ListTooLong) => (None, Reason::TooManyHeaders),
        };
        Decision::Answer(Answer {
            status: options.preflight_status.code(),
            allowed: Some(Allowed {
                // 4.5: `*` for an open policy, else the origin exactly as received.
                origin: if policy.is_open() { constants::any_origin() } else { origin.clone() },
                credentials: policy.is_credentialed(),
                methods: allow_methods(head, values),
                headers,
                // 4.10: on a preflight there are no response headers that a credentialed `*` could list.
                expose: match &values.expose {
                    Expose::Value(value) => Some(value.clone()),
                    Expose::Absent | Expose::EveryName => None,
                },
                max_age: values.max_age.clone(),
                private_network: options.allow_private_network && head.asks_for_private_network(),
            }),
            vary: Some(vary),
            reason,
        })
    }

    #[inline(always)]
    fn decide_actual(self) -> Decision {
        let Self { policy, options, .. } = self;
        let judged = self.judge();
        if let Some(reason) = self.refusal(judged.err()) {
            let vary = self.varies_on_origin().then_some(Vary::Origin);
            return Decision::Answer(Answer::denied(StatusCode::FORBIDDEN, vary, reason));
        }
        let (origin, reason) = match judged {
            Ok((origin, reason)) => (Some(origin), reason),
            Err(denial) => (None, denial.into()),
        };
        let inner = match options.inner_headers {
            InnerHeaders::Remove => Inner::Removed,
            InnerHeaders::Keep => Inner::Kept,
        };
        let origin = match origin {
            // 5.1: an open policy answers everybody alike, so that caches stay right.
            _ if policy.is_open() => constants::any_origin(),
            Some(origin) => origin.clone(),
            // 5.3: without a permission, the other headers would only tell about the policy.
            None => return Decision::Continue(ResponsePlan { inner, ..ResponsePlan::denied(reason) }),
        };
        Decision::Continue(ResponsePlan {
            origin: Some(origin),
            credentials: policy.is_credentialed(),
            expose: match policy.expose() {
                Expose::Absent => ExposePlan::Absent,
                Expose::Value(value) => ExposePlan::Value(value.clone()),
                Expose::EveryName => ExposePlan::EveryName,
            },
            vary_on_origin: self.varies_on_origin(),
            inner,
            reason,
        })
    }

    /// 6.1: an open policy answers every origin alike, unless it was chosen by the origin.
    #[inline]
    fn varies_on_origin(self) -> bool {
        !self.policy.is_open() || self.resolution.varies_on_origin()
    }

    /// Why an actual request is answered with 403, where it is: a guard (5.8), which comes first, or no consent (8.3).
    #[inline]
    fn refusal(self, denial: Option<Denial>) -> Option<Reason> {
        match denial {
            // A request without `Origin` is never cross-origin, so it passes.
            Some(Denial::NoOrigin) => return None,
            Some(denial) if self.options.refuses(self.head) => return Some(denial.into()),
            _ => {}
        }
        self.resolution.missing_consent(self.head, self.policy, denial.is_none()).map(|_| Reason::NoConsent)
    }

    /// The line whose origin the policy allows and why it does, or why there is none.
    #[inline(always)]
    fn judge(self) -> Result<(&'r HeaderValue, Reason), Denial> {
        match self.head.origin_line() {
            RequestOrigin::Absent => Err(Denial::NoOrigin),
            RequestOrigin::Several => Err(Denial::SeveralOrigins),
            RequestOrigin::One(origin) => self.judge_origin(origin),
        }
    }

    #[inline(always)]
    fn judge_origin(self, origin: &'r HeaderValue) -> Result<(&'r HeaderValue, Reason), Denial> {
        match self.resolution.judge_origin(self.policy, origin.as_bytes(), self.head.origin_answers()) {
            Judgement::Listed => Ok((origin, Reason::OriginAllowed)),
            // 2.19: as an exact origin is.
            Judgement::AllowedByFunction => Ok((origin, Reason::AllowedByFunction)),
            // 3.7
            _ if origin == "null" => Err(Denial::Null),
            Judgement::NotListed => Err(Denial::NotAllowed),
            Judgement::NotAllowedByFunction => Err(Denial::NotAllowedByFunction),
            Judgement::FunctionFailed => Err(Denial::FunctionFailed),
        }
    }
}

/// Why there is no origin that the policy allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Denial {
    NoOrigin,
    SeveralOrigins,
    Null,
    NotAllowed,
    NotAllowedByFunction,
    FunctionFailed,
}

impl From<Denial> for Reason {
    fn from(denial: Denial) -> Self {
        match denial {
            Denial::NoOrigin => Self::NoOrigin,
            Denial::SeveralOrigins => Self::SeveralOrigins,
            Denial::Null => Self::NullOrigin,
            Denial::NotAllowed => Self::OriginNotAllowed,
            Denial::NotAllowedByFunction => Self::NotAllowedByFunction,
            Denial::FunctionFailed => Self::FunctionFailed,
        }
    }
}

/// 4.7: a list needs no look at the announced method: the browser compares it itself.
fn allow_methods(request: &CorsRequest<'_>, values: &Values) -> Option<HeaderValue> {
    match &values.methods {
        List::Absent => None,
        List::Listed(value) => Some(value.clone()),
        List::Any => request.announced_method_line().filter(|line| *line != "*").cloned(),
    }
}

/// 4.8, 4.9: `*` is answered with the names asked for, since browsers don't let a `*` cover `Authorization`, and take
/// it literally with credentials.
fn allow_headers(
    request: &CorsRequest<'_>,
    policy: &CompiledPolicy,
    values: &Values,
) -> Result<Option<HeaderValue>, ListTooLong> {
    match &values.headers {
        List::Absent => Ok(None),
        List::Listed(value) => Ok(Some(value.clone())),
        List::Any => Ok(match request.announced_list()? {
            None if policy.is_credentialed() => None,
            None => Some(HeaderValue::from_static("*")),
            names => names,
        }),
    }
}
