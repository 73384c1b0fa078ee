//! Which rule a request reaches, told over a socket by the running gateway: section 8 of `docs/semantics.md` over the
//! manifests of `precedence.yaml`, whose rules are told apart by their max-age.

use crate::process::{Gateway, file};

/// A preflight's host, path, announced method and announced names, and the max-age of the rule that answers; none where
/// the gateway's own 404 does.
type Row = (&'static str, &'static str, &'static str, &'static str, &'static str, Option<&'static str>);

const ROWS: &[Row] = &[
    // rule 8.1
    ("an_exact_path_wins_over_its_prefix", "api.example.com", "/users", "PUT", "", Some("11")),
    ("a_prefix_ends_at_a_segment", "api.example.com", "/users/7", "PUT", "", Some("12")),
    ("the_longest_prefix_wins", "api.example.com", "/users/archive/7", "PUT", "", Some("13")),
    ("an_expression_matches_the_whole_path", "api.example.com", "/v2/users", "PUT", "", Some("14")),
    ("a_path_beyond_the_segment_is_left_to_the_wildcard_host", "api.example.com", "/users7", "PUT", "", Some("21")),
    ("a_match_of_the_method_wins", "api.example.com", "/by-method", "PUT", "", Some("15")),
    ("another_method_reaches_the_other_rule", "api.example.com", "/by-method", "DELETE", "", Some("16")),
    ("a_match_of_the_query_wins", "api.example.com", "/by-query?beta=1", "PUT", "", Some("17")),
    ("another_query_reaches_the_other_rule", "api.example.com", "/by-query?beta=2", "PUT", "", Some("18")),
    ("an_exact_host_wins_over_a_wildcard", "API.Example.com:8080", "/users", "PUT", "", Some("11")),
    ("a_wildcard_host_serves_the_rest", "www.example.com", "/users", "PUT", "", Some("21")),
    ("the_longer_wildcard_wins", "a.deep.example.com", "/users", "PUT", "", Some("22")),
    // rule 8.2
    ("an_announced_header_may_be_met", "api.example.com", "/by-header", "PUT", "x-canary", Some("19")),
    ("a_header_not_announced_is_not_met", "api.example.com", "/by-header", "PUT", "", Some("20")),
    // rule 8.4
    ("a_listener_serves_the_hosts_that_fit_it", "a.narrow.example", "/", "PUT", "", Some("23")),
    ("options_of_no_path_meet_no_other_match", "api.example.com", "*", "PUT", "", Some("21")),
    ("options_of_no_path_meet_the_default_prefix", "www.example.com", "*", "PUT", "", Some("21")),
    // rule 8.5
    ("a_host_that_no_route_serves_gets_the_404", "other.example", "/", "PUT", "", None),
];

#[test]
fn each_preflight_is_answered_by_the_rule_that_the_gateway_api_chooses() {
    let gateway = Gateway::start(&[&file("tests/manifests/precedence.yaml")]);
    for (name, host, path, method, names, expected) in ROWS {
        let mut headers =
            vec![("host", *host), ("origin", "https://app.example"), ("access-control-request-method", *method)];
        if !names.is_empty() {
            headers.push(("access-control-request-headers", names));
        }
        let response = gateway.send("OPTIONS", path, &headers);
        assert_eq!(response.header("access-control-max-age"), *expected, "{name}");
        assert_eq!(response.status(), if expected.is_some() { 200 } else { 404 }, "{name}");
    }
}

// rule 8.3
#[test]
fn an_actual_request_is_held_to_the_rule_that_it_reaches() {
    let gateway = Gateway::start(&[&file("tests/manifests/precedence.yaml")]);
    let put = |names: &[(&str, &str)]| {
        let mut headers = vec![("host", "api.example.com"), ("origin", "https://app.example")];
        headers.extend_from_slice(names);
        gateway.send("PUT", "/by-header", &headers).status()
    };
    // The rule for canaries allows the header; both allow the method.
    assert_eq!(put(&[("x-canary", "1")]), 200);
    // Another value reaches the other rule, which does not allow the header that was announced.
    assert_eq!(put(&[("x-canary", "2")]), 403);
    assert_eq!(put(&[]), 200);
}
