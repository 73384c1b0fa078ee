//! The objects of a cluster that the benches keep: 10,000 routes with a CORS filter each, and 1,000 policies that select ten
//! of them each.

use serde_json::{Value, json};

pub(super) const ROUTES: usize = 10_000;
pub(super) const POLICIES: usize = 1_000;

pub(super) fn route(number: usize, origin: &str) -> Value {
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {
            "name": format!("route-{number}"),
            "namespace": "bench",
            "labels": {"app": format!("app-{}", number / 10)},
            "uid": format!("5f2c8f6e-0000-4000-8000-{number:012}"),
            "resourceVersion": number.to_string(),
            "creationTimestamp": "2026-01-01T00:00:00Z",
        },
        "spec": {
            "parentRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "gateway"}],
            "hostnames": [format!("tenant-{number}.example.com")],
            "rules": [{
                "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
                "filters": [{"type": "CORS", "cors": {
                    "allowOrigins": [origin],
                    "allowMethods": ["GET", "PUT"],
                    "allowHeaders": ["Content-Type"],
                    "maxAge": 600,
                }}],
                "backendRefs": [{"group": "", "kind": "Service", "name": "service", "port": 8080, "weight": 1}],
            }],
        },
    })
}

fn policy(number: usize) -> Value {
    json!({
        "apiVersion": "gateway.kgateway.dev/v1alpha1",
        "kind": "TrafficPolicy",
        "metadata": {"name": format!("policy-{number}"), "namespace": "bench"},
        "spec": {
            "targetSelectors": [{
                "group": "gateway.networking.k8s.io",
                "kind": "HTTPRoute",
                "matchLabels": {"app": format!("app-{number}")},
            }],
            "cors": {"allowOrigins": [format!("https://policy-{number}.example")], "allowCredentials": true},
        },
    })
}

/// Everything, as an API server writes it.
pub(super) fn texts() -> Vec<String> {
    let gateway = json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": "gateway", "namespace": "bench"},
        "spec": {"gatewayClassName": "c", "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}]},
    });
    let routes = (0..ROUTES).map(|number| route(number, &format!("https://app-{number}.example.com")));
    [gateway].into_iter().chain(routes).chain((0..POLICIES).map(policy)).map(|object| object.to_string()).collect()
}
