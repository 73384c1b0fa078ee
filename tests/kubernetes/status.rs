//! The status of routes and policies, as kubectl shows it: what the gateway writes by server-side apply, what it leaves
//! alone, and that it ends.

use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};

use crate::{
    gateway::Gateway,
    kubectl::{Kubectl, Proxy},
    server,
    wait::wait_until,
};

const CONTROLLER: &str = "cors.example/status";

const OBJECTS: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: status}
spec: {controllerName: cors.example/status}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: g, namespace: status}
spec: {gatewayClassName: status, listeners: [{name: http, port: 80, protocol: HTTP, hostname: \"*.status.example\"}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: good, namespace: status}
spec: {parentRefs: [{name: g}], hostnames: [good.status.example]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: elsewhere, namespace: status}
spec: {parentRefs: [{name: g}], hostnames: [good.test]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: astray, namespace: status}
spec: {parentRefs: [{name: g, sectionName: missing}], hostnames: [good.status.example]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: outside, namespace: status-other}
spec: {parentRefs: [{name: g, namespace: status}], hostnames: [outside.status.example]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: calls, namespace: status}
spec: {parentRefs: [{name: g}], hostnames: [calls.status.example], rules: [{matches: [{method: {service: a.B}}]}]}
---
apiVersion: gateway.kgateway.dev/v1alpha1
kind: TrafficPolicy
metadata: {name: first, namespace: status}
spec: {targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: good}], cors: {allowOrigins: [https://app.example], maxAge: 1}}
---
apiVersion: gateway.kgateway.dev/v1alpha1
kind: TrafficPolicy
metadata: {name: second, namespace: status}
spec: {targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: good}], cors: {allowOrigins: [https://app.example], maxAge: 2}}
---
apiVersion: gateway.kgateway.dev/v1alpha1
kind: TrafficPolicy
metadata: {name: nowhere, namespace: status}
spec: {targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: missing}], cors: {allowOrigins: [https://app.example]}}
---
apiVersion: gloo.solo.io/v1alpha1
kind: GlooTrafficPolicy
metadata: {name: wrong, namespace: status}
spec: {targetRefs: [{group: gateway.networking.k8s.io, kind: GRPCRoute, name: calls}], cors: {allowOrigins: [app.example, \"https://*.*.example\"]}}
";

/// Namespace, object, and the status and reason of its two conditions.
const EXPECTED: [(&str, &str, [&str; 2]); 9] = [
    ("status", "httproute/good", ["Accepted True Accepted", "ResolvedRefs True ResolvedRefs"]),
    ("status", "httproute/elsewhere", ["Accepted False NoMatchingListenerHostname", "ResolvedRefs True ResolvedRefs"]),
    ("status", "httproute/astray", ["Accepted False NoMatchingParent", "ResolvedRefs True ResolvedRefs"]),
    ("status-other", "httproute/outside", ["Accepted False NotAllowedByListeners", "ResolvedRefs True ResolvedRefs"]),
    ("status", "grpcroute/calls", ["Accepted True Accepted", "ResolvedRefs True ResolvedRefs"]),
    ("status", "trafficpolicy/first", ["Accepted True Valid", "Attached True Attached"]),
    ("status", "trafficpolicy/second", ["Accepted True Valid", "Attached False Overridden"]),
    ("status", "trafficpolicy/nowhere", ["Accepted True Valid", "Attached False TargetNotFound"]),
    ("status", "glootrafficpolicy/wrong", ["Accepted False Invalid", "Attached True Attached"]),
];

/// The entries that a controller has in the status of an object.
fn entries(object: &Value, controller: &str) -> Vec<Value> {
    let status = &object["status"];
    let list = status["parents"].as_array().or(status["ancestors"].as_array());
    let entries = list.into_iter().flatten().filter(|entry| entry["controllerName"] == controller);
    entries.cloned().collect()
}

/// Type, status and reason of the conditions of the one entry of ours, where each is about the generation that there is.
fn conditions(object: &Value) -> Option<Vec<String>> {
    let entries = entries(object, CONTROLLER);
    let [entry] = entries.as_slice() else { return None };
    let conditions = entry["conditions"].as_array()?.iter();
    let text = |condition: &Value, name: &str| condition[name].as_str().unwrap_or_default().to_owned();
    conditions
        .map(|condition| {
            let is_current = condition["observedGeneration"] == object["metadata"]["generation"];
            is_current.then(|| ["type", "status", "reason"].map(|name| text(condition, name)).join(" "))
        })
        .collect()
}

fn wait_conditions(kubectl: &Kubectl, namespace: &str, object: &str, expected: &[&str]) {
    wait_until(&format!("{object} has {expected:?}"), || {
        (conditions(&kubectl.get(namespace, object))? == expected).then_some(())
    });
}

fn versions(kubectl: &Kubectl) -> Vec<String> {
    let version = |(namespace, object, _): (&str, &str, _)| {
        kubectl.get(namespace, object)["metadata"]["resourceVersion"].to_string()
    };
    EXPECTED.map(version).to_vec()
}

/// Both gateways have a table in which this route has this max-age.
fn change_something_else(proxy: &Proxy, gateways: &[Gateway; 2], age: u64) {
    let path = "/apis/gateway.networking.k8s.io/v1/namespaces/status-other/httproutes/other";
    let filter = json!({"type": "CORS", "cors": {"allowOrigins": ["https://app.example"], "maxAge": age}});
    let (status, answer) = proxy.call(Method::PATCH, path, Some(&json!({"spec": {"rules": [{"filters": [filter]}]}})));
    assert_eq!(status, 200, "{answer}");
    gateways.iter().for_each(|gateway| gateway.wait_max_age("http://other.status-other.example/", Some(age)));
}

// rule 10.5
#[test]
fn two_gateways_write_the_status_that_kubectl_shows_and_then_nothing_more() {
    let Some(server) = server::shared() else { return };
    let kubectl = server.kubectl();
    ["status", "status-other"].iter().for_each(|name| kubectl.create_namespace(name));
    kubectl.apply(OBJECTS);
    let arguments = ["--controller-name", CONTROLLER, "--write-status"];
    let gateways = [0, 1].map(|_| Gateway::start_synced(&server.kubeconfig("admin"), &arguments));
    for (namespace, object, expected) in EXPECTED {
        wait_conditions(&kubectl, namespace, object, &expected);
    }
    let message = |object: &str, at: usize| {
        let entries = entries(&kubectl.get("status", object), CONTROLLER);
        entries[0]["conditions"][at]["message"].as_str().expect("a message").to_owned()
    };
    assert!(message("trafficpolicy/second", 1).contains("status/first"), "{}", message("trafficpolicy/second", 1));
    // Every violation, not the first alone.
    for value in ["\"app.example\"", "\"https://*.*.example\""] {
        assert!(message("glootrafficpolicy/wrong", 0).contains(value), "{}", message("glootrafficpolicy/wrong", 0));
    }
    let managers = kubectl.run(&["-n", "status", "get", "httproute/good", "--show-managed-fields", "-o", "json"], "");
    let managers: Value = serde_json::from_str(&managers).expect("JSON");
    let managers = managers["metadata"]["managedFields"].as_array().expect("managers").iter();
    let ours: Vec<_> = managers.filter(|fields| fields["manager"] == "tower-cors").collect();
    assert_eq!(ours.len(), 1, "{ours:?}");
    assert_eq!(ours[0]["operation"], "Apply");
    assert!(ours[0]["fieldsV1"].get("f:spec").is_none(), "{ours:?}");

    // What is served goes on to change for a minute, and no status does.
    kubectl.apply(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: other, namespace: status-other}\n\
         spec: {gatewayClassName: status, listeners: [{name: http, port: 80, protocol: HTTP, hostname: other.status-other.example}]}\n---\n\
         apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: other, namespace: status-other}\n\
         spec: {parentRefs: [{name: other}]}\n",
    );
    let proxy = server.proxy();
    change_something_else(&proxy, &gateways, 1);
    let before = versions(&kubectl);
    let (start, mut age) = (Instant::now(), 1);
    while start.elapsed() < Duration::from_secs(60) {
        age += 1;
        change_something_else(&proxy, &gateways, age);
    }
    assert!(age > 20, "only {age} changes");
    assert_eq!(versions(&kubectl), before);
    eprintln!("status: {age} tables in a minute, two writers, {} objects: no write", before.len());
}

fn status_path(namespace: &str, name: &str) -> String {
    format!("/apis/gateway.networking.k8s.io/v1/namespaces/{namespace}/httproutes/{name}/status")
}

// rule 10.5
#[test]
fn what_others_wrote_stays_and_what_is_wrong_is_put_right() {
    let Some(server) = server::shared() else { return };
    let (kubectl, proxy) = (server.kubectl(), server.proxy());
    kubectl.create_namespace("shared-status");
    let controller = "cors.example/shared-status";
    kubectl.apply(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: {name: shared-status}\n\
         spec: {controllerName: cors.example/shared-status}\n---\n\
         apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: g, namespace: shared-status}\n\
         spec: {gatewayClassName: shared-status, listeners: [{name: http, port: 80, protocol: HTTP}]}\n---\n\
         apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r, namespace: shared-status}\n\
         spec: {parentRefs: [{name: g}], hostnames: [a.shared-status.example]}\n",
    );
    let _gateway = Gateway::start_synced(
        &server.kubeconfig("admin"),
        &["--controller-name", controller, "--write-status", "--namespace", "shared-status"],
    );
    let get = || kubectl.get("shared-status", "httproute/r");
    let ours = wait_until("a status", || entries(&get(), controller).first().cloned());

    // Another controller adds an entry, and a condition to ours; somebody makes ours say something else.
    let condition = |kind: &str, status: &str| json!({"type": kind, "status": status, "reason": "Elsewhere", "message": "by another controller", "lastTransitionTime": "2026-01-01T00:00:00Z"});
    let reference = &ours["parentRef"];
    let other = json!({"controllerName": "other.example/c", "parentRef": reference, "conditions": [condition("Accepted", "True")]});
    let mut changed = ours.clone();
    changed["conditions"][0]["status"] = "False".into();
    changed["conditions"][0]["reason"] = "ByHand".into();
    changed["conditions"].as_array_mut().expect("conditions").push(condition("Programmed", "True"));
    let status = json!({"status": {"parents": [other, changed]}});
    let (code, answer) = proxy.call(Method::PATCH, &status_path("shared-status", "r"), Some(&status));
    assert_eq!(code, 200, "{answer}");

    let kinds = |entry: &Value| -> Vec<String> {
        let conditions = entry["conditions"].as_array().expect("conditions").iter();
        conditions.map(|condition| format!("{} {}", condition["type"], condition["reason"])).collect()
    };
    let expected = ["\"Accepted\" \"Accepted\"", "\"ResolvedRefs\" \"ResolvedRefs\"", "\"Programmed\" \"Elsewhere\""];
    wait_until("the status is put right", || (kinds(entries(&get(), controller).first()?) == expected).then_some(()));
    assert_eq!(entries(&get(), "other.example/c"), std::slice::from_ref(&other));

    // The generation follows, the time of the transition stays, and so does what is not ours.
    let since = |object: &Value| entries(object, controller)[0]["conditions"][1]["lastTransitionTime"].clone();
    let before = since(&get());
    kubectl.patch("shared-status", "httproute/r", "{\"spec\": {\"hostnames\": [\"b.shared-status.example\"]}}");
    let after = wait_until("the generation is observed", || {
        let object = get();
        let seen = entries(&object, controller)[0]["conditions"][0]["observedGeneration"].clone();
        (seen == 2 && object["metadata"]["generation"] == 2).then_some(object)
    });
    assert_eq!(since(&after), before);
    assert_eq!(kinds(&entries(&after, controller)[0]), expected);
    assert_eq!(entries(&after, "other.example/c"), [other]);

    // A status that is gone comes back.
    let (code, answer) = proxy.call(Method::PATCH, &status_path("shared-status", "r"), Some(&json!({"status": null})));
    assert_eq!(code, 200, "{answer}");
    wait_until("the status comes back", || entries(&get(), controller).first().cloned());
}
