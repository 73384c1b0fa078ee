//! Matches at one place, in groups of those that only the values of headers tell apart. In: a match with header matches
//! and the ranks behind it that a request may reach in its place. Out: on both sides, the kinds of match that were met.
//! A meeting costs one step a group, however many matches there are. Rule 8.3.

use std::{
    collections::{BTreeSet, HashMap},
    ops::RangeInclusive,
};

use http::{HeaderName, Method};

use super::order::{Conditions, Target};

/// The kinds of matches: two are of one kind where a preflight shows the same of them and they have the same header
/// names.
pub(super) struct Kinds<'a> {
    /// For each match, by rank, its kind.
    of: Vec<usize>,
    /// For each kind its first match.
    first: Vec<&'a Conditions>,
}

/// What matches of one kind have in common. The values of a query are told apart by their text.
#[derive(PartialEq, Eq, Hash)]
struct Kind<'a> {
    method: Option<&'a Method>,
    names: BTreeSet<&'a str>,
    query: Vec<(&'a str, Option<&'a str>, Option<&'a str>)>,
}

impl<'a> Kinds<'a> {
    pub(super) fn of(conditions: &'a [Conditions]) -> Self {
        let mut known = HashMap::new();
        let mut kinds = Self { of: Vec::with_capacity(conditions.len()), first: Vec::new() };
        for found in conditions {
            let query = found.query.iter();
            let kind = Kind {
                method: found.method.as_ref(),
                names: found.headers.iter().map(|(name, _)| name.as_str()).collect(),
                query: query.map(|(name, value)| (&**name, value.as_exact(), value.as_expression())).collect(),
            };
            let at = *known.entry(kind).or_insert(kinds.first.len());
            if at == kinds.first.len() {
                kinds.first.push(found);
            }
            kinds.of.push(at);
        }
        kinds
    }

    pub(super) fn kind_of(&self, rank: usize) -> usize {
        self.of.get(rank).copied().unwrap_or_default()
    }

    pub(super) fn names_of(&self, kind: usize) -> impl Iterator<Item = &'a HeaderName> {
        self.first.get(kind).into_iter().flat_map(|found| &found.headers).map(|(name, _)| name)
    }

    /// Whether one request may meet matches of both kinds.
    fn may_meet(&self, one: usize, two: usize) -> bool {
        let (Some(one), Some(two)) = (self.first.get(one), self.first.get(two)) else { return false };
        let excludes_method = matches!((&one.method, &two.method), (Some(one), Some(two)) if one != two);
        let excludes_query = one.query.iter().any(|(name, value)| {
            two.query.iter().any(|(other, other_value)| name == other && value.excludes(other_value))
        });
        !excludes_method && !excludes_query
    }

    /// Whether every request that meets a match of `one` but for its headers meets those of `two`, as far as paths and
    /// hosts go.
    fn must_meet(&self, one: usize, two: usize) -> bool {
        let (Some(one), Some(two)) = (self.first.get(one), self.first.get(two)) else { return false };
        two.headers.is_empty()
            && (two.method.is_none() || two.method == one.method)
            && two.query.iter().all(|condition| one.query.contains(condition))
    }
}

/// A match with header matches, on its walk.
#[derive(Clone, Copy)]
pub(super) struct Low {
    pub(super) rank: usize,
    pub(super) kind: usize,
    pub(super) rule: RuleAt,
}

/// The indices of a route and of a rule in it.
pub(super) type RuleAt = (usize, usize);

/// A set of kinds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Met(Vec<u64>);

impl Met {
    pub(super) fn insert(&mut self, kind: usize) {
        let (word, bit) = (kind / 64, kind % 64);
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        if let Some(bits) = self.0.get_mut(word) {
            *bits |= 1 << bit;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = usize> {
        self.0
            .iter()
            .enumerate()
            .flat_map(|(word, bits)| (0..64).filter(move |bit| bits >> bit & 1 == 1).map(move |bit| word * 64 + bit))
    }
}

/// The matches at one place.
#[derive(Default)]
pub(super) struct Crowd {
    groups: Vec<Group>,
}

/// Those of one kind.
struct Group {
    kind: usize,
    /// Their ranks, which ascend, and their rules.
    members: Vec<(usize, RuleAt)>,
    /// For each of them the next that is of another rule.
    next_rule: Vec<usize>,
    /// The first whose route serves every host that its hostnames admit.
    everywhere: Option<usize>,
    /// Who met the group, by kind.
    met_by: HashMap<usize, Vec<Meeting>>,
}

/// A match of a rule met the members of these ranks.
struct Meeting {
    rule: RuleAt,
    ranks: RangeInclusive<usize>,
}

impl Crowd {
    /// The matches of `ranks`, which ascend.
    pub(super) fn new(ranks: &[usize], conditions: &[Conditions], targets: &[Target], kinds: &Kinds<'_>) -> Self {
        let mut crowd = Self::default();
        let mut group_of = HashMap::new();
        for &rank in ranks {
            let Some(found) = conditions.get(rank) else { continue };
            let kind = kinds.kind_of(rank);
            let at = *group_of.entry(kind).or_insert(crowd.groups.len());
            if at == crowd.groups.len() {
                crowd.groups.push(Group::new(kind));
            }
            if let Some(group) = crowd.groups.get_mut(at) {
                group.members.push((rank, (found.route, found.rule)));
                if targets.get(found.route).is_some_and(Target::is_on_every_host) {
                    group.everywhere.get_or_insert(rank);
                }
            }
        }
        crowd.groups.iter_mut().for_each(Group::seal);
        crowd
    }

    /// The first match that every request meets which meets those of `kind` but for their headers.
    pub(super) fn certain(&self, kind: usize, kinds: &Kinds<'_>) -> Option<usize> {
        let certain = self.groups.iter().filter(|group| kinds.must_meet(kind, group.kind));
        certain.filter_map(|group| group.everywhere).min()
    }

    /// Notes that a preflight may have `low` and the matches here of `ranks` for candidates, where it may and they are
    /// of other rules. Adds their kinds to `met`.
    pub(super) fn meet(&mut self, low: Low, ranks: &RangeInclusive<usize>, kinds: &Kinds<'_>, met: &mut Met) {
        for group in self.groups.iter_mut().filter(|group| kinds.may_meet(low.kind, group.kind)) {
            if group.has_other_rule(low.rule, ranks) {
                met.insert(group.kind);
                group.note(low, ranks);
            }
        }
    }

    /// Adds to `met`, by rank, the kinds that met the matches here.
    pub(super) fn settle(self, met: &mut [Met]) {
        for group in self.groups {
            for (kind, mut meetings) in group.met_by {
                meetings.sort_unstable_by_key(|meeting| *meeting.ranks.start());
                let mut ahead = meetings.iter().peekable();
                let mut furthest = Furthest::default();
                for &(rank, rule) in &group.members {
                    while let Some(meeting) = ahead.next_if(|meeting| *meeting.ranks.start() <= rank) {
                        furthest.add(meeting);
                    }
                    if furthest.reaches(rank, rule)
                        && let Some(met) = met.get_mut(rank)
                    {
                        met.insert(kind);
                    }
                }
            }
        }
    }
}

impl Group {
    fn new(kind: usize) -> Self {
        Self { kind, members: Vec::new(), next_rule: Vec::new(), everywhere: None, met_by: HashMap::new() }
    }

    /// Prepares the look-up, once every member is added.
    fn seal(&mut self) {
        let mut next = self.members.len();
        let mut later: Option<RuleAt> = None;
        self.next_rule = vec![next; next];
        for (at, (&(_, rule), next_rule)) in self.members.iter().zip(&mut self.next_rule).enumerate().rev() {
            if later.is_some_and(|later| later != rule) {
                next = at + 1;
            }
            (*next_rule, later) = (next, Some(rule));
        }
    }

    /// Whether a member of `ranks` is of another rule.
    fn has_other_rule(&self, rule: RuleAt, ranks: &RangeInclusive<usize>) -> bool {
        let first = self.members.partition_point(|(rank, _)| rank < ranks.start());
        let next = match self.members.get(first) {
            Some((_, found)) if *found == rule => self.next_rule.get(first).copied(),
            _ => Some(first),
        };
        next.and_then(|next| self.members.get(next)).is_some_and(|(rank, _)| ranks.contains(rank))
    }

    fn note(&mut self, low: Low, ranks: &RangeInclusive<usize>) {
        let meetings = self.met_by.entry(low.kind).or_default();
        let mut wider = meetings
            .iter()
            .rev()
            .take(2)
            .filter(|known| known.ranks.start() <= ranks.start() && ranks.end() <= known.ranks.end());
        // Those of one rule, or of two others, tell as much.
        let is_known = wider.next().is_some_and(|known| known.rule == low.rule || wider.next().is_some());
        if !is_known {
            meetings.push(Meeting { rule: low.rule, ranks: ranks.clone() });
        }
    }
}

/// How far meetings reach, for two different rules.
#[derive(Default)]
struct Furthest {
    first: Option<(usize, RuleAt)>,
    /// Of another rule than the first, and no further.
    second: Option<(usize, RuleAt)>,
}

impl Furthest {
    fn add(&mut self, meeting: &Meeting) {
        let added = Some((*meeting.ranks.end(), meeting.rule));
        match self.first {
            Some((_, rule)) if rule == meeting.rule => self.first = self.first.max(added),
            _ if added > self.first => (self.first, self.second) = (added, self.first),
            _ => self.second = self.second.max(added),
        }
    }

    fn reaches(&self, rank: usize, rule: RuleAt) -> bool {
        [self.first, self.second].into_iter().flatten().any(|(end, other)| end >= rank && other != rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_each_kind_that_was_inserted_once() {
        let mut met = Met::default();
        assert!(met.is_empty());
        for kind in [130, 3, 64, 3, 63] {
            met.insert(kind);
        }
        assert_eq!(met.iter().collect::<Vec<_>>(), [3, 63, 64, 130]);
        assert!(!met.is_empty());
    }
}
