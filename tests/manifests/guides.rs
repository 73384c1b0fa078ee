//! What kgateway's guides to route delegation describe, with a policy for CORS in the place of the policy that they show:
//! <https://kgateway.dev/docs/envoy/latest/traffic-management/route-delegation/>. One test a guide. Rules 7.1, 7.6, 8.8.

use http::Request;
use tower_cors::{
    manifest::{LoadedRoutes, Manifests},
    request::CorsRequest,
};

/// A Gateway that takes routes of every namespace, as all guides have it.
const GATEWAY: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: infra}
spec: {gatewayClassName: any, listeners: [{name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}]}
";

/// What becomes of a request.
#[derive(Debug, PartialEq)]
enum Reached {
    /// The route, the routes that delegate to it, the nearest first, and the max-age of the policy.
    Route(String, Option<u64>),
    /// A rule without a backend, which a gateway answers with 500, and the max-age of its policy.
    NoBackend(Option<u64>),
    /// No rule, which a gateway answers with 404.
    Nothing,
}

fn route(way: &str, max_age: u64) -> Reached {
    Reached::Route(way.to_owned(), Some(max_age))
}

fn load(manifests: &[&str]) -> LoadedRoutes {
    let all = [&[GATEWAY], manifests].concat().join("---\n");
    Manifests::new().read("m.yaml", &all).build().unwrap_or_else(|errors| panic!("{errors:#}"))
}

fn reached(routes: &LoadedRoutes, url: &str, headers: &[(&str, &str)]) -> Reached {
    let request = headers.iter().fold(Request::get(url), |request, (name, value)| request.header(*name, *value));
    let request = request.body(()).unwrap();
    let Some(found) = routes.table().find(&CorsRequest::of(&request)) else { return Reached::Nothing };
    let max_age = found.policy().and_then(|policy| policy.policy().max_age);
    if routes.leads_nowhere(&found) {
        return Reached::NoBackend(max_age);
    }
    let own = format!("{}/{}", found.namespace(), found.name());
    let above = routes.delegated_by(&found);
    let above = above.iter().map(|name| name.split(' ').nth(1).unwrap_or_default());
    Reached::Route([own.as_str()].into_iter().chain(above).collect::<Vec<_>>().join(" < "), max_age)
}

fn assert_reached(routes: &LoadedRoutes, rows: &[(&str, Reached)]) {
    for (url, expected) in rows {
        assert_eq!(reached(routes, url, &[]), *expected, "{url}");
    }
}

fn codes(routes: &LoadedRoutes) -> Vec<&'static str> {
    routes.lints().iter().map(|lint| lint.code()).collect()
}

/// A route that hands `/api/blue` and `/api/green` to the routes of the namespaces of these names.
fn parent(name: &str, host: &str) -> String {
    format!(
        "
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: {name}, namespace: infra}}
spec:
  parentRefs: [{{name: edge}}]
  hostnames: [{host}]
  rules:
  - matches: [{{path: {{type: PathPrefix, value: /api/blue}}}}]
    backendRefs: [{{group: gateway.networking.k8s.io, kind: HTTPRoute, name: '*', namespace: blue}}]
  - matches: [{{path: {{type: PathPrefix, value: /api/green}}}}]
    backendRefs: [{{group: gateway.networking.k8s.io, kind: HTTPRoute, name: '*', namespace: green}}]
"
    )
}

/// A policy for the routes of a namespace, each known by its max-age.
fn policy(namespace: &str, routes: &[&str], max_age: u64) -> String {
    let refs = routes.iter().map(|name| format!("{{group: gateway.networking.k8s.io, kind: HTTPRoute, name: {name}}}"));
    let refs = refs.collect::<Vec<_>>().join(", ");
    format!(
        "
apiVersion: gateway.kgateway.dev/v1alpha1
kind: TrafficPolicy
metadata: {{name: p{max_age}, namespace: {namespace}}}
spec: {{targetRefs: [{refs}], cors: {{allowOrigins: ['https://app.example'], maxAge: {max_age}}}}}
"
    )
}

const BLUE: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: items, namespace: blue}
spec: {rules: [{matches: [{path: {type: PathPrefix, value: /api/blue/items}}], backendRefs: [{name: web, port: 8000}]}]}
";

/// A route that takes requests of one parent alone, at one path.
fn green(parent: &str) -> String {
    format!(
        "
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: list, namespace: green}}
spec:
  parentRefs: [{{group: gateway.networking.k8s.io, kind: HTTPRoute, name: {parent}, namespace: infra}}]
  rules: [{{matches: [{{path: {{type: Exact, value: /api/green/list}}}}], backendRefs: [{{name: web, port: 8000}}]}}]
"
    )
}

// rule 8.8, 7.1
#[test]
fn basic_a_parent_hands_two_prefixes_to_the_routes_of_two_namespaces() {
    let of_parent = policy("infra", &["parent"], 1);
    let of_child = policy("green", &["list"], 2);
    let routes = load(&[&parent("parent", "shop.example"), BLUE, &green("parent"), &of_parent, &of_child]);
    assert_reached(
        &routes,
        &[
            ("http://shop.example/api/blue/items", route("blue/items < infra/parent", 1)),
            ("http://shop.example/api/blue/items/7", route("blue/items < infra/parent", 1)),
            ("http://shop.example/api/blue/other", Reached::Nothing),
            ("http://shop.example/api/green/list", route("green/list < infra/parent", 2)),
            ("http://shop.example/api/green/list/7", Reached::Nothing),
            ("http://other.example/api/blue/items", Reached::Nothing),
        ],
    );
    assert_eq!(codes(&routes), [] as [&str; 0]);
}

const BY_HEADER_AND_QUERY: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: parent, namespace: infra}
spec:
  parentRefs: [{name: edge}]
  hostnames: [shop.example]
  rules:
  - matches: [{path: {type: PathPrefix, value: /api/blue}, headers: [{name: x-blue, value: b}], queryParams: [{name: blue, value: b}]}]
    backendRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: '*', namespace: blue}]
  - matches: [{path: {type: PathPrefix, value: /api/green}, headers: [{name: x-green, value: g}], queryParams: [{name: green, value: g}]}]
    backendRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: '*', namespace: green}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: items, namespace: blue}
spec:
  rules:
  - matches:
    - path: {type: PathPrefix, value: /api/blue/items}
      headers: [{name: x-blue, value: b}, {name: x-own, value: o}]
      queryParams: [{name: blue, value: b}, {name: own, value: o}]
    backendRefs: [{name: web, port: 8000}]
";

// rule 8.8
#[test]
fn header_and_query_a_child_has_the_matches_of_its_parent_or_inherits_them() {
    let child = |annotations: &str, path: &str| {
        format!(
            "
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: list, namespace: green, annotations: {annotations}}}
spec:
  rules:
  - matches: [{{path: {path}, headers: [{{name: x-own, value: o}}], queryParams: [{{name: own, value: o}}]}}]
    backendRefs: [{{name: web, port: 8000}}]
"
        )
    };
    let of_parent = policy("infra", &["parent"], 1);
    let blue = |routes: &LoadedRoutes, query: &str, headers: &[(&str, &str)]| {
        reached(routes, &format!("http://shop.example/api/blue/items?{query}"), headers)
    };
    let green = |routes: &LoadedRoutes, query: &str, headers: &[(&str, &str)]| {
        reached(routes, &format!("http://shop.example/api/green/list?{query}"), headers)
    };
    let both = [("x-green", "g"), ("x-own", "o")];

    let apart = child("{}", "{type: Exact, value: /api/green/list}");
    let routes = load(&[BY_HEADER_AND_QUERY, &apart, &of_parent]);
    assert_eq!(blue(&routes, "blue=b", &[("x-blue", "b")]), Reached::Nothing);
    let served = route("blue/items < infra/parent", 1);
    assert_eq!(blue(&routes, "blue=b&own=o", &[("x-blue", "b"), ("x-own", "o")]), served);
    // The guide: 500, since the child lacks what the parent matches by.
    assert_eq!(green(&routes, "own=o&green=g", &both), Reached::NoBackend(Some(1)));
    assert_eq!(green(&routes, "own=o", &both), Reached::Nothing);
    assert!(codes(&routes).contains(&"delegates-to-nothing"));

    let inheriting = r#"{delegation.kgateway.dev/inherit-parent-matcher: "true"}"#;
    let routes = load(&[BY_HEADER_AND_QUERY, &child(inheriting, "{type: PathPrefix, value: /}"), &of_parent]);
    assert_eq!(green(&routes, "own=o&green=g", &both), route("green/list < infra/parent", 1));
    assert_eq!(green(&routes, "own=o&green=g", &both[..1]), Reached::Nothing);
    assert_eq!(green(&routes, "own=o", &both), Reached::Nothing);
    assert!(!codes(&routes).contains(&"delegates-to-nothing"));
}

fn labelled(namespace: &str, label: &str, path: &str) -> String {
    format!(
        "
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: child, namespace: {namespace}, labels: {{delegation.kgateway.dev/label: {label}}}}}
spec: {{rules: [{{matches: [{{path: {path}}}], backendRefs: [{{name: web, port: 8000}}]}}]}}
"
    )
}

// rule 8.8
#[test]
fn label_a_parent_chooses_its_children_by_their_label_in_a_namespace() {
    let parent = "
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: parent, namespace: infra}
spec:
  parentRefs: [{name: edge}]
  hostnames: [shop.example]
  rules:
  - matches: [{path: {type: PathPrefix, value: /api/blue}}]
    backendRefs: [{group: delegation.kgateway.dev, kind: label, name: sky, namespace: blue}]
  - matches: [{path: {type: PathPrefix, value: /api/green}}]
    backendRefs: [{group: delegation.kgateway.dev, kind: label, name: leaf, namespace: green}]
";
    let blue = labelled("blue", "sky", "{type: PathPrefix, value: /api/blue/items}");
    let green = labelled("green", "leaf", "{type: Exact, value: /api/green/list}");
    // Neither the namespace nor the label alone is enough.
    let elsewhere = labelled("red", "sky", "{type: PathPrefix, value: /api/blue/red}");
    let other = labelled("blue", "night", "{type: PathPrefix, value: /api/blue/night}").replace("child", "other");
    let of_child = policy("green", &["child"], 2);
    let routes = load(&[parent, &blue, &green, &elsewhere, &other, &policy("infra", &["parent"], 1), &of_child]);
    assert_reached(
        &routes,
        &[
            ("http://shop.example/api/blue/items", route("blue/child < infra/parent", 1)),
            ("http://shop.example/api/green/list", route("green/child < infra/parent", 2)),
        ],
    );
    // A route that nobody delegates to is served by itself.
    assert_eq!(
        reached(&routes, "http://shop.example/api/blue/red", &[]),
        Reached::Route("red/child".to_owned(), None),
        "its own, and not by the label"
    );
    assert_eq!(
        reached(&routes, "http://shop.example/api/blue/night", &[]),
        Reached::Route("blue/other".to_owned(), None),
        "its own, and not by the namespace"
    );
}

// rule 8.8
#[test]
fn wildcard_namespace_a_parent_chooses_its_children_by_their_label_wherever_they_are() {
    let parent = "
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: parent, namespace: infra}
spec:
  parentRefs: [{name: edge}]
  hostnames: [shop.example]
  rules:
  - matches: [{path: {type: PathPrefix, value: /}}]
    backendRefs: [{group: delegation.kgateway.dev, kind: label, name: any, namespace: all}]
";
    let blue = labelled("blue", "any", "{type: PathPrefix, value: /api/blue/items}");
    let green = labelled("green", "any", "{type: Exact, value: /api/green/list}");
    let routes = load(&[parent, &blue, &green, &policy("infra", &["parent"], 1), &policy("green", &["child"], 2)]);
    assert_reached(
        &routes,
        &[
            ("http://shop.example/api/blue/items/7", route("blue/child < infra/parent", 1)),
            ("http://shop.example/api/green/list", route("green/child < infra/parent", 2)),
            ("http://shop.example/", Reached::Nothing),
            ("http://other.example/api/green/list", Reached::Nothing),
        ],
    );
    assert_eq!(codes(&routes), [] as [&str; 0]);
}

// rule 8.8
#[test]
fn multi_level_a_child_hands_its_requests_to_a_grandchild() {
    let child = "
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: middle, namespace: green}
spec:
  rules:
  - matches: [{path: {type: PathPrefix, value: /api/green/deep/}}]
    backendRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: '*', namespace: green}]
";
    let grandchild = "
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: leaf, namespace: green}
spec:
  rules:
  - matches: [{path: {type: RegularExpression, value: /api/green/deep/.*}}]
    backendRefs: [{name: web, port: 8000}]
";
    let policies = [policy("infra", &["parent"], 1), policy("green", &["middle"], 2)];
    let routes = load(&[&parent("parent", "shop.example"), BLUE, child, grandchild, &policies[0], &policies[1]]);
    // The child's own wildcard names the child too, which is passed over.
    let deep = || route("green/leaf < green/middle < infra/parent", 2);
    assert_reached(
        &routes,
        &[
            ("http://shop.example/api/blue/items", route("blue/items < infra/parent", 1)),
            ("http://shop.example/api/blue/other", Reached::Nothing),
            ("http://shop.example/api/green/deep/one", deep()),
            ("http://shop.example/api/green/deep/two", deep()),
            ("http://shop.example/api/green/one", Reached::Nothing),
        ],
    );
    assert!(!codes(&routes).contains(&"delegates-to-nothing"), "{:?}", routes.lints());
}

// rule 8.8
#[test]
fn multi_parent_a_child_takes_requests_of_all_its_parents_or_of_the_one_that_it_names() {
    let parents = [parent("one", "one.example"), parent("two", "two.example")];
    let policies = [policy("infra", &["one"], 1), policy("infra", &["two"], 2)];
    let routes = load(&[&parents[0], &parents[1], BLUE, &green("one"), &policies[0], &policies[1]]);
    assert_reached(
        &routes,
        &[
            ("http://one.example/api/blue/items", route("blue/items < infra/one", 1)),
            ("http://one.example/api/green/list", route("green/list < infra/one", 1)),
            ("http://two.example/api/blue/items", route("blue/items < infra/two", 2)),
            ("http://two.example/api/green/list", Reached::NoBackend(Some(2))),
        ],
    );
    assert_eq!(codes(&routes), ["delegates-to-nothing"]);
}

// rule 7.1
#[test]
fn native_policies_a_child_inherits_the_filter_of_the_rule_that_delegates_or_has_its_own() {
    let filter = |max_age: u64| {
        format!("filters: [{{type: CORS, cors: {{allowOrigins: ['https://app.example'], maxAge: {max_age}}}}}]")
    };
    let backend = "backendRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: '*', namespace: ";
    let parent = parent("parent", "shop.example")
        .replace(&format!("{backend}blue"), &format!("{}\n    {backend}blue", filter(10)))
        .replace(&format!("{backend}green"), &format!("{}\n    {backend}green", filter(20)));
    let green = green("parent").replace("backendRefs", &format!("{}, backendRefs", filter(30)));
    let routes = load(&[&parent, BLUE, &green]);
    assert_reached(
        &routes,
        &[
            ("http://shop.example/api/blue/items", route("blue/items < infra/parent", 10)),
            ("http://shop.example/api/green/list", route("green/list < infra/parent", 30)),
        ],
    );
}

// rule 7.6
#[test]
fn traffic_policies_the_annotation_of_a_parent_says_whose_policy_counts() {
    let annotated = |name: &str, host: &str, annotation: &str| {
        let metadata = format!("{{name: {name}, namespace: infra}}");
        let with = format!("{{name: {name}, namespace: infra, annotations: {{{annotation}}}}}");
        parent(name, host).replace(&metadata, &with)
    };
    let prefers_parent =
        annotated("one", "one.example", "kgateway.dev/inherited-policy-priority: ShallowMergePreferParent");
    // The name that the annotation once had says nothing.
    let default = annotated("two", "two.example", "delegation.kgateway.dev/inherited-policy-priority: PreferChild");
    let of_parents = policy("infra", &["one", "two"], 1);
    let of_child = policy("blue", &["items"], 2);
    // Beside the guide: a child without a policy of its own has that of its parents, whatever they prefer.
    let bare = BLUE.replace("items", "bare");
    let routes = load(&[&prefers_parent, &default, BLUE, &bare, &of_parents, &of_child]);
    assert_reached(
        &routes,
        &[
            ("http://one.example/api/blue/items", route("blue/items < infra/one", 1)),
            ("http://two.example/api/blue/items", route("blue/items < infra/two", 2)),
            ("http://one.example/api/blue/bare", route("blue/bare < infra/one", 1)),
            ("http://two.example/api/blue/bare", route("blue/bare < infra/two", 1)),
        ],
    );
}
