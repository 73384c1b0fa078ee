//! Fields that a kind does not have, objects of others that carry CORS settings, and rules that nothing reaches.
//! Rules 2.16, 2.17, 2.18.

use std::path::Path;

use serde_json::{Value, json};
use tower_cors::manifest::{ManifestError, Manifests};

/// The errors, or the lints, as a person reads them, without the name of the file.
fn told(text: &str) -> Vec<String> {
    match Manifests::new().read("m.yaml", text).build() {
        Ok(routes) => routes.lints().iter().map(|lint| format!("{}: {lint}", lint.severity())).collect(),
        Err(errors) => errors.iter().map(|error| format!("error: {error}")).collect(),
    }
}

fn route(spec: &str) -> String {
    format!("apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: r}}\nspec: {{{spec}}}\n")
}

const CORS: &str = "{type: CORS, cors: {allowOrigins: [https://app.example]}}";

// rule 2.16: left out silently, each of these gives the policy to more requests than were meant.
#[test]
fn a_field_that_a_kind_does_not_have_is_an_error_where_it_decides_what_a_policy_applies_to() {
    let policy = |spec: &str| {
        format!(
            "apiVersion: gateway.kgateway.dev/v1alpha1\nkind: TrafficPolicy\nmetadata: {{name: p}}\nspec: {{{spec}}}\n"
        )
    };
    let gateway = |spec: &str| {
        format!("apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: g}}\nspec: {{{spec}}}\n")
    };
    let refs = "[{group: gateway.networking.k8s.io, kind: HTTPRoute, name: r}]";
    let cors = "cors: {allowOrigins: [https://app.example]}";
    let rows = [
        (route("hostname: [a.example]"), "spec.hostname is not a field of this resource; did you mean \"hostnames\"?"),
        (
            route("parentRef: [{name: g}]"),
            "spec.parentRef is not a field of this resource; did you mean \"parentRefs\"?",
        ),
        (route(&format!("filters: [{CORS}]")), "spec.filters is not a field of this resource"),
        (route(cors), "spec.cors is not a field of this resource; did you mean \"rules[].filters[].cors\"?"),
        (
            route(&format!("rules: [{{match: [{{path: {{value: /a}}}}], filters: [{CORS}]}}]")),
            "spec.rules[0].match is not a field of this resource; did you mean \"matches\"?",
        ),
        (
            route("rules: [{matches: [{methods: [GET]}]}]"),
            "spec.rules[0].matches[0].methods is not a field of this resource; did you mean \"method\"?",
        ),
        (
            route(&format!("rules: [{{filter: [{CORS}]}}]")),
            "spec.rules[0].filter is not a field of this resource; did you mean \"filters\"?",
        ),
        (
            route(&format!("rules: [{{{cors}}}]")),
            "spec.rules[0].cors is not a field of this resource; did you mean \"filters[].cors\"?",
        ),
        (
            policy(&format!("targetRef: {refs}, {cors}")),
            "spec.targetRef is not a field of this resource; did you mean \"targetRefs\"?",
        ),
        (policy("corss: {}"), "spec.corss is not a field of this resource; did you mean \"cors\"?"),
        (policy("other: {allowOrigins: [https://app.example]}"), "spec.other is not a field of this resource"),
        (
            gateway("listener: [{name: a, port: 80, protocol: HTTP}]"),
            "spec.listener is not a field of this resource; did you mean \"listeners\"?",
        ),
        (
            gateway("listeners: [{name: a, port: 80, protocol: HTTP, allowedRoute: {}}]"),
            "spec.listeners[0].allowedRoute is not a field of this resource; did you mean \"allowedRoutes\"?",
        ),
        (
            route("rules: [{filters: [{type: Cors, cors: {}}]}]"),
            "spec.rules[0].filters[0].type: \"Cors\" is not CORS, which is written in capitals",
        ),
    ];
    for (text, expected) in rows {
        let told = told(&text);
        assert!(
            matches!(&told[..], [one] if one.split_once(": ").and_then(|(_, one)| one.split_once(": ")).is_some_and(|(_, one)| one == expected)),
            "{text}: {told:#?}"
        );
    }
}

// rule 2.16
#[test]
fn a_field_that_a_kind_does_not_have_is_a_lint_elsewhere() {
    let text = "apiVersion: gateway.kgateway.dev/v1alpha1\nkind: TrafficPolicy\nmetadata: {name: p, label: {}}\n\
                spec: {targetRefs: [], timeout: {}, cors: {allowOrigins: [https://app.example]}}\nextra: 1\n";
    let told = told(text);
    let unknown: Vec<_> = told.iter().filter(|line| line.contains("is not a field")).map(String::as_str).collect();
    assert_eq!(
        unknown,
        [
            "warning: m.yaml:3:21: metadata.label is not a field of this resource; did you mean \"labels\"?",
            "warning: m.yaml:4:24: spec.timeout is not a field of this resource; did you mean \"timeouts\"?",
            "warning: m.yaml:5:1: extra is not a field of this resource",
        ]
    );
}

// rule 2.16: the positions are those of JSON, too.
#[test]
fn a_field_of_a_json_manifest_is_reported_with_its_place() {
    let text = "{\"apiVersion\": \"gateway.networking.k8s.io/v1\", \"kind\": \"HTTPRoute\",\n \"metadata\": {\"name\": \"r\"},\n \
                \"spec\": {\"hostname\": []}}";
    assert_eq!(
        told(text),
        ["error: m.yaml:3:11: spec.hostname is not a field of this resource; did you mean \"hostnames\"?"]
    );
}

// rule 2.17
#[test]
fn an_object_that_is_not_read_and_carries_cors_settings_is_a_lint() {
    let object = |version: &str, kind: &str, rest: &str| {
        format!("apiVersion: {version}\nkind: {kind}\nmetadata: {{name: x, annotations: {{}}}}\n{rest}\n")
    };
    let filter = "would go into a CORS filter of an HTTPRoute's rule";
    let policy = "would go into spec.cors of a TrafficPolicy with the same targets";
    let rows = [
        (
            object("gateway.envoyproxy.io/v1alpha1", "SecurityPolicy", "spec: {cors: {allowOrigins: ['*']}}"),
            "spec.cors",
            policy,
        ),
        (
            object("networking.istio.io/v1", "VirtualService", "spec: {http: [{corsPolicy: {}}]}"),
            "spec.http[0].corsPolicy",
            filter,
        ),
        (
            object("networking.k8s.io/v1", "Ingress", "spec: {}")
                .replace("annotations: {}", "annotations: {nginx.ingress.kubernetes.io/enable-cors: 'true'}"),
            "metadata.annotations.nginx.ingress.kubernetes.io/enable-cors",
            filter,
        ),
        (
            object("traefik.io/v1alpha1", "Middleware", "spec: {headers: {accessControlAllowMethods: [GET]}}"),
            "spec.headers.accessControlAllowMethods",
            filter,
        ),
        (
            object("agentgateway.dev/v1alpha1", "AgentgatewayPolicy", "spec: {traffic: {cors: {}}}"),
            "spec.traffic.cors",
            policy,
        ),
        (
            object("projectcontour.io/v1", "HTTPProxy", "spec: {virtualhost: {corsPolicy: {}}}"),
            "spec.virtualhost.corsPolicy",
            filter,
        ),
        (object("configuration.konghq.com/v1", "KongPlugin", "plugin: cors"), "plugin", filter),
        (object("gateway.kgateway.dev/v1alpha1", "RoutePolicy", "spec: {cors: {}}"), "spec.cors", policy),
    ];
    for (text, path, expected) in rows {
        let told = told(&text);
        assert!(
            told.len() == 1 && told[0].contains(&format!(" {path} is not read: ")) && told[0].ends_with(expected),
            "{told:?}"
        );
    }
    assert!(told(&object("networking.istio.io/v1", "VirtualService", "spec: {http: [{retries: {}}]}")).is_empty());
    assert!(told(&object("networking.k8s.io/v1", "Ingress", "spec: {}")).is_empty());
}

// rule 2.18
#[test]
fn a_rule_with_a_policy_that_no_request_can_reach_is_a_lint() {
    let codes = |rules: &str| {
        let routes = Manifests::new().read("m.yaml", &route(&format!("rules: [{rules}]"))).build().unwrap();
        routes
            .lints()
            .iter()
            .filter(|lint| lint.code() == "unreachable-rule")
            .map(|lint| lint.path().to_string())
            .collect::<Vec<_>>()
    };
    let a = "matches: [{path: {value: /a}}]";
    // The filter written as a rule of its own, beside the rule that it was meant for.
    assert_eq!(codes(&format!("{{backendRefs: [{{name: b}}]}}, {{filters: [{CORS}]}}")), ["spec.rules[1]"]);
    assert_eq!(codes(&format!("{{{a}}}, {{{a}, filters: [{CORS}]}}")), ["spec.rules[1]"]);
    assert!(codes(&format!("{{{a}}}, {{{a}}}")).is_empty(), "without a policy nobody waits for it");
    assert!(codes(&format!("{{{a}}}, {{filters: [{CORS}]}}")).is_empty(), "it takes the other paths");
    assert!(
        codes(&format!(
            "{{matches: [{{path: {{value: /a}}, headers: [{{name: x, value: '1'}}]}}]}}, {{{a}, filters: [{CORS}]}}"
        ))
        .is_empty()
    );
    let put = "matches: [{path: {value: /a}, method: PUT}]";
    assert!(codes(&format!("{{{put}}}, {{{a}, filters: [{CORS}]}}")).is_empty());
    assert_eq!(codes(&format!("{{{put}}}, {{{put}, filters: [{CORS}]}}")), ["spec.rules[1]"]);
    let expression = "matches: [{path: {type: RegularExpression, value: '/a[0-9]'}}]";
    assert_eq!(
        codes(&format!("{{backendRefs: [{{name: b}}]}}, {{{expression}, filters: [{CORS}]}}")),
        ["spec.rules[1]"]
    );
}

// rule 2.16: every field of the Gateway API's own CRDs is known.
#[test]
fn every_field_of_the_crds_is_accepted() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/crds");
    if !folder.is_dir() {
        // Not by `eprintln!`, which the harness keeps to itself when a test passes.
        let line = "SKIPPED, not passed: the Gateway API's CRDs are not beside this checkout";
        let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("{line}\n").as_bytes());
        return;
    }
    let mut count = 0;
    for file in ["httproutes", "grpcroutes", "gateways", "listenersets"] {
        let text = std::fs::read_to_string(folder.join(file).with_extension("yaml")).expect("a CRD");
        let crd: Value = serde_saphyr::from_str(&text).expect("YAML");
        for version in crd["spec"]["versions"].as_array().expect("versions") {
            let api = format!("{}/{}", crd["spec"]["group"].as_str().unwrap(), version["name"].as_str().unwrap());
            let kind = &crd["spec"]["names"]["kind"];
            let schema = &version["schema"]["openAPIV3Schema"];
            for mut object in objects(schema, 0) {
                object["apiVersion"] = json!(api);
                object["kind"] = kind.clone();
                object["metadata"] = json!({"name": "x"});
                let unknown = unknown_fields(&object.to_string());
                assert!(unknown.is_empty(), "{api} {kind}: {unknown:?}: {object}");
                count += 1;
            }
        }
    }
    assert!(count > 400, "only {count} fields were found");
}

/// For each field of a schema a value that has it and nothing else.
fn objects(schema: &Value, depth: usize) -> Vec<Value> {
    let Some(properties) = schema["properties"].as_object().filter(|_| depth < 12) else {
        return match schema["type"].as_str() {
            Some("array") => objects(&schema["items"], depth + 1).into_iter().map(|item| json!([item])).collect(),
            Some("integer") => vec![json!(1)],
            Some("boolean") => vec![json!(true)],
            Some("object") => vec![json!({})],
            _ => vec![json!("x")],
        };
    };
    let fields = properties.iter().filter(|(name, _)| depth > 0 || !["status", "metadata"].contains(&name.as_str()));
    fields
        .flat_map(|(name, field)| objects(field, depth + 1).into_iter().map(move |value| json!({name: value})))
        .collect()
}

fn unknown_fields(text: &str) -> Vec<String> {
    match Manifests::new().read("m.json", text).build() {
        Ok(routes) => {
            routes.lints().iter().filter(|lint| lint.code() == "unknown-field").map(ToString::to_string).collect()
        }
        Err(errors) => {
            let unknown = errors.iter().filter(|error| match error {
                ManifestError::Violation(violation) => violation.code() == "unknown-field",
                _ => true,
            });
            unknown.map(ToString::to_string).collect()
        }
    }
}
