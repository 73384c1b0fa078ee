//! What is attached to what: routes to the listeners that take them, and to the routes that they delegate to. In: the
//! resources. Out: [`Served`] routes, each with its way down from the listeners, and for each of its rules the settings
//! along that way, in one walk. Rules 7.1, 8.4, 8.8.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    sync::Arc,
};

use super::{
    limits::{MAX_DELEGATED, MAX_JOINED_MATCHES, matches_of, most_joined, too_many_delegated},
    listeners::{Parents, RefusalReason, Taken},
    names::{Label, ObjectName},
    scope::Scope,
    settings::{Attached, Keep, Level, Stack, join, rule_target},
    targets::{Targets, age},
};
use crate::{
    manifest::objects::{
        Backend, BackendRef, CorsSetting, ExtensionRef, Filter, Kind, ParentRef, Resources, Route, RouteRule,
        TrafficPolicy,
    },
    route::{Listeners, RouteMatch},
};

/// A rule of a route, by their places among the resources.
pub(crate) type RuleAt = (usize, usize);

/// How many routes may delegate one to the next.
const MAX_CHAIN: usize = 16;

/// A route that is served, by itself or through routes that delegate to it.
#[derive(Clone, Debug)]
pub(crate) struct Served {
    pub(crate) route: usize,
    /// The rules that delegate to it, the nearest first.
    pub(crate) chain: Arc<[RuleAt]>,
    /// The topmost route, whose hostnames and listeners count.
    pub(crate) top: usize,
    pub(crate) listeners: Listeners,
    /// For each rule its matches; none where no request reaches it this way.
    pub(crate) matches: Vec<Option<Arc<[RouteMatch]>>>,
}

/// What the walk found wrong.
#[derive(Clone, Debug)]
pub(crate) enum Problem<'a> {
    /// No listener takes the reference.
    NotAttached { reference: &'a ParentRef, reason: String },
    /// A rule delegates to nothing that takes its requests.
    DelegatesToNothing { rule: RuleAt, reason: String },
    /// A delegated route has hostnames, which don't count.
    IgnoredHostnames,
}

/// The resources, and how they hang together.
pub(crate) struct Graph<'a> {
    pub(crate) resources: &'a Resources,
    scope: &'a Scope,
    pub(crate) parents: Parents<'a>,
    pub(crate) targets: Targets<'a>,
    routes: HashMap<ObjectName<'a>, usize>,
    routes_of: HashMap<&'a str, Vec<usize>>,
    by_label: HashMap<(&'a str, &'a str), Vec<usize>>,
    named: HashMap<ObjectName<'a>, &'a TrafficPolicy>,
    /// Whether some rule delegates to a route.
    is_delegated_to: Vec<bool>,
    pub(crate) served: Vec<Served>,
    pub(crate) problems: Vec<(usize, Problem<'a>)>,
    /// How many matches of delegated routes there may still be, and how many routes may still be looked at for them.
    delegated_left: usize,
}

/// The label that children are chosen by.
const DELEGATION_LABEL: &str = "delegation.kgateway.dev/label";
const DELEGATION_GROUP: &str = "delegation.kgateway.dev";
/// What stands in the place of a namespace for routes with a label in any.
const EVERY_NAMESPACE: &str = "all";

impl<'a> Graph<'a> {
    pub(crate) fn new(resources: &'a Resources, scope: &'a Scope) -> Self {
        let name = |policy: &'a TrafficPolicy| ObjectName::of(policy.kind, &policy.meta);
        let mut graph = Self {
            resources,
            scope,
            parents: Parents::new(resources, scope),
            targets: Targets::new(resources, scope.global_policy_namespace.as_deref()),
            routes: HashMap::new(),
            routes_of: HashMap::new(),
            by_label: HashMap::new(),
            named: resources.policies.iter().map(|policy| (name(policy), &**policy)).collect(),
            is_delegated_to: vec![false; resources.routes.len()],
            served: Vec::new(),
            problems: Vec::new(),
            delegated_left: MAX_DELEGATED + resources.routes.iter().map(|route| matches_of(route)).sum::<usize>(),
        };
        for (at, route) in resources.routes.iter().enumerate() {
            graph.routes.insert(ObjectName::of(route.kind, &route.meta), at);
            if route.kind == Kind::HttpRoute {
                graph.routes_of.entry(&route.meta.namespace).or_default().push(at);
                if let Some(label) = route.meta.labels.get(DELEGATION_LABEL) {
                    for namespace in [route.meta.namespace.as_str(), EVERY_NAMESPACE] {
                        graph.by_label.entry((namespace, label)).or_default().push(at);
                    }
                }
            }
        }
        graph.find_delegated();
        for at in 0..resources.routes.len() {
            graph.serve_top(at);
        }
        // It is kept beside the table.
        graph.served.shrink_to_fit();
        graph
    }

    /// Finds the routes that another route delegates to.
    fn find_delegated(&mut self) {
        // Many rules may name the same routes: for each reference the first route with it, while it is the only one.
        let mut known: HashMap<_, Option<usize>> = HashMap::new();
        let mut is_delegated_to = vec![false; self.resources.routes.len()];
        let mut mark = |child: usize| {
            if let Some(is_delegated_to) = is_delegated_to.get_mut(child) {
                *is_delegated_to = true;
            }
        };
        for (at, route) in self.resources.routes.iter().enumerate() {
            for backend in route.rules.iter().flat_map(|rule| &rule.backends).filter(|backend| is_delegation(backend)) {
                let reference = &backend.reference;
                let children = self.named_children(backend);
                match known.entry((&reference.group, &reference.namespace, &reference.name)) {
                    Entry::Vacant(entry) => {
                        entry.insert(Some(at));
                        // A route that names itself is not delegated to by itself.
                        children.iter().copied().filter(|child| *child != at).for_each(&mut mark);
                    }
                    Entry::Occupied(mut entry) => {
                        if let Some(first) = entry.get_mut().take_if(|first| *first != at) {
                            children.iter().copied().filter(|child| *child == first).for_each(&mut mark);
                        }
                    }
                }
            }
        }
        self.is_delegated_to = is_delegated_to;
    }

    /// 8.4: serves a route through the listeners that take it.
    fn serve_top(&mut self, at: usize) {
        let Some(route) = self.resources.routes.get(at).filter(|route| !route.matches_nothing) else { return };
        let mut taken: Vec<(&ParentRef, Arc<Taken>)> = Vec::new();
        // 10.5: a controller serves what its own Gateways take.
        let mut is_only_delegated =
            !route.parents.is_empty() || self.is_delegated_to(at) || self.scope.controller.is_some();
        for reference in &route.parents {
            let parent_route = ObjectName::of_parent(reference).filter(|name| name.kind == Kind::HttpRoute);
            if let Some(parent) = parent_route.and_then(|name| self.routes.get(&name)) {
                if !self.delegates(*parent, route) {
                    let reason = "it does not delegate to this route".to_owned();
                    self.problems.push((at, Problem::NotAttached { reference, reason }));
                }
                continue;
            }
            let found = self.parents.take(route, reference, &self.targets);
            match refusal(route, &found) {
                None => {
                    is_only_delegated = false;
                    taken.push((reference, found));
                }
                Some((RefusalReason::NotOurs, _)) => {}
                Some((_, reason)) => self.problems.push((at, Problem::NotAttached { reference, reason })),
            }
        }
        if is_only_delegated {
            return;
        }
        let mut groups = self.parents.in_one_order(route, taken, &self.targets);
        groups.sort_by_key(|taken| taken.order);
        let listeners = Listeners(groups.iter().filter_map(|taken| taken.group.clone()).collect());
        self.serve(at, &[], None, at, &listeners);
    }

    /// Serves a route, and through its rules those that they delegate to.
    fn serve(&mut self, at: usize, chain: &[RuleAt], above: Option<&[RouteMatch]>, top: usize, listeners: &Listeners) {
        let Some(route) = self.resources.routes.get(at) else { return };
        let mut matches = Vec::with_capacity(route.rules.len());
        let mut delegations = Vec::new();
        for (index, rule) in route.rules.iter().enumerate() {
            let own = match above {
                _ if rule.matches_nothing => None,
                None => Some(Arc::clone(&rule.matches)),
                Some(above) => joined_matches(route, rule, above).map(Arc::from),
            };
            let Some(own) = own else {
                matches.push(None);
                continue;
            };
            let is_delegating = rule.backends.iter().any(is_delegation) && route.kind == Kind::HttpRoute;
            match is_delegating.then(|| self.children(at, index, chain, &own)) {
                None => matches.push(Some(own)),
                Some(Ok(children)) => {
                    delegations.push((index, own, children));
                    matches.push(None);
                }
                // Such a rule matches, and has no backend.
                Some(Err(reason)) => {
                    self.problems.push((at, Problem::DelegatesToNothing { rule: (at, index), reason }));
                    matches.push(Some(own));
                }
            }
        }
        if matches.iter().any(Option::is_some) {
            self.served.push(Served { route: at, chain: chain.into(), top, listeners: listeners.clone(), matches });
        }
        for (index, own, children) in delegations {
            let own = if own.is_empty() { Arc::from([RouteMatch::new()]) } else { own };
            let chain: Vec<RuleAt> = [(at, index)].into_iter().chain(chain.iter().copied()).collect();
            for child in children {
                self.serve(child, &chain, Some(&own), top, listeners);
            }
        }
    }

    /// The routes that a rule delegates to, or why there are none.
    fn children(&mut self, at: usize, rule: usize, chain: &[RuleAt], own: &[RouteMatch]) -> Result<Vec<usize>, String> {
        let Some(given) = self.resources.routes.get(at).and_then(|route| route.rules.get(rule)) else {
            return Ok(Vec::new());
        };
        if !own.iter().all(RouteMatch::is_prefix) {
            return Err("a rule that delegates must match by PathPrefix".to_owned());
        }
        if chain.len() >= MAX_CHAIN {
            return Err(format!("more than {MAX_CHAIN} routes delegate one to the next"));
        }
        let (mut children, mut seen, mut named) = (Vec::new(), HashSet::new(), HashSet::new());
        let mut reason = None;
        let mut spent = 0;
        for backend in given.backends.iter().filter(|backend| is_delegation(backend)) {
            let BackendRef { group, namespace, name, .. } = &backend.reference;
            if !named.insert((group, namespace, name)) {
                continue;
            }
            let named = self.named_children(backend);
            spent += named.len();
            if spent > self.delegated_left {
                return Err(too_many_delegated());
            }
            for &child in named {
                if !seen.insert(child) || !self.accepts(child, at) {
                    continue;
                }
                if child == at || chain.iter().any(|(above, _)| *above == child) {
                    reason = Some("it leads back to itself".to_owned());
                    continue;
                }
                children.push(child);
            }
        }
        let delegated = children.iter().filter_map(|&child| self.resources.routes.get(child));
        spent += delegated.map(|child| most_joined(child, own.len().max(1))).sum::<usize>();
        let left = self.delegated_left.checked_sub(spent);
        if left.is_none() || self.served.len() + children.len() > MAX_DELEGATED + self.resources.routes.len() {
            return Err(too_many_delegated());
        }
        self.delegated_left = left.unwrap_or_default();
        for &child in &children {
            if self.resources.routes.get(child).is_some_and(|child| !child.hostnames.is_empty()) {
                self.problems.push((child, Problem::IgnoredHostnames));
            }
        }
        if children.is_empty() {
            return Err(reason.unwrap_or_else(|| "no route that it names takes its requests".to_owned()));
        }
        let everything = [RouteMatch::new()];
        let own = if own.is_empty() { &everything } else { own };
        let is_taken = |child: &usize| {
            let child = self.resources.routes.get(*child);
            child.is_some_and(|child| child.rules.iter().any(|rule| has_joined_match(child, rule, own)))
        };
        if !children.iter().any(is_taken) {
            return Err("no match of the routes that it names lies within its own".to_owned());
        }
        Ok(children)
    }

    /// The routes that a reference of a backend names, whether or not they take its requests.
    fn named_children(&self, backend: &'a Backend) -> &[usize] {
        let reference = &backend.reference;
        if reference.group == DELEGATION_GROUP {
            return self.by_label.get(&(&*reference.namespace, &*reference.name)).map_or(&[], Vec::as_slice);
        }
        match reference.name.as_str() {
            "*" => self.routes_of.get(&*reference.namespace).map_or(&[], Vec::as_slice),
            name => {
                let name = ObjectName { kind: Kind::HttpRoute, namespace: &reference.namespace, name };
                self.routes.get(&name).map_or(&[], std::slice::from_ref)
            }
        }
    }

    /// Whether a child takes requests from a route: where it has parents among routes, only from these.
    fn accepts(&self, child: usize, parent: usize) -> bool {
        let (Some(child), Some(parent)) = (self.resources.routes.get(child), self.resources.routes.get(parent)) else {
            return false;
        };
        if child.matches_nothing {
            return false;
        }
        let parent = ObjectName::of(parent.kind, &parent.meta);
        let mut routes =
            child.parents.iter().filter_map(ObjectName::of_parent).filter(|name| name.kind == Kind::HttpRoute);
        let first = routes.next();
        first.is_none() || first == Some(parent) || routes.any(|name| name == parent)
    }

    /// Whether a rule of `parent` names `child`.
    fn delegates(&self, parent: usize, child: &Route) -> bool {
        let rules = self.resources.routes.get(parent).into_iter().flat_map(|route| &route.rules);
        let mut backends = rules.flat_map(|rule| &rule.backends).filter(|backend| is_delegation(backend));
        backends.any(|Backend { reference, .. }| {
            let is_here = reference.namespace == child.meta.namespace;
            if reference.group == DELEGATION_GROUP {
                let has_label = child.meta.labels.get(DELEGATION_LABEL) == Some(&reference.name);
                return has_label && (is_here || reference.namespace == EVERY_NAMESPACE);
            }
            is_here && (reference.name == "*" || reference.name == child.meta.name)
        })
    }

    fn is_delegated_to(&self, at: usize) -> bool {
        self.is_delegated_to.get(at).copied().unwrap_or_default()
    }

    /// The route of a name.
    pub(crate) fn route(&self, name: &ObjectName<'_>) -> Option<&'a Route> {
        let at = self.routes.get(name)?;
        self.resources.routes.get(*at).map(|route| &**route)
    }

    /// The policy that a reference of a route names, which is in the route's namespace.
    pub(crate) fn extension(&self, route: &'a Route, reference: &'a ExtensionRef) -> Option<&'a TrafficPolicy> {
        let kind = Kind::of_reference(&reference.group, &reference.kind)?;
        let name = ObjectName { kind, namespace: &route.meta.namespace, name: &reference.name };
        self.named.get(&name).copied()
    }

    /// The policies with a CORS setting that a rule names, first the one that counts.
    pub(crate) fn extensions(&self, route: &'a Route, rule: &'a RouteRule) -> Vec<&'a TrafficPolicy> {
        let found = extension_refs(rule).filter_map(|reference| self.extension(route, reference));
        let mut found: Vec<_> = found.filter(|policy| policy.cors.is_some()).collect();
        found.sort_by_cached_key(|policy| age(&policy.meta));
        found.dedup_by(|one, other| std::ptr::eq(*one, *other));
        found
    }

    /// The settings of a rule and its route, joined with those of each route that delegates to it.
    ///
    /// Without a chosen backend, the filter of a rule's only backend counts.
    pub(crate) fn stack(&self, served: &Served, rule: usize, backend: Option<usize>, keep: Keep) -> Stack<'a> {
        let Some((route, given)) = self.rule((served.route, rule)) else { return Stack::default() };
        let chosen = match (backend, &*given.backends) {
            (Some(backend), backends) => backends.get(backend),
            (None, [only]) => Some(only),
            (None, _) => None,
        };
        let mut own = self.own_settings(route, rule, given);
        if let Some(chosen) = chosen {
            let label = Label::Backend(route, rule, chosen);
            let filter = cors_of(&chosen.filters).map(|setting| Attached::new(setting, Level::Backend, label));
            own.filters.splice(0..0, filter);
        }
        let stack = join(Stack::default(), own, route.meta.inherited_priority, keep);
        served.chain.iter().filter_map(|&at| Some((at, self.rule(at)?))).fold(
            stack,
            |below, ((_, index), (route, rule))| {
                join(below, self.own_settings(route, index, rule), route.meta.inherited_priority, keep)
            },
        )
    }

    /// The settings of one rule and its route, in their order.
    fn own_settings(&self, route: &'a Route, index: usize, rule: &'a RouteRule) -> Stack<'a> {
        let name = ObjectName::of(route.kind, &route.meta);
        let filter =
            cors_of(&rule.filters).map(|setting| Attached::new(setting, Level::Rule, Label::Rule(route, index)));
        let extension = self.extensions(route, rule).first().copied();
        let at_rule = rule_target(name, rule.name.as_deref()).and_then(|target| self.targets.of(&target));
        let at_route = self.targets.of(&name.whole());
        let mut policies =
            vec![(extension, Level::Extension), (at_rule, Level::TargetedRule), (at_route, Level::TargetedRoute)];
        // 7.6: a route's level 5 before its own 3 and 4.
        if route.meta.inherited_priority.is_some_and(|priority| priority.prefers_parent()) {
            policies.rotate_right(1);
        }
        let policies = policies.into_iter().filter_map(|(policy, level)| Attached::policy(policy?, level));
        Stack { filters: filter.into_iter().collect(), policies: policies.collect() }
    }

    fn rule(&self, (route, rule): RuleAt) -> Option<(&'a Route, &'a RouteRule)> {
        let route = self.resources.routes.get(route)?;
        Some((route, route.rules.get(rule)?))
    }
}

/// The references of a rule to policies and others.
pub(crate) fn extension_refs(rule: &RouteRule) -> impl Iterator<Item = &ExtensionRef> {
    rule.filters.iter().filter_map(|filter| match filter {
        Filter::Extension(reference) => Some(&**reference),
        Filter::Cors(_) => None,
    })
}

/// 8.8: whether a backend is a route, or routes with a label.
pub(crate) fn is_delegation(backend: &Backend) -> bool {
    let reference = &backend.reference;
    Kind::of_reference(&reference.group, &reference.kind) == Some(Kind::HttpRoute)
        || (reference.group == DELEGATION_GROUP && reference.kind == "label")
}

pub(crate) fn cors_of(filters: &[Filter]) -> Option<&CorsSetting> {
    filters.iter().find_map(Filter::cors)
}

/// Why what takes a reference does not serve a route, if it doesn't.
pub(crate) fn refusal(route: &Route, taken: &Taken) -> Option<(RefusalReason, String)> {
    let Some(group) = &taken.group else {
        return Some((taken.reason.unwrap_or(RefusalReason::NoMatchingParent), taken.refusals.join("; ")));
    };
    let fits = route.hostnames.is_empty()
        || group.hostnames().iter().any(|listener| route.hostnames.iter().any(|name| name.overlaps(listener)));
    if fits {
        return None;
    }
    let hostnames = group.hostnames().iter().take(3).map(ToString::to_string).collect::<Vec<_>>();
    let refusal = format!("no hostname of the route fits {}", hostnames.join(" or "));
    Some((RefusalReason::NoMatchingListenerHostname, refusal))
}

/// The matches of a delegated rule under those of the rule above it; none where no request reaches it.
fn joined_matches(route: &Route, rule: &RouteRule, above: &[RouteMatch]) -> Option<Vec<RouteMatch>> {
    let everything = [RouteMatch::new()];
    let mut joined = Vec::new();
    for own in own_matches(rule, &everything) {
        match route.inherits_matches {
            true => joined.extend(above.iter().filter_map(|parent| own.joined_to(parent))),
            false if above.iter().any(|parent| own.lies_within(parent)) => joined.push(own.clone()),
            false => {}
        }
        if joined.len() >= MAX_JOINED_MATCHES {
            joined.truncate(MAX_JOINED_MATCHES);
            break;
        }
    }
    (!joined.is_empty()).then_some(joined)
}

/// Whether any request reaches a delegated rule under these matches of the rule above it.
fn has_joined_match(route: &Route, rule: &RouteRule, above: &[RouteMatch]) -> bool {
    let everything = [RouteMatch::new()];
    own_matches(rule, &everything).iter().any(|own| match route.inherits_matches {
        true => above.iter().any(|parent| own.joined_to(parent).is_some()),
        false => above.iter().any(|parent| own.lies_within(parent)),
    })
}

fn own_matches<'a>(rule: &'a RouteRule, everything: &'a [RouteMatch; 1]) -> &'a [RouteMatch] {
    if rule.matches.is_empty() { everything } else { &rule.matches }
}
