//! Two states of manifests side by side: which policies differ, where each field came from, and what is wider.
//! `docs/testing.md` says what counts as wider; `tests/manifests/attachment/widened.rs` holds it against requests.

use serde_json::{Value, json};
use tower_cors::{
    explain::{Cases, PolicyDiff},
    manifest::{LoadedRoutes, Manifests},
};

use crate::{
    folder::Folder,
    process::{file, run},
};

fn load(text: &str) -> LoadedRoutes {
    Manifests::new().read("m.yaml", text).build().unwrap_or_else(|errors| panic!("{errors:#}\n{text}"))
}

fn diff(before: &str, after: &str) -> PolicyDiff {
    PolicyDiff::new(&load(before), &load(after), None)
}

fn route(name: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: {name}}}\nspec: {{{spec}}}\n"
    )
}

/// A rule with a CORS filter of these fields.
fn rule(path: &str, cors: &str) -> String {
    format!("{{matches: [{{path: {{value: {path}}}}}], filters: [{{type: CORS, cors: {{{cors}}}}}]}}")
}

/// A route for everything, with a CORS filter of these fields.
fn filter(cors: &str) -> String {
    route("api", &format!("rules: [{}]", rule("/", cors)))
}

/// What is wider: of each field its entries.
fn wider(diff: &PolicyDiff) -> Vec<(String, Value)> {
    let value = serde_json::to_value(diff).unwrap();
    let changes = value["changes"].as_array().unwrap().iter();
    let fields = changes.flat_map(|change| change["fields"].as_array().unwrap().clone());
    let of_fields = fields.map(|field| (field["field"].as_str().unwrap().to_owned(), field["wider"].clone()));
    of_fields.filter(|(_, wider)| *wider != json!([])).collect()
}

/// Why something is wider, beside the fields.
fn reasons(diff: &PolicyDiff) -> Vec<String> {
    let value = serde_json::to_value(diff).unwrap();
    let changes = value["changes"].as_array().unwrap().iter();
    changes
        .flat_map(|change| change["why"].as_array().unwrap().clone())
        .map(|why| why.as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_field_is_wider_where_no_entry_allowed_it_before() {
    const ANY: &str = "allowOrigins: ['*']";
    let with = |more: &str| format!("allowOrigins: ['https://*.example'], {more}");
    // Before, after, and what is wider then.
    let rows = [
        ("allowOrigins: ['https://*.example']", "allowOrigins: [https://a.example, https://a.b.example]", None),
        ("allowOrigins: [https://a.example]", "allowOrigins: [https://a.example, https://A.example/]", None),
        (
            "allowOrigins: [https://a.example]",
            "allowOrigins: [https://a.example, https://b.example]",
            Some(("allowOrigins", json!(["https://b.example"]))),
        ),
        (
            "allowOrigins: [https://a.example]",
            "allowOrigins: ['https://*.example']",
            Some(("allowOrigins", json!(["https://*.example"]))),
        ),
        (
            "allowOrigins: [https://a.example]",
            "allowOrigins: [http://a.example]",
            Some(("allowOrigins", json!(["http://a.example"]))),
        ),
        ("allowOrigins: [https://a.example]", ANY, Some(("allowOrigins", json!(["*"])))),
        (ANY, "allowOrigins: [https://a.example]", None),
        ("maxAge: 60", ANY, Some(("allowOrigins", json!(["*"])))),
        // Nobody is allowed anything, whatever the other fields say.
        (ANY, "allowMethods: ['*'], allowCredentials: true", None),
        (
            &with("allowCredentials: false"),
            &with("allowCredentials: true"),
            Some(("allowCredentials", json!(["true"]))),
        ),
        (&with("allowCredentials: true"), &with("allowCredentials: false"), None),
        // rule 3.7
        (&format!("{ANY}, allowCredentials: true"), ANY, Some(("allowOrigins", json!(["null"])))),
        (&with("allowMethods: [PUT]"), &with("allowMethods: [PUT, GET, HEAD, POST]"), None),
        (&with("allowMethods: [PUT]"), &with("allowMethods: [PUT, DELETE]"), Some(("allowMethods", json!(["DELETE"])))),
        (&with("allowMethods: ['*']"), &with("allowMethods: [PUT, DELETE]"), None),
        (&with("maxAge: 5"), &with("allowMethods: ['*']"), Some(("allowMethods", json!(["*"])))),
        (&with("allowHeaders: [x-a]"), &with("allowHeaders: [X-A]"), None),
        (&with("allowHeaders: [x-a]"), &with("allowHeaders: [X-A, X-B]"), Some(("allowHeaders", json!(["X-B"])))),
        (&with("maxAge: 5"), &with("exposeHeaders: [Content-Type, X-A]"), Some(("exposeHeaders", json!(["X-A"])))),
        (&with("maxAge: 60"), &with("maxAge: 59"), None),
        (&with("maxAge: 60"), &with("maxAge: 61"), Some(("maxAge", json!(["61"])))),
        // rule 2.10: none stands for five seconds.
        (&with("maxAge: 5"), &with("allowMethods: []"), None),
        (&with("maxAge: 4"), &with("allowMethods: []"), Some(("maxAge", json!(["5"])))),
    ];
    for (before, after, expected) in rows {
        let diff = diff(&filter(before), &filter(after));
        let expected: Vec<_> = expected.into_iter().map(|(field, entries)| (field.to_owned(), entries)).collect();
        assert_eq!((wider(&diff), reasons(&diff)), (expected.clone(), vec![]), "{before} -> {after}");
        assert_eq!(diff.is_wider(), !expected.is_empty(), "{before} -> {after}");
    }
}

// rules 5.7, 7.9, 7.10
#[test]
fn without_a_policy_the_headers_of_the_backend_pass() {
    let none = || route("api", "rules: [{matches: [{path: {value: /}}]}]");
    let own = || filter("allowOrigins: [https://a.example]");
    let no_policy = ["no policy applies, so the backend's own CORS headers pass"];
    let gone = diff(&own(), &none());
    assert_eq!((reasons(&gone), wider(&gone)), (no_policy.map(str::to_owned).to_vec(), vec![]));
    let new = diff(&none(), &own());
    assert_eq!(
        wider(&new),
        [("allowOrigins".to_owned(), json!(["https://a.example"])), ("maxAge".to_owned(), json!(["5"]))][..1]
    );
    let deny = diff(&none(), &filter("allowOrigins: []"));
    assert!(
        !deny.is_wider() && deny.changes().len() == 1,
        "a policy that allows nothing removes the backend's headers"
    );

    // Two lists that are too long together: nothing is allowed, until one is shorter.
    let whole = std::fs::read_to_string(file("tests/manifests/attachment/invalid_whole.yaml")).unwrap();
    let shorter = whole.replace(", https://child32.example, https://child33.example", "");
    let mended = diff(&whole, &shorter);
    let [change] = mended.changes() else { panic!("{mended}") };
    assert!(change.is_wider() && change.before().is_none() && change.after().is_some(), "{mended}");
    assert!(
        mended.to_string().contains("applies: settings that make no valid policy, so nothing is allowed -> a policy")
    );
    assert!(!diff(&shorter, &whole).is_wider());
}

#[test]
fn a_rule_that_moves_requests_is_held_against_those_that_may_lose_or_get_them() {
    let rules = |rules: &[String]| route("api", &format!("rules: [{}]", rules.join(", ")));
    let open = || rule("/", "allowOrigins: [https://a.example, https://b.example]");
    let (a, c) = ("allowOrigins: [https://a.example]", "allowOrigins: [https://c.example]");
    let headed = |name: &str, cors: &str| {
        rule("/v1", cors).replacen("/v1}", &format!("/v1}}, headers: [{{name: {name}, value: '1'}}]"), 1)
    };
    let takes_of = |rule: usize| [format!("takes requests of HTTPRoute default/api rule {rule}, which allowed less")];
    let unserved = ["allows requests that may not have been served before"];
    let leaves = |rule: usize| [format!("its requests may reach HTTPRoute default/api rule {rule}, which allows more")];
    // Before, after, and why it is wider then.
    let rows: [(String, String, Vec<String>); 10] = [
        // Below a rule that allows more, a rule that allows less takes nothing more.
        (rules(&[open()]), rules(&[open(), rule("/v1", a)]), vec![]),
        (rules(&[open()]), rules(&[open(), rule("/v1", c)]), takes_of(0).to_vec()),
        (rules(&[rule("/v1", a)]), rules(&[rule("/v1", a), rule("/v2", a)]), unserved.map(str::to_owned).to_vec()),
        // Nothing is allowed of what is new.
        (rules(&[rule("/v1", a)]), rules(&[rule("/v1", a), rule("/v2", "maxAge: 5")]), vec![]),
        (rules(&[open(), rule("/v1", a)]), rules(&[open()]), leaves(0).to_vec()),
        // Nothing takes the requests of what is gone.
        (rules(&[rule("/v1", a), rule("/v2", c)]), rules(&[rule("/v1", a)]), vec![]),
        // Nor does an order matter between rules that no request meets both of.
        (rules(&[rule("/v1", a), rule("/v2", c)]), rules(&[rule("/v2", c), rule("/v1", a)]), vec![]),
        // A request may meet both, and the first one gets it.
        (
            rules(&[headed("X-A", a), headed("X-B", c)]),
            rules(&[headed("X-B", c), headed("X-A", a)]),
            [0, 1].into_iter().flat_map(|rule| [takes_of(rule), leaves(rule)]).flatten().collect(),
        ),
        // Another path: it leaves some requests, which nothing takes, and takes others, which nothing served.
        (rules(&[rule("/v1", a)]), rules(&[rule("/v2", a)]), unserved.map(str::to_owned).to_vec()),
        (rules(&[rule("/v1", a)]), rules(&[rule("/v1/users", a)]), vec![]),
    ];
    for (before, after, expected) in rows {
        let diff = diff(&before, &after);
        let (mut found, mut expected) = (reasons(&diff), expected);
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{before}{after}");
        assert_eq!(diff.is_wider(), !expected.is_empty(), "{before}{after}");
    }
}

#[test]
fn a_rule_is_known_by_its_name_and_by_what_it_matches() {
    let a = "allowOrigins: [https://a.example]";
    let two = route("api", &format!("rules: [{}, {}]", rule("/v1", a), rule("/v2", a)));
    let inserted =
        route("api", &format!("rules: [{}, {}, {}]", rule("/v0", "maxAge: 5"), rule("/v1", a), rule("/v2", a)));
    let found = diff(&two, &inserted);
    let [change] = found.changes() else { panic!("{found}") };
    assert_eq!(
        (change.rule(), change.before().is_none(), change.is_wider()),
        ("HTTPRoute default/api rule 0", true, false)
    );

    let named = |path: &str| route("api", &format!("rules: [{}]", rule(path, a).replacen('{', "{name: own, ", 1)));
    let found = diff(&named("/v1"), &named("/v1/users"));
    let text = found.to_string();
    assert!(text.contains("\n  matches: path prefix /v1 -> path prefix /v1/users\n"), "{text}");
    assert!(text.ends_with("1 changed, 0 wider, 0 as before"), "{text}");
}

/// A Gateway with two listeners, a policy for each or one for both, and a route.
fn levels(of_gateway: &str, of_internal: &str) -> String {
    let policy = |name: &str, section: &str, cors: &str| {
        format!(
            "---\napiVersion: gateway.kgateway.dev/v1alpha1\nkind: TrafficPolicy\nmetadata: {{name: {name}}}\nspec:\n  \
             targetRefs: [{{group: gateway.networking.k8s.io, kind: Gateway, name: edge{section}}}]\n  cors: {{{cors}}}\n"
        )
    };
    let gateway = "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: edge}\nspec:\n  gatewayClassName: any\n  \
                   listeners: [{name: public, port: 80, protocol: HTTP}, {name: internal, port: 81, protocol: HTTP}]\n";
    let internal =
        if of_internal.is_empty() { String::new() } else { policy("internal", ", sectionName: internal", of_internal) };
    format!(
        "{gateway}{}{internal}{}",
        policy("base", "", of_gateway),
        route("api", "parentRefs: [{name: edge}], rules: [{matches: [{path: {value: /}}]}]")
    )
}

#[test]
fn what_differs_alike_on_several_listeners_is_said_once() {
    let (a, b) = ("allowOrigins: [https://a.example]", "allowOrigins: [https://b.example]");
    let both = ["Gateway default/edge listener public", "Gateway default/edge listener internal"];
    let found = diff(&levels(a, ""), &levels(b, ""));
    let [change] = found.changes() else { panic!("{found}") };
    assert_eq!(change.listeners(), both);
    let found = diff(&levels(a, a), &levels(a, b));
    let [change] = found.changes() else { panic!("{found}") };
    assert_eq!((change.listeners(), change.rule()), (&[both[1].to_owned()][..], "HTTPRoute default/api rule 0"));
    assert_eq!(change.after().unwrap().allow_origins.as_deref().unwrap(), ["https://b.example"]);
    let value = serde_json::to_value(&found).unwrap();
    assert_eq!([&value["unchanged"], &value["changes"][0]["change"]], [&json!(1), &json!("changed")]);
}

#[test]
fn a_field_says_where_it_came_from_before_and_after() {
    // From the policy of the Gateway to a filter of the rule.
    let before = levels("allowOrigins: [https://a.example], maxAge: 60", "");
    let after = before.replace(
        "{matches: [{path: {value: /}}]}",
        &rule("/", "allowOrigins: [https://a.example], allowMethods: [PUT], maxAge: 60"),
    );
    let found = diff(&before, &after);
    assert_eq!(
        found.to_string(),
        "changed: HTTPRoute default/api rule 0 on Gateway default/edge listener public and Gateway default/edge listener internal, m.yaml:18:44\n\
         \x20 allowMethods: not set -> PUT\n\
         \x20   WIDER: PUT\n\
         \x20   after: HTTPRoute default/api rule 0 (spec.rules[0].filters[0].cors), m.yaml:18:141\n\
         1 changed, 1 wider, 0 as before"
    );
    // The policy is the same, and so is what requests get; where it stands is of no matter.
    let moved =
        before.replace("{matches: [{path: {value: /}}]}", &rule("/", "allowOrigins: [https://a.example], maxAge: 60"));
    assert!(diff(&before, &moved).changes().is_empty());
    let value = serde_json::to_value(diff(&before, &levels("maxAge: 60", ""))).unwrap();
    let field = &value["changes"][0]["fields"][0];
    let from =
        json!([{"setting": "TrafficPolicy default/base (spec.cors)", "file": "m.yaml", "line": 13, "column": 10}]);
    assert_eq!(field["before"], json!({"value": ["https://a.example"], "from": from}));
    assert_eq!((&field["after"], &field["wider"]), (&json!({"value": null, "from": []}), &json!([])));
}

#[test]
fn a_listener_that_is_gone_leaves_its_requests_to_the_others() {
    let (a, b) = ("allowOrigins: [https://a.example]", "allowOrigins: [https://b.example]");
    let before = levels(a, b);
    let after = before.replace(", {name: internal, port: 81, protocol: HTTP}", "");
    let found = diff(&before, &after);
    let leaves = "its requests may reach HTTPRoute default/api rule 0, which allows more";
    assert_eq!(reasons(&found), [leaves], "{found}");
}

#[test]
fn the_cases_that_end_otherwise_are_named() {
    let cases = "manifests: [unread.yaml]\ncases:\n\
        - {name: one, page: https://a.example, fetch: GET https://x.example/, expect: readable}\n\
        - {name: two, page: https://b.example, fetch: GET https://x.example/, expect: readable}\n\
        - {name: three, page: https://c.example, fetch: GET https://x.example/, expect: readable}\n";
    let cases = Cases::read("c.yaml", cases).unwrap();
    let (before, after) =
        (load(&filter("allowOrigins: [https://a.example]")), load(&filter("allowOrigins: [https://b.example]")));
    let diff = PolicyDiff::new(&before, &after, Some(&cases));
    let ends: Vec<_> =
        diff.cases().iter().map(|(was, is)| (was.name(), was.ending().to_string(), is.ending().to_string())).collect();
    let blocked = || "blocked: no-allow-origin".to_owned();
    assert_eq!(ends, [("one", "readable".to_owned(), blocked()), ("two", blocked(), "readable".to_owned())]);
    let text = diff.to_string();
    assert!(text.contains("\ncase c.yaml:4:3: two: blocked: no-allow-origin -> readable, WIDER\n"), "{text}");
    let value = serde_json::to_value(&diff).unwrap();
    let two = json!({"name": "two", "file": "c.yaml", "line": 4, "column": 3, "before": "blocked: no-allow-origin",
        "after": "readable", "wider": true});
    assert_eq!((&value["cases"][1], &value["cases"][0]["wider"]), (&two, &false.into()));
}

#[test]
fn the_exit_code_says_whether_something_is_wider_where_that_is_denied() {
    let folder = Folder::new("diff-exit");
    let narrow = folder.write("narrow/m.yaml", &filter("allowOrigins: [https://a.example]"));
    let wide = folder.write("wide/m.yaml", &filter("allowOrigins: ['*']"));
    let folders = ["narrow", "wide"].map(|name| folder.path().join(name).display().to_string());
    let wrong = folder.write("wrong.yaml", "kind: [");
    let rows = [
        (&["diff", &narrow, &wide][..], 0),
        (&["diff", &narrow, &wide, "--deny-wider"], 1),
        (&["diff", "--deny-wider", &folders[0], &folders[1]], 1),
        (&["diff", "--deny-wider", &wide, &narrow], 0),
        (&["diff", "--deny-wider", &narrow, &folders[0]], 0),
        (&["diff", &narrow, &wrong], 2),
        (&["diff", "missing.yaml", &narrow], 2),
        (&["diff", &narrow, &wide, "missing.yaml"], 2),
        (&["diff", &narrow], 2),
        (&["diff", &narrow, &wide, &wide, &wide], 2),
    ];
    for (arguments, code) in rows {
        let output = run(arguments);
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
    }
    // All that is wrong, at once.
    let output = run(&["diff", "missing.yaml", &wrong, "cases.yaml"]);
    let text = String::from_utf8(output.stderr).unwrap();
    let names = ["missing.yaml: ", "wrong.yaml:1:7: not YAML", "cases.yaml: "];
    assert!(names.iter().all(|name| text.contains(name)), "{text}");
    let value: Value = serde_json::from_slice(&run(&["diff", "--json", &narrow, &wide]).stdout).unwrap();
    assert_eq!([&value["wider"], &value["changes"][0]["fields"][0]["wider"]], [&json!(true), &json!(["*"])]);
}
