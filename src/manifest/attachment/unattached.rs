//! Policies and references without effect: what they name is not in the manifests, no listener takes them, an older policy
//! comes first, or no route is there to be applied to. In: the graph. Out: lints that name both objects.
//! Rules 7.1, 7.2, 7.12, 8.4, 8.8.

use std::collections::HashSet;

use super::{
    graph::{Graph, Problem, extension_refs, is_delegation},
    names::{ObjectName, Target, full_name, policy_name, rule_name},
    targets::MAX_SELECTORS,
};
use crate::{
    finding::Finding,
    manifest::{
        finding::{Lint, LintKind, ObjectLints, Position},
        objects::{Filter, Kind, Meta, ParentRef, Route, TrafficPolicy},
    },
    policy::FieldPath,
};

/// Adds the lints on all references and policies.
pub(crate) fn add_lints(graph: &Graph<'_>, lints: &mut ObjectLints) {
    let applied = graph.targets.selecting().map(std::ptr::from_ref).collect();
    let mut finder = Finder { graph, lints, served: HashSet::new(), last_parent: None, applied };
    finder.add_problems();
    finder.add_overridden();
    for route in &graph.resources.routes {
        finder.add_route(route);
    }
    for (set, gateway) in graph.parents.refused_sets() {
        let reason =
            format!("{} does not admit its namespace", ObjectName::of(Kind::Gateway, &gateway.meta).describe());
        let lint = Finding::new(FieldPath::from("spec.parentRef"), LintKind::NotAttached { reason });
        finder.lints.add_single(Lint::new(lint.with_value(&*set.meta.name), set.meta.position.clone()));
    }
    for policy in &graph.resources.policies {
        finder.add_policy(policy);
    }
}

struct Finder<'a, 'l> {
    graph: &'l Graph<'a>,
    lints: &'l mut ObjectLints,
    /// What the routes are and belong to.
    served: HashSet<Target<'a>>,
    /// The parent that was added last.
    last_parent: Option<Target<'a>>,
    /// The policies that rules name, or that select an object by its labels.
    applied: HashSet<*const TrafficPolicy>,
}

impl<'a> Finder<'a, '_> {
    fn add_problems(&mut self) {
        let mut reported = HashSet::new();
        for (at, problem) in &self.graph.problems {
            let Some(route) = self.graph.resources.routes.get(*at) else { continue };
            match problem {
                Problem::NotAttached { reference, reason } => {
                    let kind = LintKind::NotAttached { reason: reason.clone() };
                    let lint = Finding::new(reference.path.clone(), kind).with_value(name_of(route));
                    self.lints.add_to(&name_of(route), Lint::new(lint, reference.position.clone()));
                }
                Problem::DelegatesToNothing { rule: (_, index), reason } => {
                    let Some(rule) = route.rules.get(*index).filter(|_| reported.insert((*at, *index))) else {
                        continue;
                    };
                    let path = rule.backends.iter().find(|backend| is_delegation(backend)).map(|backend| &backend.path);
                    let kind = LintKind::DelegatesToNothing { reason: reason.clone() };
                    let lint =
                        Finding::new(path.unwrap_or(&rule.path).clone(), kind).with_value(rule_name(route, *index));
                    self.lints.add_single(Lint::new(lint, rule.position.clone()));
                }
                Problem::IgnoredHostnames if reported.insert((*at, usize::MAX)) => {
                    let lint = Finding::new(FieldPath::from("spec.hostnames"), LintKind::IgnoredHostnames);
                    self.lints.add_single(Lint::new(lint.with_value(name_of(route)), route.meta.position.clone()));
                }
                Problem::IgnoredHostnames => {}
            }
        }
    }

    /// 7.2: the policies whose selectors an older one has as well.
    fn add_overridden(&mut self) {
        for (loser, winner, target) in self.graph.targets.overridden() {
            self.applied.insert(std::ptr::from_ref(*loser));
            self.loses(loser, winner, target.describe());
        }
    }

    fn add_route(&mut self, route: &'a Route) {
        let name = ObjectName::of(route.kind, &route.meta);
        self.served.insert(name.whole());
        if self.graph.targets.is_unselectable(&name) {
            let kind = LintKind::TooManySelectors { limit: MAX_SELECTORS };
            let lint = Finding::new(FieldPath::from("metadata.labels"), kind).with_value(name_of(route));
            self.lints.add_single(Lint::new(lint, route.meta.position.clone()));
        }
        for parent in &route.parents {
            self.add_parent(parent);
        }
        for (index, rule) in route.rules.iter().enumerate() {
            self.served.extend(rule.name.as_deref().map(|section| name.section(section)));
            for reference in extension_refs(rule) {
                let is_policy = Kind::ALL.iter().any(|kind| kind.is_policy() && kind.name() == reference.kind);
                match self.graph.extension(route, reference) {
                    Some(policy) => _ = self.applied.insert(std::ptr::from_ref(policy)),
                    None if is_policy => {
                        let missing = format!("{} {}", reference.kind, full_name(name.namespace, &reference.name));
                        self.missing(reference.path.field("name"), missing, name_of(route), &reference.position);
                    }
                    None => {}
                }
            }
            let contenders = self.graph.extensions(route, rule);
            if let Some((winner, losers)) = contenders.split_first() {
                for loser in losers {
                    self.loses(loser, winner, rule_name(route, index));
                }
            }
            if let [_, _, ..] = &*rule.backends {
                let filters = rule.backends.iter().flat_map(|backend| &backend.filters);
                for setting in filters.filter_map(Filter::cors) {
                    let lint = Finding::new(setting.cors.path.clone(), LintKind::BackendFilter);
                    let lint = Lint::new(lint.with_value(rule_name(route, index)), rule.position.clone());
                    self.lints.add_to(&name_of(route), lint);
                }
            }
        }
    }

    /// What a route belongs to by one of its references.
    fn add_parent(&mut self, parent: &'a ParentRef) {
        let Some(name) = ObjectName::of_parent(parent) else { return };
        // Routes of one namespace mostly have the same parent.
        let target = Target { name, section: parent.section.as_deref() };
        if self.last_parent.replace(target) == Some(target) {
            return;
        }
        self.served.insert(name.whole());
        self.served.extend(self.graph.parents.gateway_of(&name).map(ObjectName::whole));
        match parent.section.as_deref() {
            Some(section) => _ = self.served.insert(name.section(section)),
            None => {
                let listeners = self.graph.parents.listener_names(&name);
                self.served.extend(listeners.into_iter().flatten().map(|listener| name.section(listener)));
            }
        }
    }

    fn add_policy(&mut self, policy: &'a TrafficPolicy) {
        if policy.cors.is_none() {
            return;
        }
        let name = policy_name(policy);
        let mut is_applied = self.applied.contains(&std::ptr::from_ref(policy));
        let mut is_reported = false;
        for reference in &policy.targets {
            let Some(target) = Target::of(policy, reference) else { continue };
            if self.served.contains(&target) {
                is_applied = true;
                if let Some(winner) = self.graph.targets.of(&target).filter(|winner| !std::ptr::eq(*winner, policy)) {
                    self.loses(policy, winner, target.describe());
                }
            } else if !self.exists(&target) {
                is_reported = true;
                self.missing(reference.path.clone(), target.describe(), name.clone(), &reference.position);
            }
        }
        if !is_applied && !is_reported {
            let targets = policy.targets.iter().map(|reference| {
                let other = || format!("{} {}", reference.kind, full_name(&policy.meta.namespace, &reference.name));
                Target::of(policy, reference).map_or_else(other, |target| target.describe())
            });
            let target = targets.collect::<Vec<_>>().join(" or ");
            self.push(&name.clone(), &policy.meta, name, LintKind::AttachesToNothing { target });
        }
    }

    /// Whether a target that no route is or belongs to is in the manifests all the same.
    fn exists(&self, target: &Target<'_>) -> bool {
        let has = |section| {
            self.graph.parents.listener_names(&target.name).is_some_and(|mut names| names.any(|name| name == section))
        };
        self.graph.parents.has(&target.name) && target.section.is_none_or(has)
    }

    fn loses(&mut self, loser: &TrafficPolicy, winner: &TrafficPolicy, place: String) {
        // Of the object that both are for: tens of thousands may be for one.
        let object = place.clone();
        let kind = LintKind::LosesToOlder { winner: policy_name(winner), place };
        self.push(&object, &loser.meta, policy_name(loser), kind);
    }

    fn missing(&mut self, path: FieldPath, missing: String, by: String, position: &Position) {
        let object = by.clone();
        let lint = Finding::new(path, LintKind::ReferenceNotFound { by }).with_value(missing);
        self.lints.add_to(&object, Lint::new(lint, position.clone()));
    }

    fn push(&mut self, object: &str, meta: &Meta, name: String, kind: LintKind) {
        let lint = Finding::new(FieldPath::from("spec.cors"), kind).with_value(name);
        self.lints.add_to(object, Lint::new(lint, meta.position.clone()));
    }
}

/// A route as messages call it.
fn name_of(route: &Route) -> String {
    ObjectName::of(route.kind, &route.meta).describe()
}
