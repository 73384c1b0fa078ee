//! What happens to a real server while requests go on: it dies, comes back with and without its objects, loses its store or
//! its history, forgets a kind, refuses the token. No request fails, and the table is right soon after.

use std::time::{Duration, Instant};

use crate::{
    assets::Assets,
    gateway::Gateway,
    link::Link,
    server::{self, Server},
    traffic::Traffic,
    wait::{wait_at_most, wait_until},
};

/// How soon the table is right once the server is back: the pause between two tries is at most a second where nobody
/// answered, and the rest is for a machine that others use as well.
const SOON: Duration = Duration::from_secs(20);

const HOST: &str = "kept.faults.example";
const URL: &str = "http://kept.faults.example/";

fn route(name: &str, age: u64) -> String {
    format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: {name}, namespace: default}}\n\
         spec: {{hostnames: [{name}.faults.example], rules: [{{filters: [{{type: CORS, cors: {{allowOrigins: [https://app.example], maxAge: {age}}}}}]}}]}}\n---\n"
    )
}

fn url(name: &str) -> String {
    format!("http://{name}.faults.example/")
}

fn wait_soon(what: &str, gateway: &Gateway, name: &str, expected: Option<u64>) {
    let start = Instant::now();
    wait_at_most(SOON, what, || (gateway.max_age(&url(name)) == expected).then_some(()));
    eprintln!("{what}: {:?}", start.elapsed());
}

/// Waits until the gateway has said that it can't read a kind, so that the fault has reached it.
fn wait_told(gateway: &Gateway, before: usize) {
    wait_until("the gateway tells of the fault", || {
        gateway.lines().iter().skip(before).any(|line| line.starts_with("API server: httproutes")).then_some(())
    });
}

/// Waits until every kind is read again.
fn wait_recovered(gateway: &Gateway) {
    wait_until("every kind is read again", || (gateway.metric("tower_cors_unavailable_kinds") == 0).then_some(()));
}

fn start(server: &Server) -> Gateway {
    server.kubectl().apply(&(route("kept", 1) + &route("gone", 2)));
    let gateway = Gateway::start_synced(&server.kubeconfig("gateway"), &[]);
    assert_eq!(gateway.max_age(URL), Some(1));
    gateway
}

/// A server that lets the example's account read everything.
pub(crate) fn server_with_rights(extra: &[&'static str]) -> Option<Server> {
    let server = server::own_with(extra)?;
    server
        .kubectl()
        .apply(&std::fs::read_to_string(crate::process::file("examples/kubernetes/rbac.yaml")).expect("the example"));
    Some(server)
}

// rule 10.4
#[test]
fn a_server_that_dies_and_comes_back_costs_no_request() {
    let Some(mut server) = server_with_rights(&[]) else { return };
    let gateway = start(&server);
    let traffic = Traffic::start(&gateway, 2, HOST);
    let memory = gateway.memory();

    // With the same store.
    let before = gateway.lines().len();
    server.kill_api();
    wait_told(&gateway, before);
    assert!(gateway.is_ready(), "the last table serves on");
    server.start_api();
    server.kubectl().apply(&route("new", 3));
    wait_soon("killed and started again", &gateway, "new", Some(3));
    wait_recovered(&gateway);

    // An object is deleted and another one made before the gateway comes back: the watch begins where it was.
    let before = gateway.lines().len();
    server.kill_api();
    wait_told(&gateway, before);
    server.start_api();
    server.kubectl().delete("default", "httproute/gone");
    wait_soon("deleted meanwhile", &gateway, "gone", None);
    wait_recovered(&gateway);

    // etcd dies, and the server answers with errors.
    server.kill_etcd();
    let failed = server.kubectl().try_run(&["delete", "httproute/new", "--request-timeout=2s"], "");
    assert!(!failed.status.success());
    assert_eq!(gateway.max_age(&url("new")), Some(3));
    server.start_etcd();
    wait_until("the server has its store back", || {
        server
            .kubectl()
            .try_run(&["delete", "httproute/new", "--request-timeout=5s"], "")
            .status
            .success()
            .then_some(())
    });
    wait_soon("the store was away", &gateway, "new", None);
    wait_recovered(&gateway);

    // The token is revoked, which the server reads when it starts.
    server.write_tokens(false);
    let before = gateway.lines().len();
    server.kill_api();
    server.start_api();
    wait_until("the gateway is told that it may not", || {
        gateway.lines().iter().skip(before).any(|line| line.contains("Unauthorized")).then_some(())
    });
    assert_eq!(gateway.max_age(URL), Some(1));
    server.write_tokens(true);
    server.kill_api();
    server.start_api();
    server.kubectl().apply(&route("new", 4));
    wait_soon("the token was revoked", &gateway, "new", Some(4));
    wait_recovered(&gateway);
    traffic_is_right(traffic, &["1"], "killed, without its store, without the token");

    // With an empty store: everything is deleted, and the table follows.
    let traffic = Traffic::start(&gateway, 2, HOST);
    let before = gateway.lines().len();
    server.kill_api();
    wait_told(&gateway, before);
    server.kill_etcd();
    server.empty_store();
    server.start_etcd();
    server.start_api();
    server.install_all();
    let rights = std::fs::read_to_string(crate::process::file("examples/kubernetes/rbac.yaml")).expect("the example");
    server.kubectl().apply(&rights);
    wait_soon("an empty store", &gateway, "kept", None);
    server.kubectl().apply(&route("kept", 5));
    wait_soon("filled again", &gateway, "kept", Some(5));
    wait_recovered(&gateway);
    traffic_is_right(traffic, &["1", "404", "5"], "an empty store");
    assert_memory_is_flat(memory, &gateway);
}

/// A quarter and 20 MiB more are what the allocator keeps.
pub(crate) fn assert_memory_is_flat(before: Option<u64>, gateway: &Gateway) {
    if let (Some(before), Some(after)) = (before, gateway.memory()) {
        eprintln!("memory: {before} KiB before, {after} KiB after");
        assert!(after < before * 5 / 4 + 20 * 1024, "{after} KiB after {before} KiB");
    }
}

pub(crate) fn traffic_is_right(traffic: Traffic, right: &[&str], during: &str) {
    let sent = traffic.finish_with(right);
    eprintln!("{during}: {sent} requests, none failed");
    assert!(sent > 100, "only {sent} requests");
}

// rule 10.4
#[test]
fn what_was_deleted_is_known_when_the_history_is_compacted_meanwhile() {
    // Without its cache the server asks etcd for the history, which then says that it is gone.
    let Some(server) = server_with_rights(&["--watch-cache=false"]) else { return };
    server.kubectl().apply(&(route("kept", 1) + &route("gone", 2)));
    let link = Link::start(server.address().parse().expect("an address"));
    let gateway = Gateway::start_synced(&server.kubeconfig_at("gateway", &link.address().to_string()), &[]);
    let traffic = Traffic::start(&gateway, 2, HOST);
    let before = gateway.lines().len();
    link.cut();
    wait_told(&gateway, before);
    server.kubectl().delete("default", "httproute/gone");
    server.kubectl().apply(&route("new", 3));
    server.compact_history();
    assert_eq!(gateway.max_age(&url("gone")), Some(2));
    link.mend();
    wait_soon("deleted before the compaction", &gateway, "gone", None);
    wait_soon("made before the compaction", &gateway, "new", Some(3));
    wait_recovered(&gateway);
    traffic_is_right(traffic, &["1"], "compacted");
}

// rule 10.1, 10.4
#[test]
fn a_kind_whose_crd_is_deleted_has_no_objects_and_is_taken_up_again() {
    let Some(server) = server_with_rights(&[]) else { return };
    let gateway = start(&server);
    let kubectl = server.kubectl();
    let policy = "apiVersion: gateway.kgateway.dev/v1alpha1\nkind: TrafficPolicy\nmetadata: {name: p, namespace: default}\n\
                  spec: {targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: plain}], cors: {allowOrigins: [https://app.example], maxAge: 7}}\n---\n\
                  apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: plain, namespace: default}\nspec: {hostnames: [plain.faults.example]}\n";
    kubectl.apply(policy);
    gateway.wait_max_age(&url("plain"), Some(7));
    let traffic = Traffic::start(&gateway, 2, HOST);
    for age in [8, 9] {
        kubectl.run(&["delete", "crd", "trafficpolicies.gateway.kgateway.dev"], "");
        wait_soon("the CRD is deleted", &gateway, "plain", Some(0));
        server.install(&[Assets::ready().expect("assets").crd_of("TrafficPolicy")]);
        wait_until("the kind takes objects", || {
            let policy = policy.replace("maxAge: 7", &format!("maxAge: {age}"));
            kubectl.try_run(&["apply", "--validate=false", "-f", "-"], &policy).status.success().then_some(())
        });
        wait_soon("the CRD is installed again", &gateway, "plain", Some(age));
    }
    wait_recovered(&gateway);
    traffic_is_right(traffic, &["1"], "a CRD deleted and installed");
}
