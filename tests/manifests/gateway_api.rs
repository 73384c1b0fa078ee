//! The CORS filters of the crate `gateway-api` as policies: what its types make of a manifest is what this crate reads
//! from it by itself.

use std::fs;

use gateway_api::httproutes::{HttpRoute, HttpRouteRulesBackendRefsFiltersCors, HttpRouteRulesFiltersCors};
use http::Request;
use tower_cors::{
    CorsPolicy, Profile,
    compile::Compiler,
    finding::ViolationKind,
    manifest::{LoadedRoutes, Manifests},
    request::CorsRequest,
};

/// The route of a YAML document, as the crate `gateway-api` reads it.
fn route(text: &str) -> HttpRoute {
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The policy of the first CORS filter of each rule.
fn policies_of_rules(route: &HttpRoute) -> Vec<Option<CorsPolicy>> {
    let rules = route.spec.rules.iter().flatten();
    rules
        .map(|rule| {
            let mut filters = rule.filters.iter().flatten();
            filters.find_map(|filter| filter.cors.as_ref()).map(|cors| CorsPolicy::try_from(cors).expect("a policy"))
        })
        .collect()
}

/// What this crate reads: the policy for requests to `uri`.
fn own_reading(routes: &LoadedRoutes, uri: &str) -> Option<CorsPolicy> {
    let request = Request::get(uri).body(()).expect("a request");
    let found = routes.table().find(&CorsRequest::of(&request)).expect("a rule");
    found.policy().map(|policy| policy.policy().clone())
}

fn load(text: &str) -> LoadedRoutes {
    Manifests::new().read("m.yaml", text).build().expect("a valid manifest")
}

/// A route of three rules that tell absent, empty, `*`, `true` and `false` apart.
const ROUTE: &str = "\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop}
spec:
  rules:
  - matches: [{path: {type: PathPrefix, value: /whole}}]
    filters:
    - type: CORS
      cors:
        allowOrigins: [https://app.example, 'https://*.example', 'http://localhost:3000']
        allowCredentials: true
        allowMethods: [GET, PUT]
        allowHeaders: [Content-Type, X-Tenant]
        exposeHeaders: [ETag]
        maxAge: 600
  - matches: [{path: {type: PathPrefix, value: /sparse}}]
    filters:
    - type: CORS
      cors: {allowOrigins: ['*'], allowCredentials: false, allowMethods: ['*'], allowHeaders: []}
  - matches: [{path: {type: PathPrefix, value: /none}}]
";

#[test]
fn every_field_of_a_filter_is_read_as_this_crate_reads_it() {
    let policies = policies_of_rules(&route(ROUTE));
    let routes = load(ROUTE);
    let own = ["whole", "sparse", "none"].map(|path| own_reading(&routes, &format!("http://shop.example/{path}")));
    assert_eq!(policies, own);

    let list = |entries: &[&str]| Some(entries.iter().map(|entry| (*entry).to_owned()).collect());
    let whole = CorsPolicy {
        allow_origins: list(&["https://app.example", "https://*.example", "http://localhost:3000"]),
        allow_credentials: Some(true),
        allow_methods: list(&["GET", "PUT"]),
        allow_headers: list(&["Content-Type", "X-Tenant"]),
        expose_headers: list(&["ETag"]),
        max_age: Some(600),
    };
    let sparse = CorsPolicy {
        allow_origins: list(&["*"]),
        allow_credentials: Some(false),
        allow_methods: list(&["*"]),
        allow_headers: list(&[]),
        expose_headers: None,
        max_age: None,
    };
    assert_eq!(policies, [Some(whole), Some(sparse), None]);
}

#[test]
fn the_manifest_of_the_examples_is_read_alike() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/manifests/httproute-cors.yaml");
    let text = fs::read_to_string(path).expect("the manifest");
    let document = text.split("\n---\n").find(|document| document.contains("kind: HTTPRoute")).expect("a route");
    let policies = policies_of_rules(&route(document));
    assert_eq!(policies, [own_reading(&load(&text), "http://cors.example/get")]);
    assert!(policies[0].is_some(), "the rule has a filter");
}

#[test]
fn a_filter_of_a_backend_is_a_policy_as_well() {
    let filter = HttpRouteRulesBackendRefsFiltersCors {
        allow_origins: Some(vec!["https://app.example".into()]),
        max_age: Some(60),
        ..Default::default()
    };
    let expected = CorsPolicy {
        allow_origins: Some(vec!["https://app.example".into()]),
        max_age: Some(60),
        ..CorsPolicy::default()
    };
    assert_eq!(CorsPolicy::try_from(&filter), Ok(expected));
}

#[cfg(feature = "gateway-api-experimental")]
#[test]
fn filters_of_the_experimental_channel_are_policies_as_well() {
    use gateway_api::experimental::httproutes as experimental;

    let expected = CorsPolicy::new().expose_headers(["ETag"]);
    let of_rule = experimental::HttpRouteRulesFiltersCors {
        expose_headers: expected.expose_headers.clone(),
        ..Default::default()
    };
    let of_backend = experimental::HttpRouteRulesBackendRefsFiltersCors {
        expose_headers: expected.expose_headers.clone(),
        ..Default::default()
    };
    assert_eq!(CorsPolicy::try_from(&of_rule), Ok(expected.clone()));
    assert_eq!(CorsPolicy::try_from(&of_backend), Ok(expected));
}

/// rule 2.12
#[test]
fn a_negative_max_age_is_a_violation_and_zero_is_one_for_the_compiler() {
    let filter = |max_age| HttpRouteRulesFiltersCors { max_age: Some(max_age), ..Default::default() };
    let violations = CorsPolicy::try_from(&filter(-1)).expect_err("no policy can say this");
    let kinds: Vec<_> = violations.iter().map(|violation| (violation.kind(), violation.path().as_str())).collect();
    assert_eq!(kinds, [(&ViolationKind::MaxAgeRange, "maxAge")]);
    assert_eq!(violations.iter().next().and_then(|violation| violation.value()), Some("-1"));

    let policy = CorsPolicy::try_from(&filter(0)).expect("a policy");
    let compiler = Compiler::new().profile(Profile::GatewayApi).crd_limits();
    let violations = compiler.compile(policy).expect_err("the CRD begins at 1");
    assert_eq!(violations.iter().next().and_then(|violation| violation.value()), Some("0"));
}
