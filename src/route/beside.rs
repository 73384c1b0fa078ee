//! Which rules can be candidates for a preflight beside others. In: the arranged matches. Out: each such match knows the
//! headers by which it and the others are chosen. It may find a pair too many, where two expressions never match one
//! text, and none too few. Rule 8.3.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use http::HeaderName;

use super::{
    hostname::HostIndex,
    order::{Conditions, Target},
    path::{Paths, Place},
};

/// The headers by which rules are chosen that can be candidates beside others, by the rank of their matches.
pub(super) type Held = HashMap<usize, Arc<[HeaderName]>>;

/// Finds the matches of rules that can be candidates beside others.
pub(super) fn find(hosts: &HostIndex<Paths>, conditions: &[Conditions], targets: &[Target]) -> Held {
    // Without header matches a preflight shows everything that decides.
    if conditions.iter().all(|conditions| conditions.headers.is_empty()) {
        return Held::new();
    }
    let mut finder = Finder { conditions, targets, names: HashMap::new() };
    for (paths, parents) in hosts.chains() {
        for place in paths.places() {
            finder.search(paths, place, &parents);
        }
    }
    // Few sets of names serve many rules.
    let mut shared: HashSet<Arc<[HeaderName]>> = HashSet::new();
    let share = |names: HashSet<&HeaderName>| {
        let mut names: Vec<_> = names.into_iter().cloned().collect();
        names.sort_unstable_by(|one, two| one.as_str().cmp(two.as_str()));
        let known = shared.get(&*names).cloned().unwrap_or_else(|| names.into());
        shared.insert(Arc::clone(&known));
        known
    };
    let (ranks, names): (Vec<_>, Vec<_>) = finder.names.into_iter().unzip();
    ranks.into_iter().zip(names.into_iter().map(share)).collect()
}

struct Finder<'a> {
    conditions: &'a [Conditions],
    targets: &'a [Target],
    /// For each match that has others beside it, by rank, the names by which they are chosen.
    names: HashMap<usize, HashSet<&'a HeaderName>>,
}

impl<'a> Finder<'a> {
    /// Follows each match at `place` that a request may reach to the matches that it may reach instead.
    fn search(&mut self, paths: &Paths, place: Place<'_>, parents: &[&Paths]) {
        let entries = paths.entries_of(place);
        let mut searched = HashSet::new();
        for (at, &rank) in entries.iter().enumerate() {
            let Some(conditions) = self.conditions.get(rank).filter(|found| !found.headers.is_empty()) else {
                continue;
            };
            // A match with the same names as an earlier one here is beside whatever that one is beside.
            if conditions.query.is_empty() {
                let mut names: Vec<_> = conditions.headers.iter().map(|(name, _)| name.as_str()).collect();
                names.sort_unstable();
                if !searched.insert((conditions.method.as_ref(), names)) {
                    continue;
                }
            }
            self.follow(rank, (paths, place, at), parents);
        }
    }

    /// Walks the order of 8.1 from `rank` on, down to the first match that the request must reach.
    fn follow(&mut self, rank: usize, (paths, place, at): (&Paths, Place<'_>, usize), parents: &[&Paths]) {
        let later = entries_after(paths.entries_of(place), at);
        if later.iter().any(|&other| self.pair(rank, other, true)) {
            return;
        }
        for (other, covers) in paths.behind(place) {
            // Matches of two expressions are ordered by rank alone.
            let is_behind = |other: &&usize| !matches!(place, Place::Pattern(_)) || **other > rank;
            if paths.entries_of(other).iter().filter(is_behind).any(|&other| self.pair(rank, other, covers)) {
                return;
            }
        }
        for parent in parents {
            for (other, covers) in paths.overlaps(place, parent) {
                if parent.entries_of(other).iter().any(|&other| self.pair(rank, other, covers)) {
                    return;
                }
            }
        }
    }

    /// Notes that a preflight may have both `rank` and the later `other` for candidates, if it may. Answers whether every
    /// request that meets `rank` but for its headers meets `other`, so that no candidate comes after.
    fn pair(&mut self, rank: usize, other: usize, covers: bool) -> bool {
        let (Some(one), Some(two)) = (self.conditions.get(rank), self.conditions.get(other)) else {
            return false;
        };
        let excludes_method = matches!((&one.method, &two.method), (Some(one), Some(two)) if one != two);
        let excludes_query = one.query.iter().any(|(name, value)| {
            two.query.iter().any(|(other, other_value)| name == other && value.excludes(other_value))
        });
        if excludes_method || excludes_query {
            return false;
        }
        if (one.route, one.rule) != (two.route, two.rule) {
            for rank in [rank, other] {
                let names = one.headers.iter().chain(&two.headers).map(|(name, _)| name);
                self.names.entry(rank).or_default().extend(names);
            }
        }
        covers
            && two.headers.is_empty()
            && (two.method.is_none() || two.method == one.method)
            && two.query.iter().all(|condition| one.query.contains(condition))
            && self.targets.get(two.route).is_some_and(Target::is_on_every_host)
    }
}

fn entries_after(entries: &[usize], at: usize) -> &[usize] {
    entries.get(at + 1..).unwrap_or_default()
}
