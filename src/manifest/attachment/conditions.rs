//! What the status of routes and policies says. In: loaded routes, and what is wrong with which object. Out: conditions, ready
//! to be written by any controller. Rule 10.5.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;

use super::{
    graph::{Graph, Problem, extension_refs, refusal},
    listeners::RefusalReason,
    loaded::LoadedRoutes,
    names::{ObjectName, Target, policy_name},
};
use crate::manifest::objects::{Kind, Meta, ParentRef, Route, TrafficPolicy};

/// The status of an object, as far as it is one controller's: `status.parents` of a route, `status.ancestors` of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObjectStatus {
    /// The kind of the object, such as `HTTPRoute`.
    pub kind: &'static str,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// One entry for each parent of a route, or for each Gateway that a policy reaches, of these the first 16.
    pub entries: Vec<StatusEntry>,
}

/// An entry of a status. It serializes as the Gateway API has it, but for `controllerName` and `lastTransitionTime`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "camelCase")]
pub struct StatusEntry {
    /// Of a route: what it is attached to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_ref: Option<StatusReference>,
    /// Of a policy: the Gateway that it reaches, or the target that is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ancestor_ref: Option<StatusReference>,
    /// What holds for it.
    pub conditions: Vec<Condition>,
}

/// The object that an entry of a status is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "camelCase")]
pub struct StatusReference {
    /// The API group.
    pub group: String,
    /// The kind.
    pub kind: String,
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
    /// The listener.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub section_name: Option<String>,
    /// The port of the listener.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

/// A condition of a status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// `Accepted`, and `ResolvedRefs` of a route or `Attached` of a policy.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// `True` or `False`.
    pub status: &'static str,
    /// Why, in a word, such as `NotAllowedByListeners`.
    pub reason: &'static str,
    /// Why, in a sentence.
    pub message: String,
    /// The generation of the object that this is about.
    pub observed_generation: i64,
}

/// How many entries the CRD allows for a policy.
const MAX_ANCESTORS: usize = 16;
/// The longest message that the CRD allows, in bytes.
const MAX_MESSAGE: usize = 32_768;

/// The status of each route and of each policy with a CORS setting. `violations` says what is wrong with an object.
pub(crate) fn statuses(
    loaded: &LoadedRoutes,
    violations: &dyn Fn(&str, &str, &str) -> Vec<String>,
) -> Vec<ObjectStatus> {
    let graph = Graph::new(&loaded.resources, &loaded.scope);
    let mut finder = Finder { graph, violations, gateways: HashMap::new(), dead_ends: HashMap::new() };
    finder.find_gateways();
    finder.find_dead_ends();
    let mut statuses: Vec<_> = loaded.resources.routes.iter().map(|route| finder.route(route)).collect();
    statuses.extend(finder.policies());
    statuses
}

struct Finder<'a, 'v> {
    graph: Graph<'a>,
    violations: &'v dyn Fn(&str, &str, &str) -> Vec<String>,
    /// The Gateways that each route is served through.
    gateways: HashMap<ObjectName<'a>, BTreeSet<(&'a str, &'a str)>>,
    /// For routes that delegate to nothing, what they say.
    dead_ends: HashMap<ObjectName<'a>, String>,
}

/// What a policy is to a Gateway.
enum Reach {
    Attached,
    /// By the older policy that counts in its place.
    Overridden(String),
    TargetNotFound(String),
}

impl<'a> Finder<'a, '_> {
    fn find_gateways(&mut self) {
        let routes = &self.graph.resources.routes;
        let mut of_top: HashMap<usize, BTreeSet<(&'a str, &'a str)>> = HashMap::new();
        // 8.8: a delegated route is served through the listeners of its topmost parent.
        for served in &self.graph.served {
            let (Some(route), Some(top)) = (routes.get(served.route), routes.get(served.top)) else { continue };
            let gateways = of_top.entry(served.top).or_insert_with(|| {
                let taken = top.parents.iter().filter_map(|reference| {
                    let name = ObjectName::of_parent(reference)?;
                    let is_taken = is_listener_parent(reference)
                        && refusal(top, &self.graph.parents.take(top, reference, &self.graph.targets)).is_none();
                    self.graph.parents.gateway_of(&name).filter(|_| is_taken)
                });
                taken.map(|gateway| (gateway.namespace, gateway.name)).collect()
            });
            self.gateways.entry(ObjectName::of(route.kind, &route.meta)).or_default().extend(&*gateways);
        }
    }

    fn find_dead_ends(&mut self) {
        for (at, problem) in &self.graph.problems {
            if let Problem::DelegatesToNothing { rule: (_, rule), reason } = problem
                && let Some(route) = self.graph.resources.routes.get(*at)
            {
                let message = || format!("rule {rule} delegates to nothing: {reason}");
                self.dead_ends.entry(ObjectName::of(route.kind, &route.meta)).or_insert_with(message);
            }
        }
    }

    /// What is wrong with an object, in one line.
    fn wrong(&self, kind: Kind, meta: &Meta) -> String {
        let mut wrong = (self.violations)(kind.name(), &meta.namespace, &meta.name).join("; ");
        wrong.truncate(cut_at(&wrong, MAX_MESSAGE));
        wrong
    }

    fn route(&mut self, route: &'a Route) -> ObjectStatus {
        let generation = route.meta.generation;
        let wrong = self.wrong(route.kind, &route.meta);
        let (is_resolved, reason, message) = self.resolved_refs(route);
        let entries = route.parents.iter().filter_map(|reference| {
            if !is_listener_parent(reference) {
                return None;
            }
            let taken = self.graph.parents.take(route, reference, &self.graph.targets);
            let accepted = match refusal(route, &taken) {
                // Its own controller writes there; two that did would never agree.
                Some((RefusalReason::NotOurs, _)) => return None,
                _ if !wrong.is_empty() => condition("Accepted", false, "UnsupportedValue", &wrong, generation),
                None => condition("Accepted", true, "Accepted", "the route is served", generation),
                Some((reason, message)) => {
                    let reason = match reason {
                        RefusalReason::NotAllowedByListeners => "NotAllowedByListeners",
                        RefusalReason::NoMatchingListenerHostname => "NoMatchingListenerHostname",
                        RefusalReason::NoMatchingParent | RefusalReason::NotOurs => "NoMatchingParent",
                    };
                    condition("Accepted", false, reason, &message, generation)
                }
            };
            let parent_ref = StatusReference {
                group: reference.group.to_string(),
                kind: reference.kind.to_string(),
                namespace: reference.namespace.to_string(),
                name: reference.name.to_string(),
                section_name: reference.section.as_ref().map(ToString::to_string),
                port: reference.port,
            };
            let resolved = condition("ResolvedRefs", is_resolved, reason, &message, generation);
            Some(StatusEntry { parent_ref: Some(parent_ref), ancestor_ref: None, conditions: vec![accepted, resolved] })
        });
        let entries = entries.collect();
        let (namespace, name) = (route.meta.namespace.clone(), route.meta.name.clone());
        ObjectStatus { kind: route.kind.name(), namespace, name, entries }
    }

    /// Whether what a route names is there, as far as it is read: routes that it delegates to, and policies.
    fn resolved_refs(&self, route: &'a Route) -> (bool, &'static str, String) {
        if let Some(message) = self.dead_ends.get(&ObjectName::of(route.kind, &route.meta)) {
            return (false, "BackendNotFound", message.clone());
        }
        let references = route.rules.iter().flat_map(extension_refs);
        let is_policy = |kind: &str| Kind::ALL.iter().any(|known| known.is_policy() && known.name() == kind);
        let mut missing = references.filter(|reference| is_policy(&reference.kind));
        match missing.find(|reference| self.graph.extension(route, reference).is_none()) {
            Some(reference) => {
                let message = format!("{}: there is no {} {}", reference.path, reference.kind, reference.name);
                (false, "InvalidExtensionRef", message)
            }
            None => (true, "ResolvedRefs", "what the route names is there".to_owned()),
        }
    }

    fn policies(&self) -> Vec<ObjectStatus> {
        let mut reached: HashMap<*const TrafficPolicy, BTreeMap<StatusReference, Reach>> = HashMap::new();
        let mut note = |policy: &TrafficPolicy, gateways: &[StatusReference], reach: &dyn Fn() -> Reach| {
            let known = reached.entry(std::ptr::from_ref(policy)).or_default();
            for gateway in gateways {
                let reach = reach();
                // Where one of its targets is reached, that counts.
                if matches!(reach, Reach::Attached) || !known.contains_key(gateway) {
                    known.insert(gateway.clone(), reach);
                }
            }
        };
        for policy in self.graph.resources.policies.iter().map(|policy| &**policy) {
            for target in policy.targets.iter().filter_map(|reference| Target::of(policy, reference)) {
                let winner = self.graph.targets.of(&target);
                match self.reached_by(&target) {
                    None => {
                        let missing = [reference_to(&target.name)];
                        note(policy, &missing, &|| Reach::TargetNotFound(format!("there is no {}", target.describe())));
                    }
                    Some(gateways) => note(policy, &gateways, &|| reach(policy, winner)),
                }
            }
        }
        for (target, winner) in self.graph.targets.selected() {
            note(winner, &self.reached_by(target).unwrap_or_default(), &|| {
                reach(winner, self.graph.targets.of(target))
            });
        }
        for route in &self.graph.resources.routes {
            let gateways = self.reached_by(&ObjectName::of(route.kind, &route.meta).whole()).unwrap_or_default();
            for rule in &route.rules {
                let named = self.graph.extensions(route, rule);
                named.iter().for_each(|policy| note(policy, &gateways, &|| reach(policy, named.first().copied())));
            }
        }
        let policies = self.graph.resources.policies.iter().filter(|policy| policy.cors.is_some());
        policies
            .map(|policy| self.policy(policy, reached.remove(&std::ptr::from_ref(&**policy)).unwrap_or_default()))
            .collect()
    }

    fn policy(&self, policy: &TrafficPolicy, reached: BTreeMap<StatusReference, Reach>) -> ObjectStatus {
        let generation = policy.meta.generation;
        let wrong = self.wrong(policy.kind, &policy.meta);
        let entries = reached.into_iter().take(MAX_ANCESTORS).map(|(gateway, reach)| {
            let accepted = match wrong.is_empty() {
                true => condition("Accepted", true, "Valid", "the policy is valid", generation),
                false => condition("Accepted", false, "Invalid", &wrong, generation),
            };
            let attached = match reach {
                Reach::Attached => condition("Attached", true, "Attached", "the policy applies", generation),
                Reach::Overridden(winner) => {
                    let message = format!("{winner} is older and comes first everywhere");
                    condition("Attached", false, "Overridden", &message, generation)
                }
                Reach::TargetNotFound(message) => condition("Attached", false, "TargetNotFound", &message, generation),
            };
            StatusEntry { parent_ref: None, ancestor_ref: Some(gateway), conditions: vec![accepted, attached] }
        });
        let entries = entries.collect();
        let (namespace, name) = (policy.meta.namespace.clone(), policy.meta.name.clone());
        ObjectStatus { kind: policy.kind.name(), namespace, name, entries }
    }

    /// The Gateways that a target is served through; none where it is not there.
    fn reached_by(&self, target: &Target<'_>) -> Option<Vec<StatusReference>> {
        let Target { name, section } = target;
        let gateway = |(namespace, name)| reference_to(&ObjectName { kind: Kind::Gateway, namespace, name });
        if matches!(name.kind, Kind::Gateway | Kind::ListenerSet) {
            if self.graph.parents.is_of_others(name) {
                return Some(Vec::new());
            }
            let mut listeners = self.graph.parents.listener_names(name)?;
            if section.is_some_and(|section| !listeners.any(|listener| listener == section)) {
                return None;
            }
            let found = self.graph.parents.gateway_of(name);
            return Some(found.map(|found| gateway((found.namespace, found.name))).into_iter().collect());
        }
        let route = self.graph.route(name)?;
        let has_rule = |section: &str| route.rules.iter().any(|rule| rule.name.as_deref() == Some(section));
        if section.is_some_and(|section| !has_rule(section)) {
            return None;
        }
        let found = self.gateways.get(name).into_iter().flatten();
        Some(found.map(|&found| gateway(found)).collect())
    }
}

fn reach(policy: &TrafficPolicy, winner: Option<&TrafficPolicy>) -> Reach {
    match winner {
        Some(winner) if !std::ptr::eq(winner, policy) => Reach::Overridden(policy_name(winner)),
        _ => Reach::Attached,
    }
}

/// Whether a parent is one with listeners, and no route.
fn is_listener_parent(reference: &ParentRef) -> bool {
    let kind = Kind::of_reference(&reference.group, &reference.kind);
    matches!(kind, Some(Kind::Gateway | Kind::ListenerSet))
}

fn reference_to(name: &ObjectName<'_>) -> StatusReference {
    StatusReference {
        group: name.kind.group().to_owned(),
        kind: name.kind.name().to_owned(),
        namespace: name.namespace.to_owned(),
        name: name.name.to_owned(),
        section_name: None,
        port: None,
    }
}

fn condition(kind: &'static str, holds: bool, reason: &'static str, message: &str, generation: i64) -> Condition {
    let message = message.get(..cut_at(message, MAX_MESSAGE)).unwrap_or_default().to_owned();
    let status = if holds { "True" } else { "False" };
    Condition { kind, status, reason, message, observed_generation: generation }
}

/// Where a text is cut to have at most so many bytes.
fn cut_at(text: &str, longest: usize) -> usize {
    (0..=text.len().min(longest)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default()
}
