//! Routes as their author gives them: hostnames, listeners, rules, matches, policies. Plain data; a
//! [`RouteTable`](super::RouteTable) arranges it for look-up. Rules 8.1, 8.4.

use std::{sync::Arc, time::SystemTime};

use http::{HeaderName, Method};

use super::{
    Hostname, Listener, PathMatch, ValueMatch,
    backend::{ByListener, RulePolicies},
    grpc::GrpcOrder,
    listener::Listeners,
};
use crate::{compile::CompiledPolicy, decision::Resolution};

/// A route in the shape of the Gateway API's `HTTPRoute`: hostnames and rules.
///
/// # Examples
///
/// ```
/// use http::Method;
/// use tower_cors::route::{
///     Hostname, PathMatch, Route, RouteMatch, RouteTable, Rule, ValueMatch,
/// };
///
/// let canary = RouteMatch::new()
///     .path(PathMatch::prefix("/users")?)
///     .method(Method::PUT)
///     .header(http::HeaderName::from_static("x-canary"), ValueMatch::exact("yes"));
/// let route = Route::new("shop", "users")
///     .hostname(Hostname::parse("*.example.com")?)
///     .rule(Rule::new().matching(canary))
///     .rule(Rule::new());
/// let table = RouteTable::new([route]);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Route {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) created: Option<SystemTime>,
    pub(super) hostnames: Vec<Hostname>,
    pub(super) listeners: Listeners,
    pub(super) rules: Vec<Rule>,
}

impl Route {
    /// A route for every host, without rules.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
            created: None,
            hostnames: Vec::new(),
            listeners: Listeners::default(),
            rules: Vec::new(),
        }
    }

    /// Adds a hostname. A route without one serves every host.
    pub fn hostname(mut self, hostname: Hostname) -> Self {
        self.hostnames.push(hostname);
        self
    }

    /// Sets when the route was created: of two rules that match alike, the one of the older route wins. A route that
    /// does not say is younger than those that do.
    pub fn created(mut self, created: SystemTime) -> Self {
        self.created = Some(created);
        self
    }

    /// Adds a listener that the route is attached to, with its hostname. The route serves the hosts that fit one of its
    /// listeners, and a request counts as arriving on the one that its extensions name, else on the first that it fits
    /// (8.4, 8.6). A route without one serves them all.
    ///
    /// `None` is a listener that nobody knows by name: whatever listener a request arrives on may be that one.
    pub fn listener(mut self, listener: impl Into<Option<Listener>>, hostname: Hostname) -> Self {
        if self.listeners.0.is_empty() {
            self.listeners.0.push(Arc::default());
        }
        if let Some(group) = self.listeners.0.first_mut() {
            let group = Arc::make_mut(group);
            let at = group.len();
            group.add(listener.into(), &hostname, at);
        }
        self
    }

    /// Sets the listeners, which many routes may share.
    #[cfg(feature = "manifest")]
    pub(crate) fn listeners(mut self, listeners: Listeners) -> Self {
        self.listeners = listeners;
        self
    }

    /// Adds a rule.
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }
}

/// A rule of a [`Route`]: what it matches, and the policy of the requests that reach it.
#[derive(Clone, Debug, Default)]
pub struct Rule {
    pub(super) matches: Vec<RouteMatch>,
    pub(super) policies: RulePolicies,
    /// Whether no request meets it, so that rules keep their indices.
    pub(super) is_unreachable: bool,
}

impl Rule {
    /// A rule that every request meets, without a policy.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a match. A request meets the rule when it meets one of its matches; a rule without one is met by all.
    pub fn matching(mut self, route_match: RouteMatch) -> Self {
        self.matches.push(route_match);
        self
    }

    /// Sets the policy.
    pub fn policy(mut self, policy: CompiledPolicy) -> Self {
        self.policies.by_listener = ByListener::of([policy.into()]);
        self
    }

    /// Sets a policy for each [listener](Route::listener) of the route, in their order.
    ///
    /// The last one counts for the listeners beyond the list as well.
    pub fn policy_by_listener(mut self, policies: impl IntoIterator<Item: Into<Resolution<'static>>>) -> Self {
        self.policies.by_listener = ByListener::of(policies.into_iter().map(Into::into));
        self
    }

    /// Sets the same for requests with this [chosen backend](super::ChosenBackend), an index (from 0) among the
    /// backends of the rule.
    pub fn backend_policy_by_listener(
        mut self,
        backend: usize,
        policies: impl IntoIterator<Item: Into<Resolution<'static>>>,
    ) -> Self {
        let policies = ByListener::of(policies.into_iter().map(Into::into));
        self.policies.by_backend.retain(|(known, _)| *known != backend);
        self.policies.by_backend.push((backend, policies));
        self
    }
}

#[cfg(feature = "manifest")]
impl Rule {
    /// A rule that no request meets.
    pub(crate) fn unreachable() -> Self {
        Self { is_unreachable: true, ..Self::default() }
    }

    /// Sets the policies of the rule, and of its backend where one is given, by what the listeners share.
    pub(crate) fn policies_by_settings(mut self, backend: Option<usize>, policies: ByListener) -> Self {
        match backend {
            None => self.policies.by_listener = policies,
            Some(backend) => self.policies.by_backend.push((backend, policies)),
        }
        self
    }
}

/// One match of a [`Rule`]: every part of it must be met. The default is met by every request.
#[derive(Clone, Debug, Default)]
pub struct RouteMatch {
    pub(super) path: PathMatch,
    pub(super) method: Option<Method>,
    pub(super) headers: Vec<(HeaderName, ValueMatch)>,
    pub(super) query: Vec<(String, ValueMatch)>,
    /// Of a match of a `GRPCRoute` (8.7).
    pub(super) grpc: Option<GrpcOrder>,
}

impl RouteMatch {
    /// The match that every request meets.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the path.
    pub fn path(mut self, path: PathMatch) -> Self {
        self.path = path;
        self
    }

    /// Sets the method.
    pub fn method(mut self, method: Method) -> Self {
        self.method = Some(method);
        self
    }

    /// Adds a header. Of several matches of one name only the first counts.
    ///
    /// Several lines of a header are compared as one list, joined with `,`.
    pub fn header(mut self, name: HeaderName, value: ValueMatch) -> Self {
        if !self.headers.iter().any(|(known, _)| *known == name) {
            self.headers.push((name, value));
        }
        self
    }

    /// Adds a query parameter. Of several matches of one name only the first counts.
    ///
    /// Name and value are compared as they stand in the URI, and of a repeated parameter the first value.
    pub fn query(mut self, name: impl Into<String>, value: ValueMatch) -> Self {
        let name = name.into();
        if !self.query.iter().any(|(known, _)| *known == name) {
            self.query.push((name, value));
        }
        self
    }
}
