//! Which rules can be candidates for a preflight beside others, for lints. In: the groups of a table. Out: those rules.
//! It may find a pair too many, where two expressions never match one text, and none too few. Rule 8.3.

use std::collections::{BTreeSet, HashMap};

use super::{
    super::{
        order::Target,
        path::{Paths, Step},
        table::Routes,
    },
    group::{Group, RuleAt},
};

/// Finds the rules that can be candidates beside others.
pub(in crate::route) fn find(routes: &Routes) -> Vec<RuleAt> {
    let mut ambiguous = Ambiguous { routes, groups: HashMap::new() };
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

struct Ambiguous<'t> {
    routes: &'t Routes,
    /// The groups that were found beside a rule of another, by their address.
    groups: HashMap<*const Group, &'t Group>,
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
            let covering = step.covering.iter().flat_map(|&place| paths.groups_of(place));
            let certain = covering.filter(|other| self.must_meet(group, other)).map(|other| other.rank).min();
            for other in step.places.iter().flat_map(|&place| paths.groups_of(place)) {
                if certain.is_none_or(|certain| other.rank <= certain) && self.are_beside(group, other) {
                    self.add(group);
                    self.add(other);
                }
            }
            if certain.is_some() {
                return;
            }
        }
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
