//! The facts of the Gateway API's conformance test `HTTPRouteCORS`, against the running gateway over a socket.

use crate::process::{Gateway, file};

/// One request and what the response must and must not have. Of several expected values any one will do.
struct Row {
    name: &'static str,
    method: &'static str,
    path: &'static str,
    origin: &'static str,
    requests: &'static [(&'static str, &'static str)],
    status: &'static [u16],
    expected: &'static [(&'static str, &'static [&'static str])],
    absent: &'static [&'static str],
}

const ORIGIN: &str = "access-control-allow-origin";
const CREDENTIALS: &str = "access-control-allow-credentials";
const METHODS: &str = "access-control-allow-methods";
const HEADERS: &str = "access-control-allow-headers";
const EXPOSE: &str = "access-control-expose-headers";
const MAX_AGE: &str = "access-control-max-age";

const ANNOUNCED: (&str, &str) = ("access-control-request-headers", "x-header-1, x-header-2");
const GET: (&str, &str) = ("access-control-request-method", "GET");
const PUT: (&str, &str) = ("access-control-request-method", "PUT");
const POST: (&str, &str) = ("access-control-request-method", "POST");

const SUCCESS: &[u16] = &[200, 204];
const BOTH_HEADERS: (&str, &[&str]) = (HEADERS, &["x-header-1, x-header-2", "x-header-2, x-header-1"]);
const BOTH_METHODS: (&str, &[&str]) = (METHODS, &["GET, OPTIONS", "OPTIONS, GET"]);
const BOTH_EXPOSED: (&str, &[&str]) = (EXPOSE, &["x-header-3, x-header-4", "x-header-4, x-header-3"]);
const HOUR: (&str, &[&str]) = (MAX_AGE, &["3600"]);
const WITH_CREDENTIALS: (&str, &[&str]) = (CREDENTIALS, &["true"]);

const ROWS: [Row; 17] = [
    Row {
        name: "preflight_from_an_exact_origin",
        method: "OPTIONS",
        path: "/cors-1",
        origin: "https://www.foo.com",
        requests: &[GET, ANNOUNCED],
        status: SUCCESS,
        expected: &[
            (ORIGIN, &["https://www.foo.com"]),
            BOTH_METHODS,
            BOTH_HEADERS,
            BOTH_EXPOSED,
            HOUR,
            WITH_CREDENTIALS,
        ],
        absent: &[],
    },
    Row {
        name: "preflight_from_a_subdomain",
        method: "OPTIONS",
        path: "/cors-1",
        origin: "https://www.bar.com",
        requests: &[GET, ANNOUNCED],
        status: SUCCESS,
        expected: &[
            (ORIGIN, &["https://www.bar.com"]),
            BOTH_METHODS,
            BOTH_HEADERS,
            BOTH_EXPOSED,
            HOUR,
            WITH_CREDENTIALS,
        ],
        absent: &[],
    },
    Row {
        name: "preflight_from_a_subdomain_of_a_subdomain",
        method: "OPTIONS",
        path: "/cors-1",
        origin: "https://xpto.www.bar.com",
        requests: &[GET, ANNOUNCED],
        status: SUCCESS,
        expected: &[
            (ORIGIN, &["https://xpto.www.bar.com"]),
            BOTH_METHODS,
            BOTH_HEADERS,
            BOTH_EXPOSED,
            HOUR,
            WITH_CREDENTIALS,
        ],
        absent: &[],
    },
    Row {
        name: "preflight_from_another_origin",
        method: "OPTIONS",
        path: "/cors-1",
        origin: "https://foobar.com",
        requests: &[GET],
        status: &[200, 204, 403],
        expected: &[],
        absent: &[ORIGIN],
    },
    Row {
        name: "simple_request_from_an_exact_origin",
        method: "GET",
        path: "/cors-1",
        origin: "https://www.foo.com",
        requests: &[GET, ANNOUNCED],
        status: &[200],
        expected: &[(ORIGIN, &["https://www.foo.com"])],
        absent: &[],
    },
    Row {
        name: "simple_request_from_a_subdomain",
        method: "GET",
        path: "/cors-1",
        origin: "https://www.bar.com",
        requests: &[GET, ANNOUNCED],
        status: &[200],
        expected: &[(ORIGIN, &["https://www.bar.com"])],
        absent: &[],
    },
    Row {
        name: "simple_request_from_another_origin",
        method: "GET",
        path: "/cors-1",
        origin: "https://foobar.com",
        requests: &[GET],
        status: &[200],
        expected: &[],
        absent: &[ORIGIN],
    },
    Row {
        name: "any_method_without_credentials",
        method: "OPTIONS",
        path: "/cors-2",
        origin: "https://www.foo.com",
        requests: &[POST],
        status: SUCCESS,
        expected: &[(ORIGIN, &["https://www.foo.com"]), (METHODS, &["POST", "*"])],
        absent: &[CREDENTIALS],
    },
    Row {
        name: "unset_credentials_are_absent",
        method: "OPTIONS",
        path: "/cors-2",
        origin: "https://www.foo.com",
        requests: &[POST],
        status: SUCCESS,
        expected: &[(MAX_AGE, &["5"])],
        absent: &[CREDENTIALS],
    },
    Row {
        name: "any_origin",
        method: "OPTIONS",
        path: "/cors-wildcard-origin",
        origin: "https://foobar.com",
        requests: &[PUT],
        status: SUCCESS,
        expected: &[(ORIGIN, &["https://foobar.com", "*"]), (METHODS, &["PUT"])],
        absent: &[CREDENTIALS],
    },
    Row {
        name: "any_origin_with_a_port",
        method: "OPTIONS",
        path: "/cors-wildcard-origin",
        origin: "https://foobar.com:12345",
        requests: &[PUT],
        status: SUCCESS,
        expected: &[(ORIGIN, &["https://foobar.com:12345", "*"]), (METHODS, &["PUT"])],
        absent: &[CREDENTIALS],
    },
    Row {
        name: "actual_request_from_any_origin_with_a_port",
        method: "PUT",
        path: "/cors-wildcard-origin",
        origin: "https://foobar.com:12345",
        requests: &[],
        status: &[200],
        expected: &[(ORIGIN, &["https://foobar.com:12345", "*"])],
        absent: &[],
    },
    Row {
        name: "actual_request_from_any_origin",
        method: "PUT",
        path: "/cors-wildcard-origin",
        origin: "https://foobar.com",
        requests: &[],
        status: &[200],
        expected: &[(ORIGIN, &["https://foobar.com", "*"])],
        absent: &[CREDENTIALS],
    },
    Row {
        name: "any_method_and_header_with_credentials_are_echoed",
        method: "OPTIONS",
        path: "/cors-wildcard-methods-headers",
        origin: "https://other.foo.com",
        requests: &[PUT, ANNOUNCED],
        status: SUCCESS,
        expected: &[(ORIGIN, &["https://other.foo.com"]), (METHODS, &["PUT"]), BOTH_HEADERS, WITH_CREDENTIALS],
        absent: &[],
    },
    Row {
        name: "any_method_and_header_without_credentials",
        method: "OPTIONS",
        path: "/cors-wildcard-methods-headers-unauth",
        origin: "https://other.foo.com",
        requests: &[PUT, ANNOUNCED],
        status: SUCCESS,
        expected: &[
            (ORIGIN, &["https://other.foo.com", "*"]),
            (METHODS, &["PUT", "*"]),
            (HEADERS, &["x-header-1, x-header-2", "x-header-2, x-header-1", "*"]),
        ],
        absent: &[CREDENTIALS],
    },
    Row {
        name: "cookie_with_credentials",
        method: "GET",
        path: "/cors-wildcard-methods-headers",
        origin: "https://other.foo.com",
        requests: &[("cookie", "foo=bar")],
        status: &[200],
        expected: &[(ORIGIN, &["https://other.foo.com"]), WITH_CREDENTIALS],
        absent: &[],
    },
    Row {
        name: "cookie_without_credentials",
        method: "GET",
        path: "/cors-wildcard-methods-headers-unauth",
        origin: "https://other.foo.com",
        requests: &[("cookie", "foo=bar")],
        status: &[200],
        expected: &[(ORIGIN, &["https://other.foo.com"])],
        absent: &[CREDENTIALS],
    },
];

#[test]
fn the_running_gateway_conforms() {
    let gateway = Gateway::start(&[&file("tests/manifests/conformance.yaml")]);
    for row in &ROWS {
        let mut headers = vec![("host", "any.example"), ("origin", row.origin)];
        headers.extend(row.requests);
        let response = gateway.send(row.method, row.path, &headers);
        let name = row.name;
        assert!(row.status.contains(&response.status()), "{name}: {response:?}");
        for (header, values) in row.expected {
            let found = response.header(header).unwrap_or_else(|| panic!("{name}: no {header} in {response:?}"));
            assert!(values.contains(&found), "{name}: {header}: {found}");
        }
        for header in row.absent {
            assert_eq!(response.header(header), None, "{name}: {header}");
        }
    }
}
