//! From a request and a policy to a decision: section 4 and the cases of section 5 of `docs/semantics.md`.

use http::{HeaderName, HeaderValue, StatusCode};

use super::{
    Options, Reason,
    apply::{Allowed, Answer, ExposePlan, ResponsePlan},
    constants,
    options::{InnerHeaders, UnmatchedPreflight},
};
use crate::{
    compile::{CompiledPolicy, Expose, List, Values},
    headers::{self, ListTooLong},
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
    /// Why the decision is as it is.
    pub fn reason(&self) -> Reason {
        match self {
            Self::PassThrough => Reason::NoPolicy,
            Self::Answer(answer) => answer.reason(),
            Self::Continue(plan) => plan.reason(),
        }
    }
}

/// Decides what happens to `request` under `policy`.
///
/// The decision borrows nothing, so the request can go on its way. It is the same for the same arguments.
#[inline(always)]
pub fn decide(request: &CorsRequest<'_>, policy: Option<&CompiledPolicy>, options: &Options) -> Decision {
    let Some(policy) = policy else { return Decision::PassThrough };
    if request.is_preflight() {
        decide_preflight(request, policy, options)
    } else {
        decide_actual(request, policy, options)
    }
}

fn decide_preflight(request: &CorsRequest<'_>, policy: &CompiledPolicy, options: &Options) -> Decision {
    let vary = constants::vary_of_preflight(policy.is_open(), options.private_network.is_some());
    let (origin, reason) = judge(request, policy);
    let Some(origin) = origin else {
        return match options.unmatched_preflight {
            // 3.5: several origins are never forwarded.
            UnmatchedPreflight::Forward if reason != Reason::SeveralOrigins => {
                // 4.4: the inner service's answer, untouched but for Vary. An open policy refuses no preflight.
                Decision::Continue(ResponsePlan { keep_inner: true, ..ResponsePlan::denied(reason) })
            }
            // 4.3
            UnmatchedPreflight::Forbid => Decision::Answer(Answer::denied(StatusCode::FORBIDDEN, Some(vary), reason)),
            // 4.2: the browser refuses by itself, and an error status would hide that.
            _ => Decision::Answer(Answer::denied(options.preflight_status.code(), Some(vary), reason)),
        };
    };
    // 4.1
    let values = policy.values();
    let (headers, reason) = match allow_headers(request, policy, values) {
        Ok(headers) => (headers, reason),
        Err(ListTooLong) => (None, Reason::TooManyHeaders),
    };
    Decision::Answer(Answer {
        status: options.preflight_status.code(),
        allowed: Some(Allowed {
            // 4.5: `*` for an open policy, else the origin exactly as received.
            origin: if policy.is_open() { constants::any_origin() } else { origin.clone() },
            credentials: policy.is_credentialed(),
            methods: allow_methods(request, values),
            headers,
            // 4.10: on a preflight there are no response headers that a credentialed `*` could list.
            expose: match &values.expose {
                Expose::Value(value) => Some(value.clone()),
                Expose::Absent | Expose::EveryName => None,
            },
            max_age: values.max_age.clone(),
            private_network: options.private_network.is_some_and(|is_asked_for| is_asked_for(request)),
        }),
        vary: Some(vary),
        reason,
    })
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

#[inline(always)]
fn decide_actual(request: &CorsRequest<'_>, policy: &CompiledPolicy, options: &Options) -> Decision {
    let (origin, reason) = judge(request, policy);
    if (reason.is_denial() && options.hold_back(request)) || is_held_back(request, policy, reason) {
        let vary = (!policy.is_open()).then(constants::vary_on_origin);
        return Decision::Answer(Answer::denied(StatusCode::FORBIDDEN, vary, reason));
    }
    let keep_inner = options.inner_headers == InnerHeaders::Keep;
    let origin = match origin {
        // 5.1: an open policy answers everybody alike, so that caches stay right.
        _ if policy.is_open() => constants::any_origin(),
        Some(origin) => origin.clone(),
        // 5.3: without a permission, the other headers would only tell about the policy.
        None => return Decision::Continue(ResponsePlan { keep_inner, ..ResponsePlan::denied(reason) }),
    };
    Decision::Continue(ResponsePlan {
        origin: Some(origin),
        credentials: policy.is_credentialed(),
        expose: match policy.expose() {
            Expose::Absent => ExposePlan::Absent,
            Expose::Value(value) => ExposePlan::Value(value.clone()),
            Expose::EveryName => ExposePlan::EveryName,
        },
        // 6.1
        vary_on_origin: !policy.is_open(),
        keep_inner,
        reason,
    })
}

/// 8.3: a request that was sent with the consent of another policy than the one it reaches. Few requests are held.
#[inline]
fn is_held_back(request: &CorsRequest<'_>, policy: &CompiledPolicy, reason: Reason) -> bool {
    request.hold().is_some_and(|names| lacks_consent(request, names, policy, reason))
}

fn lacks_consent(request: &CorsRequest<'_>, names: &[HeaderName], policy: &CompiledPolicy, reason: Reason) -> bool {
    let method = request.method().as_str();
    let was_announced = |name: &&HeaderName| request.needs_consent_for(name);
    let had_preflight = !headers::is_safelisted_method(method) || names.iter().any(|name| was_announced(&name));
    let consents = || {
        !reason.is_denial()
            && policy.allows_method(method)
            && names.iter().filter(was_announced).all(|name| policy.allows_header(name.as_str()))
    };
    had_preflight && request.is_cross_origin() && !consents()
}

/// The line whose origin the policy allows, where there is one, and why.
#[inline(always)]
fn judge<'a>(request: &CorsRequest<'a>, policy: &CompiledPolicy) -> (Option<&'a HeaderValue>, Reason) {
    match request.origin() {
        RequestOrigin::Absent => (None, Reason::NoOrigin),
        RequestOrigin::Several => (None, Reason::SeveralOrigins),
        RequestOrigin::One(origin) => judge_origin(origin, policy),
    }
}

fn judge_origin<'a>(origin: &'a HeaderValue, policy: &CompiledPolicy) -> (Option<&'a HeaderValue>, Reason) {
    match policy.allows_origin(origin) {
        true => (Some(origin), Reason::OriginAllowed),
        // 3.7
        false if origin == "null" => (None, Reason::NullOrigin),
        false => (None, Reason::OriginNotAllowed),
    }
}
