//! The result of a merge: nothing, disabled, or a policy with its provenance, which compiles like any other.
//! Rules 7.9 to 7.11.

use std::sync::Arc;

use super::{Ceiling, MergeError};
use crate::{
    compile::{CompiledPolicy, Compiler},
    policy::{CorsPolicy, FieldPath, OriginFunction, Provenance, RustPolicy, Source},
};

/// The result of merging a stack of settings.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effective {
    /// The stack holds no policy, so none applies. A ceiling alone is none: it bounds policies, it sets nothing.
    Nothing,
    /// CORS is disabled, by this setting.
    Disabled(Source),
    /// This policy is in effect.
    Policy(EffectivePolicy),
}

impl Effective {
    /// The policy, where one is in effect.
    pub fn policy(&self) -> Option<&EffectivePolicy> {
        match self {
            Self::Policy(policy) => Some(policy),
            Self::Nothing | Self::Disabled(_) => None,
        }
    }

    /// Compiles the policy; `None` where none is in effect.
    ///
    /// # Errors
    ///
    /// As [`EffectivePolicy::compile`].
    pub fn compile(self, compiler: &Compiler) -> Result<Option<CompiledPolicy>, MergeError> {
        match self {
            Self::Policy(policy) => policy.compile(compiler).map(Some),
            Self::Nothing | Self::Disabled(_) => Ok(None),
        }
    }
}

/// A merged policy, and where each of its fields came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectivePolicy {
    policy: Arc<RustPolicy>,
    provenance: Provenance,
    /// The origins that each ceiling permits, for a function that a layer adds (2.19).
    bounds: Vec<OriginFunction>,
}

impl EffectivePolicy {
    pub(super) fn new(policy: RustPolicy, provenance: Provenance) -> Self {
        Self { policy: Arc::new(policy), provenance, bounds: Vec::new() }
    }

    /// The policy.
    pub fn policy(&self) -> &CorsPolicy {
        &self.policy
    }

    /// The plain policy alone, without the functions of its settings, which [`compile`](Self::compile) keeps (2.19).
    pub fn into_policy(self) -> CorsPolicy {
        Arc::unwrap_or_clone(self.policy).into_plain()
    }

    /// Where each field came from.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// Compiles the policy with the profile and the limits of `compiler`; its path is left aside, since a merged policy
    /// stands nowhere. The compiled policy keeps the provenance.
    ///
    /// # Errors
    ///
    /// Settings that are valid each by itself can make an invalid whole: one allows any origin, the other credentials.
    /// The error names them. Serve such a route without CORS, with
    /// [`Resolution::closed`](crate::decision::Resolution::closed); one of the halves alone may be the wider one.
    pub fn compile(self, compiler: &Compiler) -> Result<CompiledPolicy, MergeError> {
        let Self { policy, provenance, bounds } = self;
        // 7.10: validated again, as a whole.
        match compiler.clone().at(FieldPath::root()).compile_merged(policy, &provenance, bounds) {
            Ok(compiled) => Ok(compiled),
            Err(violations) => Err(MergeError::InvalidWhole { violations, provenance }),
        }
    }

    /// The same, with the policy that somebody keeps in the place of an equal one.
    #[cfg(feature = "manifest")]
    pub(crate) fn sharing(self, kept: &Arc<RustPolicy>) -> Self {
        let policy = if *self.policy == **kept { Arc::clone(kept) } else { self.policy };
        Self { policy, ..self }
    }

    /// Narrows the policy to a ceiling, and records where that took something away.
    pub(super) fn narrow(&mut self, ceiling: &Ceiling, source: impl Fn() -> Source) {
        self.bounds.extend(ceiling.permitted_origins().cloned());
        for field in ceiling.narrow(Arc::make_mut(&mut self.policy)) {
            self.provenance.record_narrowing(field, source());
        }
    }
}
