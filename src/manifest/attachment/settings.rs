//! Which settings apply, in which order, and which of them count: those of a rule and its route, then those of each
//! route that delegates to it, of its listener and ListenerSet, and of its Gateway. Each step is one [`join`], by the
//! annotation of the object that the step is about. Rules 7.1, 7.6, 7.7.

use std::{collections::HashMap, sync::Arc};

use super::{
    names::{ObjectName, Target, policy_name},
    targets::Targets,
};
use crate::{
    manifest::objects::{
        Cors, CorsSetting, Effect, Gateway, InheritedPriority, Kind, Listener, ListenerSet, TrafficPolicy,
    },
    merge::Setting,
};

/// 7.1: where a setting stands, most specific first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Backend,
    Rule,
    Extension,
    TargetedRule,
    TargetedRoute,
    TargetedListener,
    TargetedGateway,
}

/// One setting of a stack.
#[derive(Clone, Debug)]
pub(crate) struct Attached<'a> {
    pub(crate) level: Level,
    pub(crate) label: String,
    pub(crate) cors: &'a Arc<Cors>,
    pub(crate) effect: Effect,
}

impl<'a> Attached<'a> {
    /// What a policy sets.
    pub(crate) fn policy(policy: &'a TrafficPolicy, level: Level) -> Option<Self> {
        policy.cors.as_ref().map(|setting| Self::new(setting, level, policy_name(policy)))
    }

    /// A setting, by what messages call the object that has it.
    pub(crate) fn new(setting: &'a CorsSetting, level: Level, label: String) -> Self {
        Self { level, label, cors: &setting.cors, effect: setting.effect }
    }

    /// The setting, to be merged.
    pub(crate) fn setting(&self) -> Setting {
        let setting = match self.effect {
            Effect::Disables => Setting::disabled(&*self.label),
            Effect::Applies | Effect::Closes => Setting::policy(&*self.label, self.cors.policy.clone()),
        };
        setting.at(self.cors.path.clone())
    }
}

/// Settings in the order in which they count: the filters, then the traffic policies.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stack<'a> {
    pub(crate) filters: Vec<Attached<'a>>,
    pub(crate) policies: Vec<Attached<'a>>,
}

/// Which settings of a join are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// All, for whoever wants to see what there is.
    All,
    /// Those that count.
    Counting,
}

impl<'a> Stack<'a> {
    pub(crate) fn is_empty(&self) -> bool {
        self.filters.is_empty() && self.policies.is_empty()
    }

    /// The settings, first the one that counts first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Attached<'a>> {
        self.filters.iter().chain(&self.policies)
    }
}

/// 7.6: joins the settings of an object to those of what is below it, by its annotation.
///
/// Filters stay before traffic policies, and a listener before its Gateway. Shallow: the side of the first setting
/// counts, of the object's own side that setting alone. Deep: all of them do.
pub(crate) fn join<'a>(below: Stack<'a>, own: Stack<'a>, priority: Option<InheritedPriority>, keep: Keep) -> Stack<'a> {
    let prefers_parent = priority.is_some_and(InheritedPriority::prefers_parent);
    let is_deep = keep == Keep::All || priority.is_some_and(InheritedPriority::is_deep);
    if !is_deep {
        let own_is_first = match (below.filters.is_empty(), own.filters.is_empty()) {
            (true, true) => below.policies.is_empty() || (prefers_parent && !own.policies.is_empty()),
            (true, false) => true,
            (false, true) => false,
            (false, false) => prefers_parent,
        };
        if !own_is_first {
            return below;
        }
        let Stack { mut filters, mut policies } = own;
        filters.truncate(1);
        policies.truncate(1 - filters.len());
        return Stack { filters, policies };
    }
    let (mut filters, mut policies) = (Vec::new(), Vec::new());
    if prefers_parent {
        filters.extend(own.filters);
        filters.extend(below.filters);
        let is_of_gateway = own.policies.iter().all(|attached| attached.level == Level::TargetedGateway);
        let is_of_listener = |attached: &Attached<'_>| is_of_gateway && attached.level == Level::TargetedListener;
        let (listeners, others): (Vec<_>, Vec<_>) = below.policies.into_iter().partition(is_of_listener);
        policies.extend(listeners);
        policies.extend(own.policies);
        policies.extend(others);
    } else {
        filters.extend(below.filters);
        filters.extend(own.filters);
        policies.extend(below.policies);
        policies.extend(own.policies);
    }
    Stack { filters, policies }
}

/// The settings of a listener and what it belongs to: one step for each object with an annotation, from below.
#[derive(Clone, Debug, Default)]
pub(crate) struct ParentSettings<'a> {
    steps: Vec<Step<'a>>,
}

#[derive(Clone, Debug)]
struct Step<'a> {
    policies: Vec<(&'a TrafficPolicy, Level)>,
    priority: Option<InheritedPriority>,
}

impl<'a> Step<'a> {
    fn new(
        policies: impl IntoIterator<Item = (Option<&'a TrafficPolicy>, Level)>,
        priority: Option<InheritedPriority>,
    ) -> Self {
        let policies = policies.into_iter().filter_map(|(policy, level)| Some((policy?, level))).collect();
        Self { policies, priority }
    }
}

impl<'a> ParentSettings<'a> {
    /// Those of a listener of a Gateway or of a ListenerSet. The Gateway of a set may be unknown.
    pub(crate) fn of_listener(
        parent: ObjectName<'a>,
        listener: &'a Listener,
        gateway: Option<&'a Gateway>,
        set: Option<&'a ListenerSet>,
        targets: &Targets<'a>,
    ) -> Self {
        let at_listener = (targets.of(&parent.section(&listener.name)), Level::TargetedListener);
        let gateway_name = gateway.map(|gateway| ObjectName::of(Kind::Gateway, &gateway.meta));
        let at_gateway = (gateway_name.and_then(|name| targets.of(&name.whole())), Level::TargetedGateway);
        let of_gateway = gateway.and_then(|gateway| gateway.meta.inherited_priority);
        let steps = match set {
            None => vec![Step::new([at_listener, at_gateway], of_gateway)],
            Some(set) => {
                let at_set = (targets.of(&parent.whole()), Level::TargetedListener);
                vec![Step::new([at_listener, at_set], set.meta.inherited_priority), Step::new([at_gateway], of_gateway)]
            }
        };
        Self { steps }
    }

    /// Those of a parent that is not in the manifests; policies may target it all the same.
    pub(crate) fn of_unknown(parent: Option<ObjectName<'a>>, section: Option<&'a str>, targets: &Targets<'a>) -> Self {
        let Some(parent) = parent else { return Self::default() };
        let at_listener = section.and_then(|section| targets.of(&parent.section(section)));
        let whole = match parent.kind {
            Kind::ListenerSet => Level::TargetedListener,
            _ => Level::TargetedGateway,
        };
        let policies = [(at_listener, Level::TargetedListener), (targets.of(&parent.whole()), whole)];
        Self { steps: vec![Step::new(policies, None)] }
    }

    /// Joins these settings to those of a rule.
    pub(crate) fn join_to(&self, below: Stack<'a>, keep: Keep) -> Stack<'a> {
        self.steps.iter().fold(below, |below, step| {
            let policies =
                step.policies.iter().filter_map(|(policy, level)| Attached::policy(policy, *level)).collect();
            join(below, Stack { filters: Vec::new(), policies }, step.priority, keep)
        })
    }

    /// Whether what is below comes first and counts alone, wherever there is something.
    fn yields(&self) -> bool {
        let is_plain = |priority: Option<InheritedPriority>| {
            priority.is_none_or(|priority| !priority.is_deep() && !priority.prefers_parent())
        };
        self.steps.iter().all(|step| step.policies.is_empty() || is_plain(step.priority))
    }

    fn key(&self) -> SettingsKey {
        let policies = |step: &Step<'a>| step.policies.iter().map(|(policy, _)| std::ptr::from_ref(*policy)).collect();
        self.steps.iter().map(|step| (policies(step), step.priority)).collect()
    }
}

/// What tells settings apart: for each step the policies and the annotation.
type SettingsKey = Vec<(Vec<*const TrafficPolicy>, Option<InheritedPriority>)>;

/// The different settings that listeners have, by number: thousands of listeners share few. The first has none.
pub(crate) struct ParentSettingsSet<'a> {
    all: Vec<ParentSettings<'a>>,
    known: HashMap<SettingsKey, usize>,
}

impl Default for ParentSettingsSet<'_> {
    fn default() -> Self {
        Self { all: vec![ParentSettings::default()], known: HashMap::new() }
    }
}

impl<'a> ParentSettingsSet<'a> {
    /// The number of these settings.
    pub(crate) fn add(&mut self, settings: ParentSettings<'a>) -> usize {
        let next = self.all.len();
        let at = *self.known.entry(settings.key()).or_insert(next);
        if at == next {
            self.all.push(settings);
        }
        at
    }

    /// The settings of a number.
    pub(crate) fn get(&self, at: usize) -> Option<&ParentSettings<'a>> {
        self.all.get(at)
    }

    /// Whether a rule with settings of its own is not changed by those of its listeners.
    pub(crate) fn yield_to_rules(&self, numbers: &[usize]) -> bool {
        numbers.iter().filter_map(|&at| self.get(at)).all(ParentSettings::yields)
    }
}

/// The target of a rule's own name.
pub(crate) fn rule_target<'a>(route: ObjectName<'a>, name: Option<&'a str>) -> Option<Target<'a>> {
    name.map(|name| route.section(name))
}
