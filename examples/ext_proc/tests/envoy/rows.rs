//! The rows of `tests/rules` through Envoy: each is a request to Envoy, an answer of the server behind it, and what a client
//! gets. What Envoy makes of a request before any filter sees it is named, with the reason.

use std::{
    collections::{HashMap, HashSet},
    net::SocketAddr,
};

use tokio::time::timeout;
use tower_cors::{
    decision::{InnerHeaders, Options, PreflightStatus, UnmatchedPreflight},
    manifest::{LoadedRoutes, Manifests},
};

use crate::{
    envoy::{self, Envoy, PATIENCE},
    row::{Ask, Attachment, By, Case, Got, Table, Unmatched},
    server::Server,
    switch::Switch,
    tables::{TABLES, compile},
    wire,
};

/// What Envoy changes or refuses before a filter sees it, and the cases that say something else of it. The tests hold that
/// these cases differ and no others.
const LEFT_OUT: [(&str, &[&str]); 5] = [
    (
        "Envoy takes the spaces and tabs off the ends of a value",
        &[
            "what_is_no_lower_case_tuple_origin_matches_no_pattern (\"\\thttps://a.example\", actual request)",
            "what_is_no_lower_case_tuple_origin_matches_no_pattern (\"\\thttps://a.example\", preflight)",
            "what_is_no_lower_case_tuple_origin_matches_no_pattern (\" https://a.example\", actual request)",
            "what_is_no_lower_case_tuple_origin_matches_no_pattern (\" https://a.example\", preflight)",
            "what_is_no_lower_case_tuple_origin_matches_no_pattern (\"https://a.example \", actual request)",
            "what_is_no_lower_case_tuple_origin_matches_no_pattern (\"https://a.example \", preflight)",
            "what_is_no_lower_case_tuple_origin_matches_no_pattern (\"https://a.example\\t\", actual request)",
            "what_is_no_lower_case_tuple_origin_matches_no_pattern (\"https://a.example\\t\", preflight)",
            "what_is_no_lower_case_tuple_origin_matches_no_pattern (\"https://a.example:443 \", actual request)",
            "what_is_no_lower_case_tuple_origin_matches_no_pattern (\"https://a.example:443 \", preflight)",
        ],
    ),
    (
        "Envoy joins the lines of a header, and drops empty ones",
        &["an_empty_origin_beside_another_line_is_several", "an_empty_line_beside_an_announced_method_is_not_echoed"],
    ),
    (
        "what has a comma is taken for lines that Envoy has joined, so it is denied here",
        &["an_open_policy_answers_garbage_with_a_star"],
    ),
    (
        "Envoy closes the connection: it knows neither the method `options` nor a CONNECT without a tunnel",
        &["options_in_lower_case_is_no_preflight", "the_guard_blocks_an_extended_connect_of_a_denied_origin"],
    ),
    (
        "Envoy answers 403 to upgrades but those that `upgrade_configs` names",
        &[
            "the_guard_knows_a_websocket_in_any_case_and_any_list",
            "the_guard_knows_a_websocket_on_a_second_line",
            "the_guard_passes_a_protocol_that_only_contains_the_name",
        ],
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_of_envoy_gets_what_each_case_says() {
    let Some(program) = envoy::program() else { return };
    let server = Server::start().await;
    let (switch, processor) = Switch::start().await;
    let envoy = Envoy::start(&program, processor, server.address()).await;
    let left_out: HashSet<_> = LEFT_OUT.iter().flat_map(|(_, names)| names.iter().copied()).collect();
    let (mut failures, mut differing, mut count) = (Vec::new(), HashSet::new(), 0);
    for (file, text) in TABLES {
        for case in Table::parse(text).cases() {
            count += 1;
            switch.set(case.policy.as_ref().map(|policy| compile(&case, policy)), options(&case));
            let got = timeout(PATIENCE, run(&envoy, &server, &case)).await.expect("an answer in time");
            let Err(difference) = as_joined(&case).check(&got) else { continue };
            if left_out.contains(case.name.as_str()) {
                differing.insert(case.name);
            } else {
                failures.push(format!("{file}: {difference}"));
            }
        }
    }
    eprintln!(
        "{} cases behind Envoy as they stand; of {count}, {} are left out",
        count - left_out.len(),
        left_out.len()
    );
    assert!(failures.is_empty(), "{} of {count} cases differ:\n\n{}", failures.len(), failures.join("\n\n"));
    assert!(count > 700, "only {count} cases");
    let said = format!("all but {} of\nmore than 700 cases", left_out.len());
    assert!(include_str!("../../../../docs/envoy.md").contains(&said), "docs/envoy.md does not say {said:?}");
    assert_eq!(differing, left_out.into_iter().map(str::to_owned).collect(), "those that differ, and those left out");
}

// rule 7.1, 8.1, 8.6
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn envoy_applies_the_policies_of_manifests_as_each_row_says() {
    let Some(program) = envoy::program() else { return };
    let server = Server::start().await;
    let (switch, processor) = Switch::start().await;
    // A request that says where it arrives needs an Envoy that says so.
    let mut envoys = HashMap::new();
    let (mut wrong, mut count) = (Vec::new(), 0);
    let rows = Table::parse(include_str!("../../../../tests/rules/attachment.toml")).attachment;
    for row in &rows {
        switch.set(routes(row), Options::new());
        for ask in &row.requests {
            if !envoys.contains_key(&ask.listener) {
                let configuration = envoy::configuration_of(ask.listener.as_deref());
                let envoy = Envoy::start_with(&program, &configuration, processor, server.address()).await;
                envoys.insert(ask.listener.clone(), envoy);
            }
            let answered = timeout(PATIENCE, max_age(envoys[&ask.listener].address, ask)).await.expect("in time");
            count += 1;
            // Where no route takes a request, no policy applies either, and Envoy's own routes say what becomes of it.
            if answered != ask.max_age.filter(|age| *age > 0) {
                wrong.push(format!("rule {}, {}: {ask:?}: {answered:?}", row.rule, row.name));
            }
        }
    }
    eprintln!("{} rows with {count} requests behind Envoy", rows.len());
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

fn routes(row: &Attachment) -> LoadedRoutes {
    let mut manifests = Manifests::new();
    if let Some(namespace) = &row.global_policy_namespace {
        manifests = manifests.global_policy_namespace(namespace);
    }
    let routes = manifests.read("row.yaml", &row.manifests).build();
    routes.unwrap_or_else(|errors| panic!("{}: {errors}", row.name))
}

/// The max-age that a preflight is answered with.
async fn max_age(envoy: SocketAddr, ask: &Ask) -> Option<u64> {
    let url: http::Uri = ask.url.parse().expect("a URL");
    let target = url.path_and_query().map_or("/", |path| path.as_str());
    let host = url.authority().expect("a host");
    let announced = ask.announced.as_ref().map(|names| format!("Access-Control-Request-Headers: {names}\r\n"));
    let request = format!(
        "OPTIONS {target} HTTP/1.1\r\nHost: {host}\r\nOrigin: https://app.example\r\nAccess-Control-Request-Method: \
         {}\r\n{}Connection: close\r\n\r\n",
        ask.method,
        announced.unwrap_or_default()
    );
    let head = wire::head(envoy, &request).await;
    assert_eq!(head.status, 200, "{ask:?}: {head:?}");
    head.value("access-control-max-age").map(|age| age.parse().expect("a number"))
}

async fn run(envoy: &Envoy, server: &Server, case: &Case) -> Got {
    server.set(case.inner.status, case.inner_lines());
    let before = server.asked();
    let mut lines = case.request_lines();
    let has = |lines: &[(String, String)], name: &str| lines.iter().any(|line| line.0.eq_ignore_ascii_case(name));
    if !has(&lines, "host") {
        lines.push(("Host".into(), "server.example".into()));
    }
    // Envoy drops an `Upgrade` that `Connection` does not name.
    let connection = if has(&lines, "upgrade") { "Upgrade" } else { "close" };
    lines.retain(|line| !line.0.eq_ignore_ascii_case("connection"));
    lines.push(("Connection".into(), connection.into()));
    let lines: String = lines.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("{} / HTTP/1.1\r\n{lines}\r\n", case.method);
    let head = wire::head(envoy.address, &head).await;
    let by = if server.asked() > before { By::Inner } else { By::Layer };
    Got { by, status: head.status, headers: head.headers }
}

/// Envoy joins the lines of one of these headers with commas.
fn as_joined(case: &Case) -> Case {
    let mut joined: Vec<(&str, String)> = Vec::new();
    for line in &case.headers {
        let (name, value) = line.split_once(": ").expect("a header line");
        match joined.iter_mut().find(|other| other.0.eq_ignore_ascii_case(name)) {
            Some(other) => other.1 += &format!(",{value}"),
            None => joined.push((name, value.to_owned())),
        }
    }
    let headers = joined.into_iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let mut case = case.clone();
    case.headers = headers;
    case
}

fn options(case: &Case) -> Options {
    let options = &case.options;
    Options::new()
        .preflight_status(if options.no_content { PreflightStatus::NoContent } else { PreflightStatus::Ok })
        .unmatched_preflight(match options.unmatched_preflight {
            Unmatched::Answer => UnmatchedPreflight::Answer,
            Unmatched::Forbid => UnmatchedPreflight::Forbid,
            Unmatched::Forward => UnmatchedPreflight::Forward,
        })
        .inner_headers(if options.keep_inner_headers { InnerHeaders::Keep } else { InnerHeaders::Remove })
        .enforce(options.enforce)
        .guard_websocket_upgrades(options.guard_websocket_upgrades)
        .allow_private_network(options.allow_private_network)
}
