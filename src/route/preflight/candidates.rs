//! The candidates for the preflight of one request: the groups on its way from the first that it may reach down to the
//! first that it must reach. In: a request. Out: what 8.3 compares it with.

use std::{ops::ControlFlow, sync::LazyLock};

use http::header;

use super::{
    super::{hostname, table::Routes},
    group::{Group, RuleAt},
};
use crate::{
    decision::{Candidates, FindCandidates, FoundCandidates},
    request::CorsRequest,
};

/// What the rules of HTTP and those of gRPC are told apart by.
static CONTENT_TYPE: LazyLock<Candidates> = LazyLock::new(|| Candidates::new().chosen_by(header::CONTENT_TYPE));

impl FindCandidates for Routes {
    fn find_candidates<'c>(&'c self, request: &CorsRequest<'_>, found: &mut FoundCandidates<'c>) {
        found.added_by_proxies = Some(&self.added_by_proxies);
        let sought = self.sought(request);
        let mut rules = Rules::default();
        let is_certain = hostname::with_host(request.authority(), |host| {
            let mut add = |group: &'c Group, is_perhaps: bool| {
                if !group.is_met(&sought, host, &self.targets) {
                    return ControlFlow::Continue(());
                }
                rules.add(group);
                found.add(&group.candidates);
                if is_perhaps {
                    // 8.7: these rules and those of HTTP are told apart by the content type.
                    found.add(&CONTENT_TYPE);
                }
                if group.is_certain && !is_perhaps { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            let was_perhaps_grpc = self.has_grpc() && sought.was_perhaps_grpc();
            if was_perhaps_grpc {
                let _ = self.visit_grpc_groups(host, sought.path(), |group| add(group, true));
            }
            let is_certain = self.visit_groups(host, sought.path(), |group| add(group, false)).is_break();
            if !is_certain && !was_perhaps_grpc && self.has_grpc() {
                return self.visit_grpc_groups(host, sought.path(), |group| add(group, false)).is_break();
            }
            is_certain
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
