//! Random clusters for `property.rs`: few names, hosts and paths, so that objects meet. In: nothing. Out: a [`World`] of
//! plain data.

use std::collections::BTreeMap;

use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::{select, subsequence},
};

pub(super) const NAMESPACES: [&str; 2] = ["a", "b"];
pub(super) const HOSTS: [&str; 4] = ["x.example", "y.x.example", "z.example", "x.test"];
pub(super) const REQUESTED: [&str; 8] = ["/", "/a", "/a/b", "/a/b/c", "/a/c", "/ab", "/b", "/a/a/b"];
const HOSTNAMES: [&str; 4] = ["x.example", "*.example", "*.x.example", "x.test"];
const PATHS: [&str; 6] = ["/", "/a", "/a/", "/a/b", "/b", "/ab"];
const LISTENERS: [&str; 3] = ["l0", "l1", "l2"];
const RULES: [&str; 3] = ["one", "two", "three"];
const PRIORITIES: [&str; 4] =
    ["ShallowMergePreferChild", "ShallowMergePreferParent", "DeepMergePreferChild", "DeepMergePreferParent"];

pub(super) type Labels = BTreeMap<&'static str, &'static str>;
/// A namespace and a name.
pub(super) type Name = (&'static str, &'static str);

#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) global_namespace: Option<&'static str>,
    /// The labels of the `Namespace` objects that are there.
    pub(super) namespaces: BTreeMap<&'static str, Labels>,
    pub(super) gateways: Vec<Gateway>,
    pub(super) sets: Vec<ListenerSet>,
    pub(super) routes: Vec<Route>,
    pub(super) policies: Vec<TrafficPolicy>,
}

#[derive(Clone, Debug)]
pub(super) enum From {
    Unset,
    Nothing,
    Same,
    All,
    Selector(Labels, Option<(&'static str, &'static str, Vec<&'static str>)>),
}

#[derive(Clone, Debug)]
pub(super) struct Listener {
    pub(super) name: &'static str,
    pub(super) port: u16,
    pub(super) protocol: &'static str,
    pub(super) hostname: Option<&'static str>,
    pub(super) from: From,
    pub(super) kinds: Vec<&'static str>,
}

#[derive(Clone, Debug)]
pub(super) struct Gateway {
    pub(super) name: Name,
    pub(super) labels: Labels,
    pub(super) priority: Option<&'static str>,
    pub(super) listeners: Vec<Listener>,
    pub(super) allowed: From,
}

#[derive(Clone, Debug)]
pub(super) struct ListenerSet {
    pub(super) name: Name,
    pub(super) is_experimental: bool,
    pub(super) labels: Labels,
    pub(super) priority: Option<&'static str>,
    pub(super) created: Option<u8>,
    pub(super) gateway: Name,
    pub(super) listeners: Vec<Listener>,
}

#[derive(Clone, Debug)]
pub(super) struct ParentRef {
    pub(super) kind: &'static str,
    pub(super) name: Name,
    pub(super) section: Option<&'static str>,
    pub(super) port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Match {
    pub(super) is_exact: bool,
    pub(super) path: String,
    pub(super) method: Option<&'static str>,
    pub(super) headers: Vec<(&'static str, &'static str)>,
    pub(super) query: Vec<(&'static str, &'static str)>,
}

#[derive(Clone, Debug)]
pub(super) enum Backend {
    Service(Option<Policy>),
    /// A route, or `*` for all of a namespace.
    Route(Name),
    /// The namespace may be `all`.
    Label(Name),
}

#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) name: Option<&'static str>,
    pub(super) matches: Vec<Match>,
    pub(super) filter: Option<Policy>,
    pub(super) extension: Option<&'static str>,
    pub(super) backends: Vec<Backend>,
}

#[derive(Clone, Debug)]
pub(super) struct Route {
    pub(super) name: Name,
    pub(super) labels: Labels,
    pub(super) priority: Option<&'static str>,
    pub(super) inherits_matches: bool,
    pub(super) created: Option<u8>,
    pub(super) hostnames: Vec<&'static str>,
    pub(super) parents: Vec<ParentRef>,
    pub(super) rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
pub(super) struct Policy {
    /// Tells the policy from all others: its origin.
    pub(super) number: usize,
    pub(super) max_age: Option<u64>,
    pub(super) expose_headers: Vec<&'static str>,
}

#[derive(Clone, Debug)]
pub(super) struct TrafficPolicy {
    pub(super) name: Name,
    pub(super) created: Option<u8>,
    /// Kind, name and section.
    pub(super) refs: Vec<(&'static str, &'static str, Option<&'static str>)>,
    /// Kind, section, and the value of the label `app`.
    pub(super) selectors: Vec<(&'static str, Option<&'static str>, Option<&'static str>)>,
    pub(super) is_disabled: bool,
    pub(super) policy: Policy,
}

impl Policy {
    pub(super) fn origin(&self) -> String {
        format!("https://p{}.example", self.number)
    }
}

/// Any of the two namespaces with one of these names.
fn a_name(names: &'static [&'static str]) -> impl Strategy<Value = Name> {
    (select(&NAMESPACES[..]), select(names))
}

fn labels() -> impl Strategy<Value = Labels> {
    let app = option::of(select(&["one", "two"][..]));
    (app, prop::bool::weighted(0.4)).prop_map(|(app, is_blue)| {
        let blue = is_blue.then_some(("delegation.kgateway.dev/label", "blue"));
        app.map(|app| ("app", app)).into_iter().chain(blue).collect()
    })
}

fn priority() -> impl Strategy<Value = Option<&'static str>> {
    option::of(select(&PRIORITIES[..]))
}

fn created() -> impl Strategy<Value = Option<u8>> {
    option::of(1..4u8)
}

fn from() -> impl Strategy<Value = From> {
    let wanted = option::of(select(&[("team", "red"), ("team", "blue"), ("kubernetes.io/metadata.name", "b")][..]));
    let operator = select(&["In", "NotIn", "Exists", "DoesNotExist"][..]);
    let expression = (select(&["team", "stage"][..]), operator).prop_map(|(key, operator)| {
        let values = if operator.ends_with("In") { vec!["red", "test"] } else { Vec::new() };
        (key, operator, values)
    });
    prop_oneof![
        2 => Just(From::Unset),
        1 => Just(From::Same),
        3 => Just(From::All),
        2 => (wanted, option::of(expression))
            .prop_map(|(wanted, expression)| From::Selector(wanted.into_iter().collect(), expression)),
    ]
}

fn listeners(least: usize) -> impl Strategy<Value = Vec<Listener>> {
    let protocol = prop_oneof![6 => Just("HTTP"), 3 => Just("HTTPS"), 1 => Just("TCP")];
    let kinds = prop_oneof![
        6 => Just(vec![]),
        2 => Just(vec!["GRPCRoute", "HTTPRoute"]),
        1 => Just(vec!["HTTPRoute"]),
        1 => Just(vec!["GRPCRoute"]),
    ];
    let listener = (select(&[80, 81][..]), protocol, option::of(select(&HOSTNAMES[..])), from(), kinds);
    vec(listener, least..=3).prop_map(|listeners| {
        let named = LISTENERS.iter().zip(listeners);
        let listener =
            |(&name, (port, protocol, hostname, from, kinds))| Listener { name, port, protocol, hostname, from, kinds };
        named.map(listener).collect()
    })
}

fn a_gateway() -> impl Strategy<Value = Gateway> {
    let allowed = prop_oneof![1 => Just(From::Nothing), 4 => from()];
    (a_name(&["g"]), labels(), priority(), listeners(1), allowed)
        .prop_map(|(name, labels, priority, listeners, allowed)| Gateway { name, labels, priority, listeners, allowed })
}

/// Gateways, sets and routes are referred to by names of which some are not there.
fn a_listener_set() -> impl Strategy<Value = ListenerSet> {
    let gateway = prop_oneof![4 => a_name(&["g0", "g1"]), 1 => a_name(&["gone"])];
    (a_name(&["s"]), any::<bool>(), labels(), priority(), created(), gateway, listeners(1)).prop_map(
        |(name, is_experimental, labels, priority, created, gateway, listeners)| ListenerSet {
            name,
            is_experimental,
            labels,
            priority,
            created,
            gateway,
            listeners,
        },
    )
}

fn a_match() -> impl Strategy<Value = Match> {
    let headers = option::weighted(0.2, (select(&["x-one", "x-two"][..]), select(&["1", "2"][..])));
    let query = option::weighted(0.15, (Just("v"), select(&["1", "2"][..])));
    let method = option::weighted(0.15, select(&["GET", "PUT"][..]));
    (prop::bool::weighted(0.2), select(&PATHS[..]), method, headers, query).prop_map(
        |(is_exact, path, method, header, query)| Match {
            // What an exact `/` joined to a prefix is, no rule says.
            is_exact: is_exact && !path.ends_with('/'),
            path: path.to_owned(),
            method,
            headers: header.into_iter().collect(),
            query: query.into_iter().collect(),
        },
    )
}

fn a_policy() -> impl Strategy<Value = Policy> {
    (option::of(1..5u64), subsequence(&["X-A", "X-B"][..], 0..=2)).prop_map(|(max_age, expose_headers)| Policy {
        number: 0,
        max_age,
        expose_headers,
    })
}

fn delegations() -> impl Strategy<Value = Vec<Backend>> {
    const NAMES: [&str; 8] = ["r0", "r1", "r2", "r3", "r4", "r5", "gone", "*"];
    let one = prop_oneof![
        4 => a_name(&NAMES).prop_map(Backend::Route),
        1 => (select(&["a", "b", "all"][..]), Just("blue")).prop_map(Backend::Label),
    ];
    let service = option::weighted(0.1, Just(Backend::Service(None)));
    (vec(one, 1..=2), service).prop_map(|(delegations, service)| delegations.into_iter().chain(service).collect())
}

fn a_rule() -> impl Strategy<Value = Rule> {
    let service = option::weighted(0.2, a_policy()).prop_map(|filter| vec![Backend::Service(filter)]);
    let backends = prop_oneof![3 => service, 2 => delegations()];
    let extension = option::weighted(0.15, select(&["p0", "p1", "p2", "gone"][..]));
    let filter = option::weighted(0.35, a_policy());
    (any::<bool>(), vec(a_match(), 0..=2), filter, extension, backends).prop_map(
        |(is_named, mut matches, filter, extension, backends)| {
            // Whether a prefix beside an exact path delegates, no rule says.
            if matches.len() > 1 && !matches!(backends[0], Backend::Service(_)) {
                matches.iter_mut().for_each(|found| found.is_exact = false);
            }
            Rule { name: is_named.then_some(""), matches, filter, extension, backends }
        },
    )
}

fn a_parent() -> impl Strategy<Value = ParentRef> {
    let whole = prop_oneof![
        5 => (Just("Gateway"), a_name(&["g0", "g1"])),
        3 => (Just("ListenerSet"), a_name(&["s0", "s1"])),
        1 => (Just("Gateway"), a_name(&["gone"])),
        1 => (Just("ListenerSet"), a_name(&["gone"])),
        2 => (Just("HTTPRoute"), a_name(&["r0", "r1", "r2", "r3"])),
    ];
    let section = option::weighted(0.3, select(&LISTENERS[..]));
    (whole, section, option::weighted(0.2, select(&[80, 81][..]))).prop_map(|((kind, name), section, port)| {
        let is_route = kind == "HTTPRoute";
        ParentRef { kind, name, section: section.filter(|_| !is_route), port: port.filter(|_| !is_route) }
    })
}

fn a_route() -> impl Strategy<Value = Route> {
    let hostnames = prop_oneof![Just(vec![]), subsequence(&HOSTNAMES[..], 1..=2)];
    let parents = prop_oneof![2 => Just(vec![]), 3 => vec(a_parent(), 1..=3)];
    (a_name(&["r"]), labels(), priority(), any::<bool>(), created(), hostnames, parents, vec(a_rule(), 1..=3)).prop_map(
        |(name, labels, priority, inherits_matches, created, hostnames, parents, mut rules)| {
            for (rule, name) in rules.iter_mut().zip(RULES) {
                rule.name = rule.name.map(|_| name);
            }
            Route { name, labels, priority, inherits_matches, created, hostnames, parents, rules }
        },
    )
}

fn a_traffic_policy() -> impl Strategy<Value = TrafficPolicy> {
    const KINDS: [(&str, [&str; 7]); 4] = [
        ("Gateway", ["g0", "g1", "gone", "g0", "g1", "g0", "g1"]),
        ("HTTPRoute", ["r0", "r1", "r2", "r3", "r4", "r5", "gone"]),
        ("ListenerSet", ["s0", "s1", "gone", "s0", "s1", "s0", "s1"]),
        ("XListenerSet", ["s0", "s1", "gone", "s0", "s1", "s0", "s1"]),
    ];
    fn section(kind: &'static str, at: Option<usize>) -> Option<&'static str> {
        at.map(|at| if kind == "HTTPRoute" { RULES[at] } else { LISTENERS[at] })
    }
    let at = || option::weighted(0.4, 0..3usize);
    let target = (select(&KINDS[..]), 0..7usize, at())
        .prop_map(|((kind, names), name, at)| (kind, names[name], section(kind, at)));
    let selector = (select(&KINDS[..]), at(), option::of(select(&["one", "two"][..])))
        .prop_map(|((kind, _), at, app)| (kind, section(kind, at), app));
    let selectors = vec(selector, 0..=1);
    (a_name(&["p"]), created(), vec(target, 0..=3), selectors, prop::bool::weighted(0.1), a_policy()).prop_map(
        |(name, created, mut refs, selectors, is_disabled, policy)| {
            refs.sort_unstable();
            refs.dedup();
            TrafficPolicy { name, created, refs, selectors, is_disabled, policy }
        },
    )
}

pub(super) fn a_world() -> impl Strategy<Value = World> {
    let namespace = option::of((option::of(select(&["red", "blue"][..])), option::of(Just("test"))));
    let objects = (vec(a_gateway(), 1..=2), vec(a_listener_set(), 0..=2), vec(a_route(), 1..=6));
    let global = option::weighted(0.3, select(&NAMESPACES[..]));
    (global, [namespace.clone(), namespace], objects, vec(a_traffic_policy(), 0..=10)).prop_map(
        |(global_namespace, labels, (gateways, sets, routes), policies)| {
            let labelled = NAMESPACES.into_iter().zip(labels).filter_map(|(name, labels)| {
                let (team, stage) = labels?;
                let labels = team.map(|team| ("team", team)).into_iter().chain(stage.map(|stage| ("stage", stage)));
                Some((name, labels.collect()))
            });
            let namespaces = labelled.collect();
            let mut world = World { global_namespace, namespaces, gateways, sets, routes, policies };
            world.number();
            world
        },
    )
}

impl World {
    /// Gives every object a name and every policy a number of its own.
    fn number(&mut self) {
        const NAMES: [[&str; 10]; 4] = [
            ["g0", "g1", "", "", "", "", "", "", "", ""],
            ["s0", "s1", "", "", "", "", "", "", "", ""],
            ["r0", "r1", "r2", "r3", "r4", "r5", "", "", "", ""],
            ["p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9"],
        ];
        let [gateways, sets, routes, policies] = NAMES;
        self.gateways.iter_mut().zip(gateways).for_each(|(of, name)| of.name.1 = name);
        self.sets.iter_mut().zip(sets).for_each(|(of, name)| of.name.1 = name);
        self.routes.iter_mut().zip(routes).for_each(|(of, name)| of.name.1 = name);
        self.policies.iter_mut().zip(policies).for_each(|(of, name)| of.name.1 = name);
        let rules = self.routes.iter_mut().flat_map(|route| &mut route.rules);
        let filters = rules.flat_map(|rule| {
            let of_backends = rule.backends.iter_mut().filter_map(|backend| match backend {
                Backend::Service(filter) => filter.as_mut(),
                _ => None,
            });
            rule.filter.as_mut().into_iter().chain(of_backends)
        });
        let all = filters.chain(self.policies.iter_mut().map(|policy| &mut policy.policy));
        all.enumerate().for_each(|(at, policy)| policy.number = at);
        // A reference to a route that is not there is another matter than one to a route that does not delegate.
        let names: Vec<_> = self.routes.iter().map(|route| route.name).collect();
        for route in &mut self.routes {
            route.parents.retain(|parent| parent.kind != "HTTPRoute" || names.contains(&parent.name));
        }
    }
}
