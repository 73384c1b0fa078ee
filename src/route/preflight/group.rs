//! The matches at one place (a hostname and a path), in groups of those that a preflight does not tell apart: of one
//! method, query and set of listeners. In: matches in the order of 8.1. Out: for each group what its rules are chosen by
//! and allow. Rules 8.2, 8.3.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use http::{HeaderName, Method};

use super::super::{
    ValueMatch,
    order::{Conditions, Target},
    reach::Sought,
};
use crate::decision::Candidates;

/// The indices of a route and of a rule in it.
pub(in crate::route) type RuleAt = (usize, usize);

/// Matches that a preflight does not tell apart.
#[derive(Clone, Debug)]
pub(in crate::route) struct Group {
    /// The rank of the first match: groups at one place are visited in this order.
    pub(in crate::route) rank: usize,
    pub(super) method: Option<Method>,
    pub(super) query: Vec<(String, ValueMatch)>,
    /// The first route. Those of the group have the same listeners.
    pub(super) route: usize,
    /// Whether the matches have no header conditions: then every request that gets as far reaches the first of them.
    pub(super) is_certain: bool,
    /// The rules of the matches, each once.
    pub(super) rules: Vec<RuleAt>,
    pub(super) candidates: Arc<Candidates>,
}

impl Group {
    /// Whether a request for `host` that gets as far may reach a match of the group.
    pub(super) fn is_met(&self, sought: &Sought<'_>, host: &str, targets: &[Target]) -> bool {
        self.method.as_ref().is_none_or(|method| sought.has_method(method))
            && sought.meets_query(&self.query)
            && targets.get(self.route).is_some_and(|target| target.listener(host, sought.request).is_some())
    }

    /// Whether the group has a rule other than `rule`.
    pub(super) fn has_other_rule(&self, rule: RuleAt) -> bool {
        self.rules.iter().take(2).any(|known| *known != rule)
    }
}

/// What tells groups apart. The values of a query are compared by their text.
#[derive(PartialEq, Eq, Hash)]
struct Key<'a> {
    is_certain: bool,
    method: Option<&'a Method>,
    query: Vec<(&'a str, Option<&'a str>, Option<&'a str>)>,
    listeners: Vec<usize>,
}

/// Makes the groups of a table, of which those with equal names and policies share what they know of them.
#[derive(Default)]
pub(in crate::route) struct Grouping {
    known: HashMap<(BTreeSet<HeaderNameKey>, BTreeSet<usize>), Arc<Candidates>>,
}

type HeaderNameKey = Box<str>;

impl Grouping {
    /// The groups of the matches with these ranks, which ascend.
    pub(in crate::route) fn groups(
        &mut self,
        ranks: &[usize],
        conditions: &[Conditions],
        targets: &[Target],
    ) -> Vec<Group> {
        let mut members: Vec<(usize, Vec<&Conditions>)> = Vec::new();
        let mut at_key = HashMap::new();
        for (rank, found) in ranks.iter().filter_map(|&rank| Some((rank, conditions.get(rank)?))) {
            let query = found.query.iter();
            let key = Key {
                is_certain: found.headers.is_empty(),
                method: found.method.as_ref(),
                query: query.map(|(name, value)| (&**name, value.as_exact(), value.as_expression())).collect(),
                listeners: targets.get(found.route).map_or_else(Vec::new, |target| target.listeners.id()),
            };
            let at = *at_key.entry(key).or_insert(members.len());
            match members.get_mut(at) {
                // Of matches without header conditions the first takes every request.
                Some((_, group)) if !found.headers.is_empty() => group.push(found),
                Some(_) => {}
                None => members.push((rank, vec![found])),
            }
        }
        members.into_iter().filter_map(|(rank, members)| self.group(rank, &members, targets)).collect()
    }

    fn group(&mut self, rank: usize, members: &[&Conditions], targets: &[Target]) -> Option<Group> {
        let first = *members.first()?;
        let rules: BTreeSet<RuleAt> = members.iter().map(|found| (found.route, found.rule)).collect();
        let names = members.iter().flat_map(|found| &found.headers);
        let names: BTreeSet<Box<str>> = names.map(|condition| condition.name.as_str().into()).collect();
        let policies = || {
            let of = |&(route, rule): &RuleAt| targets.get(route).into_iter().flat_map(move |of| of.policies_of(rule));
            rules.iter().flat_map(of).filter_map(|resolution| resolution.policy())
        };
        let ids = policies().map(|policy| policy.id()).collect();
        let candidates = self.known.entry((names, ids)).or_insert_with_key(|(names, _)| {
            let mut candidates = Candidates::new();
            names.iter().flat_map(|name| HeaderName::try_from(&**name)).for_each(|name| candidates.add_name(name));
            policies().for_each(|policy| candidates.add_policy(policy));
            Arc::new(candidates)
        });
        Some(Group {
            rank,
            method: first.method.clone(),
            query: first.query.to_vec(),
            route: first.route,
            is_certain: first.headers.is_empty(),
            rules: rules.into_iter().collect(),
            candidates: Arc::clone(candidates),
        })
    }
}
