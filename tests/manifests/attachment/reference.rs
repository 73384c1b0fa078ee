//! A slow, obvious reading of rules 7.1, 7.2, 7.6, 7.12, 8.1, 8.4 and 8.6 to 8.8. In: a [`World`] and a request. Out: the
//! rule that it reaches, the rules that delegate to it, and the settings that apply.

use std::cmp::Reverse;

use super::{
    stack::{Step, of_gone_parent, of_listener, of_route},
    world::{Backend, From, Gateway, Labels, Listener, ListenerSet, Match, Name, ParentRef, Route, World},
};

/// A rule, as the places of its route and of itself.
pub(super) type RuleAt = (usize, usize);

#[derive(Clone, Debug, PartialEq)]
pub(super) struct ListenerName {
    pub(super) is_of_set: bool,
    pub(super) parent: Name,
    pub(super) listener: &'static str,
}

#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) host: &'static str,
    pub(super) path: &'static str,
    pub(super) method: &'static str,
    pub(super) headers: Vec<(&'static str, &'static str)>,
    pub(super) query: Vec<(&'static str, &'static str)>,
    pub(super) arrived_on: Option<ListenerName>,
}

/// What a request reaches.
pub(super) struct Reached<'a> {
    pub(super) rule: RuleAt,
    /// The rules that delegate to it, the nearest first.
    pub(super) chain: Vec<RuleAt>,
    pub(super) leads_nowhere: bool,
    /// The settings of each object with an annotation, from below.
    pub(super) steps: Vec<Step<'a>>,
}

/// A rule that is served, by itself or through the rules of a chain.
struct Served {
    top: usize,
    chain: Vec<RuleAt>,
    rule: RuleAt,
    matches: Vec<Match>,
    leads_nowhere: bool,
}

/// A listener that a route is attached to, or a parent that is not there, which any listener may be of.
struct Attachment<'a> {
    listener: Option<ListenerName>,
    hostname: Option<&'static str>,
    steps: Vec<Step<'a>>,
}

/// What is served, and through what.
pub(super) struct Reading<'a> {
    world: &'a World,
    served: Vec<Served>,
    /// For each route.
    attachments: Vec<Vec<Attachment<'a>>>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(world: &'a World) -> Self {
        let attachments = world.routes.iter().map(|route| attachments(world, route)).collect();
        Self { world, served: all_served(world), attachments }
    }

    /// Whether a parent of some route is not there.
    pub(super) fn misses_a_parent(&self) -> bool {
        self.attachments.iter().flatten().any(|one| one.listener.is_none())
    }
}

/// All that the request may have reached: one, or several ways to one rule that no rule tells apart.
pub(super) fn reached<'a>(reading: &Reading<'a>, sent: &Sent) -> Vec<Reached<'a>> {
    let world = reading.world;
    let mut found = Vec::new();
    for served in &reading.served {
        let top = &world.routes[served.top];
        let Some(hostname) = best_hostname(&top.hostnames, sent.host) else { continue };
        let attachments = &reading.attachments[served.top];
        let Some(parent_steps) = settings_of_listener(attachments, top, sent) else { continue };
        let route = &world.routes[served.rule.0];
        for one in served.matches.iter().filter(|one| meets(one, sent)) {
            let key = (hostname, precedence(one), (route.created.is_none(), route.created), route.name, served.rule.1);
            let below = [served.rule].into_iter().chain(served.chain.iter().copied());
            let steps = below.map(|rule| of_route(world, rule)).chain(parent_steps.clone()).collect();
            let reached =
                Reached { rule: served.rule, chain: served.chain.clone(), leads_nowhere: served.leads_nowhere, steps };
            found.push((key, reached));
        }
    }
    let Some(best) = found.iter().map(|(key, _)| *key).min() else { return Vec::new() };
    found.into_iter().filter(|(key, _)| *key == best).map(|(_, reached)| reached).collect()
}

// 8.1

pub(super) fn fits(hostname: &str, host: &str) -> bool {
    match hostname.strip_prefix('*') {
        Some(suffix) => host.len() > suffix.len() && host.ends_with(suffix),
        None => hostname == host,
    }
}

fn best_hostname(hostnames: &[&str], host: &str) -> Option<(bool, Reverse<usize>)> {
    if hostnames.is_empty() {
        return Some((true, Reverse(0)));
    }
    let fitting = hostnames.iter().filter(|hostname| fits(hostname, host));
    fitting.map(|hostname| (hostname.starts_with('*'), Reverse(hostname.len()))).min()
}

fn is_within(path: &str, prefix: &str) -> bool {
    let prefix = prefix.trim_end_matches('/');
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn meets(one: &Match, sent: &Sent) -> bool {
    let is_at_path = match one.is_exact {
        true => one.path == sent.path,
        false => is_within(sent.path, &one.path),
    };
    is_at_path
        && one.method.is_none_or(|method| method == sent.method)
        && one.headers.iter().all(|header| sent.headers.contains(header))
        && one.query.iter().all(|parameter| sent.query.contains(parameter))
}

type Precedence = (bool, Reverse<usize>, bool, Reverse<usize>, Reverse<usize>);

fn precedence(one: &Match) -> Precedence {
    let length = one.path.trim_end_matches('/').len();
    (!one.is_exact, Reverse(length), one.method.is_none(), Reverse(one.headers.len()), Reverse(one.query.len()))
}

// 8.8

fn all_served(world: &World) -> Vec<Served> {
    let tops = (0..world.routes.len()).filter(|&at| is_served_by_itself(world, at));
    tops.flat_map(|top| served_below(world, top, top, &[], None)).collect()
}

fn is_served_by_itself(world: &World, at: usize) -> bool {
    let route = &world.routes[at];
    match route.parents.is_empty() {
        true => !is_delegated_to(world, at),
        false => !attachments(world, route).is_empty(),
    }
}

/// Whether any rule of another route delegates to this one.
fn is_delegated_to(world: &World, child: usize) -> bool {
    let others = (0..world.routes.len()).filter(|&at| at != child);
    others.into_iter().any(|at| world.routes[at].rules.iter().any(|rule| named(world, &rule.backends).contains(&child)))
}

/// The routes that delegations name.
fn named(world: &World, backends: &[Backend]) -> Vec<usize> {
    let is_named = |route: &Route| {
        backends.iter().any(|backend| match *backend {
            Backend::Service(_) => false,
            Backend::Route((namespace, "*")) => route.name.0 == namespace,
            Backend::Route(name) => route.name == name,
            Backend::Label((namespace, value)) => {
                let is_labelled = route.labels.get("delegation.kgateway.dev/label") == Some(&value);
                is_labelled && (namespace == "all" || namespace == route.name.0)
            }
        })
    };
    (0..world.routes.len()).filter(|&at| is_named(&world.routes[at])).collect()
}

fn takes_requests_from(child: &Route, parent: &Route) -> bool {
    let mut routes = child.parents.iter().filter(|reference| reference.kind == "HTTPRoute").peekable();
    routes.peek().is_none() || routes.any(|reference| reference.name == parent.name)
}

/// The rules of a route that is reached through a chain of rules, of which the nearest one has these matches.
fn served_below(world: &World, top: usize, route_at: usize, chain: &[RuleAt], above: Option<&[Match]>) -> Vec<Served> {
    let route = &world.routes[route_at];
    let mut all = Vec::new();
    for (rule_at, rule) in route.rules.iter().enumerate() {
        let everything = Match { is_exact: false, path: "/".into(), method: None, headers: vec![], query: vec![] };
        let own = if rule.matches.is_empty() { vec![everything] } else { rule.matches.clone() };
        let matches: Vec<Match> = match above {
            None => own,
            Some(above) if route.inherits_matches => {
                above.iter().flat_map(|above| own.iter().filter_map(|one| joined(above, one))).collect()
            }
            Some(above) => own.into_iter().filter(|one| above.iter().any(|above| lies_within(one, above))).collect(),
        };
        if matches.is_empty() {
            continue;
        }
        let delegates = rule.backends.iter().any(|backend| !matches!(backend, Backend::Service(_)));
        let chain_below: Vec<_> = [(route_at, rule_at)].into_iter().chain(chain.iter().copied()).collect();
        let takes = |child: &usize| {
            let leads_back = chain_below.iter().any(|(at, _)| at == child);
            !leads_back && takes_requests_from(&world.routes[*child], route)
        };
        let mut children = named(world, &rule.backends);
        children.retain(takes);
        let mut below = Vec::new();
        if matches.iter().all(|one| !one.is_exact) {
            let served = |child| served_below(world, top, child, &chain_below, Some(&matches));
            below.extend(children.into_iter().flat_map(served));
        }
        // A delegation that nothing is reached through is one to nothing.
        if below.is_empty() {
            let rule = (route_at, rule_at);
            all.push(Served { top, chain: chain.to_vec(), rule, matches, leads_nowhere: delegates });
        }
        all.extend(below);
    }
    all
}

fn lies_within(child: &Match, parent: &Match) -> bool {
    is_within(&child.path, &parent.path)
        && (parent.method.is_none() || child.method == parent.method)
        && parent.headers.iter().all(|header| child.headers.contains(header))
        && parent.query.iter().all(|parameter| child.query.contains(parameter))
}

/// The match of the child behind the prefix of the parent, with the other matches of both; none that both can't hold.
fn joined(parent: &Match, child: &Match) -> Option<Match> {
    let path = format!("{}{}", parent.path.trim_end_matches('/'), child.path);
    let path = if path.len() > 1 { path.trim_end_matches('/').to_owned() } else { path };
    let method = child.method.or(parent.method);
    if parent.method.is_some_and(|given| Some(given) != method) {
        return None;
    }
    let headers = united(&parent.headers, &child.headers)?;
    let query = united(&parent.query, &child.query)?;
    Some(Match { is_exact: child.is_exact, path, method, headers, query })
}

type Pairs = Vec<(&'static str, &'static str)>;

fn united(parent: &Pairs, child: &Pairs) -> Option<Pairs> {
    let mut all = parent.clone();
    for &(name, value) in child {
        match all.iter().find(|(other, _)| *other == name) {
            None => all.push((name, value)),
            Some((_, other)) if *other == value => {}
            Some(_) => return None,
        }
    }
    Some(all)
}

// 8.4, 8.6, 8.7

/// The settings of the listener that the request arrived on; none where the route is not served there.
fn settings_of_listener<'a>(all: &[Attachment<'a>], route: &Route, sent: &Sent) -> Option<Vec<Step<'a>>> {
    if route.parents.is_empty() {
        return Some(Vec::new());
    }
    let arrived_there = |one: &&Attachment<'_>| one.listener == sent.arrived_on;
    let is_unknown = |one: &&Attachment<'_>| one.listener.is_none();
    let fits_host = |one: &&Attachment<'_>| one.hostname.is_none_or(|hostname| fits(hostname, sent.host));
    let found = match sent.arrived_on {
        None => all.iter().find(fits_host),
        Some(_) => match all.iter().find(arrived_there) {
            Some(found) => Some(found).filter(fits_host),
            // What is not in the manifests can't say no.
            None => all.iter().find(is_unknown),
        },
    };
    found.map(|found| found.steps.clone())
}

/// The listeners that take a route, in the order in which they count: those of Gateways, as the references name these,
/// then those of sets, the oldest first. Between the listeners of one Gateway, 8.6 leaves no choice.
fn attachments<'a>(world: &'a World, route: &Route) -> Vec<Attachment<'a>> {
    let mut all = Vec::new();
    let mut seen = Vec::new();
    for reference in &route.parents {
        match (reference.kind, find_gateway(world, reference.name)) {
            ("Gateway", Some(gateway)) if !seen.contains(&gateway.name) => {
                // A reference that nothing takes has no place among the others.
                let alone = Route { parents: vec![reference.clone()], ..route.clone() };
                if !of_own_listeners(world, &alone, gateway).is_empty() {
                    seen.push(gateway.name);
                    all.extend(of_own_listeners(world, route, gateway));
                }
            }
            ("Gateway", Some(_)) | ("HTTPRoute", _) => {}
            ("Gateway", None) => all.push(gone(world, reference)),
            _ if world.sets.iter().all(|set| set.name != reference.name) => all.push(gone(world, reference)),
            _ => {}
        }
    }
    let mut sets: Vec<_> = world.sets.iter().collect();
    sets.sort_by_key(|set| (set.created.is_none(), set.created, set.name));
    all.extend(sets.into_iter().flat_map(|set| of_listeners_of_set(world, route, set)));
    all
}

fn gone<'a>(world: &'a World, reference: &ParentRef) -> Attachment<'a> {
    Attachment { listener: None, hostname: None, steps: of_gone_parent(world, reference) }
}

pub(super) fn find_gateway(world: &World, name: Name) -> Option<&Gateway> {
    world.gateways.iter().find(|gateway| gateway.name == name)
}

fn of_own_listeners<'a>(world: &'a World, route: &Route, gateway: &'a Gateway) -> Vec<Attachment<'a>> {
    let taken = gateway.listeners.iter().filter(|listener| takes(world, ("Gateway", gateway.name), listener, route));
    let attachment = |listener: &'a Listener| Attachment {
        listener: Some(ListenerName { is_of_set: false, parent: gateway.name, listener: listener.name }),
        hostname: listener.hostname,
        steps: of_listener(world, gateway.name, None, listener.name),
    };
    taken.map(attachment).collect()
}

fn of_listeners_of_set<'a>(world: &'a World, route: &Route, set: &'a ListenerSet) -> Vec<Attachment<'a>> {
    let is_admitted = find_gateway(world, set.gateway).is_none_or(|gateway| match gateway.allowed {
        From::Unset => false,
        _ => admits(world, &gateway.allowed, gateway.name.0, set.name.0),
    });
    let taken = set.listeners.iter().filter(|listener| takes(world, ("ListenerSet", set.name), listener, route));
    let attachment = |listener: &'a Listener| Attachment {
        listener: Some(ListenerName { is_of_set: true, parent: set.name, listener: listener.name }),
        hostname: listener.hostname,
        steps: of_listener(world, set.gateway, Some(set), listener.name),
    };
    taken.filter(|_| is_admitted).map(attachment).collect()
}

fn takes(world: &World, (kind, parent): (&str, Name), listener: &Listener, route: &Route) -> bool {
    let names_it = |reference: &ParentRef| {
        reference.kind == kind
            && reference.name == parent
            && reference.section.is_none_or(|section| section == listener.name)
            && reference.port.is_none_or(|port| port == listener.port)
    };
    let hostname_fits =
        |hostname: &str| route.hostnames.is_empty() || route.hostnames.iter().any(|own| overlap(own, hostname));
    route.parents.iter().any(names_it)
        && listener.hostname.is_none_or(hostname_fits)
        && matches!(listener.protocol, "HTTP" | "HTTPS")
        && (listener.kinds.is_empty() || listener.kinds.contains(&"HTTPRoute"))
        && admits(world, &listener.from, parent.0, route.name.0)
}

fn overlap(one: &str, other: &str) -> bool {
    one == other || fits(one, other) || fits(other, one)
}

/// `Same` is the default of listeners.
fn admits(world: &World, from: &From, owner: &str, namespace: &'static str) -> bool {
    match from {
        From::Nothing => false,
        From::Unset | From::Same => owner == namespace,
        From::All => true,
        From::Selector(wanted, expression) => {
            let mut labels: Labels = world.namespaces.get(namespace).cloned().unwrap_or_default();
            labels.insert("kubernetes.io/metadata.name", namespace);
            let has_all = wanted.iter().all(|(name, value)| labels.get(name) == Some(value));
            let meets = expression.as_ref().is_none_or(|(key, operator, values)| {
                let value = labels.get(key);
                match *operator {
                    "In" => value.is_some_and(|value| values.contains(value)),
                    "NotIn" => value.is_none_or(|value| !values.contains(value)),
                    "Exists" => value.is_some(),
                    _ => value.is_none(),
                }
            });
            has_all && meets
        }
    }
}
