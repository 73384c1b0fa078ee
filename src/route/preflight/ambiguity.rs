//! Which rules can be candidates for a preflight beside others, for lints. In: the groups of a table. Out: those rules.
//! It may find a pair too many, where two expressions never match one text, and none too few. Rule 8.3.

use std::collections::{BTreeSet, HashMap};

use super::{
    super::{
        order::Target,
        path::{Paths, Place, Step},
        table::Routes,
    },
    group::{Group, RuleAt},
};

/// Finds the rules that can be candidates beside others.
pub(in crate::route) fn find(routes: &Routes) -> Vec<RuleAt> {
    let mut ambiguous = Ambiguous { routes, groups: HashMap::new(), at_place: HashMap::new() };
    for (host, parents) in routes.hosts.chains() {
        ambiguous.follow(host, &parents);
    }
    // Without a rule that takes what is left, a fallback may answer the preflight of each rule with header conditions.
    let mut rules: BTreeSet<RuleAt> =
        ambiguous.groups.into_values().flat_map(|group| group.rules.iter().copied()).collect();
    if routes.fallback.is_some() {
        rules.extend(routes.rules_with_header_conditions());
    }
    rules.into_iter().collect()
}

/// With how many groups of a place each is compared. Where a place has more that exclude one another, they count as
/// candidates: a comparison of all of them would take hours for a table of a hundred thousand.
const MAX_COMPARED: usize = 256;

struct Ambiguous<'t> {
    routes: &'t Routes,
    /// The groups that were found beside a rule of another, by their address.
    groups: HashMap<*const Group, &'t Group>,
    at_place: HashMap<(*const Paths, Place<'t>), AtPlace<'t>>,
}

/// The groups of one place.
struct AtPlace<'t> {
    all: Vec<&'t Group>,
    /// Those that were not found beside another yet.
    others: Vec<&'t Group>,
    /// The first that have no header conditions.
    certain: Vec<&'t Group>,
}

impl<'t> AtPlace<'t> {
    fn new(all: Vec<&'t Group>) -> Self {
        let certain = all.iter().copied().filter(|group| group.is_certain).take(MAX_COMPARED).collect();
        Self { others: all.clone(), all, certain }
    }
}

impl<'t> Ambiguous<'t> {
    /// Walks from each group at `host`, on through the `parents` that all of its hosts fit.
    fn follow(&mut self, host: usize, parents: &[usize]) {
        let hosts = self.routes.hosts.values();
        let Some(paths) = hosts.get(host) else { return };
        for place in paths.places() {
            let mut steps: Option<Vec<(&'t Paths, Step<'t>)>> = None;
            for group in paths.groups_of(place).iter().filter(|group| !group.is_certain) {
                let steps = steps.get_or_insert_with(|| {
                    let here = paths.steps_from(place).into_iter().map(|step| (paths, step));
                    let above = parents.iter().filter_map(|&at| hosts.get(at));
                    let above = above
                        .flat_map(|above| above.steps_above(place, paths).into_iter().map(move |step| (above, step)));
                    here.chain(above).collect()
                });
                self.walk(group, steps);
            }
        }
    }

    /// Walks from `group`, which is in the first step, down to the first group that its requests must reach.
    fn walk(&mut self, group: &'t Group, steps: &[(&'t Paths, Step<'t>)]) {
        if group.rules.len() > 1 {
            self.add(group);
        }
        for (paths, step) in steps {
            let mut certain: Option<usize> = None;
            for &place in &step.covering {
                let here = self.take(paths, place);
                let found = here.certain.iter().find(|other| self.must_meet(group, other)).map(|other| other.rank);
                certain = certain.into_iter().chain(found).min();
                self.put(paths, place, here);
            }
            for &place in &step.places {
                self.compare(group, paths, place, certain);
            }
            if certain.is_some() {
                return;
            }
        }
    }

    /// Compares a group with those of a place, down to the rank that its requests go no further than.
    fn compare(&mut self, group: &'t Group, paths: &'t Paths, place: Place<'t>, certain: Option<usize>) {
        let mut here = self.take(paths, place);
        let is_beside = |known: &Self, other: &Group| {
            certain.is_none_or(|certain| other.rank <= certain) && known.are_beside(group, other)
        };
        let (mut at, mut compared) = (0, 0);
        while let Some(&other) = here.others.get(at) {
            if self.is_added(other) {
                here.others.swap_remove(at);
            } else if compared >= MAX_COMPARED || is_beside(self, other) {
                self.add(group);
                self.add(other);
            } else {
                (at, compared) = (at + 1, compared + 1);
            }
        }
        // One that was found already may still be what this group is beside.
        if !self.is_added(group) {
            let mut known = here.all.iter().take(MAX_COMPARED);
            if here.all.len() > MAX_COMPARED || known.any(|other| is_beside(self, other)) {
                self.add(group);
            }
        }
        self.put(paths, place, here);
    }

    /// The groups of a place, to be put back.
    fn take(&mut self, paths: &'t Paths, place: Place<'t>) -> AtPlace<'t> {
        let known = self.at_place.remove(&(std::ptr::from_ref(paths), place));
        known.unwrap_or_else(|| AtPlace::new(paths.groups_of(place)))
    }

    fn put(&mut self, paths: &'t Paths, place: Place<'t>, here: AtPlace<'t>) {
        self.at_place.insert((std::ptr::from_ref(paths), place), here);
    }

    fn is_added(&self, group: &Group) -> bool {
        self.groups.contains_key(&std::ptr::from_ref(group))
    }

    fn add(&mut self, group: &'t Group) {
        self.groups.insert(std::ptr::from_ref(group), group);
    }

    /// Whether one request may meet both groups, in different rules.
    fn are_beside(&self, one: &Group, two: &Group) -> bool {
        let has_other_rule = one.rules.len() > 1 || one.rules.iter().any(|&rule| two.has_other_rule(rule));
        let excludes_method = matches!((&one.method, &two.method), (Some(one), Some(two)) if one != two);
        let excludes_query = || {
            let mut pairs = one.query.iter().flat_map(|one| two.query.iter().map(move |two| (one, two)));
            pairs.any(|((name, value), (other, other_value))| name == other && value.excludes(other_value))
        };
        let share_a_listener = || match (self.target(one), self.target(two)) {
            (Some(one), Some(two)) => one.listeners.share_one(&two.listeners),
            _ => true,
        };
        has_other_rule && !excludes_method && !excludes_query() && share_a_listener()
    }

    /// Whether every request that meets a match of `one` but for its headers meets those of `two`, as far as paths and
    /// hosts go.
    fn must_meet(&self, one: &Group, two: &Group) -> bool {
        two.is_certain
            && (two.method.is_none() || two.method == one.method)
            && two.query.iter().all(|condition| one.query.contains(condition))
            && self.takes_all_requests_of(one, two)
    }

    /// Whether the routes of `two` are served wherever those of `one` are.
    fn takes_all_requests_of(&self, one: &Group, two: &Group) -> bool {
        let (Some(one), Some(two)) = (self.target(one), self.target(two)) else { return false };
        two.listeners.serve_everything()
            || (two.listeners.serve_every_host() && one.listeners.id() == two.listeners.id())
    }

    fn target(&self, group: &Group) -> Option<&'t Target> {
        self.routes.targets.get(group.route)
    }
}
