//! The result of loading manifests: a route table that answers like any resolver, and what is known beside it.
//! Rules 7.1, 7.6, 7.10.

use super::stack::{self, Attached, Attachments};
use crate::{
    decision::Resolution,
    manifest::{
        finding::{Lint, LintKind},
        objects::{BackendRef, Resources},
    },
    merge::Setting,
    request::CorsRequest,
    resolver::PolicyResolver,
    route::{MatchedRule, RouteMatch, RouteTable},
};

/// The result of loading manifests: a route table, its lints, and the backends of its rules.
#[derive(Debug)]
pub struct LoadedRoutes {
    pub(super) table: RouteTable,
    pub(super) lints: Vec<Lint>,
    /// By route and rule.
    pub(super) backends: Vec<Vec<Vec<BackendRef>>>,
    pub(super) resources: Resources,
}

impl LoadedRoutes {
    /// The routes.
    pub fn table(&self) -> &RouteTable {
        &self.table
    }

    /// The routes, to be given to a [`CorsLayer`](crate::CorsLayer).
    pub fn into_table(self) -> RouteTable {
        self.table
    }

    /// What is allowed but probably not meant: first what single policies show, in the order of the files, then what
    /// shows when everything is known.
    pub fn lints(&self) -> &[Lint] {
        &self.lints
    }

    /// The rules that are served without CORS, since their settings make no valid policy together (7.10): each as the
    /// [lint](LintKind::InvalidWhole) that names these. A check of manifests counts them as errors.
    pub fn invalid_wholes(&self) -> impl Iterator<Item = &Lint> {
        self.lints.iter().filter(|lint| matches!(lint.kind(), LintKind::InvalidWhole { .. }))
    }

    /// The settings that apply to a request, in the order in which they count (7.1, 7.6), for a rule that
    /// [`table`](Self::table) found. The annotations decide whether those after the first count (7.7); the
    /// [provenance](crate::CompiledPolicy::provenance) of the policy tells.
    pub fn stack(&self, rule: &MatchedRule<'_>) -> Vec<Setting> {
        let Some(route) = self.resources.routes.get(rule.route()) else { return Vec::new() };
        let attachments = Attachments::new(&self.resources);
        let arrivals = stack::arrivals(route, &attachments.gateways);
        let arrival = arrivals.into_iter().nth(rule.listener()).unwrap_or_else(stack::nowhere);
        let stack = attachments.stack(route, rule.rule(), rule.chosen_backend(), &arrival);
        stack.iter().map(Attached::setting).collect()
    }

    /// What a request met, for a rule that [`table`](Self::table) found; none where the rule asks for nothing.
    pub fn matched(&self, rule: &MatchedRule<'_>) -> Option<&RouteMatch> {
        self.resources.routes.get(rule.route())?.rules.get(rule.rule())?.matches.get(rule.matched())
    }

    /// Where a rule sends its requests, for a rule that [`table`](Self::table) found.
    pub fn backends(&self, rule: &MatchedRule<'_>) -> &[BackendRef] {
        let rules = self.backends.get(rule.route());
        rules.and_then(|rules| rules.get(rule.rule())).map_or(&[], Vec::as_slice)
    }
}

/// As the [table](LoadedRoutes::table) resolves.
impl PolicyResolver for LoadedRoutes {
    fn resolve<'a>(&'a self, request: &CorsRequest<'_>) -> Resolution<'a> {
        self.table.resolve(request)
    }
}
