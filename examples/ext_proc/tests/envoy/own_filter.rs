//! Envoy with its own CORS filter in the place of the example, and where a client gets something else of it: what the table
//! of `docs/envoy.md` says. Rules 3.7, 4.2, 5.3, 5.5, 6.1, 8.2.

use tokio::time::timeout;
use tower_cors::{decision::Options, manifest::Manifests};

use crate::{
    envoy::{self, CONFIGURATION, Envoy, PATIENCE},
    server::Server,
    switch::Switch,
    wire::{self, Head},
};

/// The configuration of the example with another filter in the place of its own.
pub(crate) fn with_filter(filter: &str) -> String {
    let begin = CONFIGURATION.find("          # The first filter").expect("the example's filter");
    let end = CONFIGURATION.find("          - name: envoy.filters.http.router").expect("the router");
    format!("{}{filter}{}", &CONFIGURATION[..begin], &CONFIGURATION[end..])
}

/// The configuration with Envoy's own filter; the policy is an open map of YAML.
pub(crate) fn with_own_filter(policy: &str) -> String {
    const FILTER: &str = "          - name: envoy.filters.http.cors
            typed_config: {\"@type\": type.googleapis.com/envoy.extensions.filters.http.cors.v3.Cors}
";
    const KIND: &str = "\"@type\": type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy}";
    let host = "domains: [\"*\"]";
    let per_host =
        format!("{host}\n              typed_per_filter_config: {{envoy.filters.http.cors: {policy}, {KIND}}}");
    with_filter(FILTER).replace(host, &per_host)
}

const APP: &str = "https://app.example";
const OTHER: &str = "https://other.example";
const PREFLIGHT: &str = "access-control-request-method: PUT\r\n";

const LISTED: &str = "allowOrigins: ['https://app.example'], allowMethods: [PUT]";
const OWN_LISTED: &str = "{allow_origin_string_match: [{exact: 'https://app.example'}], allow_methods: PUT";
const ANY: &str = "allowOrigins: ['*'], allowCredentials: true";
const OWN_ANY: &str = "{allow_origin_string_match: [{safe_regex: {regex: '.*'}}], allow_credentials: true";

/// What a client gets: whether the server was asked, the status, the allowed origin, and `Vary`.
type Got = (bool, u16, Option<String>, Option<String>);

/// A request, and what a client gets of the example and of Envoy's own filter.
struct Difference {
    name: &'static str,
    policies: [&'static str; 2],
    request: (&'static str, &'static str, &'static str),
    /// `Access-Control-Allow-Origin` of the server.
    server: Option<&'static str>,
    /// Another match of Envoy's route.
    route: Option<&'static str>,
    got: [(bool, u16, Option<&'static str>, Option<&'static str>); 2],
}

const DIFFERENCES: [Difference; 5] = [
    Difference {
        name: "a server that allows everybody, a page that the policy does not allow",
        policies: [LISTED, OWN_LISTED],
        request: ("GET", OTHER, ""),
        server: Some("*"),
        route: None,
        got: [(true, 200, None, Some("Origin")), (true, 200, Some("*"), None)],
    },
    Difference {
        name: "a response that a cache may keep for another page",
        policies: [LISTED, OWN_LISTED],
        request: ("GET", APP, ""),
        server: None,
        route: None,
        got: [(true, 200, Some(APP), Some("Origin")), (true, 200, Some(APP), None)],
    },
    Difference {
        name: "a preflight of a page that the policy does not allow",
        policies: [LISTED, OWN_LISTED],
        request: ("OPTIONS", OTHER, PREFLIGHT),
        server: Some("*"),
        route: None,
        got: [
            (false, 200, None, Some("Origin, Access-Control-Request-Method, Access-Control-Request-Headers")),
            (true, 200, Some("*"), None),
        ],
    },
    Difference {
        name: "a preflight for a route that takes PUT alone",
        policies: [LISTED, OWN_LISTED],
        request: ("OPTIONS", APP, PREFLIGHT),
        server: None,
        route: Some("match: {prefix: /, headers: [{name: ':method', string_match: {exact: PUT}}]}"),
        got: [
            (false, 200, Some(APP), Some("Origin, Access-Control-Request-Method, Access-Control-Request-Headers")),
            (false, 404, None, None),
        ],
    },
    Difference {
        name: "a sandboxed frame, where any origin is allowed with credentials",
        policies: [ANY, OWN_ANY],
        request: ("GET", "null", ""),
        server: None,
        route: None,
        got: [(true, 200, None, Some("Origin")), (true, 200, Some("null"), None)],
    },
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn envoys_own_filter_differs_where_the_page_says_so() {
    let Some(program) = envoy::program() else { return };
    let server = Server::start().await;
    let (switch, processor) = Switch::start().await;
    for difference in DIFFERENCES {
        let headers = difference.server.map(|origin| ("Access-Control-Allow-Origin".to_owned(), origin.to_owned()));
        server.set(200, headers.into_iter().collect());
        let manifest = format!(
            "{{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {{name: a}}, spec: {{rules: \
             [{{filters: [{{type: CORS, cors: {{{}}}}}]}}]}}}}",
            difference.policies[0]
        );
        let routes = Manifests::new().read("a.yaml", &manifest).build().expect("a valid manifest");
        switch.set(routes, Options::new());
        let configurations = [CONFIGURATION.to_owned(), with_own_filter(difference.policies[1])];
        let expected = difference.got.map(|(is_asked, status, origin, vary)| {
            (is_asked, status, origin.map(str::to_owned), vary.map(str::to_owned))
        });
        for (configuration, expected) in configurations.iter().zip(expected) {
            let route = difference.route.unwrap_or("match: {prefix: /}");
            let configuration = configuration.replace("match: {prefix: /}", route);
            let envoy = Envoy::start_with(&program, &configuration, processor, server.address()).await;
            assert_eq!(ask(&envoy, &server, difference.request).await, expected, "{}", difference.name);
        }
    }
}

async fn ask(envoy: &Envoy, server: &Server, (method, origin, more): (&str, &str, &str)) -> Got {
    let request =
        format!("{method} / HTTP/1.1\r\nhost: a.example\r\norigin: {origin}\r\n{more}connection: close\r\n\r\n");
    let before = server.asked();
    let head: Head = timeout(PATIENCE, wire::head(envoy.address, &request)).await.expect("an answer in time");
    let value = |name| head.value(name).map(str::to_owned);
    (server.asked() > before, head.status, value("access-control-allow-origin"), value("vary"))
}
