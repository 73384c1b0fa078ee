//! Section 8 of `docs/semantics.md`: which rule a request reaches, which one answers a preflight, and what is held.

use std::time::{Duration, SystemTime};

use http::{HeaderName, Method, Request};
use tower_cors::{
    CompiledPolicy, CorsPolicy, Decision, PolicyResolver,
    decision::{Options, decide},
    request::CorsRequest,
    route::{Hostname, PathMatch, Route, RouteMatch, RouteTable, Rule, ValueMatch},
};

fn host(text: &str) -> Hostname {
    Hostname::parse(text).unwrap()
}

fn exact(path: &str) -> RouteMatch {
    RouteMatch::new().path(PathMatch::exact(path).unwrap())
}

fn prefix(path: &str) -> RouteMatch {
    RouteMatch::new().path(PathMatch::prefix(path).unwrap())
}

fn regex(path: &str) -> RouteMatch {
    RouteMatch::new().path(PathMatch::regular_expression(path).unwrap())
}

fn with_header(found: RouteMatch, name: &'static str, value: &str) -> RouteMatch {
    found.header(HeaderName::from_static(name), ValueMatch::exact(value))
}

fn one(name: &str, hosts: &[&str], found: RouteMatch) -> Route {
    let route = hosts.iter().fold(Route::new("ns", name), |route, name| route.hostname(host(name)));
    route.rule(Rule::new().matching(found))
}

fn get(uri: &str) -> Request<()> {
    Request::get(uri).body(()).unwrap()
}

fn found(table: &RouteTable, request: &Request<()>) -> Option<String> {
    table.find(&CorsRequest::of(request)).map(|found| format!("{}[{}]", found.name(), found.rule()))
}

#[track_caller]
fn assert_routes(routes: Vec<Route>, rows: &[(&str, Request<()>, Option<&str>)]) {
    // The order in which routes are given is of no consequence.
    for table in [RouteTable::new(routes.clone()), RouteTable::new(routes.into_iter().rev())] {
        for (name, request, expected) in rows {
            assert_eq!(found(&table, request).as_deref(), *expected, "{name}: {request:?}");
        }
    }
}

/// rule 8.1
#[test]
fn hostnames_decide_first_exact_before_wildcard_longer_wildcard_first() {
    let routes = vec![
        one("exact", &["a.b.example"], prefix("/")),
        one("long", &["*.b.example"], exact("/x")),
        one("short", &["*.example"], exact("/x")),
        one("any", &[], exact("/x")),
    ];
    let rows = [
        ("exact_host_beats_exact_path", get("http://a.b.example/x"), Some("exact[0]")),
        ("longer_wildcard_first", get("http://c.b.example/x"), Some("long[0]")),
        ("wildcard_takes_several_labels", get("http://d.c.b.example/x"), Some("long[0]")),
        ("wildcard_never_matches_the_apex", get("http://b.example/x"), Some("short[0]")),
        ("wildcard_needs_a_label", get("http://.b.example/x"), Some("short[0]")),
        ("suffix_without_a_dot_is_another_host", get("http://evilb.example/x"), Some("short[0]")),
        ("no_hostname_serves_every_host", get("http://other.test/x"), Some("any[0]")),
        ("case_and_port_are_ignored", get("http://A.B.Example:8080/y"), Some("exact[0]")),
        ("rules_of_a_broader_hostname_come_after", get("http://c.b.example/y"), None),
    ];
    assert_routes(routes, &rows);
}

/// rule 8.1: the next hostname's rules follow where none of the more specific hostname's matches.
#[test]
fn a_broader_hostname_serves_what_the_narrower_leaves() {
    let routes = vec![one("narrow", &["a.example"], prefix("/api")), one("broad", &["*.example"], prefix("/"))];
    let rows = [
        ("narrow", get("http://a.example/api/1"), Some("narrow[0]")),
        ("left_to_broad", get("http://a.example/other"), Some("broad[0]")),
    ];
    assert_routes(routes, &rows);
}

/// rule 8.1
#[test]
fn the_host_header_serves_where_the_uri_has_no_authority() {
    let table = RouteTable::new([one("a", &["a.example"], prefix("/")), one("any", &[], prefix("/"))]);
    let hosts = |hosts: &[&str]| {
        let request = hosts.iter().fold(Request::get("/"), |request, host| request.header("host", *host));
        found(&table, &request.body(()).unwrap()).unwrap()
    };
    assert_eq!(hosts(&["A.example:1234"]), "a[0]");
    assert_eq!(hosts(&["[::1]:80"]), "any[0]");
    assert_eq!(hosts(&["a.example", "b.example"]), "any[0]", "several Host lines are no host");
    assert_eq!(hosts(&[]), "any[0]");
    assert_eq!(hosts(&[&"a.".repeat(4000)]), "any[0]");
    assert_eq!(hosts(&[&"A.".repeat(4000)]), "any[0]");
    let authority_wins = Request::get("http://b.example/").header("host", "a.example").body(()).unwrap();
    assert_eq!(found(&table, &authority_wins).unwrap(), "any[0]");
}

/// rule 8.1
#[test]
fn paths_decide_second_exact_then_longest_prefix_then_expression() {
    let routes = vec![
        one("exact", &[], exact("/foo")),
        one("slash", &[], exact("/foo/")),
        one("prefix", &[], prefix("/foo")),
        one("longer", &[], prefix("/foo/bar/")),
        one("expression", &[], regex("/(foo|r)/[a-z]+/\\d+")),
    ];
    let rows = [
        ("exact_first", get("http://h/foo"), Some("exact[0]")),
        ("exact_compares_the_slash", get("http://h/foo/"), Some("slash[0]")),
        ("prefix_at_a_boundary", get("http://h/foo/x"), Some("prefix[0]")),
        ("prefix_never_within_a_segment", get("http://h/foobar"), None),
        ("longest_prefix", get("http://h/foo/bar"), Some("longer[0]")),
        ("trailing_slash_of_a_prefix_is_ignored", get("http://h/foo/bar/baz"), Some("longer[0]")),
        ("longest_prefix_at_a_boundary", get("http://h/foo/barbaz"), Some("prefix[0]")),
        ("prefix_before_expression", get("http://h/foo/abc/1"), Some("prefix[0]")),
        ("expression", get("http://h/r/abc/12"), Some("expression[0]")),
        ("expression_matches_the_whole_path", get("http://h/r/abc/12/x"), None),
        ("paths_keep_their_case", get("http://h/FOO"), None),
        ("the_query_is_no_path", get("http://h/foo?x=/bar"), Some("exact[0]")),
    ];
    assert_routes(routes, &rows);
}

/// rule 8.1
#[test]
fn paths_values_and_names_of_parameters_are_compared_with_their_case() {
    let query = |name: &str, value| RouteMatch::new().query(name, ValueMatch::exact(value));
    let routes = vec![
        one("header", &[], with_header(exact("/"), "x-tenant", "Shop")),
        one("query", &[], query("Page", "Last").path(PathMatch::exact("/").unwrap())),
        one("exact", &[], exact("/Exact")),
        one("prefix", &[], prefix("/Prefix/Of")),
    ];
    let with = |value: &str| Request::get("http://h/").header("x-tenant", value).body(()).unwrap();
    let long = "a=b&".repeat(100);
    assert_routes(
        routes,
        &[
            ("a value", with("Shop"), Some("header[0]")),
            ("a value in lower case", with("shop"), None),
            ("a parameter", get("http://h/?Page=Last"), Some("query[0]")),
            ("its name in lower case", get("http://h/?page=Last"), None),
            ("its value in lower case", get("http://h/?Page=last"), None),
            ("a parameter of a long query", get(&format!("http://h/?{long}Page=Last")), Some("query[0]")),
            ("its name in lower case", get(&format!("http://h/?{long}page=Last")), None),
            ("a path", get("http://h/Exact"), Some("exact[0]")),
            ("a path in lower case", get("http://h/exact"), None),
            ("a prefix", get("http://h/Prefix/Of/it"), Some("prefix[0]")),
            ("a prefix in lower case", get("http://h/Prefix/of/it"), None),
        ],
    );
}

/// rule 8.1: a node of the tree stands for several segments, and is cut where another prefix parts from it.
#[test]
fn prefixes_that_share_segments_are_told_apart_in_whatever_order_they_come() {
    let routes = || {
        let paths = ["/a/b/c/d", "/a/b", "/a/b/x", "/a/bc", "/a/b/c/d/e", "/", "/a//b", "/z/é/y", "/z/è"];
        paths.map(|path| one(path, &[], prefix(path))).to_vec()
    };
    let rows = [
        ("/a/b/c/d/e/f", "/a/b/c/d/e"),
        ("/a/b/c/d", "/a/b/c/d"),
        ("/a/b/c", "/a/b"),
        ("/a/b/c/", "/a/b"),
        ("/a/b/xy", "/a/b"),
        ("/a/b/x/y", "/a/b/x"),
        ("/a/bc/d", "/a/bc"),
        ("/a/bcd", "/"),
        ("/a", "/"),
        ("/a//b", "/a//b"),
        ("/a//", "/"),
        ("/b", "/"),
    ];
    for turn in 0..9 {
        let mut routes = routes();
        routes.rotate_left(turn);
        let table = RouteTable::new(routes);
        for (path, expected) in rows {
            let request = get(&format!("http://h{path}"));
            assert_eq!(found(&table, &request), Some(format!("{expected}[0]")), "{path}, turn {turn}");
        }
    }
}

/// rule 8.1
#[test]
fn then_method_then_header_count_then_query_count() {
    let x = |found| with_header(found, "x", "1");
    let y = |found| with_header(found, "y", "1");
    let q = |found: RouteMatch| found.query("q", ValueMatch::exact("1"));
    let routes = vec![
        one("plain", &[], prefix("/")),
        one("method", &[], prefix("/").method(Method::GET)),
        one("one", &[], x(prefix("/")).method(Method::POST)),
        one("two", &[], x(y(prefix("/"))).method(Method::POST)),
        one("query", &[], q(prefix("/")).method(Method::POST)),
        one("one-query", &[], q(x(prefix("/"))).method(Method::POST)),
        one("header-get", &[], x(y(prefix("/")))),
    ];
    let post = |uri: &str, names: &[&str]| {
        names.iter().fold(Request::post(uri), |request, name| request.header(*name, "1")).body(()).unwrap()
    };
    let get_both = Request::get("http://h/").header("x", "1").header("y", "1").body(()).unwrap();
    let put_both = Request::put("http://h/").header("x", "1").header("y", "1").body(()).unwrap();
    let rows = [
        ("method_beats_headers", get_both, Some("method[0]")),
        ("headers_without_method", put_both, Some("header-get[0]")),
        ("more_headers", post("http://h/?q=1", &["x", "y"]), Some("two[0]")),
        ("query_breaks_the_tie", post("http://h/?q=1", &["x"]), Some("one-query[0]")),
        ("header_beats_query", post("http://h/?q=2", &["x"]), Some("one[0]")),
        ("query_alone", post("http://h/?p&q=1&q=2", &[]), Some("query[0]")),
        ("the_first_of_a_repeated_parameter_counts", post("http://h/?q=2&q=1", &[]), Some("plain[0]")),
        ("nothing_met", post("http://h/", &[]), Some("plain[0]")),
    ];
    assert_routes(routes, &rows);
}

/// rule 8.1
#[test]
fn then_the_oldest_route_then_its_name_then_the_order_of_rules() {
    let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let young = |name: &str| one(name, &[], prefix("/age")).created(at(20));
    let routes = vec![
        one("a-undated", &[], prefix("/age")),
        young("b-young"),
        one("z-old", &[], prefix("/age")).created(at(10)),
        one("b", &[], prefix("/name")),
        one("a", &[], prefix("/name")).rule(Rule::new().matching(prefix("/name"))),
        // The Gateway API compares "namespace/name" as one text, where `-` comes before `/`.
        Route::new("ns-2", "zz").rule(Rule::new().matching(prefix("/text"))),
        Route::new("ns", "aa").rule(Rule::new().matching(prefix("/text"))),
    ];
    let rows = [
        ("the_oldest_wins", get("http://h/age"), Some("z-old[0]")),
        ("the_first_name_and_its_first_rule", get("http://h/name"), Some("a[0]")),
        ("namespace_and_name_are_one_text", get("http://h/text"), Some("zz[0]")),
    ];
    assert_routes(routes, &rows);
}

/// rule 8.1
#[test]
fn values_match_as_a_whole() {
    let expression = ValueMatch::regular_expression("v[12]").unwrap();
    let version = RouteMatch::new().header(HeaderName::from_static("x-version"), expression.clone());
    let query = RouteMatch::new().query("version", expression);
    let table = RouteTable::new([one("header", &[], version), one("query", &[], query)]);
    let sent = |value: &[&str]| {
        let request =
            value.iter().fold(Request::get("http://h/"), |request, value| request.header("x-version", *value));
        found(&table, &request.body(()).unwrap())
    };
    assert_eq!(sent(&["v1"]).as_deref(), Some("header[0]"));
    assert_eq!(sent(&["v12"]), None);
    assert_eq!(sent(&["v1", "v2"]), None, "several lines are one list");
    assert_eq!(found(&table, &get("http://h/?version=v2")).as_deref(), Some("query[0]"));
    assert_eq!(found(&table, &get("http://h/?version=xv2")), None);
}

#[test]
fn matches_on_values_are_equal_when_they_are_written_alike() {
    let expression = |text| ValueMatch::regular_expression(text).unwrap();
    assert_eq!(ValueMatch::exact("1"), ValueMatch::exact("1"));
    assert_ne!(ValueMatch::exact("1"), ValueMatch::exact("2"));
    assert_eq!(expression("v[12]"), expression("v[12]"));
    assert_ne!(expression("v[12]"), expression("v[13]"));
    assert_ne!(expression("1"), ValueMatch::exact("1"));
}

#[test]
fn an_expression_can_not_escape_its_anchors() {
    assert!(PathMatch::regular_expression("/a)|(?:/b").is_err());
    assert!(PathMatch::regular_expression("(").is_err());
    assert!(PathMatch::regular_expression("(a{1000}){1000}").is_err(), "too large");
    assert!(PathMatch::exact("foo").is_err() && PathMatch::prefix("").is_err());
    let table = RouteTable::new([one("either", &[], regex("/a|/b"))]);
    assert_eq!(found(&table, &get("http://h/a/x")), None);
    assert_eq!(found(&table, &get("http://h/x/b")), None);
    assert!(found(&table, &get("http://h/b")).is_some());
}

#[test]
fn hostnames_that_nobody_can_have_are_refused() {
    for text in
        ["", "*", "*.", "a..example", ".example", "a.example.", "a.*.example", "*a.example", "a.example:80", "-a"]
    {
        assert!(Hostname::parse(text).is_err(), "{text:?}");
    }
    assert!(Hostname::parse(&"a".repeat(254)).is_err());
}

/// rule 8.4
#[test]
fn a_request_arrives_on_the_first_listener_that_its_host_fits() {
    let policy = |origin: &str| CorsPolicy::new().allow_origins([origin]).compile().unwrap();
    let policies = [Some(policy("https://one.example")), None, Some(policy("https://three.example"))];
    let route = Route::new("ns", "r")
        .listener(None, host("*.one.example"))
        .listener(None, host("two.example"))
        .listener(None, host("*.example"))
        .rule(Rule::new().policy_by_listener(policies));
    let table = RouteTable::new([route]);
    let listener = |uri: &str| {
        let request = get(uri);
        let found = table.find(&CorsRequest::of(&request))?;
        Some((found.listener(), found.policy().map(|policy| policy.policy().allow_origins.clone().unwrap()[0].clone())))
    };
    assert_eq!(listener("http://a.one.example/"), Some((0, Some("https://one.example".to_owned()))));
    assert_eq!(listener("http://two.example/"), Some((1, None)));
    assert_eq!(listener("http://one.example/"), Some((2, Some("https://three.example".to_owned()))));
    assert_eq!(listener("http://example/"), None, "a host that fits no listener is not served");
}

/// rule 8.4
#[test]
fn options_asterisk_meets_only_the_prefix_slash() {
    let options = |uri: &str| Request::options(uri).header("host", "h").body(()).unwrap();
    let routes = vec![one("root", &[], prefix("/")), one("expression", &["h"], regex(".*"))];
    assert_routes(
        routes,
        &[("asterisk", options("*"), Some("root[0]")), ("path", options("/x"), Some("expression[0]"))],
    );
    let routes = vec![one("exact", &[], exact("/")), one("longer", &[], prefix("/x"))];
    assert_routes(routes, &[("asterisk", options("*"), None)]);
}

/// rule 8.5
#[test]
fn a_request_that_no_rule_matches_has_no_policy_but_the_fallback() {
    let table = RouteTable::new([one("a", &["a.example"], prefix("/"))]);
    let request = get("http://b.example/");
    assert!(table.resolve(&CorsRequest::of(&request)).policy().is_none());
    let open = CorsPolicy::new().allow_origins(["*"]).compile().unwrap();
    let table = table.with_fallback(open.clone());
    assert_eq!(table.resolve(&CorsRequest::of(&request)).policy(), Some(&open));
    assert!(table.find(&CorsRequest::of(&request)).is_none());
    let request = get("http://a.example/");
    assert!(table.resolve(&CorsRequest::of(&request)).policy().is_none(), "a rule without a policy has none");
}

fn allow(origins: &[&str], methods: &[&str], names: &[&str]) -> CompiledPolicy {
    CorsPolicy::new().allow_origins(origins).allow_methods(methods).allow_headers(names).compile().unwrap()
}

fn preflight(uri: &str, methods: &[&str], names: &[&str]) -> Request<()> {
    let mut request = Request::options(uri).header("origin", "https://app.example");
    for method in methods {
        request = request.header("access-control-request-method", *method);
    }
    for name in names {
        request = request.header("access-control-request-headers", *name);
    }
    request.body(()).unwrap()
}

/// rule 8.2
#[test]
fn a_preflight_is_routed_as_the_request_that_it_announces() {
    let header = |name| with_header(prefix("/"), name, "1");
    let routes = vec![
        one("put", &["m.example"], prefix("/").method(Method::PUT)),
        one("options", &["m.example"], prefix("/").method(Method::OPTIONS)),
        one("rest", &["m.example"], prefix("/")),
        one("custom", &["h.example"], header("x-canary")),
        one("content", &["c.example"], header("content-type")),
        one("cookie", &["k.example"], header("cookie")),
        one("own", &["o.example"], header("x-gateway")),
        one("query", &["q.example"], prefix("/").query("v", ValueMatch::exact("2"))),
    ];
    let sent = |name: &str| {
        let mut request = preflight("http://o.example/", &["GET"], &[]);
        request.headers_mut().insert(HeaderName::try_from(name).unwrap(), "1".parse().unwrap());
        request
    };
    let rows = [
        ("announced_method", preflight("http://m.example/", &["PUT"], &[]), Some("put[0]")),
        ("announced_options", preflight("http://m.example/", &["OPTIONS"], &[]), Some("options[0]")),
        ("own_method_is_not_matched", preflight("http://m.example/", &["GET"], &[]), Some("rest[0]")),
        ("methods_keep_their_case", preflight("http://m.example/", &["put"], &[]), Some("rest[0]")),
        ("several_lines_announce_no_method", preflight("http://m.example/", &["PUT", "PUT"], &[]), Some("rest[0]")),
        ("announced_name", preflight("http://h.example/", &["GET"], &["X-Other, X-Canary"]), Some("custom[0]")),
        ("name_on_a_second_line", preflight("http://h.example/", &["GET"], &["a", "x-canary"]), Some("custom[0]")),
        ("name_that_is_not_announced", preflight("http://h.example/", &["GET"], &["x-can"]), None),
        ("safelisted_name", preflight("http://c.example/", &["POST"], &[]), Some("content[0]")),
        ("names_that_browsers_set_may_be_met", preflight("http://k.example/", &["GET"], &[]), Some("cookie[0]")),
        ("other_names_are_the_preflights_own", preflight("http://o.example/", &["GET"], &[]), None),
        ("own_header_met", sent("x-gateway"), Some("own[0]")),
        ("query_met", preflight("http://q.example/?v=2", &["GET"], &[]), Some("query[0]")),
        ("query_not_met", preflight("http://q.example/?v=1", &["GET"], &[]), None),
    ];
    assert_routes(routes, &rows);
}

/// rule 8.2
#[test]
fn the_first_candidate_that_allows_everything_answers_else_the_first() {
    let app = ["https://app.example"];
    let canary = || with_header(prefix("/"), "x-canary", "1");
    let route = Route::new("ns", "r")
        .rule(Rule::new().matching(with_header(canary(), "x-two", "1")))
        .rule(Rule::new().matching(canary()).policy(allow(&app, &["PUT"], &["x-canary"])))
        .rule(Rule::new().matching(prefix("/")).policy(allow(&app, &["*"], &["*"])))
        .rule(Rule::new().matching(prefix("/")).policy(allow(&["*"], &["*"], &["*"])));
    let table = RouteTable::new([route]);
    let rule = |methods: &[&str], names: &[&str]| found(&table, &preflight("http://h/", methods, names)).unwrap();
    assert_eq!(rule(&["PUT"], &["x-canary"]), "r[1]");
    assert_eq!(rule(&["DELETE"], &["x-canary"]), "r[2]", "the second candidate allows the method");
    assert_eq!(rule(&["PUT"], &["x-canary, authorization"]), "r[2]", "the second candidate allows the name");
    assert_eq!(rule(&["PUT"], &[]), "r[2]");
    assert_eq!(rule(&["PUT"], &["x-canary, x-two"]), "r[2]", "the one without a policy does not answer");

    let mut other = preflight("http://h/", &["PUT"], &["x-canary"]);
    other.headers_mut().insert("origin", "https://evil.example".parse().unwrap());
    assert_eq!(found(&table, &other).unwrap(), "r[1]", "no candidate down to the first sure one: the first answers");
    let mut other = preflight("http://h/", &["PUT"], &["x-canary, x-two"]);
    other.headers_mut().insert("origin", "https://evil.example".parse().unwrap());
    assert_eq!(found(&table, &other).unwrap(), "r[0]");
    assert!(table.resolve(&CorsRequest::of(&other)).policy().is_none(), "one without a policy passes it on");
    other.headers_mut().append("origin", "https://app.example".parse().unwrap());
    assert_eq!(found(&table, &other).unwrap(), "r[0]", "several origins are allowed by none");
}

/// rule 8.3
#[test]
fn a_request_needs_the_consent_of_the_rule_that_it_really_reaches() {
    let app = ["https://app.example"];
    let canary = with_header(prefix("/a"), "x-canary", "1");
    let route = Route::new("ns", "r")
        .rule(Rule::new().matching(canary).policy(allow(&["https://other.example"], &["PUT"], &["x-canary"])))
        .rule(Rule::new().matching(prefix("/a")).policy(allow(&app, &["PUT"], &["x-canary"])))
        .rule(Rule::new().matching(prefix("/b")).policy(allow(&["https://other.example"], &[], &[])));
    let table = RouteTable::new([route]);
    let status = |request: http::request::Builder| {
        let request = request.header("origin", "https://app.example").header("host", "h").body(()).unwrap();
        let head = CorsRequest::of(&request);
        let resolution = table.resolve(&head);
        match decide(&head, &resolution, &Options::new()) {
            Decision::Answer(answer) => Some(answer.status().as_u16()),
            _ => None,
        }
    };
    assert_eq!(status(Request::put("/a").header("x-canary", "1")), Some(403), "the consent was the other rule's");
    assert_eq!(status(Request::get("/a").header("x-canary", "1")), Some(403), "the header needed a preflight");
    assert_eq!(status(Request::put("/a")), None);
    assert_eq!(status(Request::put("/a").header("x-canary", "2")), None);
    assert_eq!(status(Request::get("/a")), None, "a simple request needs no consent");
    assert_eq!(status(Request::put("/b")), None, "no other rule can have consented, so CORS is no access control");
    let same_site = Request::put("/a").header("x-canary", "1").header("sec-fetch-site", "same-origin");
    assert_eq!(status(same_site), None);
}

/// rule 8.3
#[test]
fn rules_beside_others_are_known_when_the_table_is_built() {
    let canary = |path| with_header(prefix(path), "x-canary", "1");
    let names = |routes: Vec<Route>| {
        let table = RouteTable::new(routes);
        table.ambiguous_rules().map(|rule| format!("{}[{}]", rule.name(), rule.rule())).collect::<Vec<_>>()
    };
    let rule = |found| Rule::new().matching(found);
    let none: [&str; 0] = [];
    assert_eq!(names(vec![one("alone", &[], canary("/"))]), none);
    assert_eq!(names(vec![one("a", &[], prefix("/a")), one("b", &[], prefix("/"))]), none);
    assert_eq!(names(vec![one("a", &["x.example"], canary("/")), one("b", &["y.example"], prefix("/"))]), none);
    assert_eq!(names(vec![one("a", &[], canary("/a")), one("b", &[], prefix("/b"))]), none);
    let methods = vec![one("a", &[], canary("/").method(Method::PUT)), one("b", &[], prefix("/").method(Method::GET))];
    assert_eq!(names(methods), none);
    assert_eq!(names(vec![one("a", &[], canary("/a")), one("b", &[], prefix("/"))]), ["a[0]", "b[0]"]);
    let covered = Route::new("ns", "r").rule(rule(canary("/a"))).rule(rule(prefix("/a"))).rule(rule(prefix("/")));
    assert_eq!(names(vec![covered]), ["r[0]", "r[1]"], "no request that may reach the first can reach the third");
    let hosts = vec![one("a", &["x.example"], canary("/a")), one("b", &["*.example"], exact("/a/b"))];
    assert_eq!(names(hosts), ["a[0]", "b[0]"]);
    let expressions = vec![one("a", &[], with_header(exact("/a"), "x", "1")), one("b", &[], regex("/[a-z]"))];
    assert_eq!(names(expressions), ["a[0]", "b[0]"]);
    let tenants = (0..4).fold(Route::new("ns", "t"), |route, _| route.rule(rule(canary("/"))));
    assert_eq!(names(vec![tenants]), ["t[0]", "t[1]", "t[2]", "t[3]"]);
}

/// The policy that allows one origin.
fn only(origin: &str) -> CompiledPolicy {
    CorsPolicy::new().allow_origins([origin]).compile().unwrap()
}

/// Whether a request is refused where no policy allows its origin: it needs the consent of the rule that it reaches.
fn needs_consent(table: &RouteTable, request: &Request<()>) -> bool {
    let mut request = request.clone();
    request.headers_mut().insert("origin", http::HeaderValue::from_static("https://nobody.example"));
    let head = CorsRequest::of(&request);
    matches!(decide(&head, &table.resolve(&head), &Options::new()), Decision::Answer(_))
}

/// rule 8.2
#[test]
fn a_preflight_that_announces_what_many_rules_ask_for_may_be_for_any_of_them() {
    let tenant = |number: usize| {
        let found = with_header(RouteMatch::new(), "x-tenant", &number.to_string());
        let policy = CorsPolicy::new().allow_origins([format!("https://{number}.example")]);
        Rule::new().matching(found).policy(policy.allow_headers(["x-tenant", "x-other"]).compile().unwrap())
    };
    let table =
        RouteTable::new([(0..40).fold(Route::new("ns", "tenants"), |route, number| route.rule(tenant(number)))]);
    let ask = |names: &str| {
        let preflight = Request::options("/").header("origin", "https://7.example");
        let preflight = preflight.header("access-control-request-method", "GET");
        found(&table, &preflight.header("access-control-request-headers", names).body(()).unwrap())
    };
    assert_eq!(ask("x-other, x-tenant").as_deref(), Some("tenants[7]"));
    assert_eq!(ask("x-other"), None);
    let request = Request::get("/").header("x-tenant", "31").body(()).unwrap();
    assert_eq!(found(&table, &request).as_deref(), Some("tenants[31]"));
}

/// rule 8.1
#[test]
fn many_rules_are_found_by_whichever_header_they_ask_for() {
    const NAMES: [&str; 6] = ["x-a", "x-b", "x-c", "x-d", "x-e", "x-f"];
    let rule = |number: usize| {
        let found = with_header(RouteMatch::new(), NAMES[number % 6], &number.to_string());
        Rule::new().matching(found)
    };
    let table = RouteTable::new([(0..60).fold(Route::new("ns", "r"), |route, number| route.rule(rule(number)))]);
    for number in 0..60 {
        for name in NAMES {
            let request = Request::get("/").header(name, number.to_string()).body(()).unwrap();
            let expected = (name == NAMES[number % 6]).then(|| format!("r[{number}]"));
            assert_eq!(found(&table, &request), expected, "{name}: {number}");
        }
    }
}

/// rule 8.3
#[test]
fn a_request_needs_consent_where_another_rule_may_answer_the_same_preflight() {
    let canary = || with_header(RouteMatch::new(), "x-canary", "1");
    let query = |found: RouteMatch, name: &str, value: &str| found.query(name, ValueMatch::exact(value));
    let table = |rules: Vec<RouteMatch>| {
        let rules = rules.into_iter().map(|found| Rule::new().matching(found).policy(only("https://a.example")));
        RouteTable::new([rules.fold(Route::new("ns", "r"), Route::rule)])
    };
    let request = |uri: &str| Request::get(uri).header("x-canary", "1").header("x-late", "1").body(()).unwrap();

    let beside =
        |other: RouteMatch| needs_consent(&table(vec![query(canary(), "k", "1"), other]), &request("/?k=1&other=2"));
    assert!(beside(query(RouteMatch::new(), "other", "2")));
    assert!(beside(query(RouteMatch::new(), "k", "1")));
    assert!(!beside(query(RouteMatch::new(), "k", "2")), "no request is for both");

    let expressions = vec![with_header(regex("/x.*"), "x-canary", "1"), regex("/.*")];
    assert!(needs_consent(&table(expressions), &request("/xy")));
}

/// rule 8.3
#[test]
fn rules_with_the_same_headers_are_each_beside_the_rules_behind() {
    let app = |names: &[&str]| {
        CorsPolicy::new().allow_origins(["https://app.example"]).allow_headers(names).compile().unwrap()
    };
    let rule = |path: &str, name: &'static str, value: &str, allowed: &[&str]| {
        Rule::new().matching(with_header(prefix(path), name, value)).policy(app(allowed))
    };
    let route = Route::new("ns", "r")
        .rule(rule("/x", "x-one", "1", &["x-one"]))
        .rule(rule("/x", "x-one", "2", &["x-one"]))
        .rule(rule("/", "x-two", "1", &["x-one", "x-two"]));
    let table = RouteTable::new([route]);
    let preflight = Request::options("/x").header("access-control-request-method", "GET");
    let preflight = preflight.header("access-control-request-headers", "x-one, x-two").header("origin", "https://a.b");
    assert_eq!(found(&table, &preflight.body(()).unwrap()).as_deref(), Some("r[0]"));

    // The third rule's consent does not serve for the second, whose policy does not allow the header of the third.
    let request = Request::get("/x").header("x-one", "2").header("x-two", "1").body(()).unwrap();
    assert_eq!(found(&table, &request).as_deref(), Some("r[1]"));
    assert!(needs_consent(&table, &request));
}

/// rule 8.3
#[test]
fn a_rule_between_two_expressions_in_the_order_is_beside_the_first() {
    let rules = [
        Rule::new().matching(with_header(exact("/ac"), "x-one", "1")),
        Rule::new().matching(with_header(regex("/a.*"), "x-two", "1").method(Method::GET)),
        Rule::new().matching(with_header(regex(".*c"), "x-three", "1")),
        Rule::new().matching(regex("/a.*")),
        Rule::new().matching(regex(".*c")),
    ];
    let table = RouteTable::new([rules.into_iter().fold(Route::new("ns", "r"), Route::rule)]);
    // The request that must reach `/a.*` may reach `.*c` by its header before.
    let last: Vec<_> = table.ambiguous_rules().map(|found| found.rule()).collect();
    assert_eq!(last, [0, 1, 2, 3, 4], "for a path such as /bc, the last one is beside the third");
}

/// rule 8.3: what is alike is not compared one by one, and yet each has what is beside it alone.
#[test]
fn a_rule_is_not_beside_itself() {
    let matching = |path: &str, name: &'static str, value: usize| with_header(prefix(path), name, &value.to_string());
    // One rule with many matches is not beside itself.
    let alone = (0..5).fold(Rule::new(), |rule, value| rule.matching(matching("/alone", "x-one", value)));
    let alone = RouteTable::new([Route::new("ns", "r").rule(alone)]);
    assert_eq!(alone.ambiguous_rules().count(), 0);
}

/// rule 8.3
#[test]
fn a_prefix_is_beside_the_same_exact_path_of_a_broader_hostname() {
    let narrow = one("narrow", &["a.example"], with_header(prefix("/x"), "x-one", "1"));
    let broad = one("broad", &["*.example"], with_header(exact("/x"), "x-two", "1"));
    let table = RouteTable::new([narrow, broad]);
    let ambiguous: Vec<_> = table.ambiguous_rules().map(|found| found.name().to_owned()).collect();
    assert_eq!(ambiguous, ["narrow", "broad"]);
}

/// rule 8.3
#[test]
fn an_expression_is_beside_nothing_behind_the_same_one_of_a_broader_hostname() {
    let narrow = one("narrow", &["a.example"], with_header(regex("/a.*"), "x-one", "1"));
    let broad = one("broad", &["*.example"], regex("/a.*")).rule(Rule::new().matching(regex("/b.*")));
    let table = RouteTable::new([narrow, broad]);
    let ambiguous: Vec<_> = table.ambiguous_rules().map(|found| (found.name().to_owned(), found.rule())).collect();
    assert_eq!(ambiguous, [("narrow".to_owned(), 0), ("broad".to_owned(), 0)]);
}

/// rule 7.1
#[test]
fn a_chosen_backend_counts_in_the_rule_that_it_belongs_to() {
    let rule = |path: &str, origin: &str| {
        Rule::new()
            .matching(prefix(path))
            .policy(only("https://rule.example"))
            .backend_policy_by_listener(0, [only(origin)])
    };
    let route = Route::new("ns", "r").rule(rule("/a", "https://a.example")).rule(rule("/b", "https://b.example"));
    let table = RouteTable::new([route]);
    let allowed = |path: &str, chosen_for: &str| {
        let chosen = table.find(&CorsRequest::of(&get(chosen_for))).unwrap().choose(0);
        let mut request = get(path);
        request.extensions_mut().insert(chosen);
        let resolution = table.resolve(&CorsRequest::of(&request));
        let origins = resolution.policy().unwrap().policy().allow_origins.clone().unwrap();
        origins.concat()
    };
    assert_eq!(allowed("/a", "/a"), "https://a.example");
    assert_eq!(allowed("/b", "/b"), "https://b.example");
    assert_eq!(allowed("/b", "/a"), "https://rule.example");
}

/// rule 8.1
#[test]
fn of_a_thousand_expressions_each_finds_its_own_route() {
    let routes = (0..1_000).map(|at| one(&format!("r{at}"), &[], regex(&format!("/(a|b)*/x{at}"))));
    let table = RouteTable::new(routes);
    for at in [0, 249, 250, 499, 500, 999] {
        assert_eq!(found(&table, &get(&format!("http://h/ab/x{at}"))), Some(format!("r{at}[0]")));
    }
    assert_eq!(found(&table, &get("http://h/ab/x1000")), None);
}
