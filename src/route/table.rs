//! [`RouteTable`]: routes arranged for look-up, as a resolver. In: a request. Out: the rule that it reaches, and with it
//! the policy. Rules 8.1 to 8.5.

use std::{collections::HashSet, ops::ControlFlow, sync::Arc};

use http::HeaderName;

#[cfg(feature = "manifest")]
use super::unreachable;
use super::{
    ChosenBackend, Route,
    grpc::IsGrpc,
    hostname,
    order::{self, Arranged, Conditions, Target},
    path::Paths,
    preflight::{
        ambiguity,
        group::{Group, Grouping, RuleAt},
    },
    reach::{Reach, Sought},
};
use crate::{
    compile::CompiledPolicy,
    decision::{Candidates, FindCandidates, FoundCandidates, Resolution},
    host::HostIndex,
    request::CorsRequest,
    resolver::PolicyResolver,
};

/// Routes as a [`PolicyResolver`]: the policy of a request is that of the rule that the Gateway API routes it to.
///
/// A look-up costs one hash for the hostname and one step for each segment of the path, whatever the number of routes.
/// Matches at one hostname and path are told apart by comparing one after the other, those by the value of a header with
/// one more look-up. It allocates only for preflights of rules with header conditions, for long queries, and where
/// several regular expressions are tried.
///
/// Preflights are routed as the request that they stand for (8.2), so a rule for `PUT` or for a header also answers the
/// preflight. Where that leaves several rules, a request needs the consent of the one that it really reaches (8.3).
///
/// # Examples
///
/// ```
/// use http::Request;
/// use tower_cors::{
///     CorsLayer, CorsPolicy,
///     request::CorsRequest,
///     route::{Hostname, PathMatch, Route, RouteMatch, RouteTable, Rule},
/// };
///
/// let app = CorsPolicy::new().allow_origins(["https://app.example"]).compile()?;
/// let v1 = RouteMatch::new().path(PathMatch::prefix("/v1")?);
/// let route = Route::new("shop", "api")
///     .hostname(Hostname::parse("api.example")?)
///     .rule(Rule::new().matching(v1).policy(app));
/// let open = CorsPolicy::new().allow_origins(["*"]).compile()?;
/// let table = RouteTable::new([route]).with_fallback(open);
///
/// let request = Request::get("/v1/prices").header("host", "api.example").body(())?;
/// let found = table.find(&CorsRequest::of(&request)).unwrap();
/// assert_eq!((found.namespace(), found.name(), found.rule()), ("shop", "api", 0));
/// assert!(
///     found.policy().is_some_and(|policy| policy.allows_origin("https://app.example"))
/// );
///
/// let request = Request::get("/v2").header("host", "api.example").body(())?;
/// assert!(table.find(&CorsRequest::of(&request)).is_none());
/// let layer = CorsLayer::with_resolver(table);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct RouteTable {
    routes: Arc<Routes>,
    /// The same routes, for [`Resolution`]s that require consent.
    consent: Arc<dyn FindCandidates>,
}

/// Routes arranged for look-up.
#[derive(Clone, Debug, Default)]
pub(super) struct Routes {
    pub(super) hosts: HostIndex<Paths>,
    /// The matches of `GRPCRoute`s (8.7).
    grpc: HostIndex<Paths>,
    has_grpc: bool,
    conditions: Vec<Conditions>,
    pub(super) targets: Vec<Target>,
    /// Whether a preflight may leave several rules: by conditions on headers, or between HTTP and gRPC.
    may_be_ambiguous: bool,
    pub(super) fallback: Option<(CompiledPolicy, Candidates)>,
    /// The names that proxies before the server add (8.3).
    pub(super) added_by_proxies: HashSet<HeaderName>,
    ambiguous: Vec<RuleAt>,
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
}

impl RouteTable {
    /// Arranges routes. Their order is of no consequence but for routes of one name and age.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_cors::route::{Route, RouteTable, Rule};
    ///
    /// // A rule without a match takes every request.
    /// let table = RouteTable::new([Route::new("shop", "api").rule(Rule::new())]);
    /// ```
    pub fn new(routes: impl IntoIterator<Item = Route>) -> Self {
        Routes::arrange(routes).into()
    }

    /// Sets the policy of requests that no rule matches (8.5), so that a gateway's own 404 can be read by scripts.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_cors::{CorsPolicy, PolicyResolver, request::CorsRequest, route::RouteTable};
    ///
    /// let policy = CorsPolicy::new().allow_origins(["https://app.example"]).compile()?;
    /// let table = RouteTable::default().with_fallback(policy.clone());
    /// let request = http::Request::get("/nowhere").body(())?;
    /// assert_eq!(table.resolve(&CorsRequest::of(&request)).policy(), Some(&policy));
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_fallback(self, policy: CompiledPolicy) -> Self {
        let mut routes = self.into_routes();
        let candidates = Candidates::new().policy(&policy);
        routes.fallback = Some((policy, candidates));
        routes.ambiguous = ambiguity::find(&routes);
        routes.into()
    }

    /// Names request headers that the proxies before this server add, such as `x-client-region`: they show no preflight
    /// (8.3). The usual ones (`Forwarded`, `Via`, `X-Forwarded-*`, `traceparent` ...) are known.
    ///
    /// # Examples
    ///
    /// ```
    /// use http::HeaderName;
    /// use tower_cors::route::RouteTable;
    ///
    /// let added = [HeaderName::from_static("x-client-region")];
    /// let table = RouteTable::default().with_proxy_headers(added);
    /// ```
    #[must_use]
    pub fn with_proxy_headers(self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        let mut routes = self.into_routes();
        routes.added_by_proxies.extend(names);
        routes.into()
    }

    /// The rule that a request reaches; for a preflight, the one whose policy answers it. None where no rule matches,
    /// which a gateway answers with 404. [`RouteTable`] has an example.
    pub fn find(&self, request: &CorsRequest<'_>) -> Option<MatchedRule<'_>> {
        self.routes.find(request)
    }

    /// The hostnames of all routes with rules, in alphabetical order; `*` where such a route has none.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_cors::route::{Hostname, Route, RouteTable, Rule};
    ///
    /// let api = Route::new("shop", "api").hostname(Hostname::parse("api.example")?);
    /// let any = Route::new("shop", "any");
    /// let table = RouteTable::new([api, any].map(|route| route.rule(Rule::new())));
    /// assert_eq!(table.hostnames(), ["*", "api.example"]);
    /// # Ok::<_, tower_cors::finding::HostError>(())
    /// ```
    pub fn hostnames(&self) -> Vec<String> {
        let of_both = [&self.routes.hosts, &self.routes.grpc].into_iter().flat_map(HostIndex::patterns);
        let mut hostnames: Vec<_> = of_both.map(ToString::to_string).collect();
        hostnames.sort_unstable();
        hostnames.dedup();
        hostnames
    }

    /// Every rule, in the order of the routes, as a request meets it that arrives on the first listener of its route.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_cors::route::{Route, RouteTable, Rule};
    ///
    /// let api = Route::new("shop", "api").rule(Rule::new()).rule(Rule::new());
    /// let table = RouteTable::new([api]);
    /// let names = table.rules().map(|rule| (rule.name(), rule.rule()));
    /// assert_eq!(names.collect::<Vec<_>>(), [("api", 0), ("api", 1)]);
    /// ```
    pub fn rules(&self) -> impl Iterator<Item = MatchedRule<'_>> {
        let rule_of = |route, target, rule| MatchedRule { target, route, rule, matched: 0, listener: 0, backend: None };
        let targets = self.routes.targets.iter().enumerate();
        targets
            .flat_map(move |(route, target)| (0..target.policies.len()).map(move |rule| rule_of(route, target, rule)))
    }

    /// The rules that can be candidates for a preflight beside others (8.3), each once, in the order of the routes.
    ///
    /// Those without a [policy](MatchedRule::policy) have none that a request could be refused by, so a request may
    /// reach their backend with the consent of another rule.
    ///
    /// # Examples
    ///
    /// ```
    /// use http::HeaderName;
    /// use tower_cors::route::{Route, RouteMatch, RouteTable, Rule, ValueMatch};
    ///
    /// let name = HeaderName::from_static("x-version");
    /// let two = RouteMatch::new().header(name, ValueMatch::exact("2"));
    /// let rules = Route::new("shop", "api").rule(Rule::new().matching(two)).rule(Rule::new());
    /// let table = RouteTable::new([rules]);
    /// assert_eq!(table.ambiguous_rules().map(|rule| rule.rule()).collect::<Vec<_>>(), [0, 1]);
    /// ```
    pub fn ambiguous_rules(&self) -> impl Iterator<Item = MatchedRule<'_>> {
        self.routes.ambiguous.iter().filter_map(|&(route, rule)| {
            let target = self.routes.targets.get(route)?;
            Some(MatchedRule { target, route, rule, matched: 0, listener: 0, backend: None })
        })
    }

    /// Whether the request reaches a rule that was a candidate beside others for its preflight (8.3).
    pub(crate) fn requires_consent(&self, request: &CorsRequest<'_>) -> bool {
        let mut found = FoundCandidates::default();
        self.routes.find_candidates(request, &mut found);
        self.routes.may_be_ambiguous && found.is_ambiguous
    }

    /// The rules that no request reaches, by their route and their index, each with the rule that takes its requests
    /// (2.18).
    #[cfg(feature = "manifest")]
    pub(crate) fn unreachable_rules(&self) -> Vec<((usize, usize), (usize, usize))> {
        unreachable::find(&self.routes)
    }

    /// Every policy of a rule: by listener, then those of its backends.
    #[cfg(feature = "manifest")]
    pub(crate) fn policies_of(&self, route: usize, rule: usize) -> impl Iterator<Item = &Resolution<'static>> {
        self.routes.targets.get(route).into_iter().flat_map(move |target| target.policies_of(rule))
    }

    /// The policies of a rule for requests that arrive on one listener of its route, each with the backend that it is for.
    #[cfg(feature = "manifest")]
    pub(crate) fn policies_through(
        &self,
        route: usize,
        rule: usize,
        listener: usize,
    ) -> impl Iterator<Item = (Option<usize>, &Resolution<'static>)> {
        let target = self.routes.targets.get(route);
        target.into_iter().flat_map(move |target| target.policies_through(rule, listener))
    }

    fn into_routes(self) -> Routes {
        drop(self.consent);
        // A resolution that outlives the table may share them.
        Arc::unwrap_or_clone(self.routes)
    }
}

impl From<Routes> for RouteTable {
    fn from(routes: Routes) -> Self {
        let routes = Arc::new(routes);
        let consent: Arc<dyn FindCandidates> = Arc::<Routes>::clone(&routes);
        Self { routes, consent }
    }
}

impl Default for RouteTable {
    fn default() -> Self {
        Routes::default().into()
    }
}

impl Routes {
    fn arrange(routes: impl IntoIterator<Item = Route>) -> Self {
        let Arranged { targets, hostnames, conditions, paths } = order::arrange(routes);
        let (mut hosts, mut grpc) = (HostIndex::<Paths>::default(), HostIndex::<Paths>::default());
        for (rank, (found, path)) in conditions.iter().zip(&paths).enumerate() {
            for hostname in hostnames.get(found.route).into_iter().flatten() {
                let index = if found.grpc.is_some() { &mut grpc } else { &mut hosts };
                if let Some(paths) = index.entry(hostname.pattern()) {
                    paths.add(path, rank);
                }
            }
        }
        // Without header conditions a preflight shows everything that decides, so no rule is beside another.
        let has_header_conditions = conditions.iter().any(|conditions| !conditions.headers.is_empty());
        let grpc_matches = conditions.iter().filter(|conditions| conditions.grpc.is_some()).count();
        let has_both = grpc_matches > 0 && grpc_matches < conditions.len();
        let may_be_ambiguous = has_header_conditions || has_both;
        let mut grouping = Grouping::default();
        for paths in hosts.values_mut().chain(grpc.values_mut()) {
            paths.seal(&conditions);
            if may_be_ambiguous {
                paths.group(&mut grouping, &conditions, &targets);
            }
        }
        hosts.seal();
        grpc.seal();
        let has_grpc = grpc_matches > 0;
        let mut routes = Self { hosts, grpc, has_grpc, conditions, targets, may_be_ambiguous, ..Self::default() };
        routes.ambiguous = ambiguity::find(&routes);
        routes
    }

    fn find(&self, request: &CorsRequest<'_>) -> Option<MatchedRule<'_>> {
        let sought = self.sought(request);
        hostname::with_host(request.authority(), |host| {
            if request.is_preflight() {
                self.find_for_preflight(host, &sought)
            } else {
                self.visit(host, &sought, |found, _| ControlFlow::Break(found)).break_value()
            }
        })
    }

    /// 8.2: the first candidate that allows everything, else the first. Where no rule takes every request, the fallback is
    /// the last candidate.
    fn find_for_preflight(&self, host: &str, sought: &Sought<'_>) -> Option<MatchedRule<'_>> {
        let mut first = None;
        let answers = self.visit(host, sought, |found, reach| {
            let is_first = first.is_none();
            let candidate = *first.get_or_insert(found);
            match (found.policy(), reach) {
                // The only candidate answers in any case, so its policy is not asked twice.
                (_, Reach::Must) if is_first => ControlFlow::Break(found),
                (Some(policy), _) if sought.is_allowed_by(policy) => ControlFlow::Break(found),
                (_, Reach::Must) => ControlFlow::Break(candidate),
                _ => ControlFlow::Continue(()),
            }
        });
        let is_allowed = |policy: &CompiledPolicy| first.is_some() && sought.is_allowed_by(policy);
        match answers {
            ControlFlow::Break(found) => Some(found),
            ControlFlow::Continue(()) if self.fallback.as_ref().is_some_and(|(policy, _)| is_allowed(policy)) => None,
            ControlFlow::Continue(()) => first,
        }
    }

    /// Visits the rules that a request may or must reach, in the order of 8.1.
    #[inline]
    fn visit<'t, B>(
        &'t self,
        host: &str,
        sought: &Sought<'_>,
        mut visit: impl FnMut(MatchedRule<'t>, Reach) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let mut visit_rank = |rank: usize, is_perhaps: bool| {
            let Some((conditions, target)) = self.look_up(rank) else { return ControlFlow::Continue(()) };
            let reach = match sought.reach(conditions) {
                Reach::Never => return ControlFlow::Continue(()),
                _ if is_perhaps => Reach::May,
                reach => reach,
            };
            let Some(listener) = target.listener(host, sought.request) else { return ControlFlow::Continue(()) };
            let (route, rule, matched) = (conditions.route, conditions.rule, conditions.matched);
            let backend = target.backend(route, rule, sought.request);
            visit(MatchedRule { target, route, rule, matched, listener, backend }, reach)
        };
        if !self.has_grpc {
            return self.hosts.visit(host, |paths| paths.visit(sought, |rank| visit_rank(rank, false)));
        }
        // 8.7: the content type decides between the two kinds, where both match.
        let (is_grpc, path) = (sought.is_grpc, sought.path());
        if is_grpc != IsGrpc::No {
            let is_perhaps = is_grpc == IsGrpc::Perhaps;
            self.grpc.visit(host, |paths| paths.visit_by_rank(path, |rank| visit_rank(rank, is_perhaps)))?;
        }
        self.hosts.visit(host, |paths| paths.visit(sought, |rank| visit_rank(rank, false)))?;
        if is_grpc == IsGrpc::No {
            self.grpc.visit(host, |paths| paths.visit_by_rank(path, |rank| visit_rank(rank, false)))?;
        }
        ControlFlow::Continue(())
    }

    #[cfg(feature = "manifest")]
    pub(super) fn grpc_hosts(&self) -> &[Paths] {
        self.grpc.values()
    }

    pub(super) fn has_grpc(&self) -> bool {
        self.has_grpc
    }

    /// What is sought for a request.
    #[inline]
    pub(super) fn sought<'r>(&self, request: &'r CorsRequest<'r>) -> Sought<'r> {
        let sought = Sought::new(request);
        if self.has_grpc { sought.look_for_grpc() } else { sought }
    }

    /// Visits the groups of matches at the paths of a request, in the order of 8.1.
    pub(super) fn visit_groups<'t, B>(
        &'t self,
        host: &str,
        path: &str,
        mut visit: impl FnMut(&'t Group) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        self.hosts.visit(host, |paths| paths.visit_groups(path, &mut visit))
    }

    /// The same of gRPC's matches.
    pub(super) fn visit_grpc_groups<'t, B>(
        &'t self,
        host: &str,
        path: &str,
        mut visit: impl FnMut(&'t Group) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        self.grpc.visit(host, |paths| paths.groups_by_rank(path).into_iter().try_for_each(&mut visit))
    }

    /// The rules of which a match has header conditions.
    pub(super) fn rules_with_header_conditions(&self) -> impl Iterator<Item = RuleAt> {
        let conditions = self.conditions.iter().filter(|conditions| !conditions.headers.is_empty());
        conditions.map(|conditions| (conditions.route, conditions.rule))
    }

    #[inline]
    pub(super) fn look_up(&self, rank: usize) -> Option<(&Conditions, &Target)> {
        let conditions = self.conditions.get(rank)?;
        Some((conditions, self.targets.get(conditions.route)?))
    }
}

impl PolicyResolver for RouteTable {
    fn resolve<'a>(&'a self, request: &CorsRequest<'_>) -> Resolution<'a> {
        let resolution = match self.find(request) {
            // 8.5
            None => self.routes.fallback.as_ref().map(|(policy, _)| policy).into(),
            Some(found) => found.resolution(),
        };
        // 8.3
        match self.routes.may_be_ambiguous {
            true => resolution.require_consent_of(&self.consent),
            false => resolution,
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

    /// Which of the rule's policies by listener applies: the index of the listener (from 0) that the request arrived on,
    /// among those of the route; 0 where it has none. Routes of manifests count listeners with equal settings as one.
    pub fn listener(&self) -> usize {
        self.listener
    }

    /// The policy of the rule, where it has one.
    pub fn policy(&self) -> Option<&'a CompiledPolicy> {
        self.target.policy_of(self.rule, self.listener, self.backend)?.policy()
    }

    /// What applies to the request: a policy, none, or one that could not be made.
    pub fn resolution(&self) -> Resolution<'a> {
        let found = self.target.policy_of(self.rule, self.listener, self.backend);
        found.map_or_else(Resolution::none, Resolution::as_borrowed)
    }

    /// The mark of a backend of this rule, an index (from 0) among them, for the extensions of a request.
    pub fn choose(&self, backend: usize) -> ChosenBackend {
        ChosenBackend { route: self.route, rule: self.rule, backend }
    }

    /// The backend (from 0) that was chosen for the request, where it has a policy of its own.
    pub fn chosen_backend(&self) -> Option<usize> {
        self.backend
    }
}
