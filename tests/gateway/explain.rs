//! `explain`: as a typed value, and as the gateway prints it for a person and for a program.

use crate::process::{file, run};
use http::{HeaderName, HeaderValue, Method, Uri};
use tower_cors::{
    CorsPolicy, Reason,
    browser::{Credentials, ScriptRequest},
    decision::Options,
    explain::{Behind, Explanation},
    manifest::Manifests,
    route::{Route, RouteMatch, RouteTable, Rule, ValueMatch},
};

const DOCUMENTED: &str = "examples/manifests/trafficpolicy-cors.yaml";

/// What is printed; it exits with `code`.
fn explain(code: i32, arguments: &[&str]) -> String {
    let output = run(&[&["explain"], arguments].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(code), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

#[test]
fn the_documented_scenario_is_explained_word_for_word() {
    let manifest = file(DOCUMENTED);
    let url = "http://cors.example/get";
    let put = ["--manifest", &manifest, "--method", "PUT", "--url", url, "--origin", "https://example.com"];
    assert_eq!(
        explain(1, &put),
        "PUT http://cors.example/get\n\
         \x20 origin: https://example.com, without credentials\n\
         \n\
         preflight: needed\n\
         \x20 route: HTTPRoute httpbin/httpbin-cors rule 0\n\
         \x20 setting 1: TrafficPolicy httpbin/httpbin-cors (spec.cors)\n\
         \x20 policy: allowOrigins: https://example.com/, from TrafficPolicy httpbin/httpbin-cors\n\
         \x20 policy: allowCredentials: true, from TrafficPolicy httpbin/httpbin-cors\n\
         \x20 policy: allowMethods: GET, POST, OPTIONS, from TrafficPolicy httpbin/httpbin-cors\n\
         \x20 policy: allowHeaders: Origin, Authorization, Content-Type, from TrafficPolicy httpbin/httpbin-cors\n\
         \x20 policy: exposeHeaders: Origin, X-TrafficPolicy-Header, from TrafficPolicy httpbin/httpbin-cors\n\
         \x20 policy: maxAge: 86400, from TrafficPolicy httpbin/httpbin-cors\n\
         \x20 decision: answered by the layer; the policy allows the origin, but not the method: \"PUT\"; add \"PUT\" to allowMethods [method-not-allowed]\n\
         \x20 status: 200\n\
         \x20 header: vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers\n\
         \x20 header: access-control-allow-origin: https://example.com\n\
         \x20 header: access-control-allow-credentials: true\n\
         \x20 header: access-control-allow-methods: GET, POST, OPTIONS\n\
         \x20 header: access-control-allow-headers: Origin, Authorization, Content-Type\n\
         \x20 header: access-control-expose-headers: Origin, X-TrafficPolicy-Header\n\
         \x20 header: access-control-max-age: 86400\n\
         \n\
         request: not sent\n\
         \n\
         browser: blocked; CORS-preflight fetch: the method PUT is not allowed [preflight-method]\n"
    );
    let post = ["--manifest", &manifest, "--method", "POST", "--url", url, "--origin", "https://example.com"];
    let text = explain(0, &[&post[..], &["--header", "Authorization: secret", "--credentials"]].concat());
    assert!(
        text.starts_with("POST http://cors.example/get\n  origin: https://example.com, with credentials\n"),
        "{text}"
    );
    assert!(text.contains("\nrequest: sent\n") && !text.contains("secret"), "{text}");
    assert!(text.ends_with("\nbrowser: readable; the script sees Origin, X-TrafficPolicy-Header\n"), "{text}");
}

#[test]
fn a_program_gets_json() {
    let manifest = file(DOCUMENTED);
    let get =
        ["--json", "--manifest", &manifest, "--url", "http://cors.example/get", "--origin", "https://other.example"];
    let value: serde_json::Value = serde_json::from_str(&explain(1, &get)).unwrap();
    assert_eq!(value["preflight"], serde_json::Value::Null);
    assert_eq!(value["credentials"], false);
    let request = &value["request"];
    assert_eq!(request["route"]["name"], "httpbin-cors");
    assert_eq!(request["reason"], "origin-not-allowed");
    assert_eq!(request["policy"]["maxAge"], 86400);
    assert_eq!(request["provenance"]["maxAge"][0], "TrafficPolicy httpbin/httpbin-cors (spec.cors)");
    assert_eq!(request["settings"][0]["path"], "spec.cors");
    assert_eq!(request["headers"], serde_json::json!([["vary", "Origin"]]));
    let verdict = &value["browser"];
    assert_eq!((&verdict["readable"], &verdict["code"]), (&false.into(), &"no-allow-origin".into()));
    assert_eq!(verdict["step"], "CORS check");
}

// rule 8.5
#[test]
fn a_request_that_no_route_takes_is_answered_by_the_gateway_with_404() {
    let manifest = file(DOCUMENTED);
    let get = ["--manifest", &manifest, "--url", "http://other.example/get", "--origin", "https://example.com"];
    assert_eq!(
        explain(2, &get),
        "GET http://other.example/get\n\
         \x20 origin: https://example.com, without credentials\n\
         \n\
         preflight: not needed\n\
         \n\
         request: sent\n\
         \x20 decision: no route takes this host and path, so the gateway answers; no policy applies to the request [no-policy]\n\
         \x20 status: 404\n\
         \n\
         browser: blocked; CORS check: there is no Access-Control-Allow-Origin [no-allow-origin]\n"
    );
    let value: serde_json::Value = serde_json::from_str(&explain(2, &[&get[..], &["--json"]].concat())).unwrap();
    assert_eq!((&value["request"]["behind"], &value["request"]["status"]), (&"no-route".into(), &404.into()));
}

// rule 8.8
#[test]
fn a_route_that_delegates_to_nothing_is_answered_by_the_gateway_with_500() {
    let yaml = "
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: entry}
spec:
  rules:
  - matches: [{path: {value: /shop}}]
    filters: [{type: CORS, cors: {allowOrigins: ['https://app.example']}}]
    backendRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: nowhere}]
";
    let routes = Manifests::new().read("m.yaml", yaml).build().unwrap();
    let get = ScriptRequest::new(HeaderValue::from_static("https://app.example"), Method::GET);
    let explanation =
        Explanation::of_routes(get, Uri::from_static("http://any.example/shop"), &routes, &Options::new());
    let step = explanation.actual().unwrap();
    assert_eq!((step.behind(), step.status().as_u16(), explanation.is_unrouted()), (Behind::NoBackend, 500, false));
    assert!(explanation.verdict().is_ok(), "its headers are those of the rule");
}

#[test]
fn an_origin_that_no_browser_sends_is_refused_with_the_one_that_was_meant() {
    let rows = [
        ("app.example", Some("https://app.example")),
        ("https://app.example/", Some("https://app.example")),
        ("HTTPS://App.example", Some("https://app.example")),
        ("https://app.example:443", Some("https://app.example")),
        ("https://*.example", None),
        ("*", None),
    ];
    for (origin, meant) in rows {
        let output = run(&["explain", "--url", "http://a.example/", "--origin", origin]);
        let text = String::from_utf8(output.stderr).unwrap();
        let line = text.lines().next().unwrap();
        assert_eq!(output.status.code(), Some(2), "{origin}");
        assert!(line.contains("no browser sends this"), "{line}");
        assert_eq!(line.split_once("did you mean \"").map(|(_, rest)| rest.trim_end_matches("\"?")), meant, "{line}");
    }
    explain(1, &["--url", "http://cors.example/", "--origin", "null"]);
}

#[test]
fn what_can_not_be_explained_is_refused_with_a_reason() {
    for arguments in [
        &["explain", "--url", "http://a/"][..],
        &["explain", "--origin", "https://a.example"],
        &["explain", "--origin", "https://a.example", "--url", "/path"],
        &["explain", "--origin", "https://a.example", "--url", "http://a/", "--header", "no colon"],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(String::from_utf8(output.stderr).unwrap().contains("usage: gateway"), "{arguments:?}");
    }
}

#[test]
fn the_typed_value_names_route_match_stack_and_verdict() {
    let levels = file("tests/manifests/attachment/levels.yaml");
    let routes = Manifests::new().load(levels).build().unwrap();
    let script = ScriptRequest::new(HeaderValue::from_static("https://app.example"), Method::GET);
    let uri = Uri::from_static("http://full.a.example/3");
    let explanation = Explanation::of_routes(script.clone(), uri.clone(), &routes, &Options::new());
    assert!(explanation.preflight().is_none());
    let step = explanation.actual().unwrap();
    let route = step.route().unwrap();
    assert_eq!(
        (route.namespace(), route.name(), route.rule(), route.matched()),
        ("web", "full", 2, Some("path prefix /3"))
    );
    assert_eq!(step.settings().len(), 5);
    assert_eq!(step.policy().unwrap().policy().max_age, Some(3));
    assert!(!step.is_answered() && explanation.verdict().is_ok());
    assert_eq!((explanation.uri(), step.method(), step.status().as_u16()), (&uri, &Method::GET, 200));
    assert_eq!(step.headers()["access-control-allow-origin"], "https://app.example");
    assert!(!route.requires_consent());

    let policy = CorsPolicy::new().allow_origins(["*"]).compile().unwrap();
    let table = RouteTable::new([Route::new("web", "any").rule(Rule::new().policy(policy.clone()))]);
    let credentialed = script.clone().credentials(Credentials::Include);
    let explanation = Explanation::of_table(credentialed, uri.clone(), &table, &Options::new());
    assert_eq!(explanation.actual().unwrap().route().unwrap().name(), "any");
    assert_eq!(explanation.verdict().unwrap_err().code(), "wildcard-with-credentials");

    let unsafe_name = script.header(HeaderName::from_static("x-a"), HeaderValue::from_static("b"));
    let explanation = Explanation::new(unsafe_name, uri, &policy, &Options::new());
    let preflight = explanation.preflight().unwrap();
    assert!(preflight.is_answered() && preflight.route().is_none());
    assert_eq!((preflight.reason(), preflight.status().as_u16()), (Reason::HeaderNotAllowed, 200));
    assert_eq!(preflight.method(), Method::OPTIONS);
    assert!(explanation.actual().is_none());
    assert_eq!(explanation.verdict().unwrap_err().code(), "preflight-header");
}

/// rule 8.3
#[test]
fn a_held_request_and_its_403_are_explained() {
    let canary = RouteMatch::new().header(HeaderName::from_static("x-canary"), ValueMatch::exact("1"));
    let policy = CorsPolicy::new().allow_origins(["https://app.example"]).compile().unwrap();
    let rule = Rule::new().matching(canary).policy(policy);
    let table = RouteTable::new([Route::new("web", "any").rule(rule).rule(Rule::new())]);
    let script = ScriptRequest::new(HeaderValue::from_static("https://other.example"), Method::GET)
        .header(HeaderName::from_static("x-canary"), HeaderValue::from_static("1"));
    let uri = Uri::from_static("http://any.example/");
    let explanation = Explanation::of_table(script.clone(), uri.clone(), &table, &Options::new());
    assert!(explanation.preflight().unwrap().route().unwrap().requires_consent());

    let policy = CorsPolicy::new().allow_origins(["https://app.example"]).compile().unwrap();
    let script = ScriptRequest::new(HeaderValue::from_static("https://other.example"), Method::GET);
    let explanation = Explanation::new(script, uri, &policy, &Options::new().enforce(true));
    assert_eq!(explanation.actual().unwrap().status().as_u16(), 403);
}

// rule 8.8, 7.6: the chain, and where each setting stands in it.
#[test]
fn a_delegated_request_is_explained_with_the_rules_that_it_came_through() {
    let yaml = "
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: entry, namespace: infra}
spec:
  rules:
  - matches: [{path: {value: /shop}}]
    filters: [{type: CORS, cors: {allowOrigins: ['https://entry.example']}}]
    backendRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: shop, namespace: shop}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop, namespace: shop}
spec:
  rules:
  - {matches: [{path: {value: /shop/about}}]}
  - matches: [{path: {value: /shop/cart}}]
    backendRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: cart}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: cart, namespace: shop}
spec:
  rules:
  - matches: [{path: {value: /shop/cart/items}}]
    filters: [{type: CORS, cors: {allowOrigins: ['https://cart.example']}}]
";
    let routes = Manifests::new().read("m.yaml", yaml).build().unwrap();
    let get = ScriptRequest::new(HeaderValue::from_static("https://cart.example"), Method::GET);
    let uri = Uri::from_static("http://any.example/shop/cart/items/1");
    let explanation = Explanation::of_routes(get, uri, &routes, &Options::new());
    let chain = ["HTTPRoute shop/shop rule 1", "HTTPRoute infra/entry rule 0"];
    assert_eq!(explanation.actual().unwrap().route().unwrap().delegated_by(), chain);
    let text = explanation.to_string();
    let expected = "  route: HTTPRoute shop/cart rule 0 (path prefix /shop/cart/items)\n\
        \x20 delegated by: HTTPRoute shop/shop rule 1\n\
        \x20 delegated by: HTTPRoute infra/entry rule 0\n\
        \x20 setting 1: HTTPRoute shop/cart rule 0 (spec.rules[0].filters[0].cors)\n\
        \x20 setting 2: HTTPRoute infra/entry rule 0 (spec.rules[0].filters[0].cors)\n";
    assert!(text.contains(expected), "{text}");
    let value = serde_json::to_value(&explanation).unwrap();
    assert_eq!(value["request"]["route"]["delegatedBy"], serde_json::json!(chain));
}

// rule 8.7
#[test]
fn a_grpc_route_is_called_one() {
    let yaml = "
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: greeter}
spec: {rules: [{matches: [{method: {service: greet.Greeter}}]}]}
";
    let routes = Manifests::new().read("m.yaml", yaml).build().unwrap();
    let post = ScriptRequest::new(HeaderValue::from_static("https://app.example"), Method::POST)
        .header(HeaderName::from_static("content-type"), HeaderValue::from_static("application/grpc-web+proto"));
    let uri = Uri::from_static("http://any.example/greet.Greeter/Hello");
    let text = Explanation::of_routes(post, uri, &routes, &Options::new()).to_string();
    assert!(text.contains("  route: GRPCRoute default/greeter rule 0"), "{text}");
}
