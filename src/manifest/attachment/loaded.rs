//! The result of loading manifests: a route table that answers like any resolver, and what is known beside it.
//! Rules 7.1, 7.6, 7.10.

use std::{collections::HashMap, sync::OnceLock};

use super::{
    graph::{Graph, Served, cors_of, is_delegation},
    names::{Label, rule_name},
    scope::Scope,
    settings::{Attached, Keep},
};
use crate::{
    decision::Resolution,
    manifest::{
        finding::{Lint, LintKind, Position},
        objects::{BackendRef, CorsPlaces, CorsSetting, Kind, Resources},
    },
    merge::Setting,
    policy::{FieldPath, PolicyField, Source},
    request::CorsRequest,
    resolver::PolicyResolver,
    route::{MatchedRule, RouteMatch, RouteTable},
};

/// The result of loading manifests: a route table, its lints, and the backends of its rules.
#[derive(Debug)]
pub struct LoadedRoutes {
    pub(super) table: RouteTable,
    pub(super) lints: Vec<Lint>,
    /// What the routes of the table are.
    pub(super) served: Vec<Served>,
    pub(super) resources: Resources,
    pub(super) scope: Scope,
    /// 10.2: the objects are not known yet.
    pub(super) is_closed: bool,
    /// Made when the first of them is asked for.
    pub(super) positions: OnceLock<Positions>,
}

/// Where settings stand, by the name of their object and their path in it.
pub(super) type Positions = HashMap<(String, FieldPath), CorsPlaces>;

fn placed_settings(resources: &Resources) -> Positions {
    let mut known = HashMap::new();
    let mut add = |label: Label<'_>, setting: Option<&CorsSetting>| {
        let placed = setting.and_then(|setting| Some((setting.cors.path.clone(), setting.cors.places.clone()?)));
        known.extend(placed.map(|(path, places)| ((label.describe(), path), places)));
    };
    for route in &resources.routes {
        for (index, rule) in route.rules.iter().enumerate() {
            add(Label::Rule(route, index), cors_of(&rule.filters));
            for backend in &rule.backends {
                add(Label::Backend(route, index, backend), cors_of(&backend.filters));
            }
        }
    }
    for policy in &resources.policies {
        add(Label::Policy(policy), policy.cors.as_ref());
    }
    known
}

impl LoadedRoutes {
    /// Routes that are not known yet: every request is [closed](Resolution::closed), so that no response has CORS headers
    /// (10.2).
    pub fn closed() -> Self {
        Self {
            table: RouteTable::new([]),
            lints: Vec::new(),
            served: Vec::new(),
            resources: Resources::default(),
            scope: Scope::default(),
            is_closed: true,
            positions: OnceLock::new(),
        }
    }

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
        self.stacks().of(rule)
    }

    /// The stacks of rules, for whoever wants many of them.
    pub(crate) fn stacks(&self) -> Stacks<'_> {
        Stacks { served: &self.served, graph: Graph::new(&self.resources, &self.scope) }
    }

    /// Where a setting stands that a policy was merged from: the field where one is named and written, else its `cors`
    /// block. It is one of the [provenance](crate::CompiledPolicy::provenance) of a policy of these routes.
    pub fn position_of(&self, source: &Source, field: Option<PolicyField>) -> Option<Position> {
        let known = self.positions.get_or_init(|| placed_settings(&self.resources));
        known.get(&(source.label().to_owned(), source.path().clone())).map(|places| places.of(field))
    }

    /// Where a rule stands.
    pub(crate) fn rule_position(&self, kind: &str, namespace: &str, name: &str, rule: usize) -> Option<Position> {
        let mut routes = self.resources.routes.iter();
        let route = routes.find(|route| {
            let meta = &route.meta;
            route.kind.name() == kind && meta.namespace == namespace && meta.name == name
        });
        route?.rules.get(rule).map(|rule| rule.position.clone())
    }

    /// What a request met, for a rule that [`table`](Self::table) found; none where the rule asks for nothing.
    pub fn matched(&self, rule: &MatchedRule<'_>) -> Option<&RouteMatch> {
        self.served.get(rule.route())?.matches.get(rule.rule())?.as_ref()?.get(rule.matched())
    }

    /// The rules that delegate to a rule that [`table`](Self::table) found, the nearest first, such as
    /// `HTTPRoute infra/parent rule 0` (8.8).
    pub fn delegated_by(&self, rule: &MatchedRule<'_>) -> Vec<String> {
        let chain = self.served.get(rule.route()).map(|served| &*served.chain).unwrap_or_default();
        let name = |&(route, rule): &(usize, usize)| Some(rule_name(self.resources.routes.get(route)?, rule));
        chain.iter().filter_map(name).collect()
    }

    /// The kind of the route of a rule that [`table`](Self::table) found.
    pub(crate) fn kind(&self, rule: &MatchedRule<'_>) -> &'static str {
        let route = self.served.get(rule.route()).and_then(|served| self.resources.routes.get(served.route));
        route.map_or(Kind::HttpRoute, |route| route.kind).name()
    }

    /// Whether a rule that [`table`](Self::table) found delegates to nothing, so that its requests have no backend and a
    /// gateway answers them with 500 (8.8).
    pub fn leads_nowhere(&self, rule: &MatchedRule<'_>) -> bool {
        let route = self.served.get(rule.route()).and_then(|served| self.resources.routes.get(served.route));
        route.and_then(|route| route.rules.get(rule.rule())).is_some_and(|rule| rule.backends.iter().any(is_delegation))
    }

    /// Where a rule sends its requests, for a rule that [`table`](Self::table) found. None are there for a rule that
    /// delegates to nothing (8.8).
    pub fn backends(&self, rule: &MatchedRule<'_>) -> Vec<&BackendRef> {
        let route = self.served.get(rule.route()).and_then(|served| self.resources.routes.get(served.route));
        let rule = route.and_then(|route| route.rules.get(rule.rule()));
        let backends = rule.map(|rule| &*rule.backends).unwrap_or_default();
        match backends.iter().any(is_delegation) {
            true => Vec::new(),
            false => backends.iter().map(|backend| &backend.reference).collect(),
        }
    }
}

/// The settings that apply to requests. What is attached to what is found once for all of them: that takes as long as
/// there are objects.
pub(crate) struct Stacks<'a> {
    served: &'a [Served],
    graph: Graph<'a>,
}

impl Stacks<'_> {
    /// The settings that apply to a request, as [`LoadedRoutes::stack`] has them.
    pub(crate) fn of(&self, rule: &MatchedRule<'_>) -> Vec<Setting> {
        let Some(served) = self.served.get(rule.route()) else { return Vec::new() };
        let stack = self.graph.stack(served, rule.rule(), rule.chosen_backend(), Keep::All);
        let whole = match self.graph.parents.settings.get(rule.listener()) {
            Some(parents) => parents.join_to(stack, Keep::All),
            None => stack,
        };
        whole.iter().map(Attached::setting).collect()
    }
}

/// As the [table](LoadedRoutes::table) resolves, unless these are [closed](LoadedRoutes::closed).
impl PolicyResolver for LoadedRoutes {
    fn resolve<'a>(&'a self, request: &CorsRequest<'_>) -> Resolution<'a> {
        if self.is_closed {
            return Resolution::closed();
        }
        self.table.resolve(request)
    }
}
