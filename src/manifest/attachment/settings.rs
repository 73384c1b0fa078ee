//! Which settings apply, in which order, and which of them count: those of a rule and its route, then those of each
//! route that delegates to it, of its listener and ListenerSet, and of its Gateway. Each step is one [`join`], by the
//! annotation of the object that the step is about. Rules 7.1, 7.6, 7.7.

use std::{collections::HashMap, sync::Arc};

use super::{
    names::{Label, ObjectName, Target},
    targets::Targets,
};
use crate::{
    manifest::objects::{Cors, CorsSetting, Effect, InheritedPriority, Kind, Listener, ListenerSet, TrafficPolicy},
    merge::Setting,
    policy::RustPolicy,
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
    pub(crate) label: Label<'a>,
    pub(crate) cors: &'a Arc<Cors>,
    pub(crate) effect: Effect,
}

impl<'a> Attached<'a> {
    /// What a policy sets.
    pub(crate) fn policy(policy: &'a TrafficPolicy, level: Level) -> Option<Self> {
        policy.cors.as_ref().map(|setting| Self::new(setting, level, Label::Policy(policy)))
    }

    /// A setting, by what messages call the object that has it.
    pub(crate) fn new(setting: &'a CorsSetting, level: Level, label: Label<'a>) -> Self {
        Self { level, label, cors: &setting.cors, effect: setting.effect }
    }

    /// The setting, to be merged.
    pub(crate) fn setting(&self) -> Setting {
        let setting = match self.effect {
            Effect::Disables => Setting::disabled(self.label.describe()),
            Effect::Applies | Effect::Closes => {
                Setting::policy(self.label.describe(), RustPolicy::clone(&self.cors.policy))
            }
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

    /// Both, in their order: filters stay before traffic policies.
    fn followed_by(mut self, other: Self) -> Self {
        self.filters.extend(other.filters);
        self.policies.extend(other.policies);
        self
    }

    /// The first setting alone.
    fn first(mut self) -> Self {
        self.filters.truncate(1);
        self.policies.truncate(1 - self.filters.len());
        self
    }

    /// The settings, first the one that counts first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Attached<'a>> {
        self.filters.iter().chain(&self.policies)
    }
}

/// 7.6: joins the settings of an object to those of what is below it, by its annotation.
///
/// Filters stay before traffic policies, and a listener before its Gateway. Deep: all settings count. Shallow: the side of
/// the first one does; of the object's own side that setting alone, of what is below all that was joined there. Where the
/// object puts its policies first, those that come behind them don't count any more.
pub(crate) fn join<'a>(below: Stack<'a>, own: Stack<'a>, priority: Option<InheritedPriority>, keep: Keep) -> Stack<'a> {
    // Whoever sets nothing has nothing to put before anything.
    if own.is_empty() {
        return below;
    }
    let is_deep = keep == Keep::All || priority.is_some_and(InheritedPriority::is_deep);
    if !priority.is_some_and(InheritedPriority::prefers_parent) {
        let own_is_first = below.filters.is_empty() && (!own.filters.is_empty() || below.policies.is_empty());
        return match (is_deep, own_is_first) {
            (true, _) => below.followed_by(own),
            (false, true) => own.first(),
            (false, false) => below,
        };
    }
    let is_of_gateway = own.policies.iter().any(|attached| attached.level == Level::TargetedGateway);
    let is_of_listener = |attached: &Attached<'_>| is_of_gateway && attached.level == Level::TargetedListener;
    let (listeners, others) = below.policies.into_iter().partition(is_of_listener);
    let listeners = Stack { filters: Vec::new(), policies: listeners };
    let others = Stack { filters: below.filters, policies: others };
    match is_deep {
        true => listeners.followed_by(own).followed_by(others),
        false if !own.filters.is_empty() => own.first(),
        false => {
            let first = Stack { filters: others.filters, policies: listeners.policies };
            if first.is_empty() { own.first() } else { first }
        }
    }
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

/// The Gateway of a listener, where its name is known, and its annotation, where it is in the manifests.
pub(crate) type NamedGateway<'a> = (Option<ObjectName<'a>>, Option<InheritedPriority>);

impl<'a> ParentSettings<'a> {
    /// Those of a listener of a Gateway or of a ListenerSet. The Gateway of a set may not be in the manifests;
    /// policies may target it all the same.
    pub(crate) fn of_listener(
        parent: ObjectName<'a>,
        listener: &'a Listener,
        (gateway, of_gateway): NamedGateway<'a>,
        set: Option<&'a ListenerSet>,
        targets: &Targets<'a>,
    ) -> Self {
        let at_listener = (targets.of(&parent.section(&listener.name)), Level::TargetedListener);
        let at_gateway = (gateway.and_then(|name| targets.of(&name.whole())), Level::TargetedGateway);
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
