//! Every policy that is in effect, with what decides which requests it is for. In: loaded routes. Out: one entry for each
//! rule, listener and backend, for comparisons of loads. Rules 7.1, 8.4, 8.8.

use std::{
    collections::{HashMap, HashSet},
    time::SystemTime,
};

use super::{
    graph::Served,
    loaded::LoadedRoutes,
    names::{ObjectName, full_name, rule_name},
};
use crate::{
    decision::Resolution,
    manifest::finding::Position,
    route::{Hostname, Listener, RouteMatch},
};

/// A policy that is in effect.
#[derive(Clone, Debug)]
pub(crate) struct InEffect<'a> {
    /// The route, such as `HTTPRoute web/api`, and the rules that delegate to it.
    pub(crate) route: String,
    /// Its rule by its index, and by its name where it has one.
    pub(crate) rule: usize,
    pub(crate) name: Option<&'a str>,
    /// None where any listener may be meant: every one serves the route, or its parent is not in the manifests.
    pub(crate) listener: Option<String>,
    /// The backend that it is for, where it is not for all of them.
    pub(crate) backend: Option<String>,
    /// The hosts that it is for, and the hostnames of the route, which decide between routes.
    pub(crate) hostnames: Vec<Hostname>,
    pub(crate) route_hostnames: &'a [Hostname],
    /// What its requests match; nothing stands for everything.
    pub(crate) matches: &'a [RouteMatch],
    pub(crate) created: Option<SystemTime>,
    pub(crate) position: &'a Position,
    pub(crate) resolution: Resolution<'a>,
}

impl LoadedRoutes {
    /// Every policy that is in effect, in the order of the routes.
    pub(crate) fn in_effect(&self) -> Vec<InEffect<'_>> {
        let served = self.served.iter().enumerate();
        served.filter_map(|(at, served)| self.in_effect_of(at, served)).flatten().collect()
    }

    /// Every listener that is in the manifests, by its name and with what decides which requests arrive on it.
    pub(crate) fn listeners(&self) -> HashMap<String, (Hostname, Option<u16>)> {
        let of_gateways = self.resources.gateways.iter().flat_map(|gateway| {
            let name = |listener: &str| Listener::of_gateway(&gateway.meta.namespace, &gateway.meta.name, listener);
            gateway.listeners.iter().map(move |listener| (name(&listener.name), listener))
        });
        let of_sets = self.resources.listener_sets.iter().flat_map(|set| {
            let name = |listener: &str| Listener::of_listener_set(&set.meta.namespace, &set.meta.name, listener);
            set.listeners.iter().map(move |listener| (name(&listener.name), listener))
        });
        let all = of_gateways.chain(of_sets);
        all.map(|(name, listener)| (listener_name(&name), (listener.hostname.clone(), listener.port))).collect()
    }

    fn in_effect_of<'a>(&'a self, at: usize, served: &'a Served) -> Option<Vec<InEffect<'a>>> {
        let (route, top) = (self.resources.routes.get(served.route)?, self.resources.routes.get(served.top)?);
        let own = ObjectName::of(route.kind, &route.meta).describe();
        let above = served.chain.iter().filter_map(|&(route, rule)| {
            let parent = self.resources.routes.get(route)?;
            Some(format!(", delegated by {}", rule_name(parent, rule)))
        });
        let name = [own].into_iter().chain(above).collect::<String>();
        let listeners = listeners(served);
        let mut found = Vec::new();
        for (index, (rule, matches)) in route.rules.iter().zip(&served.matches).enumerate() {
            let Some(matches) = matches else { continue };
            for (listener, hostname, settings) in &listeners {
                for (backend, resolution) in self.table.policies_through(at, index, *settings) {
                    let backend = backend.and_then(|backend| rule.backends.get(backend));
                    let backend =
                        backend.map(|backend| full_name(&backend.reference.namespace, &backend.reference.name));
                    found.push(InEffect {
                        route: name.clone(),
                        rule: index,
                        name: rule.name.as_deref(),
                        listener: listener.clone(),
                        backend,
                        hostnames: hosts(&top.hostnames, hostname),
                        route_hostnames: &top.hostnames,
                        matches,
                        created: route.meta.created,
                        position: &rule.position,
                        resolution: resolution.as_borrowed(),
                    });
                }
            }
        }
        Some(found)
    }
}

/// The listeners of a route, each once, with the hostname and which of a rule's policies is for them.
fn listeners(served: &Served) -> Vec<(Option<String>, Hostname, usize)> {
    let groups = &served.listeners.0;
    if groups.is_empty() {
        return vec![(None, Hostname::any(), 0)];
    }
    let mut seen = HashSet::new();
    let all = groups.iter().flat_map(|group| group.iter());
    let named = all.map(|(listener, hostname, settings)| (listener.map(listener_name), hostname.clone(), settings));
    named.filter(|(name, ..)| seen.insert(name.clone())).collect()
}

/// As messages call it, such as `Gateway web/public listener https`.
fn listener_name(listener: &Listener) -> String {
    let kind = if listener.is_of_listener_set() { "ListenerSet" } else { "Gateway" };
    format!("{kind} {} listener {}", full_name(listener.namespace(), listener.parent()), listener.name())
}

/// The hosts of a route that fit a listener.
fn hosts(of_route: &[Hostname], of_listener: &Hostname) -> Vec<Hostname> {
    match of_route {
        [] => vec![of_listener.clone()],
        names => names.iter().filter_map(|name| name.intersection(of_listener)).collect(),
    }
}
