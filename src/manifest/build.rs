//! From resources to a route table: routes on their listeners, rules with their policies, and the lints that only show
//! when everything is known. Rules 7.1, 8.3, 8.4.

use std::{collections::HashMap, hash::Hash};

use super::{
    LoadedRoutes, attach,
    model::{BackendRef, Gateway, HttpRoute, Meta, ParentRef, Resources},
};
use crate::{
    lint::{Lint, LintKind},
    policy::{FieldPath, Position},
    route::{Hostname, Route, RouteTable, Rule},
};

/// Builds the table of everything that was read.
pub(super) fn build(mut resources: Resources, mut lints: Vec<Lint>) -> LoadedRoutes {
    keep_latest(&mut resources.gateways, |gateway| ((), &gateway.meta), &mut lints);
    keep_latest(&mut resources.routes, |route| ((), &route.meta), &mut lints);
    keep_latest(&mut resources.policies, |policy| (policy.flavor.group_and_kind(), &policy.meta), &mut lints);
    let routes: Vec<Route> = resources.routes.iter().map(|route| build_route(route, &resources, &mut lints)).collect();
    let table = RouteTable::new(routes);
    add_lints_of_table(&table, &resources.routes, &mut lints);
    let backends = resources.routes.into_iter().map(backends_of).collect();
    LoadedRoutes { table, lints, backends }
}

/// Of objects with one name the last counts, as it does for `kubectl apply`.
fn keep_latest<T, K: Eq + Hash>(objects: &mut Vec<T>, key: impl Fn(&T) -> (K, &Meta), lints: &mut Vec<Lint>) {
    let mut latest = HashMap::new();
    for (at, object) in objects.iter().enumerate() {
        let (kind, meta) = key(object);
        if latest.insert((kind, meta.namespace.clone(), meta.name.clone()), at).is_some() {
            let path = FieldPath::from("metadata.name");
            lints.push(lint(path, LintKind::ReplacesEarlier, &meta.name, &meta.position));
        }
    }
    let mut at = 0;
    objects.retain(|object| {
        let (kind, meta) = key(object);
        let is_latest = latest.get(&(kind, meta.namespace.clone(), meta.name.clone())) == Some(&at);
        at += 1;
        is_latest
    });
}

fn build_route(route: &HttpRoute, resources: &Resources, lints: &mut Vec<Lint>) -> Route {
    let mut built = Route::new(&route.meta.namespace, &route.meta.name);
    if let Some(created) = route.meta.created {
        built = built.created(created);
    }
    for hostname in &route.hostnames {
        built = built.hostname(hostname.clone());
    }
    for parent in &route.parents {
        for hostname in listeners_of(parent, &resources.gateways, lints) {
            built = built.listener(hostname);
        }
    }
    for rule in &route.rules {
        for reference in attach::extensions(rule) {
            let is_policy = ["TrafficPolicy", "GlooTrafficPolicy"].contains(&&*reference.kind);
            if is_policy && attach::find(route, reference, &resources.policies).is_none() {
                let path = reference.path.field("name");
                lints.push(lint(path, LintKind::ReferenceNotFound, &reference.name, &reference.position));
            }
        }
        let stack = attach::stack(route, rule, &resources.policies);
        let policy = attach::effective(&stack).and_then(|cors| cors.compiled.clone());
        let mut given = Rule::new();
        for found in &rule.matches {
            given = given.matching(found.clone());
        }
        if let Some(policy) = policy {
            given = given.policy(policy);
        }
        built = built.rule(given);
    }
    built
}

/// 8.4: the hostnames of the listeners that a parent stands for. A route is served whether or not its Gateway is in the
/// manifests, then on every host.
fn listeners_of(parent: &ParentRef, gateways: &[Gateway], lints: &mut Vec<Lint>) -> Vec<Hostname> {
    let is_gateway = parent.kind == "Gateway" && parent.group == "gateway.networking.k8s.io";
    let named = |gateway: &&Gateway| {
        is_gateway && gateway.meta.name == parent.name && gateway.meta.namespace == parent.namespace
    };
    let Some(gateway) = gateways.iter().find(named) else { return vec![Hostname::any()] };
    let Some(section) = &parent.section else {
        let hostnames: Vec<_> = gateway.listeners.iter().map(|listener| listener.hostname.clone()).collect();
        return if hostnames.is_empty() { vec![Hostname::any()] } else { hostnames };
    };
    match gateway.listeners.iter().find(|listener| listener.name == *section) {
        Some(listener) => vec![listener.hostname.clone()],
        None => {
            let path = parent.path.field("sectionName");
            lints.push(lint(path, LintKind::ReferenceNotFound, section, &parent.position));
            vec![Hostname::any()]
        }
    }
}

/// 8.3: the rules that can be candidates beside others, and those of them that nothing can be held to.
fn add_lints_of_table(table: &RouteTable, routes: &[HttpRoute], lints: &mut Vec<Lint>) {
    for found in table.rules_beside_others() {
        let Some(rule) = routes.get(found.route()).and_then(|route| route.rules.get(found.rule())) else { continue };
        let kind = if found.policy().is_some() { LintKind::RuleBesideOthers } else { LintKind::RuleNotHeld };
        lints.push(Lint::new(rule.path.clone(), kind).with_position(rule.position.clone()));
    }
}

fn backends_of(route: HttpRoute) -> Vec<Vec<BackendRef>> {
    let of_rule =
        |backends: Vec<super::model::Backend>| backends.into_iter().map(|backend| backend.reference).collect();
    route.rules.into_iter().map(|rule| of_rule(rule.backends)).collect()
}

fn lint(path: FieldPath, kind: LintKind, value: &str, position: &Position) -> Lint {
    Lint::new(path, kind).with_value(value).with_position(position.clone())
}
