//! Two loads beside one another: which rule of the one is which of the other, and what a request may have gained that
//! reaches another rule than before. In: the policies in effect before and after. Out: pairs of them, with what was
//! gained. Rules 8.1, 8.4.
//!
//! A request keeps its rule unless a rule was added or removed, or takes other requests or in another order than before.
//! Only for these are the rules looked at that may have had, or may get, the same requests.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    slice,
};

use super::gained::{Gained, gained};
use crate::{
    manifest::{InEffect, LoadedRoutes},
    route::RouteMatch,
};

/// One policy before and after; one of both is there.
pub(super) struct Pair<'p, 'a> {
    pub(super) before: Option<&'p InEffect<'a>>,
    pub(super) after: Option<&'p InEffect<'a>>,
    pub(super) gained: Vec<Gained>,
    /// What is gained by requests that reach another rule now.
    pub(super) moved: Vec<String>,
    /// Whether it takes requests that it did not take, and whether it leaves some to others.
    takes: bool,
    leaves: bool,
}

/// The listeners of both loads.
pub(super) struct Listeners {
    /// Those that both have, for the same requests: what arrives on one of them still does.
    kept: HashSet<String>,
}

impl Listeners {
    pub(super) fn new(before: &LoadedRoutes, after: &LoadedRoutes) -> Self {
        let old = before.listeners();
        let kept = after.listeners().into_iter().filter(|(name, arrives)| old.get(name) == Some(arrives));
        Self { kept: kept.map(|(name, _)| name).collect() }
    }

    /// Whether a request that arrived on the one may arrive on the other.
    fn may_be_one(&self, before: Option<&str>, after: Option<&str>) -> bool {
        let (Some(before), Some(after)) = (before, after) else { return true };
        before == after || !self.kept.contains(before) || !self.kept.contains(after)
    }
}

/// The most rules that are named for one.
const MAX_NAMED: usize = 3;

/// Every policy of both loads.
pub(super) fn compare<'p, 'a>(
    before: &'p [InEffect<'a>],
    after: &'p [InEffect<'a>],
    listeners: &Listeners,
) -> Vec<Pair<'p, 'a>> {
    let mut pairs = pair(before, after);
    for pair in &mut pairs {
        if let (Some(before), Some(after)) = (pair.before, pair.after) {
            pair.gained = gained(Some(&before.resolution), &after.resolution);
        }
    }
    let (old, new) = (ByHost::new(before), ByHost::new(after));
    let moved: Vec<_> = pairs
        .iter()
        .map(|pair| {
            let taken = pair.after.filter(|_| pair.takes).map(|after| taken(after, pair.before, &old, listeners));
            let left = pair.before.filter(|_| pair.leaves).map(|before| left(before, pair.after, &new, listeners));
            taken.into_iter().chain(left).flatten().collect()
        })
        .collect();
    for (pair, moved) in pairs.iter_mut().zip(moved) {
        pair.moved = moved;
    }
    pairs
}

/// What is gained by the requests that a rule takes from others, or that were not served.
fn taken(
    after: &InEffect<'_>,
    own: Option<&InEffect<'_>>,
    before: &ByHost<'_, '_>,
    listeners: &Listeners,
) -> Vec<String> {
    let allows = !gained(None, &after.resolution).is_empty();
    let others: Vec<_> = before.of_hosts(after).filter(|other| may_share(other, after, listeners)).collect();
    let allowed_less = others.iter().filter(|other| {
        own.is_none_or(|own| !std::ptr::eq(**other, own))
            && !gained(Some(&other.resolution), &after.resolution).is_empty()
    });
    let mut lines = named("takes requests of", allowed_less.map(|other| rule_of(other)), "which allowed less");
    // What is taken from nobody had no permission.
    if allows && !others.iter().any(|other| covers(other, after)) {
        lines.push("allows requests that may not have been served before".to_owned());
    }
    lines
}

/// What is gained by the requests that a rule leaves to others.
fn left(
    before: &InEffect<'_>,
    own: Option<&InEffect<'_>>,
    after: &ByHost<'_, '_>,
    listeners: &Listeners,
) -> Vec<String> {
    let others = after.of_hosts(before).filter(|other| own.is_none_or(|own| !std::ptr::eq(*other, own)));
    let allow_more = others.filter(|other| {
        may_share(before, other, listeners) && !gained(Some(&before.resolution), &other.resolution).is_empty()
    });
    named("its requests may reach", allow_more.map(rule_of), "which allows more")
}

fn named(lead: &str, rules: impl Iterator<Item = String>, end: &str) -> Vec<String> {
    let rules: BTreeSet<_> = rules.collect();
    let more = rules.len().saturating_sub(MAX_NAMED);
    let mut lines: Vec<_> = rules.into_iter().take(MAX_NAMED).map(|rule| format!("{lead} {rule}, {end}")).collect();
    if more > 0 {
        lines.push(format!("{lead} {more} more rules, {end}"));
    }
    lines
}

/// A rule as messages call it.
pub(super) fn rule_of(entry: &InEffect<'_>) -> String {
    let (own, above) = entry.route.split_once(", ").unwrap_or((&entry.route, ""));
    let comma = if above.is_empty() { "" } else { ", " };
    format!("{own} rule {}{comma}{above}", entry.rule)
}

/// Policies by their hosts, of which there are many in a large cluster, and few for a rule.
struct ByHost<'p, 'a> {
    all: &'p [InEffect<'a>],
    exact: HashMap<String, Vec<usize>>,
    /// Those that are for more hosts than one can be looked up by.
    wild: Vec<usize>,
}

impl<'p, 'a> ByHost<'p, 'a> {
    fn new(all: &'p [InEffect<'a>]) -> Self {
        let (mut exact, mut wild) = (HashMap::<_, Vec<_>>::new(), Vec::new());
        for (at, entry) in all.iter().enumerate() {
            match exact_hosts(entry) {
                Some(hosts) => hosts.into_iter().for_each(|host| exact.entry(host).or_default().push(at)),
                None => wild.push(at),
            }
        }
        Self { all, exact, wild }
    }

    /// Those that may be for one of the hosts of `entry`, each once.
    fn of_hosts(&self, entry: &InEffect<'_>) -> impl Iterator<Item = &'p InEffect<'a>> {
        let found: BTreeSet<_> = match exact_hosts(entry) {
            None => (0..self.all.len()).collect(),
            Some(hosts) => {
                let exact = hosts.iter().filter_map(|host| self.exact.get(host)).flatten();
                exact.chain(&self.wild).copied().collect()
            }
        };
        let all = self.all;
        found.into_iter().filter_map(move |at| all.get(at))
    }
}

/// The hosts of a policy, where none is a wildcard.
fn exact_hosts(entry: &InEffect<'_>) -> Option<Vec<String>> {
    let hosts = entry.hostnames.iter().map(ToString::to_string);
    hosts.map(|host| (!host.starts_with('*')).then_some(host)).collect()
}

/// What a rule without matches has.
fn matches<'m>(entry: &'m InEffect<'_>, everything: &'m RouteMatch) -> &'m [RouteMatch] {
    if entry.matches.is_empty() { slice::from_ref(everything) } else { entry.matches }
}

/// Whether a request may reach both, each in its load.
fn may_share(before: &InEffect<'_>, after: &InEffect<'_>, listeners: &Listeners) -> bool {
    let everything = RouteMatch::new();
    listeners.may_be_one(before.listener.as_deref(), after.listener.as_deref())
        && before.hostnames.iter().any(|one| after.hostnames.iter().any(|two| one.overlaps(two)))
        && matches(before, &everything)
            .iter()
            .any(|one| matches(after, &everything).iter().any(|two| one.may_overlap(two)))
}

/// Whether every request of `inner` is one that meets `outer`.
fn covers(outer: &InEffect<'_>, inner: &InEffect<'_>) -> bool {
    let everything = RouteMatch::new();
    (outer.listener.is_none() || outer.listener == inner.listener)
        && inner
            .hostnames
            .iter()
            .all(|name| outer.hostnames.iter().any(|outer| outer.intersection(name).as_ref() == Some(name)))
        && matches(inner, &everything)
            .iter()
            .all(|own| matches(outer, &everything).iter().any(|outer| outer.covers(own)))
}

/// Policies by their listener and backend, for each rule of a route.
type Rules<'p, 'a> = BTreeMap<usize, Vec<&'p InEffect<'a>>>;

fn by_route<'p, 'a>(entries: &'p [InEffect<'a>]) -> BTreeMap<&'p str, Rules<'p, 'a>> {
    let mut routes: BTreeMap<&str, Rules<'_, '_>> = BTreeMap::new();
    for entry in entries {
        routes.entry(&entry.route).or_default().entry(entry.rule).or_default().push(entry);
    }
    routes
}

fn pair<'p, 'a>(before: &'p [InEffect<'a>], after: &'p [InEffect<'a>]) -> Vec<Pair<'p, 'a>> {
    let (mut old, new) = (by_route(before), by_route(after));
    let mut pairs = Vec::new();
    for (route, rules) in new {
        pair_rules(&old.remove(route).unwrap_or_default(), &rules, &mut pairs);
    }
    for rules in old.into_values() {
        pair_rules(&rules, &Rules::new(), &mut pairs);
    }
    pairs
}

/// What a rule is known by.
type Key = fn(usize, &[&InEffect<'_>]) -> Option<String>;

/// By its name, by what it matches, and by its index: first the one that says most.
const KEYS: [Key; 3] = [
    |_, rule| rule.first()?.name.map(str::to_owned),
    |_, rule| Some(rule.first()?.matches.iter().map(|found| format!("{found}\n")).collect()),
    |index, _| Some(index.to_string()),
];

/// Pairs the rules of one route.
fn pair_rules<'p, 'a>(old: &Rules<'p, 'a>, new: &Rules<'p, 'a>, pairs: &mut Vec<Pair<'p, 'a>>) {
    let (mut old_of, mut is_taken) = (BTreeMap::new(), HashSet::new());
    for key in KEYS {
        let mut known: HashMap<_, Vec<usize>> = HashMap::new();
        for (index, rule) in old.iter().rev().filter(|(index, _)| !is_taken.contains(*index)) {
            known.entry(key(*index, rule)).or_default().push(*index);
        }
        for (index, rule) in new {
            let key = key(*index, rule).filter(|_| !old_of.contains_key(index));
            if let Some(found) = key.and_then(|key| known.get_mut(&Some(key))).and_then(Vec::pop) {
                old_of.insert(*index, found);
                is_taken.insert(found);
            }
        }
    }
    for (index, rule) in new {
        let known = old_of.get(index);
        let is_reordered = known.is_some_and(|known| {
            old_of.iter().any(|(other, other_known)| other != index && (other < index) != (other_known < known))
        });
        let earlier = known.and_then(|known| old.get(known)).map(Vec::as_slice).unwrap_or_default();
        pair_entries(earlier, rule, is_reordered, pairs);
    }
    for (_, rule) in old.iter().filter(|(index, _)| !is_taken.contains(*index)) {
        pair_entries(rule, &[], false, pairs);
    }
}

/// Pairs the policies of one rule, by listener and backend.
fn pair_entries<'p, 'a>(
    old: &[&'p InEffect<'a>],
    new: &[&'p InEffect<'a>],
    is_reordered: bool,
    pairs: &mut Vec<Pair<'p, 'a>>,
) {
    let key = |entry: &InEffect<'_>| (entry.listener.clone(), entry.backend.clone());
    let mut known: HashMap<_, _> = old.iter().map(|entry| (key(entry), *entry)).collect();
    for entry in new {
        let before = known.remove(&key(entry));
        // 8.1: what decides between rules that a request meets.
        let order = |entry: &InEffect<'a>| {
            let matches = entry.matches.iter().map(ToString::to_string).collect::<Vec<_>>();
            (matches, entry.route_hostnames, entry.created)
        };
        let is_moved = is_reordered || before.is_some_and(|before| order(before) != order(entry));
        pairs.push(Pair {
            before,
            after: Some(entry),
            takes: is_moved || before.is_none_or(|before| !covers(before, entry)),
            leaves: is_moved || before.is_some_and(|before| !covers(entry, before)),
            gained: Vec::new(),
            moved: Vec::new(),
        });
    }
    let gone = old.iter().filter(|entry| known.contains_key(&key(entry)));
    pairs.extend(gone.map(|entry| Pair {
        before: Some(entry),
        after: None,
        takes: false,
        leaves: true,
        gained: Vec::new(),
        moved: Vec::new(),
    }));
}
