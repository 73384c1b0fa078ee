//! What one bad object closes, where the CRD lets it through: the rules whose setting it would be, and no other.

use crate::{gateway::Gateway, server};

const OBJECTS: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: g, namespace: invalid}
spec: {gatewayClassName: any, listeners: [{name: http, port: 80, protocol: HTTP}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: a, namespace: invalid}
spec: {parentRefs: [{name: g}], hostnames: [a.invalid.example]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: b, namespace: invalid}
spec: {parentRefs: [{name: g}], hostnames: [b.invalid.example]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: c, namespace: invalid}
spec: {parentRefs: [{name: g}], hostnames: [c.invalid.example], rules: [{filters: [{type: CORS, cors: {allowOrigins: [https://app.example], maxAge: 4}}]}]}
---
apiVersion: gateway.kgateway.dev/v1alpha1
kind: TrafficPolicy
metadata: {name: wide, namespace: invalid}
spec: {targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: g}], cors: {allowOrigins: [\"*\"], maxAge: 9}}
---
apiVersion: gateway.kgateway.dev/v1alpha1
kind: TrafficPolicy
metadata: {name: narrow, namespace: invalid}
spec: {targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: a}, {group: gateway.networking.k8s.io, kind: HTTPRoute, name: c}], cors: {allowOrigins: [https://app.example], maxAge: 5}}
";

// rule 10.3
#[test]
fn an_invalid_policy_closes_the_rules_whose_setting_it_would_be_and_the_others_are_served() {
    let Some(server) = server::shared() else { return };
    let kubectl = server.kubectl();
    kubectl.create_namespace("invalid");
    kubectl.apply(OBJECTS);
    let gateway = Gateway::start_synced(&server.kubeconfig("admin"), &["--namespace", "invalid"]);
    let ages = |expected: [u64; 3]| {
        for (host, age) in ["a", "b", "c"].into_iter().zip(expected) {
            gateway.wait_max_age(&format!("http://{host}.invalid.example/"), Some(age));
        }
    };
    ages([5, 9, 4]);
    assert_eq!(gateway.metric("tower_cors_refused_objects"), 0);

    // The CRD takes anything for an origin.
    kubectl.patch(
        "invalid",
        "trafficpolicy/narrow",
        "{\"spec\": {\"cors\": {\"allowOrigins\": [\"app.example\", \"https://*.*.example\"]}}}",
    );
    let start = "refused: TrafficPolicy invalid/narrow: spec.cors.allowOrigins[0]: \"app.example\" has no scheme; write \"https://app.example\" [";
    gateway.wait_line("the first violation", |line| line.starts_with(start) && line.ends_with(']'));
    gateway.wait_line("the second violation", |line| {
        line.starts_with("refused: TrafficPolicy invalid/narrow: spec.cors.allowOrigins[1]: ")
    });
    assert_eq!(gateway.metric("tower_cors_refused_objects"), 1);
    // Closed, and not left to the next wider setting, nor to the backend's own headers.
    let closed = gateway.preflight("http://a.invalid.example/");
    assert_eq!((closed.status(), closed.cors_headers()), (200, Vec::new()));
    let closed = gateway.send("GET", "http://a.invalid.example/", &[("origin", "https://app.example")]);
    assert_eq!((closed.status(), closed.cors_headers()), (200, Vec::new()));
    // The filter of `c` comes before the policy, which therefore is no setting of it (7.1).
    ages([0, 9, 4]);

    // A new object beside the bad one is served as ever.
    kubectl.patch("invalid", "httproute/c", "{\"spec\": {\"rules\": [{\"filters\": [{\"type\": \"CORS\", \"cors\": {\"allowOrigins\": [\"https://app.example\"], \"maxAge\": 6}}]}]}}");
    ages([0, 9, 6]);

    kubectl.patch(
        "invalid",
        "trafficpolicy/narrow",
        "{\"spec\": {\"cors\": {\"allowOrigins\": [\"https://app.example\"]}}}",
    );
    ages([5, 9, 6]);
    assert_eq!(gateway.metric("tower_cors_refused_objects"), 0);
    // A violation is told once, however often a table is built.
    let told = gateway.lines().into_iter().filter(|line| line.starts_with("refused: ")).count();
    assert_eq!(told, 2, "{:#?}", gateway.lines());

    // The widest setting closes all that has no other.
    kubectl.patch("invalid", "trafficpolicy/wide", "{\"spec\": {\"cors\": {\"allowOrigins\": [\"app.example\"]}}}");
    ages([5, 0, 6]);
    assert_eq!(gateway.preflight("http://b.invalid.example/").cors_headers(), []);
    kubectl.delete("invalid", "trafficpolicy/wide");
    wait_for_the_echo(&gateway);
}

/// Without any policy the answers are the backend's own.
fn wait_for_the_echo(gateway: &Gateway) {
    crate::wait::wait_until("no policy applies", || {
        (gateway.preflight("http://b.invalid.example/").header("access-control-max-age")? == "3600").then_some(())
    });
}
