//! Which policy a rule has, and for which backend. In: what a gateway chose. Out: a mark in the request's extensions,
//! and the policy it leads to. Rules 7.1, 7.10.

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
/// use tower_cors::{CorsPolicy, request::CorsRequest, route::{Route, RouteTable, Rule}};
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
    pub(super) by_listener: Vec<Resolution<'static>>,
    /// For backends with a policy of their own, by their index.
    pub(super) by_backend: Vec<(usize, Vec<Resolution<'static>>)>,
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
        let policies = own.map_or(&self.by_listener, |(_, policies)| policies);
        policies.get(listener).or_else(|| policies.last())
    }
}
