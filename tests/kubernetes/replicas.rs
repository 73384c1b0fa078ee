//! Replicas of a gateway reach one table, whenever they started and in whatever order they saw what happened.

use crate::{gateway::Gateway, server, wait::wait_until};

fn route(name: &str, age: u64) -> String {
    format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: {name}, namespace: replicas}}\n\
         spec: {{hostnames: [{name}.replicas.example], rules: [{{filters: [{{type: CORS, cors: {{allowOrigins: [https://app.example], maxAge: {age}}}}}]}}]}}\n---\n"
    )
}

// rule 10.6
#[test]
fn replicas_against_one_server_reach_the_same_digest() {
    let Some(server) = server::shared() else { return };
    let kubectl = server.kubectl();
    kubectl.create_namespace("replicas");
    let arguments = ["--namespace", "replicas"];
    // One sees it grow, the other comes when it has grown.
    let early = Gateway::start_synced(&server.kubeconfig("admin"), &arguments);
    let mut digests = vec![early.digest()];
    let mut changed = |gateway: &Gateway| {
        let digest = wait_until("another digest", || {
            let digest = gateway.digest();
            (!digests.contains(&digest)).then_some(digest)
        });
        digests.push(digest.clone());
        digest
    };
    kubectl.apply(&(route("a", 1) + &route("b", 2)));
    changed(&early);
    kubectl.apply(&(route("c", 3) + &route("b", 4)));
    early.wait_max_age("http://b.replicas.example/", Some(4));
    early.wait_max_age("http://c.replicas.example/", Some(3));
    let late = Gateway::start_synced(&server.kubeconfig("admin"), &arguments);
    assert_eq!(early.digest(), late.digest());
    changed(&late);

    kubectl.delete("replicas", "httproute/a");
    let digest = changed(&early);
    wait_until("both have it", || (late.digest() == digest).then_some(()));
    for gateway in [&early, &late] {
        assert_eq!(gateway.metric("tower_cors_objects{kind=\"HTTPRoute\"}"), 2);
        assert_eq!(gateway.max_age("http://a.replicas.example/"), None);
    }
}
