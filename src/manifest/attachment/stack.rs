//! Which settings apply to a request: its stack, in the order in which they count. In: a rule, its route, the listener
//! that a request arrives on, the backend that is chosen, the traffic policies. Out: the stack.
//! Rules 7.1, 7.2, 7.6.

use std::collections::HashMap;

use crate::{
    escape::Escaped,
    manifest::objects::{
        Cors, CorsSetting, ExtensionRef, Filter, Gateway, HttpRoute, HttpRule, InheritedPriority, Kind, Meta,
        Resources, TargetRef, TrafficPolicy,
    },
    merge::Setting,
    route::Hostname,
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

impl Level {
    /// Whether the setting stands at what serves a route, and not at the route.
    pub(crate) fn is_of_gateway(self) -> bool {
        self >= Self::TargetedListener
    }
}

/// One setting of a stack.
#[derive(Clone, Debug)]
pub(crate) struct Attached<'a> {
    pub(crate) level: Level,
    pub(crate) label: String,
    pub(crate) cors: &'a Cors,
    pub(crate) is_disabled: bool,
}

impl Attached<'_> {
    /// The setting, to be merged.
    pub(crate) fn setting(&self) -> Setting {
        let setting = match self.is_disabled {
            true => Setting::disabled(&*self.label),
            false => Setting::policy(&*self.label, self.cors.policy.clone()),
        };
        setting.at(self.cors.path.clone())
    }
}

/// What a request of a route comes through: one listener of one parent.
#[derive(Clone, Debug)]
pub(crate) struct Arrival<'a> {
    pub(crate) hostname: Hostname,
    /// Namespace and name of the Gateway, which may be missing from the manifests.
    gateway: Option<(&'a str, &'a str)>,
    listener: Option<&'a str>,
    pub(crate) priority: Option<InheritedPriority>,
}

/// 8.4: what the requests of a route may come through, in the order of its parents. A route is served whether or not
/// its Gateway is in the manifests, then on every host.
pub(crate) fn arrivals<'a>(route: &'a HttpRoute, gateways: &Gateways<'a>) -> Vec<Arrival<'a>> {
    let mut arrivals = Vec::new();
    for parent in &route.parents {
        let named = (Kind::of_reference(&parent.group, &parent.kind) == Some(Kind::Gateway))
            .then_some((parent.namespace.as_str(), parent.name.as_str()));
        let section = parent.section.as_deref();
        let gateway = named.and_then(|name| gateways.get(&name).copied());
        let priority = gateway.and_then(|gateway| gateway.meta.inherited_priority);
        let listeners = gateway.map(|gateway| gateway.listeners.as_slice()).unwrap_or_default();
        let before = arrivals.len();
        let fitting = listeners.iter().filter(|listener| section.is_none_or(|section| section == listener.name));
        arrivals.extend(fitting.map(|listener| Arrival {
            hostname: listener.hostname.clone(),
            gateway: named,
            listener: Some(&listener.name),
            priority,
        }));
        if arrivals.len() == before {
            arrivals.push(Arrival { hostname: Hostname::any(), gateway: named, listener: section, priority });
        }
    }
    arrivals
}

/// The arrival of a route without parents.
pub(crate) fn nowhere<'a>() -> Arrival<'a> {
    Arrival { hostname: Hostname::any(), gateway: None, listener: None, priority: None }
}

/// The Gateways, by namespace and name.
pub(crate) type Gateways<'a> = HashMap<(&'a str, &'a str), &'a Gateway>;

/// What a `targetRefs` entry or an object is: kind, namespace, name and section.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Target<'a> {
    pub(crate) kind: Kind,
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
    pub(crate) section: Option<&'a str>,
}

impl<'a> Target<'a> {
    /// What `reference` of `policy` names: an object in the namespace of the policy.
    pub(crate) fn of(policy: &'a TrafficPolicy, reference: &'a TargetRef) -> Option<Self> {
        let kind = Kind::of_reference(&reference.group, &reference.kind).filter(|kind| !kind.is_policy())?;
        let (namespace, name) = (policy.meta.namespace.as_str(), reference.name.as_str());
        Some(Self { kind, namespace, name, section: reference.section.as_deref() })
    }
}

/// The traffic policies by what they target and by their names, and the Gateways.
pub(crate) struct Attachments<'a> {
    pub(crate) gateways: Gateways<'a>,
    named: HashMap<(Kind, &'a str, &'a str), &'a TrafficPolicy>,
    /// Those with a CORS setting, first the one that counts.
    pub(crate) targeting: HashMap<Target<'a>, Vec<&'a TrafficPolicy>>,
}

impl<'a> Attachments<'a> {
    pub(crate) fn new(resources: &'a Resources) -> Self {
        let gateways = resources.gateways.iter().map(|gateway| (key(&gateway.meta), gateway)).collect();
        let name = |policy: &'a TrafficPolicy| (policy.kind, &*policy.meta.namespace, &*policy.meta.name);
        let named = resources.policies.iter().map(|policy| (name(policy), policy)).collect();
        let mut targeting: HashMap<Target<'a>, Vec<&'a TrafficPolicy>> = HashMap::new();
        for policy in resources.policies.iter().filter(|policy| policy.cors.is_some()) {
            for target in policy.targets.iter().filter_map(|reference| Target::of(policy, reference)) {
                let policies = targeting.entry(target).or_default();
                // The policies come one after the other, so one that names a target twice is its last.
                if !policies.last().is_some_and(|known| std::ptr::eq(*known, policy)) {
                    policies.push(policy);
                }
            }
        }
        targeting.values_mut().for_each(|policies| by_age(policies));
        Self { gateways, named, targeting }
    }

    /// The policy that a reference of a route names, which is in the route's namespace.
    pub(crate) fn find(&self, route: &HttpRoute, reference: &ExtensionRef) -> Option<&'a TrafficPolicy> {
        let kind = Kind::of_reference(&reference.group, &reference.kind)?;
        self.named.get(&(kind, route.meta.namespace.as_str(), reference.name.as_str())).copied()
    }

    /// The policies with a CORS setting that a rule names, first the one that counts.
    pub(crate) fn extensions(&self, route: &HttpRoute, rule: &HttpRule) -> Vec<&'a TrafficPolicy> {
        let found = extensions(rule).filter_map(|reference| self.find(route, reference));
        let mut found: Vec<_> = found.filter(|policy| policy.cors.is_some()).collect();
        by_age(&mut found);
        found.dedup_by(|one, other| std::ptr::eq(*one, *other));
        found
    }

    /// The settings of the requests that reach the rule `rule` (from 0) of a route, first the one that counts first.
    ///
    /// Without a chosen backend, the filter of a rule's only backend counts.
    pub(crate) fn stack(
        &self,
        route: &'a HttpRoute,
        rule: usize,
        backend: Option<usize>,
        arrival: &Arrival<'a>,
    ) -> Vec<Attached<'a>> {
        let Some(given) = route.rules.get(rule) else { return Vec::new() };
        let mut stack = Vec::new();
        let label = format!("{} rule {rule}", route_name(&route.meta));
        let chosen = match (backend, given.backends.as_slice()) {
            (Some(backend), backends) => backends.get(backend),
            (None, [only]) => Some(only),
            (None, _) => None,
        };
        if let Some(chosen) = chosen {
            let label = format!("{label} backend {}", full_name(&chosen.reference.namespace, &chosen.reference.name));
            stack.extend(filter(&chosen.filters, Level::Backend, label));
        }
        stack.extend(filter(&given.filters, Level::Rule, label));
        stack.extend(self.extensions(route, given).first().and_then(|policy| attached(policy, Level::Extension)));

        let (namespace, name) = key(&route.meta);
        let at_route = |section| Target { kind: Kind::HttpRoute, namespace, name, section };
        if let Some(section) = given.name.as_deref() {
            stack.extend(self.targeted(&at_route(Some(section)), Level::TargetedRule));
        }
        stack.extend(self.targeted(&at_route(None), Level::TargetedRoute));
        if let Some((namespace, name)) = arrival.gateway {
            let at_gateway = |section| Target { kind: Kind::Gateway, namespace, name, section };
            if let Some(listener) = arrival.listener {
                stack.extend(self.targeted(&at_gateway(Some(listener)), Level::TargetedListener));
            }
            stack.extend(self.targeted(&at_gateway(None), Level::TargetedGateway));
        }
        order(&mut stack, route.meta.inherited_priority, arrival.priority);
        stack
    }

    fn targeted(&self, target: &Target<'a>, level: Level) -> Option<Attached<'a>> {
        attached(self.targeting.get(target)?.first()?, level)
    }
}

/// 7.6: parent preference moves the policies of the annotated parent before those of what it serves. Native filters stay
/// first, and a listener stays before its Gateway.
fn order(stack: &mut [Attached<'_>], route: Option<InheritedPriority>, gateway: Option<InheritedPriority>) {
    let prefers_parent = |priority: Option<InheritedPriority>| priority.is_some_and(InheritedPriority::prefers_parent);
    let (route, gateway) = (prefers_parent(route), prefers_parent(gateway));
    stack.sort_by_key(|attached| match attached.level {
        level @ (Level::Backend | Level::Rule) => (0, level),
        level if level.is_of_gateway() => (if gateway { 1 } else { 4 }, level),
        level @ Level::TargetedRoute if route => (2, level),
        level => (3, level),
    });
}

/// 7.2: the oldest first, then by namespace and name; one without a time is younger than those that have one.
fn by_age(policies: &mut [&TrafficPolicy]) {
    policies.sort_by_cached_key(|policy| {
        let meta = &policy.meta;
        (meta.created.is_none(), meta.created, format!("{}/{}", meta.namespace, meta.name))
    });
}

/// The references of a rule to policies and others.
pub(crate) fn extensions(rule: &HttpRule) -> impl Iterator<Item = &ExtensionRef> {
    rule.filters.iter().filter_map(|filter| match filter {
        Filter::Extension(reference) => Some(reference),
        Filter::Cors(_) => None,
    })
}

fn filter(filters: &[Filter], level: Level, label: String) -> Option<Attached<'_>> {
    let cors = filters.iter().find_map(|filter| match filter {
        Filter::Cors(cors) => Some(cors),
        Filter::Extension(_) => None,
    })?;
    Some(Attached { level, label, cors, is_disabled: false })
}

fn attached(policy: &TrafficPolicy, level: Level) -> Option<Attached<'_>> {
    let (cors, is_disabled) = match policy.cors.as_ref()? {
        CorsSetting::Policy(cors) => (cors, false),
        CorsSetting::Disabled(cors) => (cors, true),
    };
    Some(Attached { level, label: policy_name(policy), cors, is_disabled })
}

fn key(meta: &Meta) -> (&str, &str) {
    (&meta.namespace, &meta.name)
}

/// A policy as messages call it, such as `TrafficPolicy web/base`.
pub(crate) fn policy_name(policy: &TrafficPolicy) -> String {
    format!("{} {}", policy.kind.name(), full_name(&policy.meta.namespace, &policy.meta.name))
}

/// A route as messages call it, such as `HTTPRoute web/api`.
pub(crate) fn route_name(meta: &Meta) -> String {
    format!("{} {}", Kind::HttpRoute.name(), full_name(&meta.namespace, &meta.name))
}

pub(crate) fn full_name(namespace: &str, name: &str) -> String {
    format!("{}/{}", Escaped(namespace), Escaped(name))
}
