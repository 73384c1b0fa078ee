//! Policies and references without effect: what they name is not in the manifests, an older policy comes first, or
//! no route is there to be applied to. In: the resources and how they attach. Out: lints that name both objects.
//! Rules 7.1, 7.2.

use std::collections::HashSet;

use super::stack::{self, Attachments, Target};
use crate::{
    finding::Finding,
    manifest::{
        finding::{Lint, LintKind, Position},
        objects::{Filter, HttpRoute, Kind, Meta, ParentRef, Resources, TrafficPolicy},
    },
    policy::FieldPath,
};

/// Adds the lints on all references and policies.
pub(crate) fn add_lints(resources: &Resources, attachments: &Attachments<'_>, lints: &mut Vec<Lint>) {
    let mut finder = Finder { attachments, lints, served: HashSet::new(), named: HashSet::new() };
    for route in &resources.routes {
        finder.add_route(route);
    }
    for policy in &resources.policies {
        finder.add_policy(policy);
    }
}

struct Finder<'a, 'l> {
    attachments: &'l Attachments<'a>,
    lints: &'l mut Vec<Lint>,
    /// What the routes are and belong to.
    served: HashSet<Target<'a>>,
    /// The policies that rules name.
    named: HashSet<*const TrafficPolicy>,
}

impl<'a> Finder<'a, '_> {
    fn add_route(&mut self, route: &'a HttpRoute) {
        let (namespace, own) = (route.meta.namespace.as_str(), route.meta.name.as_str());
        self.served.insert(Target { kind: Kind::HttpRoute, namespace, name: own, section: None });
        for parent in &route.parents {
            self.add_parent(parent, &route.meta);
        }
        for (index, rule) in route.rules.iter().enumerate() {
            if let Some(section) = rule.name.as_deref() {
                let kind = Kind::HttpRoute;
                self.served.insert(Target { kind, namespace, name: own, section: Some(section) });
            }
            for reference in stack::extensions(rule) {
                let is_policy = Kind::ALL.iter().any(|kind| kind.is_policy() && kind.name() == reference.kind);
                match self.attachments.find(route, reference) {
                    Some(policy) => _ = self.named.insert(std::ptr::from_ref(policy)),
                    None if is_policy => {
                        let missing = format!("{} {}", reference.kind, stack::full_name(namespace, &reference.name));
                        let name = stack::route_name(&route.meta);
                        self.missing(reference.path.field("name"), missing, name, &reference.position);
                    }
                    None => {}
                }
            }
            let place = || format!("{} rule {index}", stack::route_name(&route.meta));
            self.add_losers(&self.attachments.extensions(route, rule), place);
            if let [_, _, ..] = rule.backends.as_slice() {
                let filters = rule.backends.iter().flat_map(|backend| &backend.filters);
                for cors in filters.filter_map(Filter::cors) {
                    let lint = Finding::new(cors.path.clone(), LintKind::BackendFilter).with_value(place());
                    self.lints.push(Lint::new(lint, rule.position.clone()));
                }
            }
        }
    }

    fn add_parent(&mut self, parent: &'a ParentRef, route: &Meta) {
        if Kind::of_reference(&parent.group, &parent.kind) != Some(Kind::Gateway) {
            return;
        }
        let (namespace, name) = (parent.namespace.as_str(), parent.name.as_str());
        let target = |section| Target { kind: Kind::Gateway, namespace, name, section };
        self.served.insert(target(None));
        let Some(gateway) = self.attachments.gateways.get(&(namespace, name)).copied() else {
            self.served.extend(parent.section.as_deref().map(|section| target(Some(section))));
            return;
        };
        let Some(section) = parent.section.as_deref() else {
            let listeners = gateway.listeners.iter();
            return self.served.extend(listeners.map(|listener| target(Some(&listener.name))));
        };
        self.served.insert(target(Some(section)));
        if !gateway.listeners.iter().any(|listener| listener.name == section) {
            let missing = describe(&target(Some(section)));
            let name = stack::route_name(route);
            self.missing(parent.path.field("sectionName"), missing, name, &parent.position);
        }
    }

    fn add_policy(&mut self, policy: &'a TrafficPolicy) {
        if policy.cors.is_none() {
            return;
        }
        let name = stack::policy_name(policy);
        let mut is_applied = self.named.contains(&std::ptr::from_ref(policy));
        let mut is_reported = false;
        for reference in &policy.targets {
            let Some(target) = Target::of(policy, reference) else { continue };
            if self.served.contains(&target) {
                is_applied = true;
                let contenders = self.attachments.targeting.get(&target).map(Vec::as_slice).unwrap_or_default();
                if let Some(winner) = contenders.first()
                    && !std::ptr::eq(*winner, policy)
                {
                    self.loses(policy, winner, describe(&target));
                }
            } else if !self.exists(&target) {
                is_reported = true;
                self.missing(reference.path.clone(), describe(&target), name.clone(), &reference.position);
            }
        }
        if !is_applied && !is_reported {
            let targets = policy.targets.iter().map(|reference| {
                let described = Target::of(policy, reference).map(|target| describe(&target));
                let other =
                    || format!("{} {}", reference.kind, stack::full_name(&policy.meta.namespace, &reference.name));
                described.unwrap_or_else(other)
            });
            let target = targets.collect::<Vec<_>>().join(" or ");
            self.push(&policy.meta, name, LintKind::AttachesToNothing { target });
        }
    }

    /// Whether a target that no route is or belongs to is in the manifests all the same.
    fn exists(&self, target: &Target<'_>) -> bool {
        if target.kind == Kind::HttpRoute {
            return false;
        }
        let gateway = self.attachments.gateways.get(&(target.namespace, target.name));
        let has = |section: &str| gateway.is_some_and(|gateway| gateway.listeners.iter().any(|of| of.name == section));
        gateway.is_some() && target.section.is_none_or(has)
    }

    fn add_losers(&mut self, contenders: &[&TrafficPolicy], place: impl Fn() -> String) {
        if let Some((winner, losers)) = contenders.split_first() {
            for loser in losers {
                self.loses(loser, winner, place());
            }
        }
    }

    fn loses(&mut self, loser: &TrafficPolicy, winner: &TrafficPolicy, place: String) {
        let kind = LintKind::LosesToOlder { winner: stack::policy_name(winner), place };
        self.push(&loser.meta, stack::policy_name(loser), kind);
    }

    fn missing(&mut self, path: FieldPath, missing: String, by: String, position: &Position) {
        let lint = Finding::new(path, LintKind::ReferenceNotFound { by }).with_value(missing);
        self.lints.push(Lint::new(lint, position.clone()));
    }

    fn push(&mut self, meta: &Meta, name: String, kind: LintKind) {
        let lint = Finding::new(FieldPath::from("spec.cors"), kind).with_value(name);
        self.lints.push(Lint::new(lint, meta.position.clone()));
    }
}

/// A target as messages call it, such as `Gateway web/public listener https`.
fn describe(target: &Target<'_>) -> String {
    let kind = target.kind.name();
    let section = if target.kind == Kind::Gateway { "listener" } else { "rule" };
    let name = stack::full_name(target.namespace, target.name);
    match target.section {
        Some(of) => format!("{kind} {name} {section} {of}"),
        None => format!("{kind} {name}"),
    }
}
