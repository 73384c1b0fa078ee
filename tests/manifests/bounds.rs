//! What one file or one object may take of the whole: values, aliases and merge keys of a file, messages, regular
//! expressions, policies and selectors of a route. Each limit names what it is about, and the neighbours are served.

use http::Request;
use serde_json::{Value, json};
use tower_cors::{
    PolicyResolver,
    finding::Severity,
    manifest::{LoadedRoutes, ManifestError, Manifests, ObjectStore},
    request::CorsRequest,
};

const API: &str = "apiVersion: gateway.networking.k8s.io/v1\n";
const POLICY: &str = "apiVersion: gateway.kgateway.dev/v1alpha1\nkind: TrafficPolicy\n";
const FILTER: &str = "{type: CORS, cors: {allowOrigins: ['https://a.example']}}";

fn errors(text: &str) -> Vec<String> {
    let errors = Manifests::new().read("m.yaml", text).build().map(|_| ()).unwrap_err();
    errors.iter().map(ToString::to_string).collect()
}

fn load(text: &str) -> LoadedRoutes {
    Manifests::new().read("m.yaml", text).build().unwrap()
}

fn route(name: &str, spec: &str) -> String {
    format!("---\n{API}kind: HTTPRoute\nmetadata: {{name: {name}, labels: {{app: {name}}}}}\nspec: {spec}\n")
}

/// What a request finds: `closed`, `none`, or its first origin.
fn applies(routes: &LoadedRoutes, url: &str) -> String {
    let request = Request::get(url).body(()).unwrap();
    let resolution = routes.resolve(&CorsRequest::of(&request));
    match resolution.policy() {
        _ if resolution.is_closed() => "closed".to_owned(),
        Some(policy) => policy.policy().allow_origins.clone().unwrap_or_default().join(","),
        None => "none".to_owned(),
    }
}

fn listed(count: usize, item: impl Fn(usize) -> String) -> String {
    (0..count).map(item).collect::<Vec<_>>().join(", ")
}

/// The codes of the lints, each with the severity and the object it names.
fn lints(routes: &LoadedRoutes, code: &str) -> Vec<(Severity, String)> {
    let found = routes.lints().iter().filter(|lint| lint.code() == code);
    found.map(|lint| (lint.severity(), lint.value().unwrap_or_default().to_owned())).collect()
}

#[test]
fn merged_fields_yield_to_those_of_the_map_and_to_those_merged_before() {
    let policy = |cors: &str| {
        let text = route("a", &format!("{{rules: [{{filters: [{{type: CORS, cors: {cors}}}]}}]}}"));
        let request = Request::get("/").body(()).unwrap();
        let routes = load(&text);
        let policy = routes.table().find(&CorsRequest::of(&request)).unwrap().policy().unwrap().policy().clone();
        (policy.allow_origins.unwrap_or_default().join(","), policy.max_age)
    };
    let one = |origin: &str| format!("https://{origin}.example");
    let rows = [
        ("{<<: {allowOrigins: ['https://b.example'], maxAge: 2}, maxAge: 1}", "b", Some(1)),
        ("{maxAge: 1, <<: {allowOrigins: ['https://b.example'], maxAge: 2}}", "b", Some(1)),
        (
            "{<<: [{allowOrigins: ['https://b.example']}, {allowOrigins: ['https://c.example'], maxAge: 3}]}",
            "b",
            Some(3),
        ),
        ("{<<: {<<: {allowOrigins: ['https://c.example'], maxAge: 3}, maxAge: 2}}", "c", Some(2)),
        ("{<<: {<<: {maxAge: 4}}, <<: {allowOrigins: ['https://d.example'], maxAge: 5}}", "d", Some(4)),
    ];
    for (cors, origin, age) in rows {
        assert_eq!(policy(cors), (one(origin), age), "{cors}");
    }
}

#[test]
fn merge_keys_neither_multiply_nor_take_anything_but_maps() {
    let deep = |fields: usize| {
        let nested = "{<<: ".repeat(60) + "{" + &listed(fields, |at| format!("field{at}: 1")) + "}" + &"}".repeat(60);
        format!("a: {nested}")
    };
    assert!(Manifests::new().read("m.yaml", &deep(10_000)).build().is_ok());
    assert_eq!(errors(&deep(10_001)), ["m.yaml:1:304: not YAML: << gives a map more fields than are accepted"]);
    assert_eq!(errors("a: {<<: 5}"), ["m.yaml:1:9: not YAML: << takes a map, or a list of maps"]);
}

#[test]
fn the_budgets_are_those_of_the_file_however_it_is_read() {
    let padding = format!("# {}\n", "x".repeat(130 << 10));
    let aliases = |number: usize| format!("---\na: &a 1\nb: [{}]\n{padding}", listed(number, |_| "*a".into()));
    assert!(Manifests::new().read("m.yaml", &(aliases(60) + &aliases(40))).build().is_ok());
    let [error] = &errors(&(aliases(60) + &aliases(41)))[..] else { panic!() };
    assert!(error.ends_with("not YAML: values that * repeats make the file too large"), "{error}");

    let values = |number: usize| format!("---\n[{}]\n{}\n", "a,".repeat(number), "#".repeat(130 << 10));
    assert!(Manifests::new().read("m.yaml", &(values(70_000) + &values(0))).build().is_err());
    let dense = Manifests::new().read("m.yaml", &(values(20_000) + &values(20_000))).build();
    assert!(dense.is_ok(), "{dense:?}");
    let [error] = &errors(&"a,".repeat(200_000).replacen('a', "[a", 1))[..] else { panic!() };
    assert!(
        error.ends_with("the file holds more values than one of its size may, which is one for 4 bytes"),
        "{error}"
    );
}

#[test]
fn of_the_violations_of_a_file_the_first_thousand_are_listed_and_of_one_list_a_hundred() {
    let bad = |name: usize| {
        let origins = listed(60, |at| format!("o{at}.example"));
        route(
            &format!("r{name}"),
            &format!("{{rules: [{{filters: [{{type: CORS, cors: {{allowOrigins: [{origins}]}}}}]}}]}}"),
        )
    };
    let texts = errors(&(0..20).map(bad).collect::<String>());
    assert_eq!((texts.len(), texts.last().map(String::as_str)), (1_001, Some("m.yaml: 200 more fields are wrong")));

    let fields = listed(250, |at| format!("f{at}: 1"));
    let errors = Manifests::new().read("m.yaml", &route("r", &format!("{{{fields}}}"))).build().unwrap_err();
    assert_eq!(errors.iter().count(), 101);
    assert!(matches!(errors.iter().last(), Some(ManifestError::More { number: 150, .. })));
}

#[test]
fn a_value_is_kept_as_far_as_messages_need_it() {
    let long = "é".repeat(100_000);
    let text = route("r", &format!("{{rules: [{{filters: [{{type: CORS, cors: {{allowOrigins: ['{long}']}}}}]}}]}}"));
    let errors = Manifests::new().read("m.yaml", &text).build().unwrap_err();
    let Some(ManifestError::Violation(violation)) = errors.iter().next() else { panic!() };
    assert_eq!(violation.value().map(str::len), Some(1024));
    assert!(violation.to_string().contains("é…\""));
}

#[test]
fn more_than_twenty_lints_of_one_code_on_one_object_are_told_as_one() {
    let with = |fields: usize| {
        format!("{}{}", route("r", "{}"), (0..fields).map(|at| format!("f{at}: 1\n")).collect::<String>())
    };
    assert_eq!(load(&with(20)).lints().len(), 20);
    let routes = load(&(with(21) + &with(1).replace("name: r", "name: s")));
    let texts: Vec<_> = routes.lints().iter().map(ToString::to_string).collect();
    let [of_r, of_s] = &texts[..] else { panic!("{texts:?}") };
    assert_eq!(of_r, "m.yaml:6:1: f0 is not a field of this resource (and 20 more lints unknown-field on this object)");
    assert!(of_s.ends_with("f0 is not a field of this resource"), "{of_s}");
    assert_eq!(routes.lints()[0].severity(), Severity::Warning);
}

#[test]
fn policies_that_all_lose_one_place_are_told_as_one() {
    let policy = |at: usize| {
        let target = "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: r}";
        format!(
            "---\n{POLICY}metadata: {{name: p{at}}}\nspec: {{targetRefs: [{target}], cors: {{allowOrigins: ['*']}}}}\n"
        )
    };
    let routes = load(&(route("r", "{}") + &(0..1_000).map(policy).collect::<String>()));
    let [lint] = routes.lints() else { panic!("{:?}", routes.lints()) };
    assert_eq!(lint.code(), "loses-to-older");
    assert!(lint.to_string().contains("and 998 more lints loses-to-older"), "{lint}");
}

#[test]
fn an_object_with_more_violations_than_are_kept_is_closed_as_a_whole() {
    let filters = |origin: &str| json!([{"type": "CORS", "cors": {"allowOrigins": [origin]}}]);
    let unknown = |count: usize| (0..count).map(|at| (format!("f{at}"), json!(1))).collect::<serde_json::Map<_, _>>();
    let object = |fields: usize| {
        let mut wrong = unknown(fields);
        wrong.insert("filters".to_owned(), filters("https://a.example"));
        wrong.insert("matches".to_owned(), json!([{"path": {"value": "/wrong"}}]));
        json!({
            "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "r"},
            "spec": {"rules": [{"filters": filters("https://a.example"), "matches": [{"path": {"value": "/right"}}]}, wrong]},
        })
    };
    let built = |object: &Value| {
        let mut store = ObjectStore::new();
        store.apply(object).unwrap();
        store.build()
    };
    let some = built(&object(100));
    assert_eq!(applies(&some, "http://h/right"), "https://a.example");
    assert_eq!(applies(&some, "http://h/wrong"), "closed");
    let many = built(&object(101));
    assert_eq!(applies(&many, "http://h/right"), "none");
}

#[test]
fn the_expressions_of_a_route_are_bounded_together_and_the_rules_before_are_served() {
    let matches = |from: usize, count: usize, pattern: &str| {
        let found =
            listed(count, |at| format!("{{path: {{type: RegularExpression, value: '/{pattern}{}'}}}}", from + at));
        format!("{{matches: [{found}], filters: [{FILTER}]}}")
    };
    // 992 positions more than its 12 bytes, of which 64 are free.
    let long = ".*a.{1000}x";
    assert!(
        Manifests::new().read("m.yaml", &route("r", &format!("{{rules: [{}]}}", matches(0, 1, long)))).build().is_ok()
    );
    let two = format!("{{rules: [{}, {}]}}", matches(0, 1, long), matches(1, 2, long));
    let texts = errors(&route("r", &two));
    assert_eq!(texts.len(), 2);
    assert_eq!(
        texts[0],
        "m.yaml:5:209: spec.rules[1].matches[0].path.value: \"/.*a.{1000}x1\" is not a regular expression for which there \
         is room in its route: one compiles to at most 1 MiB, together they compile to at most 2 MiB, and their repetitions add at most 1024 positions"
    );
    // Each is far smaller than one may be.
    let wide = format!("{{rules: [{}, {}]}}", matches(0, 64, r"(\w{1,9}){2}"), matches(64, 64, r"(\w{1,9}){2}"));
    assert!(errors(&route("r", &wide)).len() > 100);

    let objects: Vec<Value> =
        serde_saphyr::from_multiple(&(route("r", &two) + &route("s", "{hostnames: [s.example]}"))).unwrap();
    let mut store = ObjectStore::new();
    objects.iter().for_each(|object| _ = store.apply(object).unwrap());
    let routes = store.build();
    let path = format!("http://h/a{}x", "b".repeat(1_000));
    assert_eq!(applies(&routes, &format!("{path}0")), "https://a.example");
    assert_eq!(applies(&routes, &format!("{path}1")), "none");
}

#[test]
fn the_table_has_room_for_the_expressions_of_the_older_routes() {
    let with = |name: usize| {
        let found = format!(
            "{{path: {{type: RegularExpression, value: '/.*a.{{1000}}x{name}'}}}}, {{path: {{value: /p{name}}}}}"
        );
        route(&format!("r{name}"), &format!("{{rules: [{{matches: [{found}], filters: [{FILTER}]}}]}}"))
            .replace("{name", &format!("{{creationTimestamp: '2026-01-{:02}T00:00:00Z', name", 28 - name))
    };
    let other = route(
        "other",
        &format!(
            "{{rules: [{{matches: [{{path: {{type: RegularExpression, value: '/o+'}}}}], filters: [{FILTER}]}}]}}"
        ),
    );
    // Eight have room for their 928 positions each; r0 and r1 are the youngest of ten.
    let routes = load(&((0..10).map(with).collect::<String>() + &other));
    let mut found = lints(&routes, "too-many-expressions");
    found.sort();
    let expected = ["HTTPRoute default/r0", "HTTPRoute default/r1"].map(|name| (Severity::Critical, name.to_owned()));
    assert_eq!(found, expected);
    let path = format!("http://h/a{}x", "b".repeat(1_000));
    assert_eq!(applies(&routes, &format!("{path}2")), "https://a.example");
    assert_eq!(applies(&routes, &format!("{path}1")), "none");
    assert_eq!(applies(&routes, "http://h/p1"), "none", "a rule is not served in part");
    assert_eq!(applies(&routes, "http://h/ooo"), "https://a.example");
}

/// A Gateway whose listeners have a policy each, which is united with those of routes.
fn listeners(count: usize) -> String {
    let listeners = listed(count, |at| format!("{{name: l{at}, port: 80, protocol: HTTP, hostname: h{at}.example}}"));
    let annotation = "kgateway.dev/inherited-policy-priority: DeepMergePreferChild";
    let gateway = format!(
        "{API}kind: Gateway\nmetadata: {{name: g, annotations: {{{annotation}}}}}\nspec: {{listeners: [{listeners}]}}\n"
    );
    let policy = |at: usize| {
        let target = format!("{{group: gateway.networking.k8s.io, kind: Gateway, name: g, sectionName: l{at}}}");
        format!(
            "---\n{POLICY}metadata: {{name: p{at}}}\nspec: {{targetRefs: [{target}], cors: {{allowOrigins: ['https://l{at}.example']}}}}\n"
        )
    };
    gateway + &(0..count).map(policy).collect::<String>()
}

#[test]
fn the_policies_that_are_made_for_one_route_are_bounded_and_the_rules_before_are_served() {
    let rules = listed(16, |at| format!("{{matches: [{{path: {{value: /r{at}}}}}], filters: [{FILTER}]}}"));
    let attached = |name: &str, rules: &str| route(name, &format!("{{parentRefs: [{{name: g}}], rules: [{rules}]}}"));
    let one = format!("{{matches: [{{path: {{value: /one}}}}], filters: [{FILTER}]}}");
    let routes = load(&(listeners(64) + &attached("many", &rules) + &attached("few", &one)));
    // 64 for each of four rules are 256.
    let expected = (4..16).map(|rule| (Severity::Critical, format!("HTTPRoute default/many rule {rule}")));
    assert_eq!(lints(&routes, "too-many-policies"), expected.collect::<Vec<_>>());
    assert_eq!(applies(&routes, "http://h7.example/r3"), "https://a.example,https://l7.example");
    assert_eq!(applies(&routes, "http://h7.example/r4"), "closed");
    assert_eq!(applies(&routes, "http://h7.example/one"), "https://a.example,https://l7.example");
}

#[test]
fn a_route_that_too_many_selectors_may_select_is_closed_and_its_neighbour_is_served() {
    let policy = |at: usize| {
        let labels = format!("{{app: many, l{at}: x}}");
        let selector = format!("{{group: gateway.networking.k8s.io, kind: HTTPRoute, matchLabels: {labels}}}");
        format!(
            "---\n{POLICY}metadata: {{name: p{at}}}\nspec: {{targetSelectors: [{selector}], cors: {{allowOrigins: ['https://p{at}.example']}}}}\n"
        )
    };
    let labels = listed(200, |at| format!("l{at}: x"));
    let object = |name: &str, host: &str| {
        route(name, &format!("{{hostnames: [{host}]}}"))
            .replace(&format!("app: {name}"), &format!("app: many, {labels}"))
    };
    let loaded = |policies: usize| {
        let policies: String = (0..policies).map(policy).collect();
        load(&(object("many", "many.example") + &route("other", "{hostnames: [other.example]}") + &policies))
    };
    let most = loaded(128);
    assert_eq!(applies(&most, "http://many.example/"), "https://p0.example");
    let over = loaded(129);
    assert_eq!(applies(&over, "http://many.example/"), "closed");
    assert_eq!(applies(&over, "http://other.example/"), "none");
    assert_eq!(lints(&over, "too-many-selectors"), [(Severity::Critical, "HTTPRoute default/many".to_owned())]);
}

#[test]
fn routes_that_delegate_to_all_do_not_multiply_with_those() {
    let every = "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: '*', namespace: below}";
    let top = |at: usize| {
        let rules =
            listed(16, |rule| format!("{{matches: [{{path: {{value: /t{at}x{rule}}}}}], backendRefs: [{every}]}}"));
        route(&format!("t{at}"), &format!("{{rules: [{rules}]}}"))
    };
    let child = |at: usize| {
        let annotation = "annotations: {delegation.kgateway.dev/inherit-parent-matcher: 'true'}";
        route(&format!("c{at}"), "{}").replace("{name", &format!("{{namespace: below, {annotation}, name"))
    };
    let routes = load(&(0..20).map(top).chain((0..1_000).map(child)).collect::<String>());
    let found = lints(&routes, "delegates-to-nothing");
    assert!(!found.is_empty() && routes.table().rules().count() <= 110_000, "{found:?}");
}
