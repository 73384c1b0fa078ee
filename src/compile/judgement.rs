//! Whether a policy allows an origin, and by what: its list, or a function. In: the bytes of an `Origin` header, and what
//! functions have said of it already. Out: a [`Judgement`]. Rule 2.19.

use super::{CompiledPolicy, compiled::MAX_REFLECTED};
use crate::{
    origin::Origin,
    policy::{OriginAnswer, OriginAnswers},
};

/// What a policy says of an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// It is listed, or any origin is allowed.
    Listed,
    /// It is not listed, and there is no function.
    NotListed,
    /// It is not listed; a function allows it.
    AllowedByFunction,
    /// It is not listed, and no function allows it.
    NotAllowedByFunction,
    /// It is not listed, and a function failed.
    FunctionFailed,
}

impl Judgement {
    #[inline]
    pub(crate) fn is_allowed(self) -> bool {
        matches!(self, Self::Listed | Self::AllowedByFunction)
    }
}

impl From<&OriginAnswer> for Judgement {
    fn from(answer: &OriginAnswer) -> Self {
        match answer {
            OriginAnswer::Yes => Self::AllowedByFunction,
            OriginAnswer::No => Self::NotAllowedByFunction,
            OriginAnswer::Failed(_) => Self::FunctionFailed,
        }
    }
}

impl CompiledPolicy {
    /// Whether the policy allows an origin, given as the value of an `Origin` header. A function of the policy is asked
    /// where no entry allows it.
    #[inline]
    pub fn allows_origin(&self, origin: impl AsRef<[u8]>) -> bool {
        let origin = origin.as_ref();
        self.lists_origin(origin) || self.ask(origin, &OriginAnswers::default()).is_allowed()
    }

    /// What the policy says of the origin of a request, of which `answers` are known.
    #[inline]
    pub(crate) fn judge_origin(&self, origin: &[u8], answers: &OriginAnswers) -> Judgement {
        if self.lists_origin(origin) { Judgement::Listed } else { self.ask(origin, answers) }
    }

    #[inline]
    fn ask(&self, origin: &[u8], answers: &OriginAnswers) -> Judgement {
        match &self.0.policy.allow_origin_if {
            // What is reflected must not grow with what an attacker sends.
            Some(function) if origin.len() <= MAX_REFLECTED => (&function.ask(origin, answers)).into(),
            _ => Judgement::NotListed,
        }
    }

    /// The origin that a function beside the policy is asked about: a well-formed one that the policy does not allow by
    /// itself, and that its ceilings permit.
    pub(crate) fn origin_to_ask_about<'a>(&self, origin: &'a [u8], answers: &OriginAnswers) -> Option<Origin<'a>> {
        if origin.len() > MAX_REFLECTED || self.judge_origin(origin, answers).is_allowed() {
            return None;
        }
        let is_permitted = |bound: &crate::policy::OriginFunction| bound.ask(origin, answers) == OriginAnswer::Yes;
        Origin::parse(origin).filter(|_| self.0.bounds.iter().all(is_permitted))
    }
}
