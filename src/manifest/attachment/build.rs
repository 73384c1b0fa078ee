//! From resources to a route table: routes on their listeners, rules with their policies, and the lints that only show
//! when everything is known. Rules 7.10, 8.3.

use std::{collections::HashMap, hash::Hash};

use super::{
    effective::Merger,
    loaded::LoadedRoutes,
    stack::{self, Attachments},
    unattached,
};
use crate::{
    compile::Compiler,
    decision::Resolution,
    finding::Finding,
    manifest::{
        finding::{Lint, LintKind, Position},
        objects::{Backend, BackendRef, HttpRoute, Meta, Resources},
    },
    policy::FieldPath,
    route::{Route, RouteTable, Rule},
};

/// Builds the table of everything that was read.
pub(crate) fn build(mut resources: Resources, mut lints: Vec<Lint>, compiler: &Compiler) -> LoadedRoutes {
    keep_latest(&mut resources.gateways, |gateway| ((), &gateway.meta), &mut lints);
    keep_latest(&mut resources.routes, |route| ((), &route.meta), &mut lints);
    keep_latest(&mut resources.policies, |policy| (policy.kind, &policy.meta), &mut lints);
    let attachments = Attachments::new(&resources);
    unattached::add_lints(&resources, &attachments, &mut lints);
    let mut merger = Merger::new(compiler);
    let routes = resources.routes.iter().map(|route| build_route(route, &attachments, &mut merger, &mut lints));
    let table = RouteTable::new(routes.collect::<Vec<_>>());
    add_lints_of_table(&table, &resources.routes, &mut lints);
    let backends = resources.routes.iter().map(backends_of).collect();
    LoadedRoutes { table, lints, backends, resources }
}

/// Of objects with one name the last counts, as it does for `kubectl apply`.
fn keep_latest<T, K: Eq + Hash>(objects: &mut Vec<T>, key: impl Fn(&T) -> (K, &Meta), lints: &mut Vec<Lint>) {
    let mut latest = HashMap::with_capacity(objects.len());
    let mut is_latest = vec![true; objects.len()];
    for (at, object) in objects.iter().enumerate() {
        let (kind, meta) = key(object);
        if let Some(earlier) = latest.insert((kind, meta.namespace.as_str(), meta.name.as_str()), at) {
            is_latest[earlier] = false;
            let path = FieldPath::from("metadata.name");
            lints.push(lint(path, LintKind::ReplacesEarlier, &meta.name, &meta.position));
        }
    }
    let mut is_latest = is_latest.into_iter();
    objects.retain(|_| is_latest.next() == Some(true));
}

/// Builds a route: for each rule its policies by listener, and those of backends with a filter of their own.
fn build_route(
    route: &HttpRoute,
    attachments: &Attachments<'_>,
    merger: &mut Merger<'_>,
    lints: &mut Vec<Lint>,
) -> Route {
    let mut built = Route::new(&route.meta.namespace, &route.meta.name);
    if let Some(created) = route.meta.created {
        built = built.created(created);
    }
    for hostname in &route.hostnames {
        built = built.hostname(hostname.clone());
    }
    let mut arrivals = stack::arrivals(route, &attachments.gateways);
    for arrival in &arrivals {
        built = built.listener(None, arrival.hostname.clone());
    }
    if arrivals.is_empty() {
        arrivals.push(stack::nowhere());
    }
    for (index, rule) in route.rules.iter().enumerate() {
        let mut reported = Vec::new();
        let mut policies_for = |backend: Option<usize>| -> Vec<Resolution<'static>> {
            let policies = arrivals.iter().map(|arrival| {
                let stack = attachments.stack(route, index, backend, arrival);
                let outcome = merger.merge(&stack, route.meta.inherited_priority, arrival.priority);
                for found in outcome.lints {
                    if !reported.contains(&found) {
                        reported.push(found);
                    }
                }
                outcome.resolution
            });
            policies.collect()
        };
        let mut given = Rule::new().policy_by_listener(policies_for(None));
        if rule.backends.len() > 1 {
            for (backend, of_rule) in rule.backends.iter().enumerate() {
                if of_rule.filters.iter().any(|filter| filter.cors().is_some()) {
                    given = given.backend_policy_by_listener(backend, policies_for(Some(backend)));
                }
            }
        }
        for found in &rule.matches {
            given = given.matching(found.clone());
        }
        built = built.rule(given);
        for (path, kind) in reported {
            let name = format!("{} rule {index}", stack::route_name(&route.meta));
            let path = if path.as_str().is_empty() { rule.path.clone() } else { rule.path.field(path) };
            lints.push(lint(path, kind, &name, &rule.position));
        }
    }
    built
}

/// 8.3: the rules that can be candidates beside others, and those of them that nothing can be held to.
fn add_lints_of_table(table: &RouteTable, routes: &[HttpRoute], lints: &mut Vec<Lint>) {
    for found in table.ambiguous_rules() {
        let Some(rule) = routes.get(found.route()).and_then(|route| route.rules.get(found.rule())) else { continue };
        let kind = if found.policy().is_some() { LintKind::AmbiguousPreflight } else { LintKind::UnenforceableRule };
        lints.push(Lint::new(Finding::new(rule.path.clone(), kind), rule.position.clone()));
    }
}

fn backends_of(route: &HttpRoute) -> Vec<Vec<BackendRef>> {
    let of_rule = |backends: &[Backend]| backends.iter().map(|backend| backend.reference.clone()).collect();
    route.rules.iter().map(|rule| of_rule(&rule.backends)).collect()
}

fn lint(path: FieldPath, kind: LintKind, value: &str, position: &Position) -> Lint {
    Lint::new(Finding::new(path, kind).with_value(value), position.clone())
}
