//! Manifests: what is read, what is passed over, what is refused and how it is put.

use http::Request;
use tower_cors::{
    CorsPolicy,
    manifest::{LintKind, LoadedRoutes, ManifestError, Manifests},
    request::CorsRequest,
};

fn load(text: &str) -> LoadedRoutes {
    Manifests::new().read("m.yaml", text).build().unwrap()
}

fn policy(routes: &LoadedRoutes, uri: &str) -> Option<CorsPolicy> {
    let request = Request::get(uri).body(()).unwrap();
    let found = routes.table().find(&CorsRequest::of(&request))?;
    found.policy().map(|policy| policy.policy().clone())
}

fn errors(text: &str) -> Vec<String> {
    let errors = Manifests::new().read("m.yaml", text).build().unwrap_err();
    errors.iter().map(ToString::to_string).collect()
}

fn codes(routes: &LoadedRoutes) -> Vec<&'static str> {
    routes.lints().iter().map(|lint| lint.code()).collect()
}

/// A route with one rule, written in flow style within `rule`.
fn route(rule: &str) -> String {
    format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: r}}\nspec:\n  rules:\n  - {rule}\n"
    )
}

fn cors(fields: &str) -> String {
    route(&format!("filters: [{{type: CORS, cors: {{{fields}}}}}]"))
}

const POLICY: &str = "apiVersion: gateway.kgateway.dev/v1alpha1\nkind: TrafficPolicy\nmetadata: {name: p}\nspec: {cors: {allowOrigins: [https://policy.example]}}\n";
const NAMED: &str = "{type: ExtensionRef, extensionRef: {group: gateway.kgateway.dev, kind: TrafficPolicy, name: p}}";

/// rule 7.1
#[test]
fn a_cors_filter_is_the_policy_of_its_rule() {
    let routes = load(&cors("allowOrigins: [https://a.example], allowMethods: [], allowCredentials: false, maxAge: 7"));
    let expected = CorsPolicy {
        allow_origins: Some(vec!["https://a.example".into()]),
        allow_methods: Some(Vec::new()),
        allow_credentials: Some(false),
        max_age: Some(7),
        ..CorsPolicy::default()
    };
    assert_eq!(policy(&routes, "http://any/x"), Some(expected));
}

#[test]
fn a_text_in_the_place_of_a_boolean_is_refused_with_the_boolean_it_means() {
    for (text, meant) in [("yes", "true"), ("On", "true"), ("no", "false"), ("OFF", "false"), ("false", "false")] {
        let found = errors(&cors(&format!("allowOrigins: [https://a.example], allowCredentials: \"{text}\"")));
        assert!(matches!(&found[..], [one] if one.contains(&format!("did you mean {meant}?"))), "{found:?}");
    }
}

#[test]
fn a_namespace_is_one_label_in_lower_case() {
    let rows = [("prod", true), (&*"a".repeat(63), true), (&"a".repeat(64), false), ("Prod", false), ("a.b", false)];
    for (namespace, is_one) in rows {
        let text = route("{}").replace("{name: r}", &format!("{{name: r, namespace: {namespace}}}"));
        assert_eq!(Manifests::new().read("m.yaml", &text).build().is_ok(), is_one, "{namespace}");
    }
}

/// rule 2.12
#[test]
fn a_group_is_empty_or_labels_in_lower_case() {
    let rows = [("example.com", true), ("\"\"", true), ("Example.com", false), ("a_b", false)];
    for (group, is_one) in rows {
        let parents = format!("spec:\n  parentRefs: [{{name: g, group: {group}, kind: Thing}}]");
        let text = route("{}").replace("spec:", &parents);
        assert_eq!(Manifests::new().read("m.yaml", &text).build().is_ok(), is_one, "{group}");
    }
}

#[test]
fn a_reload_changes_the_rules_whose_policies_differ_and_nothing_else() {
    let of = |origin: &str| load(&cors(&format!("allowOrigins: [{origin}]")));
    let changes = |now: &LoadedRoutes, before: &LoadedRoutes| {
        now.changes_since(before).iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let (one, two) = (of("https://one.example"), of("https://two.example"));
    assert_eq!(changes(&one, &of("https://one.example")), [""; 0]);
    assert_eq!(changes(&two, &one), ["effective policy changed: HTTPRoute default/r rule 0"]);
    assert_eq!(changes(&one, &load("")), ["route added: HTTPRoute default/r"]);
    assert_eq!(changes(&load(""), &one), ["route removed: HTTPRoute default/r"]);
}

/// rule 7.1
#[test]
fn a_traffic_policy_is_found_by_the_filter_that_names_it() {
    let origins = |text: &str| policy(&load(text), "http://any/")?.allow_origins;
    let named = route(&format!("filters: [{NAMED}]"));
    assert_eq!(origins(&format!("{named}---\n{POLICY}")), Some(vec!["https://policy.example".to_owned()]));
    assert_eq!(origins(&format!("{POLICY}---\n{named}")), Some(vec!["https://policy.example".to_owned()]));
    let gloo = |text: String| {
        text.replace("gateway.kgateway.dev", "gloo.solo.io").replace("TrafficPolicy", "GlooTrafficPolicy")
    };
    assert_eq!(origins(&gloo(format!("{POLICY}---\n{named}"))), Some(vec!["https://policy.example".to_owned()]));
    assert_eq!(origins(&format!("{}---\n{named}", gloo(POLICY.to_owned()))), None, "the other kind of that name");
    let elsewhere = POLICY.replace("name: p", "name: p, namespace: other");
    assert_eq!(origins(&format!("{elsewhere}---\n{named}")), None, "a reference stays in its namespace");
}

/// rule 7.1, 7.3
#[test]
fn the_filter_of_a_rule_wins_over_the_policy_that_it_names() {
    let both = route(&format!("filters: [{NAMED}, {{type: CORS, cors: {{allowMethods: [PUT]}}}}]"));
    let found = policy(&load(&format!("{both}---\n{POLICY}")), "http://any/").unwrap();
    assert_eq!((found.allow_methods.unwrap(), found.allow_origins), (vec!["PUT".to_owned()], None));
}

/// rule 7.2
#[test]
fn the_oldest_of_several_named_policies_wins() {
    let two = NAMED.replace("name: p", "name: q");
    let named = route(&format!("filters: [{NAMED}, {two}]"));
    let dated = |name: &str, date: &str| {
        POLICY
            .replace("{name: p}", &format!("{{name: {name}, creationTimestamp: \"{date}\"}}"))
            .replace("https://policy", &format!("https://{name}"))
    };
    let (p, q) = (dated("p", "2026-02-01T00:00:00Z"), dated("q", "2026-01-01T00:00:00Z"));
    let routes = load(&format!("{named}---\n{p}---\n{q}"));
    assert_eq!(policy(&routes, "http://any/").unwrap().allow_origins.unwrap(), ["https://q.example"]);
    assert_eq!(codes(&routes), ["loses-to-older"]);
}

/// rule 7.9
#[test]
fn a_disabled_policy_is_no_policy() {
    let disabled = POLICY.replace("{allowOrigins: [https://policy.example]}", "{disable: {}}");
    let routes = load(&format!("{}---\n{disabled}", route(&format!("filters: [{NAMED}]"))));
    assert_eq!(policy(&routes, "http://any/"), None);
}

#[test]
fn what_is_not_about_cors_is_passed_over() {
    let text = "---\n# nothing\n---\napiVersion: v1\nkind: ConfigMap\ndata: {1: 2, ~: 3, x: [y]}\n---\njust text\n---\n[1, 2]\n---\n\
        apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r, labels: {a: b}, creationTimestamp: null}\n\
        spec:\n  parentRefs: [{name: nowhere, kind: Gateway, sectionName: s}]\n  rules:\n  - timeouts: {request: 1s}\n    \
        filters: [{type: RequestMirror, requestMirror: {}}, {type: New}]\n\
        status: {parents: 7}\n---\n---\n";
    let routes = load(text);
    let request = Request::get("http://any/").body(()).unwrap();
    assert!(routes.table().find(&CorsRequest::of(&request)).is_some(), "a Gateway that is not there serves every host");
    assert!(codes(&routes).is_empty(), "{:?}", routes.lints());
    let empty = load("");
    assert!(empty.table().find(&CorsRequest::of(&request)).is_none());
}

#[test]
fn lists_as_kubectl_prints_them_are_read() {
    let item = cors("allowOrigins: [https://a.example]").replace('\n', "\n  ");
    let routes = load(&format!("apiVersion: v1\nkind: List\nitems:\n- {item}"));
    assert!(policy(&routes, "http://any/").is_some());
}

#[test]
fn lists_in_lists_are_read_to_a_depth_of_four() {
    let nested = |depth: usize| {
        let mut text = cors("allowOrigins: [https://a.example]");
        for _ in 0..depth {
            text = format!("apiVersion: v1\nkind: List\nitems:\n- {}", text.replace('\n', "\n  "));
        }
        policy(&load(&text), "http://any/")
    };
    assert!(nested(4).is_some());
    assert!(nested(5).is_none());
}

#[test]
fn a_text_as_long_as_a_file_may_be_is_read() {
    let text = |length: usize| format!("{}{}", cors("allowOrigins: [https://a.example]"), " ".repeat(length));
    let room = (32 << 20) - text(0).len();
    assert!(Manifests::new().read("m.yaml", &text(room)).build().is_ok());
    let errors = Manifests::new().read("m.yaml", &text(room + 1)).build().unwrap_err();
    assert!(matches!(errors.iter().next(), Some(ManifestError::TooLarge { .. })), "{errors}");
}

#[test]
fn a_file_one_byte_too_long_is_not_read_in_part() {
    let path = std::env::temp_dir().join(format!("tower-cors-too-long-{}.yaml", std::process::id()));
    let file = std::fs::File::create(&path).unwrap();
    file.set_len((32 << 20) + 1).unwrap();
    let loaded = Manifests::new().load(&path).build();
    std::fs::remove_file(&path).unwrap();
    let errors = loaded.unwrap_err();
    assert!(matches!(errors.iter().next(), Some(ManifestError::TooLarge { .. })), "{errors}");
}

#[test]
fn what_is_wrong_is_shown_with_its_line() {
    let errors = Manifests::new().read("m.yaml", &cors("maxAge: 24h")).build().unwrap_err();
    let Some(ManifestError::Violation(violation)) = errors.iter().next() else { panic!("{errors}") };
    assert_eq!(violation.excerpt().map(ToString::to_string).unwrap().lines().count(), 2);
}

/// The pairs of what is written and whether the CRD permits it, each put in the place of `#`.
fn holds(template: &str, rows: &[(&str, bool)]) {
    for (written, permitted) in rows {
        let built = Manifests::new().read("m.yaml", &template.replace('#', written)).build();
        assert_eq!(built.is_ok(), *permitted, "{written:?}: {:?}", built.err());
    }
}

/// rule 2.12
#[test]
fn kinds_paths_and_lists_of_filters_end_where_the_crd_ends_them() {
    let long = "k".repeat(64);
    let kinds = [("A-b1", true), (&long[..63], true), (&long, false), ("1a", false), ("a-", false), ("a.b", false)];
    holds(&route("filters: [{type: ExtensionRef, extensionRef: {group: g, kind: \"#\", name: p}}]"), &kinds);
    let paths = [
        ("/a%20b", true),
        ("/%zz", false),
        ("/a%2", false),
        ("/a%20[", false),
        ("/a/.", false),
        ("/a/..", false),
        ("/a/.b", true),
        ("/a/./b", false),
        ("/a%2Fb", false),
        ("a", false),
    ];
    holds(&route("matches: [{path: {value: \"#\"}}]"), &paths);
    let filters = |count: usize| vec!["{type: RequestMirror}"; count].join(", ");
    holds(&route("filters: [#]"), &[(&filters(16), true), (&filters(17), false)]);
    let rules = |count: usize| vec!["{method: GET}"; count].join(", ");
    let two =
        |more: usize| format!("matches: [{}]\n  - matches: [{}]\n  - matches: [{}]", rules(64), rules(63), rules(more));
    holds(&route("#"), &[(&two(1), true), (&two(2), false)]);
}

#[test]
fn a_redirect_and_a_rewrite_rule_each_other_out_in_either_order() {
    let text = |first: &str, second: &str| errors(&route(&format!("filters: [{{type: {first}}}, {{type: {second}}}]")));
    let redirected = text("RequestRedirect", "URLRewrite");
    assert!(redirected[0].ends_with("can't be used together with a RequestRedirect filter"), "{redirected:?}");
    let rewritten = text("URLRewrite", "RequestRedirect");
    assert!(rewritten[0].ends_with("can't be used together with a URLRewrite filter"), "{rewritten:?}");
}

#[test]
fn exact_values_are_no_expressions_and_an_exact_path_without_a_value_is_the_slash() {
    let met = |rule: &str, uri: &str, value: &str| {
        let routes = load(&route(rule));
        let request = Request::get(uri).header("x-a", value).body(()).unwrap();
        routes.table().find(&CorsRequest::of(&request)).is_some()
    };
    let exact = "matches: [{headers: [{name: x-a, type: Exact, value: a.c}]}]";
    assert!(met(exact, "http://any/", "a.c") && !met(exact, "http://any/", "abc"));
    let expression = "matches: [{headers: [{name: x-a, type: RegularExpression, value: a.c}]}]";
    assert!(met(expression, "http://any/", "abc") && !met(expression, "http://any/", "abcd"));
    let slash = "matches: [{path: {type: Exact}}]";
    assert!(met(slash, "http://any/", "") && !met(slash, "http://any/b", ""));
    assert!(met("matches: [{path: {type: PathPrefix}}]", "http://any/b", ""));
}

/// rule 7.1
#[test]
fn what_has_the_kind_and_the_name_in_another_group_is_no_target_and_no_parent() {
    let gateway = "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: g}\n\
                   spec: {listeners: [{name: http, port: 80, protocol: HTTP}]}\n---\n";
    let policy_of = |parent_group: &str, target_group: &str| {
        let parent = format!("spec:\n  parentRefs: [{{group: {parent_group}, kind: Gateway, name: g}}]\n");
        let target = format!("spec: {{targetRefs: [{{group: {target_group}, kind: Gateway, name: g}}], ");
        let text =
            format!("{gateway}{}---\n{}", route("{}").replace("spec:\n", &parent), POLICY.replace("spec: {", &target));
        policy(&load(&text), "http://any/")
    };
    let ours = "gateway.networking.k8s.io";
    assert!(policy_of(ours, ours).is_some());
    assert!(policy_of("other.example", ours).is_none());
}

#[test]
fn the_table_alone_resolves_as_what_it_came_from() {
    let routes = load(&cors("allowOrigins: [https://a.example], maxAge: 7"));
    let table = routes.into_table();
    let request = Request::get("http://any/").body(()).unwrap();
    let found = table.find(&CorsRequest::of(&request)).unwrap();
    assert_eq!(found.policy().unwrap().policy().max_age, Some(7));
}

#[test]
fn a_kind_of_that_name_in_another_group_is_something_else() {
    let istio = "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: g}\n";
    assert!(codes(&load(istio)).is_empty());
    let near = load(&istio.replace("networking.istio.io/v1", "gateway.networking.k8s.io/v2"));
    assert_eq!(codes(&near), ["not-read"]);
    assert_eq!(
        near.lints()[0].to_string(),
        "m.yaml:1:13: apiVersion: \"gateway.networking.k8s.io/v2\" is not read; what is read is Gateway of \
         gateway.networking.k8s.io/v1"
    );
}

/// rule 8.4
#[test]
fn a_route_is_served_on_the_hostnames_of_its_listeners() {
    let gateway = "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: g}\nspec:\n  listeners:\n  \
        - {name: one, port: 80, protocol: HTTP, hostname: one.example}\n  - {name: two, port: 81, hostname: \"*.two.example\"}\n---\n";
    let attached = |parent: &str| {
        let text =
            cors("allowOrigins: [https://a.example]").replace("spec:\n", &format!("spec:\n  parentRefs: [{parent}]\n"));
        let routes = load(&format!("{gateway}{text}"));
        ["one.example", "a.two.example", "other.example"]
            .map(|host| policy(&routes, &format!("http://{host}/")).is_some())
    };
    assert_eq!(attached("{name: g}"), [true, true, false]);
    assert_eq!(attached("{name: g, sectionName: one}"), [true, false, false]);
    assert_eq!(attached("{name: g, sectionName: two}, {name: g, sectionName: one}"), [true, true, false]);
    assert_eq!(attached("{name: g, namespace: other}"), [true, true, true], "a Gateway that is not in the manifests");
}

#[test]
fn lints_name_what_is_missing_doubled_or_held() {
    let routes = load(&route(&format!("filters: [{NAMED}]")));
    let lint = &routes.lints()[0];
    assert_eq!(
        lint.to_string(),
        "m.yaml:6:107: spec.rules[0].filters[0].extensionRef.name: \"TrafficPolicy default/p\" is not in the manifests; \
         HTTPRoute default/r names it"
    );
    let doubled = load(&format!(
        "{}---\n{}",
        cors("allowOrigins: [https://a.example]"),
        cors("allowOrigins: [https://b.example]")
    ));
    assert_eq!(codes(&doubled), ["replaces-earlier"]);
    assert_eq!(policy(&doubled, "http://any/").unwrap().allow_origins.unwrap(), ["https://b.example"]);
    let canary = "matches: [{headers: [{name: x-canary, value: \"1\"}]}]\n    filters: [{type: CORS, cors: {allowOrigins: [https://a.example]}}]\n  - {}";
    let held = load(&route(canary));
    assert_eq!(codes(&held), ["ambiguous-preflight", "unenforceable-rule"]);
    assert_eq!(*held.lints()[1].kind(), LintKind::UnenforceableRule);
    assert_eq!(held.lints()[1].position().to_string(), "m.yaml:8:5");
    let slash = load(&cors("allowOrigins: [https://a.example/]"));
    assert_eq!(slash.lints()[0].position().line(), 6);
}

#[test]
fn lints_name_references_that_lead_nowhere_and_no_others() {
    const GATEWAY: &str = "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: g}\n\
                           spec: {listeners: [{name: http, port: 80, protocol: HTTP}]}\n---\n";
    let extension = |kind: &str| {
        let reference = format!("group: gateway.kgateway.dev, kind: {kind}, name: missing");
        codes(&load(&route(&format!("filters: [{{type: ExtensionRef, extensionRef: {{{reference}}}}}]"))))
    };
    assert_eq!(extension("TrafficPolicy"), ["reference-not-found"]);
    assert!(extension("DirectResponse").is_empty());

    let parent = |group: &str, kind: &str| {
        let parent = format!("parentRefs: [{{group: {group}, kind: {kind}, name: g, sectionName: missing}}]");
        let text = route("{}").replace("spec:\n", &format!("spec:\n  {parent}\n"));
        codes(&load(&format!("{GATEWAY}{text}")))
    };
    assert_eq!(parent("gateway.networking.k8s.io", "Gateway"), ["not-attached"]);
    assert!(parent("other.example", "Gateway").is_empty());
    assert!(parent("gateway.networking.k8s.io", "Service").is_empty());

    let target = |target: &str| {
        let target = format!("spec: {{targetRefs: [{{group: gateway.networking.k8s.io, {target}}}], ");
        codes(&load(&format!("{GATEWAY}{}", POLICY.replace("spec: {", &target))))
    };
    assert_eq!(target("kind: Gateway, name: g"), ["attaches-to-nothing"]);
    assert_eq!(target("kind: Gateway, name: g, sectionName: http"), ["attaches-to-nothing"]);
    assert_eq!(target("kind: Gateway, name: g, sectionName: other"), ["reference-not-found"]);
    assert_eq!(target("kind: Gateway, name: other"), ["reference-not-found"]);
    assert_eq!(target("kind: HTTPRoute, name: r"), ["reference-not-found"]);
}

/// rule 2.2
#[test]
fn everything_wrong_is_found_at_once_with_its_place() {
    let text = "apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: r
spec:
  hostnames: [API.example]
  rules:
  - matches:
    - path: {value: no-slash}
      method: FETCH
    filters:
    - type: CORS
      cors:
        allowOrigins: https://a.example, https://b.example
        allowMethod: [GET]
        maxAge: 24h
        allowCredentials: \"true\"
        allowHeaders: [x-a, 5, \"X Id\", x-a]
        exposeHeaders:
        maxAge: 5
    backendRefs:
    - {name: b, port: 70000}
";
    let path = "spec.rules[0].filters[0].cors";
    let expected = [
        "m.yaml:6:15: spec.hostnames[0]: \"API.example\" is not a hostname in lower case such as api.example or *.example".to_owned(),
        "m.yaml:9:21: spec.rules[0].matches[0].path.value: \"no-slash\" is not a path that begins with / and has no empty segment, \
         no . or .. segment, no encoded slash and no other character than a URL has".to_owned(),
        "m.yaml:10:15: spec.rules[0].matches[0].method: \"FETCH\" is not one of GET, HEAD, POST, PUT, DELETE, CONNECT, OPTIONS, \
         TRACE and PATCH".to_owned(),
        format!("m.yaml:14:23: {path}.allowOrigins: \"https://a.example, https://b.example\" is not a list of strings; did you mean \
                 [https://a.example, https://b.example]?"),
        format!("m.yaml:15:9: {path}.allowMethod is not a field of this resource; did you mean \"allowMethods\"?"),
        format!("m.yaml:16:17: {path}.maxAge: \"24h\" is not a whole number of seconds; did you mean 86400?"),
        format!("m.yaml:17:27: {path}.allowCredentials: \"true\" is not true or false; did you mean true?"),
        format!("m.yaml:18:29: {path}.allowHeaders[1]: \"5\" is not a string"),
        format!("m.yaml:18:32: {path}.allowHeaders[2]: \"X Id\" is not a header name; did you mean \"X-Id\"?"),
        format!("m.yaml:18:40: {path}.allowHeaders[3]: \"x-a\" is written twice"),
        format!("m.yaml:20:9: {path}.maxAge is written twice"),
        "m.yaml:22:23: spec.rules[0].backendRefs[0].port: \"70000\" is not a port from 1 to 65535".to_owned(),
    ];
    assert_eq!(errors(text), expected);
}

/// rule 2.12: the limits of the CRD and its CEL rules, each as (what is written, the field that is named, its code).
#[test]
fn the_limits_of_the_crd_hold() {
    let long = "x".repeat(257);
    let many =
        |count: usize, one: &str| (0..count).map(|at| one.replace('#', &at.to_string())).collect::<Vec<_>>().join(", ");
    let filter = "spec.rules[0].filters[0].cors";
    let rows = [
        (cors(&format!("allowHeaders: [{long}]")), format!("{filter}.allowHeaders[0]"), "too-long"),
        (cors(&format!("allowHeaders: [{}]", many(65, "x#"))), format!("{filter}.allowHeaders"), "too-many-entries"),
        (
            cors(&format!("allowOrigins: [{}]", many(65, "https://a#.example"))),
            format!("{filter}.allowOrigins"),
            "too-many-entries",
        ),
        (cors("allowOrigins: [\"*\", https://a.example]"), format!("{filter}.allowOrigins[0]"), "wildcard-not-alone"),
        (cors("allowMethods: [GET, \"*\"]"), format!("{filter}.allowMethods[1]"), "wildcard-not-alone"),
        (cors("allowMethods: [PROPFIND]"), format!("{filter}.allowMethods[0]"), "method-not-in-crd"),
        (cors("allowOrigins: [\"https://a.example:70000\"]"), format!("{filter}.allowOrigins[0]"), "origin-port"),
        (cors("allowOrigins: [\"https://a.example:0\"]"), format!("{filter}.allowOrigins[0]"), "origin-port"),
        (cors("allowOrigins: [tauri://localhost]"), format!("{filter}.allowOrigins[0]"), "origin-other-scheme"),
        (cors("allowOrigins: [\"null\"]"), format!("{filter}.allowOrigins[0]"), "origin-null"),
        (cors("maxAge: 0"), format!("{filter}.maxAge"), "max-age-range"),
        (cors("maxAge: -1"), format!("{filter}.maxAge"), "max-age-range"),
        (cors("maxAge: 2147483648"), format!("{filter}.maxAge"), "max-age-range"),
        (cors("maxAge: 99999999999999999999"), format!("{filter}.maxAge"), "wrong-type"),
        (cors("maxAge: 5.0"), format!("{filter}.maxAge"), "wrong-type"),
        (route("filters: [{type: CORS}]"), filter.to_owned(), "missing"),
        (route("filters: [{type: CORS, cors: []}]"), filter.to_owned(), "wrong-type"),
        (route("filters: [{type: URLRewrite, cors: {}}]"), filter.to_owned(), "filter-type"),
        (route("filters: [{cors: {}}]"), "spec.rules[0].filters[0].type".to_owned(), "missing"),
        (
            route("filters: [{type: CORS, cors: {}}, {type: CORS, cors: {}}]"),
            "spec.rules[0].filters[1].type".to_owned(),
            "repeated-filter",
        ),
        (
            route("backendRefs: [{name: b, filters: [{type: CORS}]}]"),
            "spec.rules[0].backendRefs[0].filters[0].cors".to_owned(),
            "missing",
        ),
        (
            route("filters: [{type: RequestRedirect}, {type: URLRewrite}]"),
            "spec.rules[0].filters[1].type".to_owned(),
            "not-together",
        ),
        (
            route("{filters: [{type: RequestRedirect}], backendRefs: [{name: b}]}"),
            "spec.rules[0].backendRefs".to_owned(),
            "not-together",
        ),
        (route("backendRefs: [{name: b, port: 0}]"), "spec.rules[0].backendRefs[0].port".to_owned(), "invalid-value"),
        (route("backendRefs: [{port: 80}]"), "spec.rules[0].backendRefs[0].name".to_owned(), "missing"),
        (
            route("matches: [{path: {type: Exact, value: /a//b}}]"),
            "spec.rules[0].matches[0].path.value".to_owned(),
            "invalid-value",
        ),
        (
            route("matches: [{path: {type: Exact, value: /a/..}}]"),
            "spec.rules[0].matches[0].path.value".to_owned(),
            "invalid-value",
        ),
        (
            route("matches: [{path: {type: Exact, value: /a%2Fb}}]"),
            "spec.rules[0].matches[0].path.value".to_owned(),
            "invalid-value",
        ),
        (
            route("matches: [{path: {type: Exact, value: \"/a b\"}}]"),
            "spec.rules[0].matches[0].path.value".to_owned(),
            "invalid-value",
        ),
        (
            route("matches: [{path: {type: RegularExpression, value: \"(\"}}]"),
            "spec.rules[0].matches[0].path.value".to_owned(),
            "invalid-value",
        ),
        (
            route("matches: [{path: {type: Glob, value: /a}}]"),
            "spec.rules[0].matches[0].path.type".to_owned(),
            "invalid-value",
        ),
        (
            route("matches: [{headers: [{name: \"a b\", value: c}]}]"),
            "spec.rules[0].matches[0].headers[0].name".to_owned(),
            "invalid-value",
        ),
        (
            route("matches: [{headers: [{name: a, value: c}, {name: a, value: d}]}]"),
            "spec.rules[0].matches[0].headers[1].name".to_owned(),
            "duplicate",
        ),
        (
            route("matches: [{queryParams: [{name: a}]}]"),
            "spec.rules[0].matches[0].queryParams[0].value".to_owned(),
            "missing",
        ),
        (route(&format!("matches: [{}]", many(65, "{}"))), "spec.rules[0].matches".to_owned(), "too-many-entries"),
        (route("name: A"), "spec.rules[0].name".to_owned(), "invalid-value"),
        (route("name: a\n  - name: a"), "spec.rules[1].name".to_owned(), "duplicate"),
        (route("{}").replace("{name: r}", "{}"), "metadata.name".to_owned(), "missing"),
        (route("{}").replace("rules:\n  - {}", "rules: []"), "spec.rules".to_owned(), "invalid-value"),
        (
            route("{}").replace("spec:\n", "spec:\n  parentRefs: [{name: g, port: 65536}]\n"),
            "spec.parentRefs[0].port".to_owned(),
            "invalid-value",
        ),
        (POLICY.replace("allowOrigins", "allowOrigin"), "spec.cors.allowOrigin".to_owned(), "unknown-field"),
        (
            POLICY.replace("spec: {", "spec: {targetRefs: [{kind: Gateway, group: gateway.networking.k8s.io}], "),
            "spec.targetRefs[0].name".to_owned(),
            "missing",
        ),
    ];
    for (text, path, code) in rows {
        let errors = Manifests::new().read("m.yaml", &text).build().expect_err(&text);
        let found: Vec<_> = errors
            .iter()
            .map(|error| match error {
                ManifestError::Violation(violation) => (violation.path().to_string(), violation.code()),
                other => panic!("{other}"),
            })
            .collect();
        assert_eq!(found, [(path, code)], "{text}");
    }
}

#[test]
fn an_empty_cors_block_satisfies_the_crd() {
    assert_eq!(policy(&load(&route("filters: [{type: CORS, cors: {}}]")), "http://any/"), Some(CorsPolicy::new()));
    let routes = load(&cors(&format!("allowHeaders: [{}], maxAge: 2147483647", "x".repeat(256))));
    assert_eq!(codes(&routes), ["no-origin", "max-age-beyond-browsers"]);
}

/// rule 2.2
#[test]
fn in_a_long_file_as_in_a_short_one_order_counts_and_places_are_exact() {
    const MANY: usize = 3_000;
    let named = |number: usize, origin: &str| {
        cors(&format!("allowOrigins: [{origin}]")).replace("name: r}", &format!("name: r{number}}}"))
    };
    let route = |number: usize| named(number, &format!("https://a{number}.example"));
    let many = (0..MANY).map(route).collect::<Vec<_>>().join("---\n");
    let lines = many.lines().count();
    assert!(many.len() > 500_000);

    // Of two with one name the last counts.
    let routes = load(&format!("{many}---\n{}", named(0, "https://later.example")));
    // They are all for the same requests, which the first of them takes.
    let (first, others) = codes(&routes).split_first().map(|(first, others)| (*first, others.to_vec())).unwrap();
    assert_eq!(first, "replaces-earlier");
    assert!(others.len() == MANY - 1 && others.iter().all(|code| *code == "unreachable-rule"));
    let position = routes.lints()[0].position();
    assert_eq!((position.line(), position.column()), (lines as u64 + 4, 18));
    let served = policy(&routes, "http://any/x").and_then(|policy| policy.allow_origins);
    assert_eq!(served, Some(vec!["https://later.example".into()]));

    let wrong = "allowOrigins: [https://*.]";
    let all = errors(&format!("{}---\n{many}---\n{}", cors(wrong), cors(wrong)));
    let path = "spec.rules[0].filters[0].cors.allowOrigins[0]";
    assert_eq!(all.len(), 2);
    for (error, line) in all.iter().zip([6, 6 + 1 + lines + 1 + 6]) {
        assert!(error.starts_with(&format!("m.yaml:{line}:50: {path}: ")), "{error}");
    }

    // The first place that is no YAML is the one that is told.
    let broken = format!("{many}---\na: [\n---\n{many}---\nb: }}\n");
    assert_eq!(errors(&broken), [format!("m.yaml:{}:4: not YAML: this [ has no ]", lines + 2)]);
}

#[test]
fn what_is_no_yaml_is_an_error_with_its_line() {
    let [error] = &errors("a: 1\nb: [\n")[..] else { panic!() };
    assert_eq!(error, "m.yaml:2:4: not YAML: this [ has no ]");
    let missing = Manifests::new().load("/nowhere/m.yaml").read("n.yaml", "a: [").build().unwrap_err();
    let texts: Vec<_> = missing.iter().map(ToString::to_string).collect();
    assert!(texts.len() == 2 && texts[0].starts_with("/nowhere/m.yaml: "), "{texts:?}");
}

#[test]
fn a_small_file_never_grows_into_a_large_tree() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for at in 1..12 {
        let before = format!("*a{}, ", at - 1).repeat(9);
        bomb += &format!("a{at}: &a{at} [{before}]\n");
    }
    for text in [bomb, "[".repeat(100_000), "- ".repeat(5000), "x".repeat(33 << 20)] {
        assert_eq!(Manifests::new().read("m.yaml", &text).build().unwrap_err().iter().count(), 1);
    }
}

#[test]
fn backends_are_known_by_the_rule_that_was_found() {
    let routes = load(&route("backendRefs: [{name: b, port: 80, weight: 3}, {name: c, namespace: other}]"));
    let request = Request::get("http://any/").body(()).unwrap();
    let found = routes.table().find(&CorsRequest::of(&request)).unwrap();
    let backends: Vec<_> =
        routes.backends(&found).iter().map(|b| (&*b.namespace, &*b.name, b.port, b.weight)).collect();
    assert_eq!(backends, [("default", "b", Some(80), 3), ("other", "c", None, 1)]);
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in "[-a-zA-Z:{}\\[\\],\"'&*!|>#%@ \n]{0,200}") {
        let _ = Manifests::new().read("m.yaml", &text).build();
        let _ = Manifests::new().read("m.yaml", &cors(&text)).build();
        let _ = Manifests::new().read("m.yaml", &route(&text)).build();
    }
}
