//! Objects that come, change and go: the rows of the files through a store, what one bad object closes, and what the status
//! of routes and policies says. Rules 10.3, 10.5, 10.6.

use http::Request;
use serde_json::{Value, json};
use tower_cors::{
    PolicyResolver,
    manifest::{LoadedRoutes, ManifestErrors, Manifests, ObjectStatus, ObjectStore},
    request::CorsRequest,
};

use crate::{
    attachment::{answered, rows},
    row::Attachment,
};

/// The objects of a text with many documents.
fn objects(text: &str) -> Vec<Value> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text).expect("YAML");
    documents.into_iter().filter(|document| !document.is_null()).collect()
}

fn store_of(text: &str) -> ObjectStore {
    let mut store = ObjectStore::new();
    for object in objects(text) {
        store.apply(&object).expect("an object");
    }
    store
}

fn load(row: &Attachment) -> LoadedRoutes {
    let mut store = store_of(&row.manifests);
    if let Some(namespace) = &row.global_policy_namespace {
        store = store.global_policy_namespace(namespace);
    }
    store.build()
}

/// What applies to a request: the max-age of its policy, `closed` or `none`.
fn applies(routes: &LoadedRoutes, url: &str) -> String {
    let request = Request::get(url).body(()).unwrap();
    let resolution = routes.resolve(&CorsRequest::of(&request));
    match resolution.policy() {
        _ if resolution.is_closed() => "closed".to_owned(),
        Some(policy) => policy.policy().max_age.map_or_else(String::new, |age| age.to_string()),
        None => "none".to_owned(),
    }
}

const GATEWAY: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: g, namespace: web}
spec: {gatewayClassName: ours, listeners: [{name: http, port: 80, protocol: HTTP}, {name: more, port: 81, protocol: HTTP, hostname: more.example}]}
---
apiVersion: gateway.kgateway.dev/v1alpha1
kind: TrafficPolicy
metadata: {name: base, namespace: web}
spec: {targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: g}], cors: {allowOrigins: [https://app.example], maxAge: 9}}
---
";

fn route(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: {name}, namespace: web}}\n\
         spec: {{parentRefs: [{{name: g}}], hostnames: [{name}.example], {spec}}}\n---\n"
    )
}

fn filter(origin: &str, age: u64) -> String {
    format!("filters: [{{type: CORS, cors: {{allowOrigins: [{origin}], maxAge: {age}}}}}]")
}

fn policy(name: &str, target: &str, origin: &str, age: u64) -> String {
    format!(
        "apiVersion: gateway.kgateway.dev/v1alpha1\nkind: TrafficPolicy\nmetadata: {{name: {name}, namespace: web}}\n\
         spec: {{targetRefs: [{{group: gateway.networking.k8s.io, kind: HTTPRoute, name: {target}}}], \
         cors: {{allowOrigins: [{origin}], maxAge: {age}}}}}\n---\n"
    )
}

const GOOD: &str = "https://app.example";
const BAD: &str = "app.example";

#[test]
fn a_store_answers_every_row_as_files_do() {
    let mut wrong = Vec::new();
    for row in rows() {
        let routes = load(&row);
        for ask in &row.requests {
            let answered = answered(&routes, ask);
            if answered != ask.max_age {
                wrong.push(format!("rule {}, {}: {ask:?}: {answered:?}", row.rule, row.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

// rule 10.3: never with the next wider setting.
#[test]
fn an_invalid_filter_closes_its_rule_and_no_other() {
    let rules = format!(
        "rules: [{{matches: [{{path: {{value: /bad}}}}], {}}}, {{matches: [{{path: {{value: /good}}}}], {}}}, {{matches: [{{path: {{value: /plain}}}}]}}]",
        filter(BAD, 1),
        filter(GOOD, 2)
    );
    let mut store = store_of(&format!(
        "{GATEWAY}{}{}",
        route("a", &rules),
        route("b", &format!("rules: [{{{}}}]", filter(GOOD, 3)))
    ));
    let routes = store.build();
    let rows = [("a.example/bad", "closed"), ("a.example/good", "2"), ("a.example/plain", "9"), ("b.example/", "3")];
    for (url, expected) in rows {
        assert_eq!(applies(&routes, &format!("http://{url}")), expected, "{url}");
    }
    let violations: Vec<_> = store.violations().map(ToString::to_string).collect();
    assert_eq!(violations.len(), 1, "{violations:?}");
    let place = "HTTPRoute web/a: spec.rules[0].filters[0].cors.allowOrigins[0]: ";
    assert!(violations[0].starts_with(place), "{violations:?}");
    // Files are all or nothing.
    let errors: ManifestErrors =
        objects(&route("a", &rules)).iter().fold(Manifests::new(), Manifests::read_object).build().unwrap_err();
    assert_eq!(errors.iter().map(ToString::to_string).collect::<Vec<_>>(), violations);
}

// rule 10.3
#[test]
fn an_invalid_policy_closes_the_rules_whose_setting_it_would_be() {
    let rules = "rules: [{matches: [{path: {value: /}}]}]";
    let own = format!("rules: [{{{}}}]", filter(GOOD, 4));
    let text = [
        GATEWAY.to_owned(),
        route("a", rules),
        route("b", rules),
        route("c", &own),
        policy("p", "a", BAD, 5),
        policy("q", "c", BAD, 6),
    ];
    let routes = store_of(&text.concat()).build();
    // The filter of `c` comes before its policy, which therefore is no setting of it (7.1).
    for (url, expected) in [("a.example", "closed"), ("b.example", "9"), ("c.example", "4")] {
        assert_eq!(applies(&routes, &format!("http://{url}/")), expected, "{url}");
    }
    let gateway = GATEWAY.replace(GOOD, BAD);
    let routes = store_of(&format!("{gateway}{}{}", route("a", rules), route("c", &own))).build();
    assert_eq!(applies(&routes, "http://a.example/"), "closed");
    assert_eq!(applies(&routes, "http://c.example/"), "4");
}

// rule 10.3: a policy is closed by whatever of it is invalid, wherever its author meant it to go.
#[test]
fn a_policy_with_a_misspelt_field_is_closed() {
    let rules = "rules: [{matches: [{path: {value: /}}]}]";
    let misspelt = policy("p", "a", GOOD, 5).replace("allowOrigins", "allowOrigin");
    let mut store = store_of(&format!("{GATEWAY}{}{misspelt}", route("a", rules)));
    assert_eq!(applies(&store.build(), "http://a.example/"), "closed");
}

// rule 10.3
#[test]
fn a_rule_whose_match_is_invalid_matches_nothing() {
    let rules = format!(
        "rules: [{{matches: [{{path: {{type: RegularExpression, value: \"(\"}}}}], {}}}, {{matches: [{{path: {{value: /}}}}], {}}}]",
        filter(GOOD, 1),
        filter(GOOD, 2)
    );
    let routes = store_of(&format!("{GATEWAY}{}", route("a", &rules))).build();
    assert_eq!(applies(&routes, "http://a.example/"), "2");
}

// rule 10.3: fewer hostnames or parents than were meant could be more requests than were meant.
#[test]
fn a_route_whose_hostnames_or_parents_are_invalid_matches_nothing() {
    let own = format!("rules: [{{{}}}]", filter(GOOD, 1));
    let hostnames = route("a", &own).replace("a.example", "a..example");
    assert_eq!(applies(&store_of(&format!("{GATEWAY}{hostnames}")).build(), "http://other.example/"), "none");
    let parents = route("a", &own).replace("{name: g}", "{name: g, port: 0}");
    assert_eq!(applies(&store_of(&format!("{GATEWAY}{parents}")).build(), "http://a.example/"), "none");
}

// rule 10.3
#[test]
fn an_invalid_listener_takes_no_routes_and_its_neighbour_does() {
    let gateway = GATEWAY.replace("port: 80,", "port: 0,");
    let own = format!("rules: [{{{}}}]", filter(GOOD, 1));
    let routes = store_of(&format!("{gateway}{}{}", route("a", &own), route("more", &own))).build();
    assert_eq!(applies(&routes, "http://a.example/"), "none");
    assert_eq!(applies(&routes, "http://more.example/"), "1");
}

// rule 10.2
#[test]
fn nothing_is_allowed_before_anything_is_known() {
    assert_eq!(applies(&LoadedRoutes::closed(), "http://a.example/"), "closed");
}

// rule 10.6
#[test]
fn what_the_server_keeps_for_itself_is_no_change() {
    let mut store = ObjectStore::new();
    let object = json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
        "metadata": {"name": "a", "namespace": "web", "resourceVersion": "1", "managedFields": []},
        "spec": {"hostnames": ["a.example"]},
    });
    assert!(store.apply(&object).unwrap());
    let digest = store.digest();
    let mut later = object.clone();
    later["metadata"]["resourceVersion"] = "2".into();
    later["metadata"]["managedFields"] = json!([{"manager": "kubectl"}]);
    later["status"] = json!({"parents": []});
    assert!(!store.apply(&later).unwrap());
    assert_eq!(store.digest(), digest);
    later["spec"]["hostnames"] = json!(["b.example"]);
    assert!(store.apply(&later).unwrap());
    assert_ne!(store.digest(), digest);
    assert_eq!(store.counts().into_iter().collect::<Vec<_>>(), [("HTTPRoute", 1)]);
    assert!(store.delete("HTTPRoute", "web", "a"));
    assert!(!store.delete("HTTPRoute", "web", "a"));
    assert!(store.counts().is_empty());
}

// rule 10.6
#[test]
fn two_stores_with_the_same_objects_have_the_same_digest_whatever_the_order() {
    let text = format!("{GATEWAY}{}{}", route("a", "rules: []"), policy("p", "a", GOOD, 1));
    let (mut one, mut other) = (ObjectStore::new(), ObjectStore::new());
    let objects = objects(&text);
    objects.iter().for_each(|object| _ = one.apply(object).unwrap());
    objects.iter().rev().for_each(|object| _ = other.apply(object).unwrap());
    assert_eq!(one.digest(), other.digest());
    other.delete("TrafficPolicy", "web", "p");
    assert_ne!(one.digest(), other.digest());
}

// rule 10.1
#[test]
fn a_kind_that_is_not_read_is_passed_over() {
    let mut store = ObjectStore::new();
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "namespace": "web"}});
    assert!(!store.apply(&service).unwrap());
    assert!(store.counts().is_empty());
    assert!(store.apply(&json!({"kind": "HTTPRoute"})).is_err());
    let mut deep = json!({});
    (0..100).for_each(|_| deep = json!({"deeper": deep}));
    let deep = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": deep});
    assert!(store.apply(&deep).unwrap_err().to_string().starts_with("Service a: "));
}

/// A line for each condition: object, parent, type, status, reason.
fn conditions(statuses: &[ObjectStatus]) -> Vec<String> {
    let mut lines = Vec::new();
    for status in statuses {
        for entry in &status.entries {
            let reference = entry.parent_ref.as_ref().or(entry.ancestor_ref.as_ref()).expect("what it is about");
            for condition in &entry.conditions {
                let (kind, holds, reason) = (condition.kind, condition.status, condition.reason);
                lines.push(format!("{} {} {kind} {holds} {reason}", status.name, reference.name));
            }
        }
    }
    lines
}

fn class(name: &str, controller: &str) -> String {
    format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: {{name: {name}}}\n\
         spec: {{controllerName: {controller}}}\n---\n"
    )
}

// rule 10.5
#[test]
fn a_controller_serves_what_its_own_gateways_take_and_says_nothing_of_others() {
    let own = format!("rules: [{{{}}}]", filter(GOOD, 1));
    let foreign = GATEWAY
        .replace("name: g,", "name: foreign,")
        .replace("ours", "theirs")
        .replace("base", "foreign-base")
        .replace("name: g}", "name: foreign}");
    let text = [
        class("ours", "example.com/a"),
        class("theirs", "example.com/b"),
        GATEWAY.to_owned(),
        foreign,
        route("a", &own),
        route("b", &own).replace("{name: g}", "{name: foreign}"),
        route("c", &own).replace("{name: g}", "{name: absent}"),
        route("d", &own).replace("parentRefs: [{name: g}], ", ""),
    ];
    let text = text.concat();
    let named = || {
        let mut store = ObjectStore::new().controller_name("example.com/a");
        objects(&text).iter().for_each(|object| _ = store.apply(object).unwrap());
        store
    };
    let mut store = named();
    let routes = store.build();
    for (host, expected) in [("a", "1"), ("b", "none"), ("c", "none"), ("d", "none")] {
        assert_eq!(applies(&routes, &format!("http://{host}.example/")), expected, "{host}");
    }
    let told = conditions(&store.statuses(&routes));
    let expected = [
        "a g Accepted True Accepted",
        "a g ResolvedRefs True ResolvedRefs",
        "base g Accepted True Valid",
        "base g Attached True Attached",
    ];
    assert_eq!(told, expected);
    // Without a name, what is not there can't say no (8.4).
    let routes = store_of(&text).build();
    for host in ["a", "b", "c", "d"] {
        assert_eq!(applies(&routes, &format!("http://{host}.example/")), "1", "{host}");
    }
}

// rule 10.5
#[test]
fn the_status_of_a_route_says_why_a_parent_does_not_take_it() {
    let own = format!("rules: [{{{}}}]", filter(GOOD, 1));
    let text = [
        GATEWAY
            .replace("name: http,", "name: http, hostname: \"*.example\",")
            .replace("hostname: more.example", "allowedRoutes: {namespaces: {from: None}}"),
        route("a", &own),
        route("b", &own).replace("{name: g}", "{name: g, sectionName: more}"),
        route("c", &own).replace("{name: g}", "{name: g, sectionName: absent}"),
        route("d", &own).replace("{name: g}", "{name: g, sectionName: http}").replace("d.example", "d.test"),
        route("e", &own.replace(GOOD, BAD)).replace("{name: g}", "{name: g, sectionName: http}"),
        route(
            "f",
            "rules: [{filters: [{type: ExtensionRef, extensionRef: {group: gateway.kgateway.dev, kind: TrafficPolicy, name: absent}}]}]",
        ),
        route(
            "g",
            "rules: [{matches: [{path: {value: /}}], backendRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: absent}]}]",
        ),
    ];
    let mut store = store_of(&text.concat());
    let routes = store.build();
    let statuses = store.statuses(&routes);
    let told = conditions(&statuses);
    let expected = [
        "a g Accepted True Accepted",
        "a g ResolvedRefs True ResolvedRefs",
        "b g Accepted False NotAllowedByListeners",
        "c g Accepted False NoMatchingParent",
        "d g Accepted False NoMatchingListenerHostname",
        "e g Accepted False UnsupportedValue",
        "f g ResolvedRefs False InvalidExtensionRef",
        "g g ResolvedRefs False BackendNotFound",
    ];
    for line in expected {
        assert!(told.iter().any(|told| told == line), "{line} is not in {told:#?}");
    }
    let invalid = statuses.iter().find(|status| status.name == "e").expect("e");
    let message = &invalid.entries[0].conditions[0].message;
    assert!(message.starts_with("spec.rules[0].filters[0].cors.allowOrigins[0]: "), "{message}");
}

// rule 10.5
#[test]
fn the_status_of_a_policy_says_what_it_comes_to_at_each_gateway() {
    let rules = "rules: [{matches: [{path: {value: /}}]}]";
    let older = policy("older", "a", GOOD, 1)
        .replace("name: older,", "name: older, creationTimestamp: 2026-01-01T00:00:00Z, generation: 7,");
    let text = [
        GATEWAY.to_owned(),
        route("a", rules),
        older,
        policy("younger", "a", GOOD, 2),
        policy("lost", "absent", GOOD, 3),
        policy("wrong", "b", BAD, 4),
        route("b", rules),
    ];
    let mut store = store_of(&text.concat());
    let routes = store.build();
    let statuses = store.statuses(&routes);
    let told = conditions(&statuses);
    let expected = [
        "older g Accepted True Valid",
        "older g Attached True Attached",
        "younger g Attached False Overridden",
        "lost absent Attached False TargetNotFound",
        "wrong g Accepted False Invalid",
        "wrong g Attached True Attached",
    ];
    for line in expected {
        assert!(told.iter().any(|told| told == line), "{line} is not in {told:#?}");
    }
    let of = |name: &str| &statuses.iter().find(|status| status.name == name).expect("a status").entries[0].conditions;
    assert_eq!(of("older")[1].observed_generation, 7);
    assert!(of("younger")[1].message.contains("TrafficPolicy web/older"));
    assert!(of("wrong")[0].message.starts_with("spec.cors.allowOrigins[0]: "));
}

// rule 10.5
#[test]
fn a_policy_has_at_most_16_ancestors() {
    let gateways: String = (0..20)
        .map(|at| {
            GATEWAY.replace("name: g,", &format!("name: g{at},")).split("---").next().unwrap().to_owned() + "---\n"
        })
        .collect();
    let parents: Vec<_> = (0..20).map(|at| format!("{{name: g{at}}}")).collect();
    let route = route("a", "rules: []")
        .replace("{name: g}", &parents.join(", "))
        .replace("rules: []", "rules: [{matches: [{path: {value: /}}]}]");
    let mut store = store_of(&format!("{gateways}{route}{}", policy("p", "a", GOOD, 1)));
    let routes = store.build();
    let statuses = store.statuses(&routes);
    assert_eq!(statuses.iter().find(|status| status.name == "p").expect("p").entries.len(), 16);
}
