//! Rule 8.3 through whole visits of pages: the browser model of section 9 asks, the table answers, and what reaches a
//! backend did so with the consent of the rule that it reached. Then the faults that were found, each as a kind.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header};
use proptest::{prelude::*, sample::select};
use tower_cors::{
    CompiledPolicy, CorsPolicy, Decision, PolicyResolver, Reason,
    browser::ScriptRequest,
    decision::{Options, Review, decide},
    request::CorsRequest,
    route::{PathMatch, Route, RouteMatch, RouteTable, Rule, ValueMatch},
};

const APP: &str = "https://app.example";
const ADMIN: &str = "https://admin.example";

/// What became of a visit.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// The browser did not send the request.
    Blocked,
    /// The layer answered 403 in the place of the backend.
    Refused,
    Reached {
        rule: Option<(usize, usize)>,
    },
}

fn answer(table: &RouteTable, request: &Request<()>) -> (Decision, Reason) {
    let head = CorsRequest::of(request);
    let resolution = table.resolve(&head);
    let decision = decide(&head, &resolution, &Options::new());
    let reason = Review::new(&head, &resolution, &decision).reason();
    (decision, reason)
}

fn request(method: Method, uri: &Uri, headers: HeaderMap) -> Request<()> {
    let mut request = Request::new(());
    *request.method_mut() = method;
    *request.uri_mut() = uri.clone();
    *request.headers_mut() = headers;
    request
}

/// Visits `uri` as a browser does. `added` is what the browser and the proxies add without a script.
fn visit(table: &RouteTable, page: &ScriptRequest, uri: &Uri, added: &[(&'static str, &'static str)]) -> End {
    let with_added = |mut headers: HeaderMap| {
        for (name, value) in added {
            headers.entry(HeaderName::from_static(name)).or_insert(HeaderValue::from_static(value));
        }
        headers
    };
    if page.needs_preflight() {
        let (decision, _) = answer(table, &request(Method::OPTIONS, uri, page.preflight_headers()));
        let mut headers = HeaderMap::new();
        let status = match decision {
            Decision::Answer(answer) => {
                let status = answer.status();
                answer.write_to(&mut headers);
                status
            }
            _ => StatusCode::OK,
        };
        if page.check_preflight(status, &headers).is_err() {
            return End::Blocked;
        }
    }
    let actual = request(page.method().clone(), uri, with_added(page.request_headers()));
    match answer(table, &actual) {
        (Decision::Answer(answer), reason) => {
            assert_eq!((answer.status(), reason), (StatusCode::FORBIDDEN, Reason::NoConsent));
            End::Refused
        }
        _ => {
            let found = table.find(&CorsRequest::of(&actual));
            End::Reached { rule: found.map(|found| (found.route(), found.rule())) }
        }
    }
}

// Random tables and pages.

/// Exact or a prefix, the path, the method, the headers.
type PlainMatch = (u8, &'static str, Option<Method>, Vec<(&'static str, &'static str)>);

#[derive(Clone, Debug)]
struct PlainRule {
    matches: Vec<PlainMatch>,
    policy: Option<CorsPolicy>,
}

#[derive(Clone, Debug)]
struct Page {
    origin: &'static str,
    method: Method,
    path: &'static str,
    headers: Vec<(&'static str, &'static str)>,
    added: Vec<(&'static str, &'static str)>,
}

const PATHS: [&str; 4] = ["/", "/a", "/a/b", "/b"];
const CONDITIONS: [(&str, &str); 12] = [
    ("x-one", "1"),
    ("x-one", "2"),
    ("x-two", "1"),
    ("accept", "application/v2"),
    ("cookie", "canary=1"),
    ("content-type", "application/json"),
    ("authorization", "token"),
    ("user-agent", "Browser"),
    ("if-none-match", "\"1\""),
    ("x-forwarded-proto", "https"),
    ("range", "bytes=0-9"),
    ("x-csrf", "1"),
];
const SCRIPTED: [(&str, &str); 9] = [
    ("x-one", "1"),
    ("x-one", "2"),
    ("x-two", "1"),
    ("x-csrf", "1"),
    ("authorization", "token"),
    ("content-type", "application/json"),
    ("content-type", "text/plain"),
    ("accept", "application/v2"),
    ("range", "bytes=0-9"),
];
const ADDED: [(&str, &str); 8] = [
    ("cookie", "canary=1"),
    ("user-agent", "Browser"),
    ("if-none-match", "\"1\""),
    ("x-forwarded-proto", "https"),
    ("cache-control", "no-cache"),
    ("priority", "u=1"),
    ("save-data", "on"),
    ("traceparent", "00-1-1-00"),
];

fn a_policy() -> impl Strategy<Value = CorsPolicy> {
    const NAMES: [&str; 6] = ["x-one", "x-two", "x-csrf", "authorization", "content-type", "accept"];
    let names = prop_oneof![
        4 => prop::sample::subsequence(&NAMES[..], 0..5),
        1 => Just(vec!["*"]),
    ];
    let methods = prop_oneof![
        4 => prop::sample::subsequence(&["PUT", "DELETE"][..], 0..3),
        1 => Just(vec!["*"]),
    ];
    let origins = prop_oneof![
        4 => prop::sample::subsequence(&[APP, ADMIN][..], 0..3),
        1 => Just(vec!["*"]),
    ];
    (origins, methods, names).prop_map(|(origins, methods, names)| {
        CorsPolicy::new().allow_origins(origins).allow_methods(methods).allow_headers(names)
    })
}

fn a_rule() -> impl Strategy<Value = PlainRule> {
    let method = prop::option::weighted(0.3, select(&[Method::GET, Method::PUT, Method::POST][..]));
    let conditions = prop::collection::vec(select(&CONDITIONS[..]), 0..3);
    let found = (0..2_u8, select(&PATHS[..]), method, conditions);
    (prop::collection::vec(found, 1..3), prop::option::weighted(0.9, a_policy()))
        .prop_map(|(matches, policy)| PlainRule { matches, policy })
}

fn a_page() -> impl Strategy<Value = Page> {
    (
        select(&[APP, ADMIN][..]),
        select(&[Method::GET, Method::POST, Method::PUT, Method::DELETE][..]),
        select(&PATHS[..]),
        prop::collection::vec(select(&SCRIPTED[..]), 0..4),
        prop::sample::subsequence(&ADDED[..], 0..6),
    )
        .prop_map(|(origin, method, path, headers, added)| Page { origin, method, path, headers, added })
}

fn table(rules: &[PlainRule], fallback: Option<&CorsPolicy>) -> RouteTable {
    let mut route = Route::new("ns", "r");
    for plain in rules {
        let mut rule = Rule::new();
        for (kind, path, method, conditions) in &plain.matches {
            let path = if *kind == 0 { PathMatch::exact(path) } else { PathMatch::prefix(path) };
            let mut found = RouteMatch::new().path(path.unwrap());
            for (name, value) in conditions {
                found = found.header(HeaderName::from_static(name), ValueMatch::exact(*value));
            }
            if let Some(method) = method {
                found = found.method(method.clone());
            }
            rule = rule.matching(found);
        }
        route = route.rule(match &plain.policy {
            Some(policy) => rule.policy(policy.clone().compile().unwrap()),
            None => rule,
        });
    }
    let table = RouteTable::new([route]);
    match fallback {
        Some(policy) => table.with_fallback(policy.clone().compile().unwrap()),
        None => table,
    }
}

fn script_request(page: &Page) -> ScriptRequest {
    let request = ScriptRequest::new(HeaderValue::from_static(page.origin), page.method.clone());
    page.headers.iter().fold(request, |request, (name, value)| {
        request.header(HeaderName::from_static(name), HeaderValue::from_static(value))
    })
}

/// Whether the policy would have let a page send its request, preflight and all.
fn would_consent(policy: &CompiledPolicy, page: &ScriptRequest) -> bool {
    let names = page.unsafe_header_names();
    policy.allows_origin(page.origin())
        && policy.allows_method(page.method().as_str())
        && names.iter().all(|name| policy.allows_header(name.as_str()))
}

proptest! {
    // The default number of cases can be raised by PROPTEST_CASES: 50,000 cases are two million visits.
    #![proptest_config(ProptestConfig::default())]

    /// rule 8.3
    #[test]
    fn a_request_that_needed_a_preflight_reaches_a_backend_only_with_the_consent_of_its_rule(
        rules in prop::collection::vec(a_rule(), 1..6),
        fallback in prop::option::weighted(0.3, a_policy()),
        pages in prop::collection::vec(a_page(), 40),
    ) {
        let table = table(&rules, fallback.as_ref());
        for page in &pages {
            let sent = script_request(page);
            let uri = Uri::try_from(format!("http://api.example{}", page.path)).unwrap();
            let end = visit(&table, &sent, &uri, &page.added);
            if !sent.needs_preflight() {
                prop_assert!(end != End::Refused, "{page:?} needed no consent");
            } else if let End::Reached { rule } = end {
                let policy = match rule {
                    Some((_, rule)) => rules[rule].policy.as_ref(),
                    None => fallback.as_ref(),
                };
                // A rule without a policy has none to hold a request to (8.3, `unenforceable-rule`).
                if let Some(policy) = policy {
                    let policy = policy.clone().compile().unwrap();
                    prop_assert!(would_consent(&policy, &sent), "{page:?} reached {rule:?}");
                }
            }
        }
    }
}

// Faults that were found, by kind.

fn policy(origin: &str, methods: &[&str], names: &[&str]) -> CorsPolicy {
    CorsPolicy::new().allow_origins([origin]).allow_methods(methods).allow_headers(names)
}

fn two_rules(condition: (&'static str, &'static str), chosen: CorsPolicy, other: Option<CorsPolicy>) -> Vec<PlainRule> {
    let rule = |conditions, policy| PlainRule { matches: vec![(1, "/", None, conditions)], policy };
    let mut rules = vec![rule(vec![condition], Some(chosen))];
    rules.extend(other.map(|other| rule(Vec::new(), Some(other))));
    rules
}

fn post(headers: &[(&'static str, &'static str)]) -> ScriptRequest {
    script_request(&Page { origin: APP, method: Method::POST, path: "/", headers: headers.to_vec(), added: Vec::new() })
}

// rule 8.3
#[test]
fn a_safelisted_match_does_not_lend_the_consent_of_the_rule_beside() {
    let json = ("content-type", "application/json");
    let uri = Uri::from_static("http://api.example/");
    for (condition, sent, added, needed) in [
        (("accept", "application/v2"), vec![("accept", "application/v2"), json], vec![], "Content-Type"),
        (("cookie", "canary=1"), vec![json], vec![("cookie", "canary=1")], "Content-Type"),
        (
            ("accept", "application/v2"),
            vec![("accept", "application/v2"), ("authorization", "t")],
            vec![],
            "Authorization",
        ),
        (("accept", "application/v2"), vec![("accept", "application/v2"), ("x-csrf", "1")], vec![], "X-CSRF"),
    ] {
        let beside = policy(APP, &[], &[needed]);
        let chosen = policy(ADMIN, &[], &[]);
        let as_rule = table(&two_rules(condition, chosen.clone(), Some(beside.clone())), None);
        let as_fallback = table(&two_rules(condition, chosen, None), Some(&beside));
        for table in [as_rule, as_fallback] {
            assert_eq!(visit(&table, &post(&sent), &uri, &added), End::Refused, "{condition:?} {sent:?}");
        }
    }
}

// rule 8.3
#[test]
fn what_browsers_and_proxies_add_does_not_refuse_a_simple_request() {
    let uri = Uri::from_static("http://api.example/");
    let long_accept: &'static str = Box::leak("text/html, ".repeat(40).into_boxed_str());
    for added in [
        ("user-agent", "Browser"),
        ("if-none-match", "\"1\""),
        ("if-modified-since", "Thu, 01 Jan 1970 00:00:00 GMT"),
        ("if-range", "\"1\""),
        ("cache-control", "no-cache"),
        ("pragma", "no-cache"),
        ("priority", "u=1"),
        ("save-data", "on"),
        ("upgrade-insecure-requests", "1"),
        ("dnt", "1"),
        ("sec-ch-ua", "\"Browser\""),
        ("device-memory", "8"),
        ("accept", long_accept),
        ("forwarded", "for=192.0.2.1"),
        ("via", "1.1 proxy"),
        ("x-forwarded-proto", "https"),
        ("x-real-ip", "192.0.2.1"),
        ("x-request-id", "1"),
        ("traceparent", "00-1-1-00"),
        ("tracestate", "a=1"),
        ("baggage", "a=1"),
    ] {
        let both = policy(APP, &[], &[]);
        let table = table(&two_rules(added, both.clone(), Some(both)), None);
        let get = ScriptRequest::new(HeaderValue::from_static(APP), Method::GET);
        assert_eq!(visit(&table, &get, &uri, &[added]), End::Reached { rule: Some((0, 0)) }, "{added:?}");
    }
}

// rule 8.3
#[test]
fn a_name_of_a_browser_counts_where_a_rule_beside_lists_it() {
    let uri = Uri::from_static("http://api.example/");
    let beside = policy(APP, &[], &["User-Agent"]);
    let table = table(&two_rules(("accept", "application/v2"), policy(APP, &[], &[]), Some(beside)), None);
    let sent = post(&[("accept", "application/v2")]);
    assert_eq!(visit(&table, &sent, &uri, &[("user-agent", "Browser")]), End::Refused);
}

// rule 8.3
#[test]
fn the_headers_of_the_proxies_that_the_table_was_told_of_do_not_count() {
    let uri = Uri::from_static("http://api.example/");
    let beside = policy(APP, &[], &["*"]);
    let rules = two_rules(("accept", "application/v2"), policy(APP, &[], &[]), Some(beside));
    let region = [("x-client-region", "eu")];
    let sent = post(&[("accept", "application/v2")]);
    assert_eq!(visit(&table(&rules, None), &sent, &uri, &region), End::Refused);
    let told = table(&rules, None).with_proxy_headers([HeaderName::from_static("x-client-region")]);
    assert_eq!(visit(&told, &sent, &uri, &region), End::Reached { rule: Some((0, 0)) });
}

// rule 8.3
#[test]
fn the_reason_and_the_advice_name_what_lacks_the_consent() {
    let beside = policy(APP, &["PUT"], &["X-CSRF"]);
    let advice = |chosen: CorsPolicy, headers: &[(&'static str, &'static str)], method: Method| {
        let table = table(&two_rules(("accept", "application/v2"), chosen, Some(beside.clone())), None);
        let page = Page { origin: APP, method, path: "/", headers: headers.to_vec(), added: Vec::new() };
        let sent = script_request(&page);
        let uri = Uri::from_static("http://api.example/");
        let actual = request(sent.method().clone(), &uri, sent.request_headers());
        let head = CorsRequest::of(&actual);
        let resolution = table.resolve(&head);
        let decision = decide(&head, &resolution, &Options::new());
        let review = Review::new(&head, &resolution, &decision);
        assert_eq!(review.reason(), Reason::NoConsent);
        review.advice().map(|advice| advice.into_owned()).unwrap_or_default()
    };
    let v2 = ("accept", "application/v2");
    let csrf = ("x-csrf", "1");
    assert_eq!(
        advice(policy(ADMIN, &["PUT"], &["X-CSRF"]), &[v2], Method::PUT),
        format!("add \"{APP}\" to allowOrigins")
    );
    assert_eq!(advice(policy(APP, &[], &["X-CSRF"]), &[v2], Method::PUT), "add \"PUT\" to allowMethods");
    assert_eq!(advice(policy(APP, &["PUT"], &[]), &[v2, csrf], Method::PUT), "add \"x-csrf\" to allowHeaders");
}

// rule 8.3
#[test]
fn a_request_of_the_same_origin_needs_no_consent() {
    let beside = policy(APP, &["PUT"], &[]);
    let table = table(&two_rules(("accept", "application/v2"), policy(ADMIN, &[], &[]), Some(beside)), None);
    let same = Request::put("http://api.example/")
        .header(header::ORIGIN, "http://api.example")
        .header(header::ACCEPT, "application/v2")
        .body(())
        .unwrap();
    assert!(matches!(answer(&table, &same).0, Decision::Continue(_)));
}
