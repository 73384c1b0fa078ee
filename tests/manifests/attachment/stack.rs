//! Which settings apply, by a slow, obvious reading of rules 7.1, 7.2, 7.6 and 7.12. In: the [`World`]. Out: the settings of
//! each object that has a word on them, all of them in order, and those that count.

use super::{
    reference::{RuleAt, find_gateway},
    world::{Backend, Labels, ListenerSet, Name, ParentRef, Policy, TrafficPolicy, World},
};

/// One setting: a filter, or a traffic policy.
#[derive(Clone, Debug)]
pub(super) struct Given<'a> {
    /// By the numbers of 7.1. The policy of a whole ListenerSet is at 6 too, behind that of its listener.
    pub(super) level: u8,
    pub(super) policy: &'a Policy,
    /// The traffic policy that it is; none for a filter.
    pub(super) attached: Option<&'a TrafficPolicy>,
}

/// The settings of an object that may have an annotation, in the order of 7.1.
#[derive(Clone, Debug)]
pub(super) struct Step<'a> {
    settings: Vec<Given<'a>>,
    annotation: &'a str,
}

impl<'a> Step<'a> {
    fn new(settings: impl IntoIterator<Item = Option<Given<'a>>>, annotation: Option<&'a str>) -> Self {
        Self {
            settings: settings.into_iter().flatten().collect(),
            annotation: annotation.unwrap_or("ShallowMergePreferChild"),
        }
    }

    fn prefers_parent(&self) -> bool {
        self.annotation.ends_with("PreferParent")
    }

    fn is_deep(&self) -> bool {
        self.annotation.starts_with("Deep")
    }
}

/// An object that policies may target. What is not there has no labels that select it.
#[derive(Clone, Copy)]
struct Object<'a> {
    kind: &'static str,
    name: Name,
    labels: Option<&'a Labels>,
}

/// 7.2, 7.12: the policy of an object, or of a section of it.
fn targeting<'a>(world: &'a World, level: u8, object: Object<'_>, section: Option<&str>) -> Option<Given<'a>> {
    let is_of_kind = |kind: &str| kind.trim_start_matches('X') == object.kind;
    let targets = |policy: &&TrafficPolicy| {
        let is_in_namespace = policy.name.0 == object.name.0;
        let by_name = is_in_namespace
            && policy.refs.iter().any(|&(kind, name, of)| is_of_kind(kind) && name == object.name.1 && of == section);
        let may_select = is_in_namespace || world.global_namespace == Some(policy.name.0);
        let by_labels = may_select
            && policy.selectors.iter().any(|&(kind, of, app)| {
                let selects = object.labels.is_some_and(|labels| app.is_none_or(|app| labels.get("app") == Some(&app)));
                is_of_kind(kind) && of == section && selects
            });
        by_name || by_labels
    };
    let oldest = world
        .policies
        .iter()
        .filter(targets)
        .min_by_key(|policy| (policy.created.is_none(), policy.created, policy.name));
    oldest.map(|policy| Given { level, policy: &policy.policy, attached: Some(policy) })
}

/// 7.1: levels 1 to 5.
pub(super) fn of_route(world: &World, (route, rule): RuleAt) -> Step<'_> {
    let route = &world.routes[route];
    let rule = &route.rules[rule];
    let filter = |level, policy| Given { level, policy, attached: None };
    let of_backend = match &rule.backends[..] {
        [Backend::Service(Some(policy))] => Some(filter(1, policy)),
        _ => None,
    };
    let named =
        world.policies.iter().find(|policy| Some(policy.name) == rule.extension.map(|name| (route.name.0, name)));
    let object = Object { kind: "HTTPRoute", name: route.name, labels: Some(&route.labels) };
    let of_rule = rule.name.and_then(|name| targeting(world, 4, object, Some(name)));
    let settings = [
        of_backend,
        rule.filter.as_ref().map(|policy| filter(2, policy)),
        named.map(|policy| Given { level: 3, policy: &policy.policy, attached: Some(policy) }),
        of_rule,
        targeting(world, 5, object, None),
    ];
    Step::new(settings, route.priority)
}

/// 7.1: levels 6 and 7, for a listener of a Gateway or of a ListenerSet. The Gateway of a set may not be there.
pub(super) fn of_listener<'a>(
    world: &'a World,
    gateway: Name,
    set: Option<&'a ListenerSet>,
    listener: &str,
) -> Vec<Step<'a>> {
    let found = find_gateway(world, gateway);
    let object = Object { kind: "Gateway", name: gateway, labels: found.map(|gateway| &gateway.labels) };
    let annotation = found.and_then(|gateway| gateway.priority);
    let at_gateway = targeting(world, 7, object, None);
    let Some(set) = set else {
        return vec![Step::new([targeting(world, 6, object, Some(listener)), at_gateway], annotation)];
    };
    let of_set = Object { kind: "ListenerSet", name: set.name, labels: Some(&set.labels) };
    let at_set = [targeting(world, 6, of_set, Some(listener)), targeting(world, 6, of_set, None)];
    vec![Step::new(at_set, set.priority), Step::new([at_gateway], annotation)]
}

/// The settings of a parent that is not there, as far as the reference tells which they are.
pub(super) fn of_gone_parent<'a>(world: &'a World, reference: &ParentRef) -> Vec<Step<'a>> {
    let object = Object { kind: reference.kind, name: reference.name, labels: None };
    let of_section = reference.section.and_then(|section| targeting(world, 6, object, Some(section)));
    let whole = if reference.kind == "Gateway" { 7 } else { 6 };
    vec![Step::new([of_section, targeting(world, whole, object, None)], None)]
}

/// A setting, by the places of its step and of itself there.
type At = (usize, usize);

fn given<'a, 'b>(steps: &'b [Step<'a>], at: At) -> &'b Given<'a> {
    &steps[at.0].settings[at.1]
}

/// 7.6: whether one setting comes before another.
fn comes_before(steps: &[Step<'_>], one: At, other: At) -> bool {
    let (first, second) = (given(steps, one), given(steps, other));
    // Filters stay before TrafficPolicies.
    let kinds = (first.attached.is_some(), second.attached.is_some());
    if kinds.0 != kinds.1 {
        return !kinds.0;
    }
    if one.0 == other.0 {
        // A route's level 5 before its own 3-4.
        return match (first.level, second.level) {
            (5, 3 | 4) => steps[one.0].prefers_parent(),
            (3 | 4, 5) => !steps[one.0].prefers_parent(),
            _ => one.1 < other.1,
        };
    }
    if one.0 > other.0 {
        return !comes_before(steps, other, one);
    }
    // The first one is of what is below.
    match (first.level, second.level) {
        // A listener before its Gateway.
        (6, 7) => true,
        // What a Gateway puts before levels 3 to 5, its listeners stay before.
        (..=5, 6) => {
            let of_gateway = steps.get(other.0 + 1);
            let moved = of_gateway.is_some_and(|step| step.prefers_parent() && !step.settings.is_empty());
            !steps[other.0].prefers_parent() && !moved
        }
        _ => !steps[other.0].prefers_parent(),
    }
}

/// Settings in the order in which they come.
fn in_order(steps: &[Step<'_>], mut settings: Vec<At>) -> Vec<At> {
    let all = settings.clone();
    settings.sort_by_key(|one| all.iter().filter(|other| *other != one && comes_before(steps, **other, *one)).count());
    settings
}

fn own(steps: &[Step<'_>], step: usize) -> Vec<At> {
    (0..steps[step].settings.len()).map(|at| (step, at)).collect()
}

/// 7.1: all settings, the most specific first.
pub(super) fn stack<'a, 'b>(steps: &'b [Step<'a>]) -> Vec<&'b Given<'a>> {
    let all = (0..steps.len()).flat_map(|step| own(steps, step)).collect();
    in_order(steps, all).into_iter().map(|at| given(steps, at)).collect()
}

/// 7.6: those that count, joined from the bottom up.
pub(super) fn counting<'a, 'b>(steps: &'b [Step<'a>]) -> Vec<&'b Given<'a>> {
    let mut below: Vec<At> = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        let own = own(steps, at);
        if own.is_empty() {
            continue;
        }
        let steps = &steps[..=at];
        let joined = in_order(steps, below.iter().copied().chain(own).collect());
        let joined_below = below.clone();
        let is_below = |one: &At| joined_below.contains(one);
        below = match step.is_deep() {
            true => joined,
            // 7.3: the first, whole.
            false if !is_below(&joined[0]) => vec![joined[0]],
            // What the object puts its own before does not count.
            false if step.prefers_parent() => joined.iter().copied().take_while(is_below).collect(),
            // What was joined below is one whole.
            false => below,
        };
    }
    below.into_iter().map(|at| given(steps, at)).collect()
}
