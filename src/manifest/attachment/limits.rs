//! What a table takes as a whole: the regular expressions of all routes together, and how much of it is delegated. In: the
//! routes that are served. Out: the same, those without expressions for which there is no room, the youngest first.

use std::collections::HashSet;

use super::{
    graph::{Graph, Served},
    names::ObjectName,
    targets::age,
};
use crate::{
    finding::Finding,
    manifest::{
        finding::{Lint, LintKind, ObjectLints},
        objects::{Resources, Route, RouteRule},
    },
    policy::FieldPath,
    route::{ExpressionBudget, RouteMatch},
};

/// How many delegated routes a table serves, each counted for every way that leads to it; and how many matches these have,
/// beyond as many as all routes have themselves.
pub(crate) const MAX_DELEGATED: usize = 100_000;
/// How many matches a delegated rule may have, joined to those of the rules above it.
pub(crate) const MAX_JOINED_MATCHES: usize = 1_024;

/// Takes out the rules whose expressions the table has no room for: those of the youngest routes, and of these all with
/// expressions, so that none is left whose requests would go to its neighbour.
pub(crate) fn limit_expressions(graph: &mut Graph<'_>, lints: &mut ObjectLints) {
    let mut known = HashSet::new();
    let costs = graph.served.iter().flat_map(|served| expressions(served, &mut known)).collect::<Vec<_>>();
    if ExpressionBudget::of_table().take(costs) {
        return;
    }
    let routes = &graph.resources.routes;
    let mut order: Vec<_> = (0..graph.served.len()).collect();
    order.sort_by_cached_key(|&at| {
        let served = graph.served.get(at);
        served.and_then(|served| routes.get(served.route)).map(|route| age(&route.meta))
    });
    let mut left = ExpressionBudget::of_table();
    let (mut known, mut refused) = (HashSet::new(), HashSet::new());
    for at in order {
        let Some(served) = graph.served.get(at) else { continue };
        let costs: Vec<_> = expressions(served, &mut known).collect();
        if !left.take(costs) {
            refused.insert(at);
        }
    }
    let mut reported = HashSet::new();
    for at in refused {
        let Some(served) = graph.served.get_mut(at) else { continue };
        for matches in &mut served.matches {
            if matches.as_ref().is_some_and(|matches| matches.iter().any(has_expressions)) {
                *matches = None;
            }
        }
        if reported.insert(served.route) {
            add_lint(graph.resources, served.route, lints);
        }
    }
}

/// What the expressions of a route take that are not known yet.
fn expressions<'s>(
    served: &'s Served,
    known: &mut HashSet<&'s str>,
) -> impl Iterator<Item = crate::route::Cost> + use<'s> {
    let matches = served.matches.iter().flatten().flat_map(|matches| matches.iter());
    let found: Vec<_> = matches.flat_map(RouteMatch::expressions).filter(|(text, _)| known.insert(text)).collect();
    found.into_iter().map(|(_, cost)| cost)
}

fn has_expressions(found: &RouteMatch) -> bool {
    found.expressions().next().is_some()
}

fn add_lint(resources: &Resources, route: usize, lints: &mut ObjectLints) {
    let Some(route) = resources.routes.get(route) else { return };
    let lint = Finding::new(FieldPath::from("spec.rules"), LintKind::TooManyExpressions);
    let lint = lint.with_value(ObjectName::of(route.kind, &route.meta).describe());
    lints.add_single(Lint::new(lint, route.meta.position.clone()));
}

/// How many matches a route has.
pub(crate) fn matches_of(route: &Route) -> usize {
    route.rules.iter().map(|rule| rule.matches.len().max(1)).sum()
}

/// How many matches a delegated route may have under so many of the rule above it.
pub(crate) fn most_joined(route: &Route, above: usize) -> usize {
    let joined = |rule: &RouteRule| match route.inherits_matches {
        true => (rule.matches.len().max(1) * above).min(MAX_JOINED_MATCHES),
        false => rule.matches.len().max(1),
    };
    route.rules.iter().map(joined).sum()
}

/// Why a rule delegates to nothing that would delegate to more.
pub(crate) fn too_many_delegated() -> String {
    format!("more than {MAX_DELEGATED} routes, or matches of routes, are delegated to")
}
