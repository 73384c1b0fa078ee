//! Which policy a rule has, and for which backend. In: what a gateway chose. Out: a mark in the request's extensions,
//! and the policy it leads to. Rules 7.1, 7.10.

use std::collections::BTreeMap;

use crate::{decision::Resolution, request::CorsRequest};

/// The backend that a gateway has chosen for a request, to be put into its extensions before it reaches the CORS layer.
///
/// A rule with several backends can have a policy for each of them. Without this, such a request has the policy of the
/// rule itself. It comes from [`MatchedRule::choose`](super::MatchedRule::choose), and counts for that rule of that
/// table alone.
///
/// # Examples
///
/// ```
/// use tower_cors::{
///     CorsPolicy,
///     request::CorsRequest,
///     route::{Route, RouteTable, Rule},
/// };
///
/// let beta = CorsPolicy::new().allow_origins(["https://beta.example"]).compile()?;
/// let rule = Rule::new().backend_policy_by_listener(1, [beta.clone()]);
/// let table = RouteTable::new([Route::new("shop", "api").rule(rule)]);
///
/// let mut request = http::Request::get("/").body(())?;
/// let chosen = table.find(&CorsRequest::of(&request)).unwrap().choose(1);
/// request.extensions_mut().insert(chosen);
/// assert_eq!(table.find(&CorsRequest::of(&request)).unwrap().policy(), Some(&beta));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChosenBackend {
    pub(super) route: usize,
    pub(super) rule: usize,
    pub(super) backend: usize,
}

impl ChosenBackend {
    /// The index of the backend (from 0) among those of its rule.
    pub fn backend(&self) -> usize {
        self.backend
    }
}

/// The policies of a rule.
#[derive(Clone, Debug, Default)]
pub(super) struct RulePolicies {
    pub(super) by_listener: ByListener,
    /// For backends with a policy of their own, by their index.
    pub(super) by_backend: Vec<(usize, ByListener)>,
}

/// A policy for each listener.
#[derive(Clone, Debug, Default)]
pub(crate) struct ByListener {
    /// None but where listeners have policies of their own, as few routes have it.
    #[expect(clippy::box_collection, reason = "it takes eight bytes where there is none")]
    policies: Option<Box<BTreeMap<usize, Resolution<'static>>>>,
    /// That of the other listeners.
    rest: Option<Resolution<'static>>,
}

impl ByListener {
    /// Policies in the order of the listeners. The last one counts for those beyond the list as well.
    pub(super) fn of(policies: impl IntoIterator<Item = Resolution<'static>>) -> Self {
        let policies: BTreeMap<_, _> = policies.into_iter().enumerate().collect();
        let rest = policies.last_key_value().map(|(_, last)| last.clone());
        Self { policies: Some(Box::new(policies)), rest }
    }

    /// One policy for the listeners that have none of their own.
    #[cfg(feature = "manifest")]
    pub(crate) fn new(policies: impl IntoIterator<Item = (usize, Resolution<'static>)>) -> Self {
        let policies: BTreeMap<_, _> = policies.into_iter().collect();
        match policies.len() {
            // Most routes have the same settings on every listener.
            1 => Self { rest: policies.into_values().next(), policies: None },
            _ => Self { policies: Some(Box::new(policies)), rest: None },
        }
    }

    fn get(&self, listener: usize) -> Option<&Resolution<'static>> {
        self.policies.as_ref().and_then(|policies| policies.get(&listener)).or(self.rest.as_ref())
    }

    fn iter(&self) -> impl Iterator<Item = &Resolution<'static>> {
        let policies = self.policies.as_deref().filter(|policies| !policies.is_empty());
        let rest = self.rest.as_ref().filter(|_| policies.is_none());
        policies.into_iter().flat_map(BTreeMap::values).chain(rest)
    }
}

impl RulePolicies {
    /// The chosen backend, where it has a policy of its own.
    #[inline]
    pub(super) fn chosen(&self, route: usize, rule: usize, request: &CorsRequest<'_>) -> Option<usize> {
        if self.by_backend.is_empty() {
            return None;
        }
        let chosen = request.extensions()?.get::<ChosenBackend>()?;
        let is_here = (chosen.route, chosen.rule) == (route, rule);
        (is_here && self.by_backend.iter().any(|(backend, _)| *backend == chosen.backend)).then_some(chosen.backend)
    }

    pub(super) fn get(&self, listener: usize, backend: Option<usize>) -> Option<&Resolution<'static>> {
        let own = backend.and_then(|backend| self.by_backend.iter().find(|(known, _)| *known == backend));
        own.map_or(&self.by_listener, |(_, policies)| policies).get(listener)
    }

    /// The policies for requests that arrive on one listener: that of the rule, then those of backends with one of their own.
    #[cfg(feature = "manifest")]
    pub(super) fn through(&self, listener: usize) -> impl Iterator<Item = (Option<usize>, &Resolution<'static>)> {
        let of_backends = self.by_backend.iter().map(|(backend, policies)| (Some(*backend), policies));
        let all = [(None, &self.by_listener)].into_iter().chain(of_backends);
        all.filter_map(move |(backend, policies)| Some((backend, policies.get(listener)?)))
    }

    /// Every policy: by listener, then those of the backends.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Resolution<'static>> {
        self.by_listener.iter().chain(self.by_backend.iter().flat_map(|(_, policies)| policies.iter()))
    }
}
