//! Many objects, a large one, and a namespace that goes with everything in it, while requests go on.

use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};

use crate::{
    faults::{assert_memory_is_flat, server_with_rights, traffic_is_right},
    gateway::Gateway,
    kubectl::Proxy,
    traffic::Traffic,
    wait::{wait_at_most, wait_until},
};

const ROUTES: usize = 5_000;

const HTTP_ROUTES: &str = "/apis/gateway.networking.k8s.io/v1/namespaces/bulk/httproutes";

fn route(at: usize, age: usize) -> Value {
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": format!("r-{at}"), "namespace": "bulk"},
        "spec": {"hostnames": [format!("r-{at}.bulk.example")], "rules": [rule(age)]},
    })
}

fn rule(age: usize) -> Value {
    json!({"filters": [{"type": "CORS", "cors": {"allowOrigins": ["https://app.example"], "maxAge": age}}]})
}

fn http_routes(gateway: &Gateway) -> u64 {
    gateway.metric("tower_cors_objects{kind=\"HTTPRoute\"}")
}

// rule 10.2, 10.4
#[test]
fn five_thousand_routes_come_in_pages_change_and_go_with_their_namespace() {
    let Some(server) = server_with_rights(&[]) else { return };
    let (kubectl, proxy) = (server.kubectl(), server.proxy());
    kubectl.create_namespace("bulk");
    kubectl.apply(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: kept, namespace: default}\n\
         spec: {hostnames: [kept.bulk.example], rules: [{filters: [{type: CORS, cors: {allowOrigins: [https://app.example], maxAge: 1}}]}]}\n",
    );
    let early = Gateway::start_synced(&server.kubeconfig("gateway"), &[]);
    let traffic = Traffic::start(&early, 1, "kept.bulk.example");
    let start = Instant::now();
    proxy.each(&Method::POST, (0..ROUTES).map(|at| (HTTP_ROUTES.to_owned(), Some(route(at, 2)))).collect());
    eprintln!("{ROUTES} routes made in {:?}", start.elapsed());
    let start = Instant::now();
    wait_until("every route is known", || (http_routes(&early) == ROUTES as u64 + 1).then_some(()));
    eprintln!("all of them known {:?} later", start.elapsed());
    for at in [0, ROUTES / 2, ROUTES - 1] {
        early.wait_max_age(&format!("http://r-{at}.bulk.example/"), Some(2));
    }

    // Whoever comes later lists them in pages.
    let before = server.asked_by("tower-cors").len();
    let start = Instant::now();
    let late = Gateway::start_synced(&server.kubeconfig("gateway"), &[]);
    eprintln!("another gateway is ready after {:?}", start.elapsed());
    let asked = server.asked_by("tower-cors").split_off(before);
    let is_page = |entry: &&Value| {
        let uri = entry["requestURI"].as_str().unwrap_or_default();
        entry["verb"] == "list" && uri.contains("/httproutes?") && uri.contains("limit=500")
    };
    assert_eq!(asked.iter().filter(is_page).count(), ROUTES / 500 + 1);
    assert_eq!((late.digest(), http_routes(&late)), (early.digest(), http_routes(&early)));

    // One change among them, many times.
    let memory = early.memory();
    let mut slowest = Duration::ZERO;
    for age in 3..33 {
        let path = format!("{HTTP_ROUTES}/r-7");
        let (code, answer) = proxy.call(Method::PATCH, &path, Some(&json!({"spec": {"rules": [rule(age)]}})));
        assert_eq!(code, 200, "{answer}");
        let start = Instant::now();
        early.wait_max_age("http://r-7.bulk.example/", Some(age as u64));
        slowest = slowest.max(start.elapsed());
    }
    eprintln!("a change among {ROUTES}: at most {slowest:?}");
    assert_memory_is_flat(memory, &early);

    // One object of a MiB.
    let policy = json!({
        "apiVersion": "gateway.kgateway.dev/v1alpha1",
        "kind": "TrafficPolicy",
        "metadata": {"name": "large", "namespace": "bulk", "finalizers": ["example.com/kept"]},
        "spec": {
            "targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": "plain"}],
            "cors": {"allowOrigins": ["https://app.example"], "maxAge": 40},
            "transformation": {"text": "x".repeat(1 << 20)},
        },
    });
    let (code, answer) =
        proxy.call(Method::POST, "/apis/gateway.kgateway.dev/v1alpha1/namespaces/bulk/trafficpolicies", Some(&policy));
    assert_eq!(code, 201, "{}", answer["message"]);
    let mut plain = route(0, 0);
    plain["metadata"]["name"] = "plain".into();
    plain["spec"] = json!({"hostnames": ["plain.bulk.example"]});
    let (code, answer) = proxy.call(Method::POST, HTTP_ROUTES, Some(&plain));
    assert_eq!(code, 201, "{answer}");
    for gateway in [&early, &late] {
        gateway.wait_max_age("http://plain.bulk.example/", Some(40));
    }

    let start = Instant::now();
    delete_namespace(&proxy);
    eprintln!("a namespace with {ROUTES} routes deleted in {:?}", start.elapsed());
    let start = Instant::now();
    for gateway in [&early, &late] {
        wait_until("the table follows", || {
            let policies = gateway.metric("tower_cors_objects{kind=\"TrafficPolicy\"}");
            (http_routes(gateway) == 1 && policies == 0).then_some(())
        });
        gateway.wait_max_age("http://r-7.bulk.example/", None);
        gateway.wait_max_age("http://plain.bulk.example/", None);
        gateway.wait_max_age("http://kept.bulk.example/", Some(1));
    }
    eprintln!("the tables follow after {:?}", start.elapsed());
    wait_until("the digests are the same", || (early.digest() == late.digest()).then_some(()));
    traffic_is_right(traffic, &["1"], "thousands of routes come and go");
}

/// What the controller of namespaces does, which does not run here: everything in it is deleted, what has a finalizer when
/// that is gone, and then the namespace.
fn delete_namespace(proxy: &Proxy) {
    let namespace = "/api/v1/namespaces/bulk";
    let (code, answer) = proxy.call(Method::DELETE, namespace, None);
    assert!(matches!(code, 200 | 202), "{answer}");
    let policies = "/apis/gateway.kgateway.dev/v1alpha1/namespaces/bulk/trafficpolicies";
    for collection in [HTTP_ROUTES, policies] {
        // A server that others use as well gives up after 34 seconds, and goes on where it was when it is asked again.
        wait_at_most(Duration::from_secs(300), "the collection is deleted", || {
            let (code, answer) = proxy.call(Method::DELETE, collection, None);
            assert!(matches!(code, 200 | 504), "{answer}");
            (code == 200).then_some(())
        });
    }
    let path = format!("{policies}/large");
    let (code, answer) = proxy.call(Method::PATCH, &path, Some(&json!({"metadata": {"finalizers": null}})));
    assert_eq!(code, 200, "{}", answer["message"]);
    let (_, mut object) = proxy.call(Method::GET, namespace, None);
    object["spec"]["finalizers"] = json!([]);
    let (code, answer) = proxy.call(Method::PUT, &format!("{namespace}/finalize"), Some(&object));
    assert_eq!(code, 200, "{answer}");
    wait_until("the namespace is gone", || (proxy.call(Method::GET, namespace, None).0 == 404).then_some(()));
}
