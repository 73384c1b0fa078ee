//! Rules that no request reaches, since a rule before them in the order of 8.1 takes all that they match. In: the matches
//! of a table. Out: for each such rule the one that takes its requests. It finds what stands at one hostname and path,
//! and expressions behind a rule for every path; others may be missed. Rule 2.18.

use std::collections::{HashMap, HashSet};

use http::Method;

use super::{
    order::{Conditions, Target},
    preflight::group::RuleAt,
    table::Routes,
};

/// The rules that no request reaches, each with the one that takes its requests, in the order of the routes.
pub(super) fn find(routes: &Routes) -> Vec<(RuleAt, RuleAt)> {
    let mut found = Found { routes, reached: HashSet::new(), taken_by: HashMap::new() };
    for paths in routes.hosts.values() {
        let (buckets, expressions) = paths.ranks();
        let mut expressions = expressions.peekable();
        let mut takes_every_path = Takers::default();
        for (at, ranks) in buckets.enumerate() {
            // The first is that of the prefix `/`.
            let takers = found.walk(ranks, &Takers::default(), at == 0 && expressions.peek().is_some());
            if at == 0 {
                takes_every_path = takers;
            }
        }
        for ranks in expressions {
            found.walk(ranks, &takes_every_path, false);
        }
    }
    for paths in routes.grpc_hosts() {
        let (buckets, expressions) = paths.ranks();
        for ranks in buckets.chain(expressions) {
            found.walk(ranks, &Takers::default(), false);
        }
    }
    let Found { reached, taken_by, .. } = found;
    let mut rules: Vec<_> = taken_by.into_iter().filter(|(rule, _)| !reached.contains(rule)).collect();
    rules.sort_unstable();
    rules
}

struct Found<'t> {
    routes: &'t Routes,
    /// The rules that some request reaches.
    reached: HashSet<RuleAt>,
    taken_by: HashMap<RuleAt, RuleAt>,
}

/// The rules that take every request which meets these conditions.
type Takers<'t> = HashMap<Key<'t>, RuleAt>;

/// Conditions that a preflight shows; and the listeners, none for all of them.
type Key<'t> = (Option<&'t Method>, Vec<(&'t str, Option<&'t str>, Option<&'t str>)>, Option<Vec<usize>>);

impl<'t> Found<'t> {
    /// Walks over the matches at one place in their order, behind those of `before`. Whether the takers of this place are
    /// asked for again is what `is_kept` says.
    fn walk(&mut self, ranks: &'t [usize], before: &Takers<'t>, is_kept: bool) -> Takers<'t> {
        let mut takers = Takers::default();
        for (at, &rank) in ranks.iter().enumerate() {
            let Some((conditions, target)) = self.routes.look_up(rank) else { continue };
            let rule = (conditions.route, conditions.rule);
            match taker(before, conditions, target).or_else(|| taker(&takers, conditions, target)) {
                Some(by) if by != rule => _ = self.taken_by.entry(rule).or_insert(by),
                _ => _ = self.reached.insert(rule),
            }
            // Nothing comes behind the last one, but for expressions behind those for every path.
            if conditions.headers.is_empty() && (is_kept || at + 1 < ranks.len()) {
                let listeners = (!target.listeners.serve_everything()).then(|| target.listeners.id());
                takers.entry((conditions.method.as_ref(), query_of(conditions), listeners)).or_insert(rule);
            }
        }
        takers
    }
}

/// Who takes every request that meets these conditions: who has the same, or none.
fn taker<'t>(takers: &Takers<'t>, conditions: &'t Conditions, target: &'t Target) -> Option<RuleAt> {
    if takers.is_empty() {
        return None;
    }
    let methods = [None, conditions.method.as_ref()];
    let queries = [Vec::new(), query_of(conditions)];
    let listeners = [None, Some(target.listeners.id())];
    methods.into_iter().find_map(|method| {
        queries.iter().find_map(|query| {
            listeners.iter().find_map(|listeners| takers.get(&(method, query.clone(), listeners.clone())).copied())
        })
    })
}

fn query_of(conditions: &Conditions) -> Vec<(&str, Option<&str>, Option<&str>)> {
    conditions.query.iter().map(|(name, value)| (&**name, value.as_exact(), value.as_expression())).collect()
}
