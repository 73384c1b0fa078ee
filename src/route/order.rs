//! The order of 8.1 behind hostname and path: method, number of header matches, number of query matches, oldest route,
//! alphabetical name, rule order. In: routes. Out: their matches, sorted once, so that every list which is filled in
//! this order is sorted as well.

use std::{cmp::Reverse, collections::HashSet, time::SystemTime};

use http::{HeaderName, Method};

use super::{
    Hostname, PathMatch, Route, RouteMatch, ValueMatch, backend::RulePolicies, grpc::GrpcOrder, listener::Listeners,
    pattern::Pattern,
};
use crate::{decision::Resolution, headers::is_sent_unannounced, request::CorsRequest};

/// What a request must meet beside the hostname and the path, and which rule it reaches then.
#[derive(Clone, Debug)]
pub(super) struct Conditions {
    pub(super) method: Option<Method>,
    pub(super) headers: Box<[HeaderCondition]>,
    pub(super) query: Box<[(String, ValueMatch)]>,
    pub(super) grpc: Option<GrpcOrder>,
    pub(super) route: usize,
    pub(super) rule: usize,
    /// The index of the match in its rule.
    pub(super) matched: usize,
}

/// A header that must have a value.
#[derive(Clone, Debug)]
pub(super) struct HeaderCondition {
    pub(super) name: HeaderName,
    pub(super) value: ValueMatch,
    /// Whether a request may carry it without its preflight announcing it (8.2).
    pub(super) is_sent_unannounced: bool,
}

/// What is left of a route once its matches are arranged.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) namespace: Box<str>,
    pub(super) name: Box<str>,
    pub(super) listeners: Listeners,
    /// For each rule its policies.
    pub(super) policies: Box<[RulePolicies]>,
}

/// Routes taken apart: the matches in the order of 8.1, each with its path, and the hostnames of each route.
pub(super) struct Arranged {
    pub(super) targets: Vec<Target>,
    pub(super) hostnames: Vec<Vec<Hostname>>,
    pub(super) conditions: Vec<Conditions>,
    pub(super) paths: Vec<PathMatch>,
}

/// Takes `routes` apart.
pub(super) fn arrange(routes: impl IntoIterator<Item = Route>) -> Arranged {
    let mut arranged =
        Arranged { targets: Vec::new(), hostnames: Vec::new(), conditions: Vec::new(), paths: Vec::new() };
    let mut ages = Vec::new();
    let mut matches = Vec::new();
    for (at, route) in routes.into_iter().enumerate() {
        ages.push(Age::of(&route));
        let mut policies = Vec::with_capacity(route.rules.len());
        for (rule, given) in route.rules.into_iter().enumerate() {
            policies.push(given.policies);
            let all = match given.matches {
                _ if given.is_unreachable => continue,
                matches if matches.is_empty() => vec![RouteMatch::new()],
                matches => matches,
            };
            matches.extend(all.into_iter().enumerate().map(|(matched, found)| {
                let RouteMatch { path, method, headers, query, grpc } = found;
                let headers = headers.into_iter().map(HeaderCondition::new).collect();
                (Conditions { method, headers, query: query.into(), grpc, route: at, rule, matched }, path)
            }));
        }
        let mut hostnames = route.hostnames;
        if hostnames.is_empty() {
            hostnames.push(Hostname::any());
        }
        // A hostname written twice would make every rule a candidate beside itself.
        if hostnames.len() > 1 {
            let mut seen = HashSet::new();
            hostnames.retain(|hostname| seen.insert(hostname.clone()));
        }
        arranged.hostnames.push(hostnames);
        arranged.targets.push(Target {
            namespace: route.namespace.into(),
            name: route.name.into(),
            listeners: route.listeners,
            policies: policies.into(),
        });
    }
    // The sort is stable, so matches of one rule stay in their order.
    matches.sort_by(|(one, _), (two, _)| {
        one.weight().cmp(&two.weight()).then_with(|| {
            let age = |conditions: &Conditions| ages.get(conditions.route);
            // A route that is reached through several others is here several times, and its rules keep their order (8.8).
            age(one).cmp(&age(two)).then_with(|| (one.rule, one.route).cmp(&(two.rule, two.route)))
        })
    });
    arranged.targets.shrink_to_fit();
    (arranged.conditions, arranged.paths) = matches.into_iter().unzip();
    arranged.conditions.shrink_to_fit();
    arranged
}

impl HeaderCondition {
    fn new((name, value): (HeaderName, ValueMatch)) -> Self {
        // No request waits for it.
        value.pattern().map(Pattern::compiled);
        Self { is_sent_unannounced: is_sent_unannounced(&name), name, value }
    }
}

impl Conditions {
    /// Less weighs more: the method, then more header matches, then more query matches; of gRPC's the service, the method,
    /// then more header matches (8.7).
    fn weight(&self) -> impl Ord + use<> {
        let headers = self.headers.len();
        Reverse(match self.grpc {
            None => (usize::from(self.method.is_some()), headers, self.query.len()),
            Some(GrpcOrder { service, method }) => (service, method, headers),
        })
    }
}

/// When a route was created, and its `namespace/name`, which the Gateway API compares as one text.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Age {
    created: (bool, Option<SystemTime>),
    full_name: String,
}

impl Age {
    fn of(route: &Route) -> Self {
        Self {
            created: (route.created.is_none(), route.created),
            full_name: [&route.namespace, "/", &route.name].concat(),
        }
    }
}

impl Target {
    /// 8.4, 8.6: which of a rule's policies is for the listener that a request counts as arriving on; none where it
    /// arrives on none of the route.
    #[inline]
    pub(super) fn listener(&self, host: &str, request: &CorsRequest<'_>) -> Option<usize> {
        self.listeners.find(host, request)
    }

    /// What applies to requests that reach a rule of this route.
    pub(super) fn policy_of(
        &self,
        rule: usize,
        listener: usize,
        backend: Option<usize>,
    ) -> Option<&Resolution<'static>> {
        self.policies.get(rule)?.get(listener, backend)
    }

    pub(super) fn policies_of(&self, rule: usize) -> impl Iterator<Item = &Resolution<'static>> {
        let policies = self.policies.get(rule).into_iter();
        policies.flat_map(RulePolicies::iter)
    }

    #[cfg(feature = "manifest")]
    pub(super) fn policies_through(
        &self,
        rule: usize,
        listener: usize,
    ) -> impl Iterator<Item = (Option<usize>, &Resolution<'static>)> {
        self.policies.get(rule).into_iter().flat_map(move |policies| policies.through(listener))
    }

    /// The backend that was chosen for `request`, where it has a policy of its own.
    #[inline]
    pub(super) fn backend(&self, route: usize, rule: usize, request: &CorsRequest<'_>) -> Option<usize> {
        self.policies.get(rule)?.chosen(route, rule, request)
    }
}
