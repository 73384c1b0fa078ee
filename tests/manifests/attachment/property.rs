//! The table of manifests compared with the slow, obvious reference: same rule, same stack, same policy.

use std::collections::HashMap;

use http::Request;
use proptest::prelude::*;
use tower_cors::{
    CorsPolicy,
    manifest::{LoadedRoutes, Manifests},
    merge::{MergeOptions, MergeStrategy, Setting, SettingKind, merge},
    request::CorsRequest,
    route::Listener,
};

use super::{
    reference::{ListenerName, Reached, Reading, Sent, fits, reached},
    stack::{Given, counting, stack},
    world::{HOSTS, Policy, REQUESTED, World, a_world},
};

/// What is told of a request: the rule, what delegates to it, whether it has a backend, its stack, its policy.
#[derive(Clone, Debug, PartialEq)]
struct Answer {
    rule: String,
    delegated_by: Vec<String>,
    leads_nowhere: bool,
    stack: Vec<String>,
    policy: Option<CorsPolicy>,
}

fn policy_of(policy: &Policy) -> CorsPolicy {
    let mut built = CorsPolicy::new().allow_origins([policy.origin()]);
    built.max_age = policy.max_age;
    match policy.expose_headers.is_empty() {
        true => built,
        false => built.expose_headers(policy.expose_headers.iter().copied()),
    }
}

fn setting(given: &Given<'_>) -> Setting {
    match given.attached {
        Some(policy) if policy.is_disabled => Setting::disabled(label(given)),
        _ => Setting::policy(label(given), policy_of(given.policy)),
    }
}

fn label(given: &Given<'_>) -> String {
    match given.attached {
        Some(policy) if policy.is_disabled => format!("disabled by {}/{}", policy.name.0, policy.name.1),
        _ => given.policy.origin(),
    }
}

fn expected(world: &World, reached: &Reached<'_>) -> Answer {
    let name = |(route, rule): (usize, usize)| {
        let (namespace, name) = world.routes[route].name;
        format!("HTTPRoute {namespace}/{name} rule {rule}")
    };
    // 7.3, 7.5, 7.9: more than one setting counts only where they are united.
    let counting: Vec<_> = counting(&reached.steps).into_iter().map(setting).collect();
    let policy = merge(&counting, &MergeOptions::new(MergeStrategy::Union));
    Answer {
        rule: name(reached.rule),
        delegated_by: reached.chain.iter().map(|&at| name(at)).collect(),
        leads_nowhere: reached.leads_nowhere,
        stack: stack(&reached.steps).into_iter().map(label).collect(),
        policy: policy.policy().map(|policy| policy.policy().clone()),
    }
}

/// The request as it arrives.
pub(super) fn request(sent: &Sent) -> Request<()> {
    let query = sent.query.iter().map(|(name, value)| format!("?{name}={value}")).collect::<String>();
    let mut request = Request::builder()
        .method(sent.method)
        .uri(format!("http://{}{}{query}", sent.host, sent.path))
        .header("origin", "https://app.example");
    for (name, value) in &sent.headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(()).unwrap();
    if let Some(ListenerName { is_of_set, parent: (namespace, parent), listener }) = sent.arrived_on {
        request.extensions_mut().insert(match is_of_set {
            true => Listener::of_listener_set(namespace, parent, listener),
            false => Listener::of_gateway(namespace, parent, listener),
        });
    }
    request
}

/// The stack of each rule and listener that was found.
type Stacks = HashMap<(usize, usize, usize), Vec<String>>;

fn found(routes: &LoadedRoutes, sent: &Sent, stacks: &mut Stacks) -> Option<Answer> {
    let request = request(sent);
    let found = routes.table().find(&CorsRequest::of(&request))?;
    assert!(!found.resolution().is_closed());
    let label = |setting: &Setting| match setting.kind() {
        SettingKind::Disabled => setting.label().replace("TrafficPolicy", "disabled by"),
        SettingKind::Policy(policy) => policy.allow_origins.as_ref().unwrap()[0].clone(),
        _ => unreachable!("manifests have no ceilings"),
    };
    let stack = stacks.entry((found.route(), found.rule(), found.listener()));
    let stack = stack.or_insert_with(|| routes.stack(&found).iter().map(label).collect());
    Some(Answer {
        rule: format!("HTTPRoute {}/{} rule {}", found.namespace(), found.name(), found.rule()),
        delegated_by: routes.delegated_by(&found),
        leads_nowhere: routes.leads_nowhere(&found),
        stack: stack.clone(),
        policy: found.policy().map(|policy| policy.policy().clone()),
    })
}

/// Requests on every listener and on none that is known: at each host and path a plain one, and one with all that
/// matches may ask for.
pub(super) fn requests(world: &World) -> Vec<Sent> {
    let of_gateways = world.gateways.iter().map(|gateway| (false, gateway.name, &gateway.listeners));
    let of_sets = world.sets.iter().map(|set| (true, set.name, &set.listeners));
    let listeners = of_gateways.chain(of_sets).flat_map(|(is_of_set, parent, listeners)| {
        listeners.iter().map(move |listener| ListenerName { is_of_set, parent, listener: listener.name })
    });
    let mut all = Vec::new();
    for arrived_on in [None].into_iter().chain(listeners.map(Some)) {
        for host in HOSTS.into_iter().filter(|host| is_told(world, arrived_on.as_ref(), host)) {
            for path in REQUESTED {
                for (method, value) in [("GET", None), ("PUT", Some("1")), ("GET", Some("2"))] {
                    let with = |names: &[&'static str]| -> Vec<_> {
                        value.map(|value| names.iter().map(move |&name| (name, value))).into_iter().flatten().collect()
                    };
                    let (headers, query) = (with(&["x-one", "x-two"]), with(&["v"]));
                    all.push(Sent { host, path, method, headers, query, arrived_on: arrived_on.clone() });
                }
            }
        }
    }
    all
}

/// Whether the rules tell what is served on a listener for a host. Where the listener has another hostname, a parent that
/// is not there can't say no, and nothing says whether the listener does.
fn is_told(world: &World, arrived_on: Option<&ListenerName>, host: &str) -> bool {
    let Some(listener) = arrived_on else { return true };
    let all = world.gateways.iter().map(|gateway| (false, gateway.name, &gateway.listeners));
    let all = all.chain(world.sets.iter().map(|set| (true, set.name, &set.listeners)));
    let mut of_parent = all.filter(|(is_of_set, name, _)| (*is_of_set, *name) == (listener.is_of_set, listener.parent));
    let fits_host = of_parent.any(|(_, _, listeners)| {
        let named = listeners.iter().find(|one| one.name == listener.listener);
        named.is_some_and(|one| one.hostname.is_none_or(|hostname| fits(hostname, host)))
    });
    fits_host || !Reading::new(world).misses_a_parent()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    // rule 7.1, 7.2, 7.6, 7.12, 8.4, 8.6, 8.7, 8.8
    #[test]
    fn a_request_reaches_the_rule_and_the_settings_of_the_slow_reading(world in a_world()) {
        let text = world.manifests();
        let mut manifests = Manifests::new();
        if let Some(namespace) = world.global_namespace {
            manifests = manifests.global_policy_namespace(namespace);
        }
        let routes = manifests.read("m.yaml", &text).build().unwrap_or_else(|errors| panic!("{errors:#}\n{text}"));
        let reading = Reading::new(&world);
        let mut stacks = Stacks::new();
        for sent in requests(&world) {
            let expected: Vec<_> = reached(&reading, &sent).iter().map(|one| expected(&world, one)).collect();
            let found = found(&routes, &sent, &mut stacks);
            let is_expected = found.as_ref().map_or(expected.is_empty(), |found| expected.contains(found));
            prop_assert!(is_expected, "{sent:?}\nfound {found:#?}\nexpected {expected:#?}\n{text}");
        }
    }
}
