//! [`RouteTable`]: routes arranged for look-up, as a resolver. In: a request. Out: the rule that it reaches, and with it
//! the policy. Rules 8.1 to 8.5.

use std::{collections::BTreeSet, ops::ControlFlow};

use http::{HeaderName, Uri};

use super::{
    ChosenBackend, Route, RulePolicy, beside, hostname,
    hostname::HostIndex,
    order::{self, Conditions, Target},
    path::Paths,
    reach::{self, Reach},
};
use crate::{
    compile::CompiledPolicy,
    request::CorsRequest,
    resolver::{PolicyResolver, Resolution},
};

/// Routes as a [`PolicyResolver`]: the policy of a request is that of the rule that the Gateway API routes it to.
///
/// A look-up costs one hash for the hostname and one step for each segment of the path, whatever the number of routes.
/// Matches at one hostname and path are told apart by comparing one after the other, those by the value of a header with
/// one more look-up. It allocates only where several regular expressions are tried.
///
/// Preflights are routed as the request that they stand for (8.2), so a rule for `PUT` or for a header also answers the
/// preflight. Where that leaves several rules, a request is held to the one that it really reaches (8.3).
#[derive(Debug, Default)]
pub struct RouteTable {
    hosts: HostIndex<Paths>,
    conditions: Vec<Conditions>,
    targets: Vec<Target>,
    beside: Vec<(usize, usize)>,
    fallback: Option<CompiledPolicy>,
}

/// The rule that a request reaches; comes from [`RouteTable::find`].
#[derive(Clone, Copy, Debug)]
pub struct MatchedRule<'a> {
    target: &'a Target,
    route: usize,
    rule: usize,
    matched: usize,
    listener: usize,
    backend: Option<usize>,
    hold: Option<&'a [HeaderName]>,
}

impl RouteTable {
    /// Arranges routes. Their order is of no consequence but for routes of one name and age.
    pub fn new(routes: impl IntoIterator<Item = Route>) -> Self {
        let arranged = order::arrange(routes);
        let mut hosts = HostIndex::<Paths>::default();
        for (rank, (conditions, path)) in arranged.conditions.iter().zip(&arranged.paths).enumerate() {
            for hostname in arranged.hostnames.get(conditions.route).into_iter().flatten() {
                if let Some(paths) = hosts.entry(hostname) {
                    paths.add(path, rank);
                }
            }
        }
        hosts.values_mut().for_each(|paths| paths.seal(&arranged.conditions));
        let (mut conditions, targets) = (arranged.conditions, arranged.targets);
        let mut rules = BTreeSet::new();
        for (rank, names) in beside::find(&hosts, &conditions, &targets) {
            if let Some(conditions) = conditions.get_mut(rank) {
                conditions.hold = Some(names);
                rules.insert((conditions.route, conditions.rule));
            }
        }
        Self { hosts, conditions, targets, beside: rules.into_iter().collect(), fallback: None }
    }

    /// Sets the policy of requests that no rule matches (8.5), so that a gateway's own 404 can be read by scripts.
    #[must_use]
    pub fn with_fallback(mut self, policy: CompiledPolicy) -> Self {
        self.fallback = Some(policy);
        self
    }

    /// The rule that a request reaches; for a preflight, the one whose policy answers it. None where no rule matches,
    /// which a gateway answers with 404.
    pub fn find(&self, request: &CorsRequest<'_>) -> Option<MatchedRule<'_>> {
        hostname::with_host(request.authority(), |host| {
            if request.is_preflight() {
                self.find_for_preflight(host, request)
            } else {
                self.find_actual(host, request)
            }
        })
    }

    /// The rules that can be candidates for a preflight beside others (8.3), each once, in the order of the routes.
    ///
    /// Those without a [policy](MatchedRule::policy) can't hold a request to one, so a request may reach their backend
    /// with the consent of another rule.
    pub fn rules_beside_others(&self) -> impl Iterator<Item = MatchedRule<'_>> {
        self.beside.iter().filter_map(|&(route, rule)| {
            Some(MatchedRule {
                target: self.targets.get(route)?,
                route,
                rule,
                matched: 0,
                listener: 0,
                backend: None,
                hold: None,
            })
        })
    }

    /// Every policy of a rule: by listener, then those of its backends.
    #[cfg(feature = "manifest")]
    pub(crate) fn policies_of(&self, route: usize, rule: usize) -> impl Iterator<Item = &RulePolicy> {
        self.targets.get(route).into_iter().flat_map(move |target| target.policies_of(rule))
    }

    #[inline]
    fn find_actual(&self, host: &str, request: &CorsRequest<'_>) -> Option<MatchedRule<'_>> {
        self.visit(host, request, |found, _| ControlFlow::Break(found)).break_value()
    }

    /// 8.2: the first candidate that allows everything, else the first.
    fn find_for_preflight(&self, host: &str, request: &CorsRequest<'_>) -> Option<MatchedRule<'_>> {
        let mut first = None;
        let answers = self.visit(host, request, |found, reach| {
            let is_first = first.is_none();
            let candidate = *first.get_or_insert(found);
            match (found.policy(), reach) {
                // The only candidate answers in any case, so its policy is not asked twice.
                (_, Reach::Must) if is_first => ControlFlow::Break(found),
                (Some(policy), _) if reach::allows_all(policy, request) => ControlFlow::Break(found),
                (_, Reach::Must) => ControlFlow::Break(candidate),
                _ => ControlFlow::Continue(()),
            }
        });
        answers.break_value().or(first)
    }

    /// Visits the rules that a request may or must reach, in the order of 8.1.
    #[inline]
    fn visit<'t, B>(
        &'t self,
        host: &str,
        request: &CorsRequest<'_>,
        mut visit: impl FnMut(MatchedRule<'t>, Reach) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let path = request.uri().map_or("", Uri::path);
        self.hosts.visit(host, |paths| {
            paths.visit(path, request, |rank| {
                let Some((conditions, target)) = self.look_up(rank) else { return ControlFlow::Continue(()) };
                let reach = reach::reach(conditions, request);
                if reach == Reach::Never {
                    return ControlFlow::Continue(());
                }
                let Some(listener) = target.listener(host) else { return ControlFlow::Continue(()) };
                let (route, rule) = (conditions.route, conditions.rule);
                let (backend, hold) = (target.backend(route, rule, request), conditions.hold.as_deref());
                let matched = conditions.matched;
                visit(MatchedRule { target, route, rule, matched, listener, backend, hold }, reach)
            })
        })
    }

    #[inline]
    fn look_up(&self, rank: usize) -> Option<(&Conditions, &Target)> {
        let conditions = self.conditions.get(rank)?;
        Some((conditions, self.targets.get(conditions.route)?))
    }
}

impl PolicyResolver for RouteTable {
    fn resolve<'a>(&'a self, request: &CorsRequest<'_>) -> Resolution<'a> {
        match self.find(request) {
            // 8.5
            None => self.fallback.as_ref().into(),
            Some(found) => {
                let resolution = match found.rule_policy() {
                    RulePolicy::None => Resolution::none(),
                    RulePolicy::Policy(policy) => Resolution::from(policy),
                    RulePolicy::Closed => Resolution::closed(),
                };
                // 8.3
                match found.hold {
                    Some(names) => resolution.held(names),
                    None => resolution,
                }
            }
        }
    }
}

impl<'a> MatchedRule<'a> {
    /// The namespace of the route.
    pub fn namespace(&self) -> &'a str {
        &self.target.namespace
    }

    /// The name of the route.
    pub fn name(&self) -> &'a str {
        &self.target.name
    }

    /// The index of the route (from 0) among those that the table was made of.
    pub fn route(&self) -> usize {
        self.route
    }

    /// The index of the rule (from 0) in its route.
    pub fn rule(&self) -> usize {
        self.rule
    }

    /// The index of the match (from 0) in its rule that the request meets; 0 where the rule has none.
    pub fn matched(&self) -> usize {
        self.matched
    }

    /// The index of the listener (from 0) that the request arrived on, among those of the route; 0 where it has none.
    pub fn listener(&self) -> usize {
        self.listener
    }

    /// The policy of the rule, where it has one.
    pub fn policy(&self) -> Option<&'a CompiledPolicy> {
        self.rule_policy().policy()
    }

    /// What applies to the request: a policy, none, or one that could not be made.
    pub fn rule_policy(&self) -> &'a RulePolicy {
        self.target.policy(self.rule, self.listener, self.backend)
    }

    /// The mark of a backend of this rule, an index (from 0) among them, for the extensions of a request.
    pub fn choose(&self, backend: usize) -> ChosenBackend {
        ChosenBackend { route: self.route, rule: self.rule, backend }
    }

    /// The backend (from 0) that was chosen for the request, where it has a policy of its own.
    pub fn chosen_backend(&self) -> Option<usize> {
        self.backend
    }

    /// Whether the request is held to the policy, because the rule can be a candidate beside others (8.3).
    pub fn is_held(&self) -> bool {
        self.hold.is_some()
    }
}
