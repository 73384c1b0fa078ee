//! What the gateway makes of everything that the protocol of an API server allows, against the stand-in: pages, bookmarks,
//! places that are too old, kinds that come later, conflicts of server-side apply.

use serde_json::json;

use crate::{
    gateway::Gateway,
    stand_in::{Fault, KINDS, StandIn},
    wait::wait_until,
};

pub(crate) fn route(name: &str, age: u64) -> String {
    format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: {name}}}\n\
         spec: {{hostnames: [{name}.example], rules: [{{filters: [{{type: CORS, cors: {{allowOrigins: [https://app.example], maxAge: {age}}}}}]}}]}}\n---\n"
    )
}

pub(crate) fn url(name: &str) -> String {
    format!("http://{name}.example/")
}

fn http_routes(gateway: &Gateway) -> u64 {
    gateway.metric("tower_cors_objects{kind=\"HTTPRoute\"}")
}

// rule 10.2
#[test]
fn nothing_is_served_before_every_kind_was_listed() {
    let server = StandIn::start();
    server.put(&route("a", 1));
    server.fault("list", "grpcroutes", usize::MAX, Fault::Status(500, "InternalError"));
    let gateway = Gateway::start(&server.kubeconfig(), &[]);
    gateway.wait_line("what can't be listed", |line| {
        line == "API server: grpcroutes.gateway.networking.k8s.io: the stand-in says InternalError"
    });
    wait_until("the other kinds are listed", || (!server.asked("watch", "httproutes").is_empty()).then_some(()));
    assert!(!gateway.is_ready());
    let answer = gateway.preflight(&url("a"));
    assert_eq!(answer.cors_headers(), []);
    assert_eq!(gateway.metric("tower_cors_synced"), 0);
    server.no_faults();
    gateway.wait_synced();
    assert_eq!(gateway.metric("tower_cors_synced"), 1);
    gateway.wait_max_age(&url("a"), Some(1));
}

// rule 10.1
#[test]
fn pages_are_read_to_the_end_and_from_the_beginning_where_one_is_too_old() {
    let server = StandIn::start();
    server.page(7);
    (0..50).for_each(|at| server.put(&route(&format!("r-{at}"), at + 1)));
    server.fault("page", "httproutes", 3, Fault::Status(410, "Expired"));
    let gateway = Gateway::start_synced(&server.kubeconfig(), &[]);
    assert_eq!(http_routes(&gateway), 50);
    (0..50).for_each(|at| assert_eq!(gateway.max_age(&url(&format!("r-{at}"))), Some(at + 1)));
    // 50 in pages of 7 are a first page and 7 others, after three that failed.
    assert_eq!(server.asked("page", "httproutes").len(), 7 + 3);
}

// rule 10.4
#[test]
fn a_watch_goes_on_from_the_last_bookmark_without_a_new_list() {
    let server = StandIn::start();
    server.put(&route("a", 1));
    let gateway = Gateway::start_synced(&server.kubeconfig(), &[]);
    wait_until("the watch begins", || (!server.asked("watch", "httproutes").is_empty()).then_some(()));
    let lists = server.asked("list", "httproutes").len();
    // Other kinds go on, and only the bookmark says so to this one.
    (0..5).for_each(|at| server.put(&format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: n-{at}}}\n")));
    server.bookmark();
    // What follows it in the history shows that the bookmark has come.
    server.put(&route("b", 2));
    gateway.wait_max_age(&url("b"), Some(2));
    server.bookmark();
    server.put("apiVersion: v1\nkind: Namespace\nmetadata: {name: last}\n");
    wait_until("the namespace is known", || {
        (gateway.metric("tower_cors_objects{kind=\"Namespace\"}") == 6).then_some(())
    });
    let watches = server.asked("watch", "httproutes").len();
    server.cut();
    wait_until("the watch begins again", || (server.asked("watch", "httproutes").len() > watches).then_some(()));
    server.put(&route("c", 3));
    gateway.wait_max_age(&url("c"), Some(3));
    assert_eq!(server.asked("list", "httproutes").len(), lists);
    let last = server.asked("watch", "httproutes").pop().expect("a watch");
    assert!(last.query.contains("allowWatchBookmarks=true"), "{last:?}");
}

// rule 10.4
#[test]
fn a_place_that_is_too_old_is_listed_again_and_what_was_deleted_is_known() {
    let server = StandIn::start();
    // Said in the stream, as kube-apiserver mostly does, and as the status of the answer.
    for at in [0, 1] {
        if at == 1 {
            server.refuse_old_places_at_once();
        }
        server.put(&(route("kept", at + 1) + &route("gone", 2)));
        let gateway = Gateway::start_synced(&server.kubeconfig(), &[]);
        gateway.wait_max_age(&url("gone"), Some(2));
        let watches = server.asked("watch", "httproutes").len();
        // The watch finds its server where it was, but not its place.
        server.hold_back();
        server.delete("httproutes", "default", "gone");
        server.put(&(route("new", at + 3) + &route("kept", at + 4)));
        server.compact();
        server.cut();
        server.release();
        gateway.wait_max_age(&url("gone"), None);
        gateway.wait_max_age(&url("new"), Some(at + 3));
        gateway.wait_max_age(&url("kept"), Some(at + 4));
        assert!(server.asked("watch", "httproutes").len() > watches);
        // The watch goes on after it.
        server.put(&route("new", at + 5));
        gateway.wait_max_age(&url("new"), Some(at + 5));
        assert!(!gateway.lines().iter().any(|line| line.contains("Expired")), "{:?}", gateway.lines());
    }
}

// rule 10.1
#[test]
fn a_kind_that_the_server_does_not_know_is_taken_up_when_its_crd_is_installed() {
    let routes_alone = &KINDS[..2];
    let server = StandIn::start_with(routes_alone);
    server.put("apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: a}\nspec: {hostnames: [a.example]}\n");
    let gateway = Gateway::start_synced(&server.kubeconfig(), &[]);
    assert_eq!(gateway.max_age(&url("a")), Some(0));
    // It is no fault of the server.
    assert!(!gateway.lines().iter().any(|line| line.starts_with("API server: ")), "{:?}", gateway.lines());
    let (group, plural) = KINDS[6];
    server.install(group, plural);
    server.put(
        "apiVersion: gateway.kgateway.dev/v1alpha1\nkind: TrafficPolicy\nmetadata: {name: p}\n\
         spec: {targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: a}], cors: {allowOrigins: [https://app.example], maxAge: 3}}\n",
    );
    gateway.wait_max_age(&url("a"), Some(3));
}

// rule 10.2
#[test]
fn changes_are_gathered_and_a_stream_of_them_does_not_hold_back_the_table() {
    let server = StandIn::start();
    server.put(&route("a", 1));
    let gateway = Gateway::start_synced(&server.kubeconfig(), &[]);
    let swaps = || gateway.metric("tower_cors_swaps_total");
    let before = swaps();
    (0..300).for_each(|at| server.put(&route(&format!("r-{at}"), 2)));
    gateway.wait_max_age(&url("r-299"), Some(2));
    assert!(swaps() - before <= 10, "{} tables for 300 changes", swaps() - before);
    // Changes every few milliseconds: the table never waits for them to end.
    let (mut age, before) = (2, swaps());
    wait_until("the table is swapped meanwhile", || {
        age += 1;
        server.put(&route("a", age));
        (swaps() > before).then_some(())
    });
    gateway.wait_max_age(&url("a"), Some(age));
}

const CONTROLLED: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: ours}
spec: {controllerName: cors.example/gateway}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: g}
spec: {gatewayClassName: ours, listeners: [{name: http, port: 80, protocol: HTTP}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: a}
spec: {parentRefs: [{name: g}], hostnames: [a.example]}
";

// rule 10.5
#[test]
fn a_status_that_meets_a_conflict_is_written_from_what_is_there_then() {
    let server = StandIn::start();
    server.put(CONTROLLED);
    server.fault("patch", "httproutes", 1, Fault::Status(409, "Conflict"));
    let gateway =
        Gateway::start_synced(&server.kubeconfig(), &["--controller-name", "cors.example/gateway", "--write-status"]);
    wait_until("the first patch meets the conflict", || {
        (!server.asked("patch", "httproutes").is_empty()).then_some(())
    });
    // A conflict means that the object has changed, which the watch tells: here somebody wrote an entry of their own.
    let mut object = server.get("httproutes", "default", "a").expect("the route");
    let other = json!({"controllerName": "other.example/c", "parentRef": {"name": "g"}, "conditions": []});
    object["status"] = json!({"parents": [other]});
    server.put_object(object);
    let parents = wait_until("both entries are there", || {
        let object = server.get("httproutes", "default", "a")?;
        let parents = object["status"]["parents"].as_array()?.clone();
        (parents.len() == 2).then_some(parents)
    });
    assert_eq!(parents[0], other);
    assert_eq!(parents[1]["controllerName"], "cors.example/gateway");
    let query = server.asked("patch", "httproutes").pop().expect("a patch").query;
    assert!(query.contains("fieldManager=tower-cors"), "{query}");
    // Settled: other changes lead to no more patches.
    let patches = server.asked("patch", "httproutes").len();
    (0..10).for_each(|at| {
        server.put(&route(&format!("r-{at}"), 1).replace("spec: {", "spec: {parentRefs: [{name: elsewhere}], "));
        wait_until("another table", || (http_routes(&gateway) == at + 2).then_some(()));
    });
    assert_eq!(server.asked("patch", "httproutes").len(), patches);
    // It is no trouble that anybody has to be told of.
    assert!(!gateway.lines().iter().any(|line| line.starts_with("status of ")), "{:?}", gateway.lines());
}
