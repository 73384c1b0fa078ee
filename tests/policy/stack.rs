//! Stacks of settings for the tests of merging, and what comes of them.

use tower_cors::{
    CorsPolicy,
    merge::{Effective, EffectivePolicy, MergeOptions, MergeStrategy, Setting, merge},
};

/// Every strategy.
pub(crate) const STRATEGIES: [MergeStrategy; 3] =
    [MergeStrategy::Replace, MergeStrategy::Inherit, MergeStrategy::Union];

/// A list of a policy.
pub(crate) fn strings(list: &[&str]) -> Vec<String> {
    list.iter().map(|entry| (*entry).to_owned()).collect()
}

/// A policy as a setting.
pub(crate) fn setting(label: &str, policy: &CorsPolicy) -> Setting {
    Setting::policy(label, policy.clone())
}

/// The policy in effect, of a stack that has one.
pub(crate) fn effective(stack: &[Setting], options: &MergeOptions) -> EffectivePolicy {
    match merge(stack, options) {
        Effective::Policy(policy) => policy,
        other => panic!("no policy is in effect: {other:?}"),
    }
}

/// What a stack comes to, without its provenance.
pub(crate) fn merged(stack: &[Setting], strategy: MergeStrategy) -> CorsPolicy {
    effective(stack, &MergeOptions::new(strategy)).into_policy()
}
