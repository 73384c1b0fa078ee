//! Which settings apply to a request: its stack, in the order in which they count. In: a rule, its route, the listener
//! that a request arrives on, the backend that is chosen, the traffic policies. Out: the stack.
//! Rules 7.1, 7.2, 7.6.

use std::collections::HashMap;

use super::model::{
    Cors, CorsSetting, ExtensionRef, Filter, Flavor, Gateway, HttpRoute, HttpRule, InheritedPriority, Meta, Resources,
    TargetRef, TrafficPolicy,
};
use crate::{merge::Setting, route::Hostname, shown::Shown};

/// The API group of routes and gateways.
pub(super) const GATEWAY_API: &str = "gateway.networking.k8s.io";

/// 7.1: where a setting stands, most specific first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
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
    pub(super) fn is_of_gateway(self) -> bool {
        self >= Self::TargetedListener
    }
}

/// One setting of a stack.
#[derive(Clone, Debug)]
pub(super) struct Attached<'a> {
    pub(super) level: Level,
    pub(super) label: String,
    pub(super) cors: &'a Cors,
    pub(super) is_disabled: bool,
}

impl Attached<'_> {
    /// The setting, to be merged.
    pub(super) fn setting(&self) -> Setting {
        let setting = match self.is_disabled {
            true => Setting::disabled(&*self.label),
            false => Setting::policy(&*self.label, self.cors.policy.clone()),
        };
        setting.at(self.cors.path.clone())
    }
}

/// What a request of a route comes through: one listener of one parent.
#[derive(Clone, Debug)]
pub(super) struct Arrival<'a> {
    pub(super) hostname: Hostname,
    /// Namespace and name of the Gateway, which may be missing from the manifests.
    gateway: Option<(&'a str, &'a str)>,
    listener: Option<&'a str>,
    pub(super) priority: Option<InheritedPriority>,
}

/// 8.4: what the requests of a route may come through, in the order of its parents. A route is served whether or not
/// its Gateway is in the manifests, then on every host.
pub(super) fn arrivals<'a>(route: &'a HttpRoute, gateways: &Gateways<'a>) -> Vec<Arrival<'a>> {
    let mut arrivals = Vec::new();
    for parent in &route.parents {
        let named = (parent.group == GATEWAY_API && parent.kind == "Gateway")
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
pub(super) fn nowhere<'a>() -> Arrival<'a> {
    Arrival { hostname: Hostname::any(), gateway: None, listener: None, priority: None }
}

/// The Gateways, by namespace and name.
pub(super) type Gateways<'a> = HashMap<(&'a str, &'a str), &'a Gateway>;

/// What a `targetRefs` entry or an object is: kind, namespace, name and section.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Target<'a> {
    pub(super) kind: TargetKind,
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
    pub(super) section: Option<&'a str>,
}

/// The kinds that a traffic policy can target here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum TargetKind {
    Gateway,
    HttpRoute,
}

impl<'a> Target<'a> {
    /// What `reference` of `policy` names: an object in the namespace of the policy.
    pub(super) fn of(policy: &'a TrafficPolicy, reference: &'a TargetRef) -> Option<Self> {
        let kind = match reference.kind.as_str() {
            _ if reference.group != GATEWAY_API => return None,
            "Gateway" => TargetKind::Gateway,
            "HTTPRoute" => TargetKind::HttpRoute,
            _ => return None,
        };
        let (namespace, name) = (policy.meta.namespace.as_str(), reference.name.as_str());
        Some(Self { kind, namespace, name, section: reference.section.as_deref() })
    }
}

/// The traffic policies by what they target and by their names, and the Gateways.
pub(super) struct Attachments<'a> {
    pub(super) gateways: Gateways<'a>,
    named: HashMap<(Flavor, &'a str, &'a str), &'a TrafficPolicy>,
    /// Those with a CORS setting, first the one that counts.
    pub(super) targeting: HashMap<Target<'a>, Vec<&'a TrafficPolicy>>,
}

impl<'a> Attachments<'a> {
    pub(super) fn new(resources: &'a Resources) -> Self {
        let gateways = resources.gateways.iter().map(|gateway| (key(&gateway.meta), gateway)).collect();
        let name = |policy: &'a TrafficPolicy| (policy.flavor, &*policy.meta.namespace, &*policy.meta.name);
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
    pub(super) fn find(&self, route: &HttpRoute, reference: &ExtensionRef) -> Option<&'a TrafficPolicy> {
        let flavor = flavor_of(reference)?;
        self.named.get(&(flavor, route.meta.namespace.as_str(), reference.name.as_str())).copied()
    }

    /// The policies with a CORS setting that a rule names, first the one that counts.
    pub(super) fn extensions(&self, route: &HttpRoute, rule: &HttpRule) -> Vec<&'a TrafficPolicy> {
        let found = extensions(rule).filter_map(|reference| self.find(route, reference));
        let mut found: Vec<_> = found.filter(|policy| policy.cors.is_some()).collect();
        by_age(&mut found);
        found.dedup_by(|one, other| std::ptr::eq(*one, *other));
        found
    }

    /// The settings of the requests that reach the rule `rule` (from 0) of a route, first the one that counts first.
    ///
    /// Without a chosen backend, the filter of a rule's only backend counts.
    pub(super) fn stack(
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
        let at_route = |section| Target { kind: TargetKind::HttpRoute, namespace, name, section };
        if let Some(section) = given.name.as_deref() {
            stack.extend(self.targeted(&at_route(Some(section)), Level::TargetedRule));
        }
        stack.extend(self.targeted(&at_route(None), Level::TargetedRoute));
        if let Some((namespace, name)) = arrival.gateway {
            let at_gateway = |section| Target { kind: TargetKind::Gateway, namespace, name, section };
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
pub(super) fn extensions(rule: &HttpRule) -> impl Iterator<Item = &ExtensionRef> {
    rule.filters.iter().filter_map(|filter| match filter {
        Filter::Extension(reference) => Some(reference),
        Filter::Cors(_) => None,
    })
}

fn flavor_of(reference: &ExtensionRef) -> Option<Flavor> {
    let named = (&*reference.group, &*reference.kind);
    [Flavor::Kgateway, Flavor::Gloo].into_iter().find(|flavor| flavor.group_and_kind() == named)
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
pub(super) fn policy_name(policy: &TrafficPolicy) -> String {
    let (_, kind) = policy.flavor.group_and_kind();
    format!("{kind} {}", full_name(&policy.meta.namespace, &policy.meta.name))
}

/// A route as messages call it, such as `HTTPRoute web/api`.
pub(super) fn route_name(meta: &Meta) -> String {
    format!("HTTPRoute {}", full_name(&meta.namespace, &meta.name))
}

pub(super) fn full_name(namespace: &str, name: &str) -> String {
    format!("{}/{}", Shown(namespace), Shown(name))
}
