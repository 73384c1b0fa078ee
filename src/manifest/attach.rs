//! Which settings apply to a rule: its stack, most specific first. In: a rule, its route, the traffic policies. Out: the
//! stack, and what it comes to. Rules 7.1, 7.2, 7.3, 7.7, 7.9; so far the levels 2 and 3.

use super::model::{Cors, CorsSetting, ExtensionRef, Filter, HttpRoute, HttpRule, TrafficPolicy};

/// One element of a stack.
#[derive(Clone, Copy, Debug)]
pub(super) enum Setting<'a> {
    /// A CORS filter of the rule: level 2.
    Filter(&'a Cors),
    /// A traffic policy that the rule names: level 3.
    Policy(&'a CorsSetting),
}

/// The settings of a rule, most specific first (7.1).
pub(super) fn stack<'a>(route: &HttpRoute, rule: &'a HttpRule, policies: &'a [TrafficPolicy]) -> Vec<Setting<'a>> {
    let filters = rule.filters.iter().filter_map(|filter| match filter {
        Filter::Cors(cors) => Some(Setting::Filter(cors)),
        Filter::Extension(_) => None,
    });
    let mut named: Vec<_> = extensions(rule).filter_map(|reference| find(route, reference, policies)).collect();
    // 7.2: within a level the oldest comes first; one without a time is younger than those that have one.
    named.sort_by_key(|policy| {
        (policy.meta.created.is_none(), policy.meta.created, format!("{}/{}", policy.meta.namespace, policy.meta.name))
    });
    let named = named.into_iter().filter_map(|policy| policy.cors.as_ref()).map(Setting::Policy);
    filters.chain(named).collect()
}

/// The references of a rule to policies and others.
pub(super) fn extensions(rule: &HttpRule) -> impl Iterator<Item = &ExtensionRef> {
    rule.filters.iter().filter_map(|filter| match filter {
        Filter::Extension(reference) => Some(reference),
        Filter::Cors(_) => None,
    })
}

/// The policy that a reference names, which is in the namespace of its route.
pub(super) fn find<'a>(
    route: &HttpRoute,
    reference: &ExtensionRef,
    policies: &'a [TrafficPolicy],
) -> Option<&'a TrafficPolicy> {
    policies.iter().find(|policy| {
        policy.flavor.group_and_kind() == (&*reference.group, &*reference.kind)
            && policy.meta.name == reference.name
            && policy.meta.namespace == route.meta.namespace
    })
}

/// What a stack comes to: 7.3, the first setting, whole; 7.9, one that disables CORS ends it.
pub(super) fn effective<'a>(stack: &[Setting<'a>]) -> Option<&'a Cors> {
    match *stack.first()? {
        Setting::Filter(cors) | Setting::Policy(CorsSetting::Policy(cors)) => Some(cors),
        Setting::Policy(CorsSetting::Disabled(_)) => None,
    }
}
