//! A diff of two loads compared with what requests get under each: where it says that nothing is wider, no request gets
//! more. In: a random cluster, and the same with one thing changed.

use proptest::{prelude::*, sample::Index};
use tower_cors::{
    CorsPolicy,
    explain::PolicyDiff,
    manifest::{LoadedRoutes, Manifests},
    request::CorsRequest,
};

use super::{
    property::{request, requests},
    reference::Sent,
    world::{World, a_world},
};

fn load(world: &World) -> LoadedRoutes {
    let manifests = Manifests::new();
    let manifests = match world.global_namespace {
        Some(namespace) => manifests.global_policy_namespace(namespace),
        None => manifests,
    };
    let text = world.manifests();
    manifests.read("m.yaml", &text).build().unwrap_or_else(|errors| panic!("{errors:#}\n{text}"))
}

/// The cluster with one thing changed, of which another cluster has the new values.
fn changed(world: &World, other: &World, what: usize, at: Index) -> World {
    let mut world = world.clone();
    let route = at.index(world.routes.len());
    let given = &other.routes[at.index(other.routes.len())];
    match what {
        0 => drop(world.routes.remove(route)),
        1 => drop(world.routes[route].rules.remove(0)),
        2 => world.routes[route].rules.reverse(),
        3 => world.routes[route].hostnames.clone_from(&given.hostnames),
        4 => world.routes[route].rules[0].matches.clone_from(&given.rules[0].matches),
        5 => world.routes[route].created = given.created,
        6 => world.routes[route].priority = given.priority,
        7 => {
            let gateway = at.index(world.gateways.len());
            world.gateways[gateway].listeners.remove(0);
        }
        8 => {
            let gateway = at.index(world.gateways.len());
            world.gateways[gateway].listeners[0].hostname = other.gateways[0].listeners[0].hostname;
        }
        9 => {
            let mut new = given.clone();
            new.name = ("a", "new");
            new.rules.iter_mut().for_each(|rule| rule.filter = None);
            world.routes.push(new);
        }
        _ if world.policies.is_empty() => {}
        10 => drop(world.policies.remove(at.index(world.policies.len()))),
        11 => {
            let policy = at.index(world.policies.len());
            world.policies[policy].policy.max_age = Some(1);
            world.policies[policy].policy.expose_headers.clear();
        }
        _ => {
            let policy = at.index(world.policies.len());
            world.policies[policy].created = given.created;
        }
    }
    world
}

/// What applies to a request: none, or a policy; nothing where no route takes it.
fn applied(routes: &LoadedRoutes, sent: &Sent) -> Option<Option<CorsPolicy>> {
    let request = request(sent);
    let found = routes.table().find(&CorsRequest::of(&request))?;
    Some(found.policy().map(|policy| policy.policy().clone()))
}

/// Whether what applies allows at most what applied: by a comparison of entries, where these are plain.
fn is_at_most(after: Option<&CorsPolicy>, before: Option<&CorsPolicy>) -> bool {
    let (Some(after), Some(before)) = (after, before) else { return before.is_none() && after.is_none() };
    let within = |after: &Option<Vec<String>>, before: &Option<Vec<String>>| {
        after.iter().flatten().all(|entry| before.iter().flatten().any(|known| known == entry))
    };
    within(&after.allow_origins, &before.allow_origins)
        && within(&after.expose_headers, &before.expose_headers)
        && after.max_age.unwrap_or(5) <= before.max_age.unwrap_or(5)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_gained_where_a_diff_says_that_nothing_is_wider(
        world in a_world(),
        other in a_world(),
        what in 0..13usize,
        at in any::<Index>(),
    ) {
        let after = changed(&world, &other, what, at);
        // A cluster whose Gateway has no listener is not valid.
        prop_assume!(after.gateways.iter().all(|gateway| !gateway.listeners.is_empty()));
        prop_assume!(after.routes.iter().all(|route| !route.rules.is_empty()));
        let (old, new) = (load(&world), load(&after));
        prop_assert!(!PolicyDiff::new(&old, &old, None).is_wider());
        let diff = PolicyDiff::new(&old, &new, None);
        // What no connection tells the listener of is a matter of their order.
        for sent in requests(&after).into_iter().filter(|sent| sent.arrived_on.is_some()) {
            let Some(now) = applied(&new, &sent) else { continue };
            let is_at_most = match applied(&old, &sent) {
                Some(was) => is_at_most(now.as_ref(), was.as_ref()),
                None => now.is_none(),
            };
            prop_assert!(is_at_most || diff.is_wider(), "{what}: {sent:?}\n{diff}\n{}", after.manifests());
        }
    }
}
