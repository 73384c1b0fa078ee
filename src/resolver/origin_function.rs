//! A policy, and a function of the application's own that must wait. In: the origin of a request that the policy does not
//! allow by itself. Out: a future of the policy with what the function says. Rule 2.19.

use std::{
    convert::Infallible,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;

use super::AsyncPolicyResolver;
use crate::{
    compile::CompiledPolicy,
    decision::Resolution,
    finding::{Violation, ViolationKind, Violations},
    origin::Origin,
    policy::{FieldPath, OriginAnswer, PolicyField, list::contains_any},
    request::{CorsRequest, RequestOrigin},
};

/// The resolver of [`CorsLayer::allow_origin_if_async`](crate::CorsLayer::allow_origin_if_async).
#[derive(Clone)]
pub struct AllowOriginAsync<F> {
    policy: Option<CompiledPolicy>,
    function: F,
}

impl<F> AllowOriginAsync<F> {
    pub(crate) fn new(policy: Option<CompiledPolicy>, function: F) -> Result<Self, Violations> {
        let origins = policy.iter().flat_map(|policy| policy.policy().allow_origins.as_deref());
        let wildcards = origins.filter(|list| contains_any(list)).map(|_| {
            let place = FieldPath::root().field(PolicyField::AllowOrigins).index(0);
            Violation::new(place, ViolationKind::WildcardNotAlone).with_value("*")
        });
        Violations::check(wildcards.collect())?;
        Ok(Self { policy, function })
    }
}

impl<F> fmt::Debug for AllowOriginAsync<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AllowOriginAsync").field("policy", &self.policy).finish_non_exhaustive()
    }
}

impl<F, Fut> AsyncPolicyResolver for AllowOriginAsync<F>
where
    F: Fn(&Origin<'_>) -> Fut,
    Fut: Future<Output: Into<OriginAnswer>>,
{
    type Policy = Resolution<'static>;
    type Error = Infallible;
    type Future = AskOrigin<Fut>;

    fn resolve(&self, request: &CorsRequest<'_>) -> AskOrigin<Fut> {
        let resolution = self.policy.clone().into();
        let origin = match (&self.policy, request.origin_line()) {
            (Some(policy), RequestOrigin::One(origin)) => {
                policy.origin_to_ask_about(origin.as_bytes(), request.origin_answers())
            }
            _ => None,
        };
        let Some(origin) = origin else { return AskOrigin::known(resolution) };
        match catch_unwind(AssertUnwindSafe(|| (self.function)(&origin))) {
            Ok(answer) => AskOrigin { state: State::Asked { answer, resolution: Some(resolution) } },
            Err(panic) => AskOrigin::known(resolution.with_origin_answer(OriginAnswer::panicked(&*panic))),
        }
    }
}

pin_project! {
    /// The future of a policy, and of what a function says of the origin.
    pub struct AskOrigin<Fut> {
        #[pin]
        state: State<Fut>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<Fut> {
        Asked {
            #[pin]
            answer: Fut,
            resolution: Option<Resolution<'static>>,
        },
        Known {
            resolution: Option<Resolution<'static>>,
        },
    }
}

impl<Fut> AskOrigin<Fut> {
    fn known(resolution: Resolution<'static>) -> Self {
        Self { state: State::Known { resolution: Some(resolution) } }
    }
}

impl<Fut: Future<Output: Into<OriginAnswer>>> Future for AskOrigin<Fut> {
    type Output = Result<Resolution<'static>, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let resolution = match self.project().state.project() {
            StateProjection::Known { resolution } => resolution.take(),
            StateProjection::Asked { answer, resolution } => {
                let polled = catch_unwind(AssertUnwindSafe(|| answer.poll(context).map(Into::into)));
                // What has panicked is not polled again: the resolution is there, so this future ends.
                let answer = match polled {
                    Ok(polled) => ready!(polled),
                    Err(panic) => OriginAnswer::panicked(&*panic),
                };
                resolution.take().map(|resolution| resolution.with_origin_answer(answer))
            }
        };
        // Polled again after it was ready, which the contract of futures leaves open.
        resolution.map_or(Poll::Pending, |resolution| Poll::Ready(Ok(resolution)))
    }
}
