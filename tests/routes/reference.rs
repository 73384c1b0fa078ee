//! `RouteTable` compared with a slow, obvious resolver that looks at every match of every route.

use std::{cmp::Reverse, collections::BTreeSet};

use http::{HeaderName, Method, Request};
use proptest::{prelude::*, sample::select};
use tower_cors::{
    CompiledPolicy, CorsPolicy,
    request::CorsRequest,
    route::{Hostname, PathMatch, Route, RouteMatch, RouteTable, Rule, ValueMatch},
};

const HOSTS: [&str; 6] = ["a.b.example", "b.example", "c.b.example", "x.test", "example", "a.x.test"];
const HOSTNAMES: [&str; 6] = ["a.b.example", "*.b.example", "*.example", "x.test", "*.test", "b.example"];
const PATHS: [&str; 7] = ["/", "/a", "/a/", "/a/b", "/ab", "/a/b/c", "/b"];
const EXPRESSIONS: [&str; 3] = ["/a.*", "/[ab]", ".*c"];
const NAMES: [&str; 4] = ["x-one", "x-two", "content-type", "cookie"];
const VALUES: [&str; 2] = ["1", "2"];
const METHODS: [Method; 3] = [Method::GET, Method::PUT, Method::DELETE];

#[derive(Clone, Debug)]
struct PlainMatch {
    kind: u8,
    path: &'static str,
    method: Option<Method>,
    headers: Vec<(&'static str, &'static str)>,
    query: Option<&'static str>,
}

#[derive(Clone, Debug)]
struct PlainRoute {
    hostnames: Vec<&'static str>,
    listeners: Vec<&'static str>,
    rules: Vec<(Vec<PlainMatch>, Option<PlainPolicy>)>,
}

/// Whether it is for another origin than the page's, and the methods and names that it allows.
type PlainPolicy = (bool, Vec<&'static str>, Vec<&'static str>);

#[derive(Clone, Debug)]
struct Sent {
    host: &'static str,
    path: &'static str,
    method: Method,
    headers: Vec<(&'static str, &'static str)>,
    query: Option<&'static str>,
}

fn a_match() -> impl Strategy<Value = PlainMatch> {
    let path =
        prop_oneof![(Just(0), select(&PATHS[..])), (Just(1), select(&PATHS[..])), (Just(2), select(&EXPRESSIONS[..])),];
    let headers = prop::collection::vec((select(&NAMES[..]), select(&VALUES[..])), 0..3);
    (path, prop::option::of(select(&METHODS[..])), headers, prop::option::weighted(0.2, select(&VALUES[..]))).prop_map(
        |((kind, path), method, mut headers, query)| {
            headers.sort_unstable();
            headers.dedup_by_key(|(name, _)| *name);
            PlainMatch { kind, path, method, headers, query }
        },
    )
}

fn a_route() -> impl Strategy<Value = PlainRoute> {
    let policy = (
        any::<bool>(),
        prop::sample::subsequence(&["PUT", "DELETE"][..], 0..3),
        prop::sample::subsequence(&NAMES[..3], 0..4),
    );
    let rule = (prop::collection::vec(a_match(), 0..3), prop::option::weighted(0.8, policy));
    (
        prop::sample::subsequence(&HOSTNAMES[..], 0..3),
        prop::collection::vec(select(&HOSTNAMES[..]), 0..2),
        prop::collection::vec(rule, 1..4),
    )
        .prop_map(|(hostnames, listeners, rules)| PlainRoute { hostnames, listeners, rules })
}

/// Routes that get in one another's way: few hosts and paths, no methods, and many header matches.
fn a_crowded_route() -> impl Strategy<Value = PlainRoute> {
    const PATHS: [(u8, &str); 7] =
        [(0, "/a"), (0, "/a/b/c"), (1, "/"), (1, "/a"), (2, "/a.*"), (2, "/[ab]"), (2, ".*c")];
    let headers = prop::collection::vec((select(&["x-one", "x-two"][..]), select(&VALUES[..])), 0..2);
    let found = (select(&PATHS[..]), headers).prop_map(|((kind, path), headers)| PlainMatch {
        kind,
        path,
        method: None,
        headers,
        query: None,
    });
    let rule = prop::collection::vec(found, 1..3).prop_map(|matches| (matches, None));
    let hostnames = prop::sample::subsequence(&["*.b.example"][..], 0..=1);
    (hostnames, prop::collection::vec(rule, 1..4)).prop_map(|(hostnames, rules)| PlainRoute {
        hostnames,
        listeners: Vec::new(),
        rules,
    })
}

fn a_request() -> impl Strategy<Value = Sent> {
    let headers = prop::collection::vec((select(&NAMES[..]), select(&VALUES[..])), 0..4);
    let query = prop::option::of(select(&VALUES[..]));
    (select(&HOSTS[..]), select(&PATHS[..]), select(&METHODS[..]), headers, query).prop_map(
        |(host, path, method, mut headers, query)| {
            headers.sort_unstable();
            headers.dedup_by_key(|(name, _)| *name);
            Sent { host, path, method, headers, query }
        },
    )
}

fn policy_of((others, methods, names): &PlainPolicy) -> CompiledPolicy {
    let origin = if *others { "https://other.example" } else { "https://app.example" };
    CorsPolicy::new().allow_origins([origin]).allow_methods(methods).allow_headers(names).compile().unwrap()
}

fn table(routes: &[PlainRoute]) -> RouteTable {
    RouteTable::new(routes.iter().enumerate().map(|(at, plain)| {
        let mut route = Route::new("ns", format!("r{at}"));
        for name in &plain.hostnames {
            route = route.hostname(Hostname::parse(name).unwrap());
        }
        for name in &plain.listeners {
            route = route.listener(None, Hostname::parse(name).unwrap());
        }
        for (matches, policy) in &plain.rules {
            let mut rule = Rule::new();
            for found in matches {
                rule = rule.matching(route_match(found));
            }
            if let Some(policy) = policy {
                rule = rule.policy(policy_of(policy));
            }
            route = route.rule(rule);
        }
        route
    }))
}

fn route_match(plain: &PlainMatch) -> RouteMatch {
    let path = match plain.kind {
        0 => PathMatch::exact(plain.path),
        1 => PathMatch::prefix(plain.path),
        _ => PathMatch::regular_expression(plain.path),
    };
    let mut found = RouteMatch::new().path(path.unwrap());
    for (name, value) in &plain.headers {
        found = found.header(HeaderName::from_static(name), ValueMatch::exact(*value));
    }
    if let Some(method) = &plain.method {
        found = found.method(method.clone());
    }
    if let Some(value) = plain.query {
        found = found.query("v", ValueMatch::exact(value));
    }
    found
}

// The slow, obvious resolver: every match that a request may meet, sorted by 8.1.

fn fits(hostname: &str, host: &str) -> bool {
    match hostname.strip_prefix('*') {
        Some(suffix) => host.len() > suffix.len() && host.ends_with(suffix),
        None => host == hostname,
    }
}

fn meets_path(found: &PlainMatch, path: &str) -> bool {
    match (found.kind, found.path) {
        (0, exact) => path == exact,
        (1, "/") => true,
        (1, prefix) => {
            let prefix = prefix.trim_end_matches('/');
            path == prefix || path.starts_with(&format!("{prefix}/"))
        }
        (_, "/a.*") => path.starts_with("/a"),
        (_, "/[ab]") => path == "/a" || path == "/b",
        (_, ".*c") => path.ends_with('c'),
        _ => unreachable!(),
    }
}

/// A match that a request may meet: its rule, as (route, rule), and the names of its header matches.
struct Met {
    rule: (usize, usize),
    names: Vec<&'static str>,
}

/// The matches that a request, or its preflight, may meet, in order.
fn slow(routes: &[PlainRoute], sent: &Sent, preflight: bool) -> Vec<Met> {
    let mut rows = Vec::new();
    for (at, route) in routes.iter().enumerate() {
        if !route.listeners.is_empty() && !route.listeners.iter().any(|name| fits(name, sent.host)) {
            continue;
        }
        let hostnames: Vec<_> = route.hostnames.iter().filter(|name| fits(name, sent.host)).collect();
        let Some(hostname) = (if route.hostnames.is_empty() {
            Some((true, 0))
        } else {
            hostnames
                .into_iter()
                .map(|name| (name.starts_with('*'), name.len()))
                .min_by_key(|(wild, len)| (*wild, Reverse(*len)))
        }) else {
            continue;
        };
        let everything = PlainMatch { kind: 1, path: "/", method: None, headers: Vec::new(), query: None };
        for (rule, (matches, _)) in route.rules.iter().enumerate() {
            let matches = if matches.is_empty() { vec![everything.clone()] } else { matches.clone() };
            for found in matches {
                let met = |(name, value): &(&str, &str)| {
                    let is_sent = sent.headers.contains(&(*name, *value));
                    let announced = sent.headers.iter().any(|(sent, _)| sent == name);
                    // A preflight announces what its request will send; not announced, and yet possible, are safelisted
                    // names and those that the browser sets, such as `Cookie`.
                    if preflight { matches!(*name, "content-type" | "cookie") || announced } else { is_sent }
                };
                let is_met = meets_path(&found, sent.path)
                    && found.method.as_ref().is_none_or(|method| *method == sent.method)
                    && found.query.is_none_or(|value| sent.query == Some(value))
                    && found.headers.iter().all(met);
                if !is_met {
                    continue;
                }
                let path = match found.kind {
                    0 => (0, 0),
                    1 => (1, 100 - found.path.trim_end_matches('/').len()),
                    _ => (2, 0),
                };
                let counts =
                    (found.method.is_none(), Reverse(found.headers.len()), Reverse(found.query.iter().count()));
                let key = (hostname.0, Reverse(hostname.1), path, counts, at, rule);
                let names = found.headers.iter().map(|(name, _)| *name).collect();
                rows.push((key, Met { rule: (at, rule), names }));
            }
        }
    }
    rows.sort_by_key(|row| row.0);
    rows.into_iter().map(|(_, met)| met).collect()
}

/// 8.2: what the preflight of `sent` may meet, down to the first that the request must reach.
fn candidates(routes: &[PlainRoute], sent: &Sent) -> Vec<Met> {
    let mut all = slow(routes, sent, true);
    if let Some(sure) = all.iter().position(|met| met.names.is_empty()) {
        all.truncate(sure + 1);
    }
    all
}

fn actual(sent: &Sent) -> Request<()> {
    let query = sent.query.map(|value| format!("?v={value}")).unwrap_or_default();
    let mut request = Request::builder()
        .method(sent.method.clone())
        .uri(format!("http://{}{}{query}", sent.host, sent.path))
        .header("origin", "https://app.example");
    for (name, value) in &sent.headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap()
}

/// The preflight that a browser sends before `sent`.
fn preflight(sent: &Sent) -> Request<()> {
    let query = sent.query.map(|value| format!("?v={value}")).unwrap_or_default();
    let names: Vec<_> = sent.headers.iter().map(|(name, _)| *name).filter(|name| name.starts_with("x-")).collect();
    Request::options(format!("http://{}{}{query}", sent.host, sent.path))
        .header("origin", "https://app.example")
        .header("access-control-request-method", sent.method.as_str())
        .header("access-control-request-headers", names.join(","))
        .body(())
        .unwrap()
}

fn found(table: &RouteTable, request: &Request<()>) -> Option<(usize, usize)> {
    table.find(&CorsRequest::of(request)).map(|found| (found.route(), found.rule()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    /// rule 8.1
    #[test]
    fn an_actual_request_reaches_the_rule_that_the_slow_resolver_finds(
        routes in prop::collection::vec(a_route(), 1..6), sent in a_request(),
    ) {
        let expected = slow(&routes, &sent, false).first().map(|met| met.rule);
        prop_assert_eq!(found(&table(&routes), &actual(&sent)), expected);
    }

    /// rule 8.1: many matches at one path are found by the value of a header.
    #[test]
    fn many_matches_at_one_path_are_found_as_the_slow_resolver_finds_them(
        routes in prop::collection::vec(a_route(), 1..3),
        many in prop::collection::vec(a_match(), 20..60),
        sent in a_request(),
    ) {
        let many = many.into_iter().map(|found| (vec![PlainMatch { kind: 1, path: "/a", ..found }], None));
        let mut routes = routes;
        routes.push(PlainRoute { hostnames: Vec::new(), listeners: Vec::new(), rules: many.collect() });
        let table = table(&routes);
        let expected = slow(&routes, &sent, false).first().map(|met| met.rule);
        prop_assert_eq!(found(&table, &actual(&sent)), expected);
        let expected = slow(&routes, &sent, true).first().map(|met| met.rule);
        prop_assert_eq!(found(&table, &preflight(&sent)).is_some(), expected.is_some());
    }

    /// rule 8.2
    #[test]
    fn a_preflight_is_answered_by_the_rule_that_the_slow_resolver_finds(
        routes in prop::collection::vec(a_route(), 1..6), sent in a_request(),
    ) {
        let candidates = candidates(&routes, &sent);
        let consents = |met: &&Met| {
            let (route, rule) = met.rule;
            routes[route].rules[rule].1.as_ref().is_some_and(|(others, methods, names)| {
                let method = sent.method == Method::GET || methods.contains(&sent.method.as_str());
                !others
                    && method
                    && sent.headers.iter().all(|(name, _)| !name.starts_with("x-") || names.contains(name))
            })
        };
        let expected = candidates.iter().find(consents).or(candidates.first()).map(|met| met.rule);
        prop_assert_eq!(found(&table(&routes), &preflight(&sent)), expected);
    }

    /// rule 8.3: the rules that are candidates for one preflight are known when the table is built.
    #[test]
    fn the_candidates_of_a_preflight_are_known_to_be_ambiguous(
        routes in prop::collection::vec(prop_oneof![a_route(), a_crowded_route()], 1..6), sent in a_request(),
    ) {
        let candidates: BTreeSet<_> = candidates(&routes, &sent).into_iter().map(|met| met.rule).collect();
        if candidates.len() > 1 {
            let table = table(&routes);
            let ambiguous: BTreeSet<_> = table.ambiguous_rules().map(|found| (found.route(), found.rule())).collect();
            prop_assert!(candidates.is_subset(&ambiguous), "{candidates:?} of {ambiguous:?}");
        }
    }
}
