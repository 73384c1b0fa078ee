//! Which rules can be candidates for a preflight beside others. In: the arranged matches. Out: each such match knows the
//! headers by which it and the others are chosen. It may find a pair too many, where two expressions never match one
//! text, and none too few. Rule 8.3.

use std::{collections::HashMap, sync::Arc};

use http::HeaderName;

use super::{
    crowd::{Crowd, Kinds, Low, Met},
    hostname::HostIndex,
    order::{Conditions, Target},
    path::{Paths, Place, Step},
};

/// The headers by which rules are chosen that can be candidates beside others, by the rank of their matches.
pub(super) type Held = HashMap<usize, Arc<[HeaderName]>>;

/// Finds the matches of rules that can be candidates beside others.
pub(super) fn find(hosts: &HostIndex<Paths>, conditions: &[Conditions], targets: &[Target]) -> Held {
    // Without header matches a preflight shows everything that decides.
    if conditions.iter().all(|conditions| conditions.headers.is_empty()) {
        return Held::new();
    }
    let kinds = Kinds::of(conditions);
    let mut crowds = HashMap::new();
    for (host, paths) in hosts.values().iter().enumerate() {
        for place in paths.places().chain([Place::Patterns]) {
            crowds.insert((host, place), Crowd::new(&paths.entries_of(place), conditions, targets, &kinds));
        }
    }
    let mut walk = Walk { conditions, kinds: &kinds, crowds, met: vec![Met::default(); conditions.len()] };
    for (host, parents) in hosts.chains() {
        walk.follow(hosts.values(), host, &parents);
    }
    let Walk { crowds, mut met, .. } = walk;
    crowds.into_values().for_each(|crowd| crowd.settle(&mut met));
    let mut known = HashMap::new();
    let met = met.into_iter().enumerate().filter(|(_, met)| !met.is_empty());
    met.map(|(rank, met)| (rank, names(rank, met, &kinds, &mut known))).collect()
}

/// The names by which the match of `rank` and those that it met are chosen. Few lists of names serve many matches.
fn names(
    rank: usize,
    mut met: Met,
    kinds: &Kinds<'_>,
    known: &mut HashMap<Met, Arc<[HeaderName]>>,
) -> Arc<[HeaderName]> {
    met.insert(kinds.kind_of(rank));
    let names = known.entry(met).or_insert_with_key(|met| {
        let mut names: Vec<_> = met.iter().flat_map(|kind| kinds.names_of(kind)).cloned().collect();
        names.sort_unstable_by(|one, two| one.as_str().cmp(two.as_str()));
        names.dedup();
        names.into()
    });
    Arc::clone(names)
}

/// The walk of 8.1 from every match with header matches, down to the first that the request must reach.
struct Walk<'a> {
    conditions: &'a [Conditions],
    kinds: &'a Kinds<'a>,
    /// The matches at each place of each host.
    crowds: HashMap<At<'a>, Crowd>,
    /// For each match, by rank, the kinds that it can be a candidate beside, in another rule.
    met: Vec<Met>,
}

/// A host, by its number, and a place of its paths.
type At<'a> = (usize, Place<'a>);

impl<'a> Walk<'a> {
    /// Walks from each match at `host`, on through the `parents` that all of its hosts fit.
    fn follow(&mut self, hosts: &'a [Paths], host: usize, parents: &[usize]) {
        let Some(paths) = hosts.get(host) else { return };
        for place in paths.places() {
            let here = paths.steps_from(place).into_iter().map(|step| (host, step));
            let above = parents.iter().filter_map(|&at| Some((at, hosts.get(at)?)));
            let above =
                above.flat_map(|(at, above)| above.steps_above(place, paths).into_iter().map(move |step| (at, step)));
            let steps: Vec<_> = here.chain(above).collect();
            for &rank in paths.entries_of(place).iter() {
                if let Some(found) = self.conditions.get(rank).filter(|found| !found.headers.is_empty()) {
                    let kind = self.kinds.kind_of(rank);
                    self.walk(Low { rank, kind, rule: (found.route, found.rule) }, &steps);
                }
            }
        }
    }

    /// Walks from `low` through `steps`, of which the first has `low` itself.
    fn walk(&mut self, low: Low, steps: &[(usize, Step<'a>)]) {
        let mut start = low.rank + 1;
        for (host, step) in steps {
            let covering = step.covering.iter().filter_map(|&place| self.crowds.get(&(*host, place)));
            let certain = covering.filter_map(|crowd| crowd.certain(low.kind, self.kinds)).min();
            let ranks = start..=certain.unwrap_or(usize::MAX);
            for &place in &step.places {
                let met = self.met.get_mut(low.rank);
                if let (Some(crowd), Some(met)) = (self.crowds.get_mut(&(*host, place)), met) {
                    crowd.meet(low, &ranks, self.kinds, met);
                }
            }
            if certain.is_some() {
                return;
            }
            start = 0;
        }
    }
}
