//! What a server adds to objects is read without a complaint: rule 2.16 judges what people wrote. Objects come back with the
//! CRD's defaults, with `managedFields`, and with the status of other controllers.

use http::Method;
use serde_json::{Value, json};

use crate::{gateway::Gateway, server};

const OBJECTS: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: g, namespace: defaults}
spec: {gatewayClassName: any, listeners: [{name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: {name: s, namespace: defaults}
spec: {parentRef: {name: g}, listeners: [{name: more, port: 81, protocol: HTTP, hostname: more.defaults.example}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r, namespace: defaults}
spec:
  parentRefs: [{name: g}]
  hostnames: [r.defaults.example]
  rules:
  - matches: [{path: {value: /a}, headers: [{name: x-a, value: a}], queryParams: [{name: q, value: a}]}, {path: {value: /plain}}]
    filters:
    - {type: CORS, cors: {allowOrigins: [https://app.example]}}
    - {type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: x-b, value: b}]}}
    backendRefs: [{name: httpbin, port: 8000}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: calls, namespace: defaults}
spec:
  parentRefs: [{name: g}]
  hostnames: [calls.defaults.example]
  rules: [{matches: [{method: {service: a.B}, headers: [{name: x-a, value: a}]}], backendRefs: [{name: httpbin, port: 8000}]}]
---
apiVersion: gateway.kgateway.dev/v1alpha1
kind: TrafficPolicy
metadata: {name: p, namespace: defaults, labels: {app: web}, finalizers: [example.com/kept]}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: GRPCRoute, name: calls}]
  cors: {allowOrigins: [https://app.example], maxAge: 2}
  rateLimit: {local: {tokenBucket: {maxTokens: 1, fillInterval: 1s}}}
  settingOfNextYear: {a: [1]}
";

// rule 2.16
#[test]
fn what_a_server_fills_in_is_read_without_a_complaint() {
    let Some(server) = server::shared() else { return };
    let (kubectl, proxy) = (server.kubectl(), server.proxy());
    kubectl.create_namespace("defaults");
    kubectl.apply(OBJECTS);
    // Other controllers have been there, by other means and with fields of their own.
    let condition = json!({"type": "Programmed", "status": "True", "reason": "Programmed", "message": "it is",
        "lastTransitionTime": "2026-01-01T00:00:00Z", "observedGeneration": 1});
    let parents = json!([{"controllerName": "other.example/c", "parentRef": {"name": "g"}, "conditions": [condition]}]);
    let rows = [
        (
            "gateway.networking.k8s.io/v1",
            "gateways/g",
            json!({"addresses": [{"value": "10.0.0.1"}], "conditions": [condition]}),
        ),
        ("gateway.networking.k8s.io/v1", "httproutes/r", json!({"parents": parents})),
        ("gateway.networking.k8s.io/v1", "grpcroutes/calls", json!({"parents": parents})),
        (
            "gateway.kgateway.dev/v1alpha1",
            "trafficpolicies/p",
            json!({"ancestors": [], "cors": {"allowOrigins": 1}, "spec": {"cors": 1}}),
        ),
    ];
    for (group, name, status) in rows {
        let path = format!("/apis/{group}/namespaces/defaults/{name}/status");
        let (code, answer) = proxy.call(Method::PATCH, &path, Some(&json!({"status": status})));
        assert_eq!(code, 200, "{answer}");
    }
    // The server did add what this is about.
    let route = kubectl.run(&["-n", "defaults", "get", "httproute/r", "--show-managed-fields", "-o", "json"], "");
    let route: Value = serde_json::from_str(&route).expect("JSON");
    assert_eq!(route["spec"]["rules"][0]["matches"][1]["path"]["type"], "PathPrefix");
    assert_eq!(route["spec"]["parentRefs"][0]["kind"], "Gateway");
    assert_eq!(route["spec"]["rules"][0]["filters"][0]["cors"]["maxAge"], 5);
    assert!(route["metadata"]["managedFields"].as_array().is_some_and(|managers| managers.len() > 1), "{route}");

    let gateway = Gateway::start_synced(&server.kubeconfig("admin"), &["--namespace", "defaults"]);
    assert_eq!(gateway.max_age("http://r.defaults.example/plain"), Some(5));
    let call = [
        ("origin", "https://app.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "content-type,x-a"),
    ];
    let answer = gateway.send("OPTIONS", "http://calls.defaults.example/a.B/C", &call);
    assert_eq!(answer.header("access-control-max-age"), Some("2"), "{answer:?}");
    assert_eq!(gateway.metric("tower_cors_refused_objects"), 0);
    let objects = ["Gateway", "ListenerSet", "HTTPRoute", "GRPCRoute", "TrafficPolicy"];
    for kind in objects {
        assert_eq!(gateway.metric(&format!("tower_cors_objects{{kind=\"{kind}\"}}")), 1, "{kind}");
    }
    let complaints: Vec<_> = gateway.lines().into_iter().filter(|line| !line.starts_with("synced: ")).collect();
    assert_eq!(complaints, [""; 0]);

    // What somebody writes who is no server is judged.
    kubectl.patch(
        "defaults",
        "trafficpolicy/p",
        "{\"spec\": {\"cors\": {\"allowOrigin\": [\"https://app.example\"]}}}",
    );
    gateway.wait_line("an unknown field", |line| {
        line.starts_with("refused: TrafficPolicy defaults/p: spec.cors.allowOrigin is not a field of this resource; ")
    });
}
