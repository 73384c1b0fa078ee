//! The candidates for the preflight of one request: the groups on its way from the first that it may reach down to the
//! first that it must reach. In: a request. Out: what 8.3 compares it with.

use std::ops::ControlFlow;

use super::{
    super::{hostname, reach::Sought, table::Routes},
    group::{Group, RuleAt},
};
use crate::{
    decision::{FindCandidates, FoundCandidates},
    request::CorsRequest,
};

impl FindCandidates for Routes {
    fn find_candidates<'c>(&'c self, request: &CorsRequest<'_>, found: &mut FoundCandidates<'c>) {
        found.added_by_proxies = Some(&self.added_by_proxies);
        let sought = Sought::new(request);
        let mut rules = Rules::default();
        let is_certain = hostname::with_host(request.authority(), |host| {
            self.visit_groups(host, sought.path(), |group| {
                if !group.is_met(&sought, host, &self.targets) {
                    return ControlFlow::Continue(());
                }
                rules.add(group);
                found.add(&group.candidates);
                if group.is_certain { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
            .is_break()
        });
        // 8.5: what no rule must take may go to the fallback.
        match &self.fallback {
            Some((_, candidates)) if !is_certain => {
                found.is_ambiguous = rules.first.is_some();
                found.add(candidates);
            }
            _ => found.is_ambiguous = rules.are_several,
        }
    }
}

/// Whether groups have more than one rule together.
#[derive(Default)]
struct Rules {
    first: Option<RuleAt>,
    are_several: bool,
}

impl Rules {
    fn add(&mut self, group: &Group) {
        let first = self.first.or(group.rules.first().copied());
        self.first = first;
        self.are_several |= first.is_some_and(|first| group.has_other_rule(first));
    }
}
