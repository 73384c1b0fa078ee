//! From resources to a route table: routes on their listeners, rules with their policies, and the lints that only show
//! when everything is known. Rules 7.10, 8.3.

use std::{
    collections::{BTreeSet, HashMap},
    hash::Hash,
    sync::Arc,
};

use super::{
    effective::{Outcome, Outcomes},
    graph::{Graph, Served},
    limits::limit_expressions,
    loaded::LoadedRoutes,
    names::{ObjectName, full_name, rule_name},
    scope::Scope,
    settings::{Keep, Stack},
    unattached,
};
use crate::{
    compile::Compiler,
    decision::Resolution,
    finding::Finding,
    manifest::{
        finding::{Lint, LintKind, ObjectLints, Position},
        objects::{Meta, Resources, Route, RouteRule},
    },
    policy::FieldPath,
    route::{self, ByListener, Hostname, RouteTable, Rule},
};

/// How many different settings the listeners of a route may have, and how many policies may be merged for its rules and
/// their backends, each with the settings of its listeners. A rule with more is served without CORS: a route of one
/// kilobyte may be attached to two thousand listeners that have a policy each.
const MAX_SETTINGS: usize = 64;
const MAX_MERGED: usize = 256;

/// Builds the table of objects, of which no two have one name. `outcomes` are those of the table before, where there was one.
pub(crate) fn build(
    resources: Resources,
    of_reading: Vec<Lint>,
    compiler: &Compiler,
    scope: Scope,
    outcomes: &mut Outcomes,
) -> LoadedRoutes {
    outcomes.begin_table();
    let mut lints = ObjectLints::from(of_reading);
    let mut graph = Graph::new(&resources, &scope);
    limit_expressions(&mut graph, &mut lints);
    unattached::add_lints(&graph, &mut lints);
    let mut builder = Builder { graph: &graph, compiler, outcomes, lints: &mut lints };
    let routes: Vec<_> = graph.served.iter().filter_map(|served| builder.route(served)).collect();
    let table = RouteTable::new(routes);
    let mut served = graph.served;
    served.shrink_to_fit();
    add_lints_of_table(&table, &served, &resources.routes, &mut lints);
    add_unreachable(&table, &served, &resources.routes, &mut lints);
    LoadedRoutes { table, lints: lints.into_lints(), served, resources, scope, is_closed: false }
}

/// Of objects with one name the last counts, as it does for `kubectl apply`.
pub(crate) fn keep_latest(resources: &mut Resources, lints: &mut Vec<Lint>) {
    let mut found = ObjectLints::default();
    keep_latest_of(&mut resources.gateways, |gateway| ((), &gateway.meta), &mut found);
    keep_latest_of(&mut resources.gateway_classes, |class| ((), &class.meta), &mut found);
    keep_latest_of(&mut resources.listener_sets, |set| ((), &set.meta), &mut found);
    keep_latest_of(&mut resources.namespaces, |namespace| ((), &namespace.meta), &mut found);
    keep_latest_of(&mut resources.routes, |route| (route.kind, &route.meta), &mut found);
    keep_latest_of(&mut resources.policies, |policy| (policy.kind, &policy.meta), &mut found);
    lints.extend(found.into_lints());
}

fn keep_latest_of<T, K: Eq + Hash>(objects: &mut Vec<Arc<T>>, key: impl Fn(&T) -> (K, &Meta), lints: &mut ObjectLints) {
    let mut latest = HashMap::with_capacity(objects.len());
    let mut is_latest = vec![true; objects.len()];
    for (at, object) in objects.iter().enumerate() {
        let (kind, meta) = key(object);
        if let Some(earlier) = latest.insert((kind, meta.namespace.as_str(), meta.name.as_str()), at) {
            is_latest[earlier] = false;
            let path = FieldPath::from("metadata.name");
            let lint = lint(path, LintKind::ReplacesEarlier, &meta.name, &meta.position);
            lints.add_to(&full_name(&meta.namespace, &meta.name), lint);
        }
    }
    let mut is_latest = is_latest.into_iter();
    objects.retain(|_| is_latest.next() == Some(true));
}

struct Builder<'a, 'b> {
    graph: &'b Graph<'a>,
    compiler: &'b Compiler,
    outcomes: &'b mut Outcomes,
    lints: &'b mut ObjectLints,
}

impl<'a> Builder<'a, '_> {
    /// A route as the table has it: for each rule its policies by listener, and those of backends with a filter of their
    /// own.
    fn route(&mut self, served: &Served) -> Option<route::Route> {
        let routes = &self.graph.resources.routes;
        let (route, top) = (routes.get(served.route)?, routes.get(served.top)?);
        let mut built = route::Route::new(&route.meta.namespace, &route.meta.name).listeners(served.listeners.clone());
        if let Some(created) = route.meta.created {
            built = built.created(created);
        }
        // 8.8: hostnames are the topmost parent's.
        for hostname in &top.hostnames {
            built = built.hostname(Hostname::clone(hostname));
        }
        // A route without listeners is served through all of them, with the settings of none.
        let groups = served.listeners.0.iter().flat_map(|group| group.settings());
        let mut settings: Vec<_> = groups.chain(served.listeners.0.is_empty().then_some(0)).collect();
        settings.sort_unstable();
        settings.dedup();
        let mut merged = 0;
        for (index, (rule, matches)) in route.rules.iter().zip(&served.matches).enumerate() {
            built = built.rule(match matches {
                None => Rule::unreachable(),
                Some(matches) => {
                    let rule = self.rule(served, (route, index, rule), &settings, &mut merged);
                    matches.iter().cloned().fold(rule, Rule::matching)
                }
            });
        }
        Some(built)
    }

    fn rule(
        &mut self,
        served: &Served,
        (route, index, rule): (&'a Route, usize, &'a RouteRule),
        settings: &[usize],
        merged: &mut usize,
    ) -> Rule {
        let with_filter = |backend: &usize| {
            rule.backends.get(*backend).is_some_and(|of| of.filters.iter().any(|filter| filter.cors().is_some()))
        };
        let own_backends: Vec<_> = match rule.backends.len() {
            0 | 1 => Vec::new(),
            count => (0..count).filter(with_filter).collect(),
        };
        let mut found = Vec::new();
        let mut built = Rule::new();
        if self.is_unselectable(served) {
            return built.policies_by_settings(None, ByListener::new([(0, Resolution::closed())]));
        }
        for backend in [None].into_iter().chain(own_backends.into_iter().map(Some)) {
            let stack = self.graph.stack(served, index, backend, Keep::Counting);
            let settings = self.settings_that_count(&stack, settings);
            *merged += if stack.is_empty() { 0 } else { settings.len() };
            let limit = if settings.len() > MAX_SETTINGS { MAX_SETTINGS } else { MAX_MERGED };
            if settings.len() > MAX_SETTINGS || *merged > MAX_MERGED {
                // No part of a rule is served by another's policy.
                found = vec![(FieldPath::root(), LintKind::TooManyPolicies { limit })];
                built = Rule::new().policies_by_settings(None, ByListener::new([(0, Resolution::closed())]));
                break;
            }
            let policies = ByListener::new(self.policies(&stack, settings, &mut found));
            built = built.policies_by_settings(backend, policies);
        }
        for (path, kind) in found {
            let path = if path.as_str().is_empty() { rule.path.clone() } else { rule.path.field(path) };
            self.lints.add_to(
                &ObjectName::of(route.kind, &route.meta).describe(),
                lint(path, kind, &rule_name(route, index), &rule.position),
            );
        }
        built
    }

    /// Whether nobody knows the policy of a route, or of one that delegates to it.
    fn is_unselectable(&self, served: &Served) -> bool {
        let routes = [served.route].into_iter().chain(served.chain.iter().map(|(route, _)| *route));
        let routes = routes.filter_map(|at| self.graph.resources.routes.get(at));
        routes
            .map(|route| ObjectName::of(route.kind, &route.meta))
            .any(|name| self.graph.targets.is_unselectable(&name))
    }

    /// The settings of listeners that a rule has a policy for each of. Most rules are not changed by their listeners, so one
    /// policy serves for all of them.
    fn settings_that_count<'s>(&self, stack: &Stack<'a>, settings: &'s [usize]) -> &'s [usize] {
        match settings {
            [first, ..] if !stack.is_empty() && self.graph.parents.settings.yield_to_rules(settings) => {
                std::slice::from_ref(first)
            }
            settings => settings,
        }
    }

    /// The policy for each of the settings that listeners have.
    fn policies(
        &mut self,
        stack: &Stack<'a>,
        settings: &[usize],
        found: &mut Vec<(FieldPath, LintKind)>,
    ) -> Vec<(usize, Resolution<'static>)> {
        let parents = &self.graph.parents.settings;
        let mut policies = Vec::with_capacity(settings.len());
        for &at in settings {
            let whole = match parents.get(at) {
                Some(parents) => parents.join_to(stack.clone(), Keep::Counting),
                None => stack.clone(),
            };
            let Outcome { resolution, lints } = self.outcomes.merge(&whole, self.compiler);
            for lint in lints {
                if !found.contains(&lint) {
                    found.push(lint);
                }
            }
            policies.push((at, resolution));
        }
        policies
    }
}

/// 8.3: the rules that can be candidates beside others, and those of them that nothing can be held to.
fn add_lints_of_table(table: &RouteTable, served: &[Served], routes: &[Arc<Route>], lints: &mut ObjectLints) {
    let mut reported = BTreeSet::new();
    for found in table.ambiguous_rules() {
        let at = served.get(found.route()).map(|served| (served.route, found.rule()));
        let Some((route, rule)) = at.filter(|at| reported.insert(*at)) else { continue };
        let Some(rule) = routes.get(route).and_then(|route| route.rules.get(rule)) else { continue };
        let kind = if found.policy().is_some() { LintKind::AmbiguousPreflight } else { LintKind::UnenforceableRule };
        lints.add_single(Lint::new(Finding::new(rule.path.clone(), kind), rule.position.clone()));
    }
}

/// 2.18: the rules with a policy that no request reaches, whichever way leads to them.
fn add_unreachable(table: &RouteTable, served: &[Served], routes: &[Arc<Route>], lints: &mut ObjectLints) {
    let unreachable: HashMap<_, _> = table.unreachable_rules().into_iter().collect();
    let rule_of = |(route, rule): (usize, usize)| served.get(route).map(|served| (served.route, rule));
    let mut ways: HashMap<(usize, usize), (usize, usize)> = HashMap::new();
    for (at, of) in served.iter().enumerate() {
        for rule in of.matches.iter().enumerate().filter_map(|(rule, matches)| matches.as_ref().map(|_| rule)) {
            let (all, closed) = ways.entry((of.route, rule)).or_default();
            *all += 1;
            *closed += usize::from(unreachable.contains_key(&(at, rule)));
        }
    }
    let mut reported = BTreeSet::new();
    for (at, by) in unreachable.into_iter().collect::<std::collections::BTreeMap<_, _>>() {
        let (Some(rule), Some((by_route, by_rule))) = (rule_of(at), rule_of(by)) else { continue };
        let is_reached = ways.get(&rule).is_some_and(|(all, closed)| all > closed);
        let has_policy = table.policies_of(at.0, at.1).any(|resolution| resolution.policy().is_some());
        if is_reached || !has_policy || !reported.insert(rule) {
            continue;
        }
        let (Some(route), Some(by)) = (routes.get(rule.0), routes.get(by_route)) else { continue };
        let Some(given) = route.rules.get(rule.1) else { continue };
        let kind = LintKind::UnreachableRule { by: rule_name(by, by_rule) };
        lints.add_single(lint(given.path.clone(), kind, &rule_name(route, rule.1), &given.position));
    }
}

fn lint(path: FieldPath, kind: LintKind, value: &str, position: &Position) -> Lint {
    Lint::new(Finding::new(path, kind).with_value(value), position.clone())
}
