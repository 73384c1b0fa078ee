//! What the gateway tells whoever starts it. In: manifests as they were loaded. Out: lines for people, and the exit code of
//! `--check`.

use std::{collections::HashMap, net::SocketAddr, process::ExitCode};

use http::Request;
use serde::Serialize;
use tower_cors::{
    CorsPolicy,
    finding::Severity,
    manifest::{Change, Lint, LoadedRoutes, ManifestError, ManifestErrors},
    policy::PolicyField,
    request::CorsRequest,
};

use crate::{SAMPLE_NAME, arguments::Sources, say, say_json};

/// The most hosts, and the most rules, that a line to try is looked for among.
const MAX_TRIED: usize = 16;

/// A number of things, in English.
pub(crate) fn count(number: usize, thing: &str) -> String {
    let ending = match thing {
        _ if number == 1 => "",
        thing if thing.ends_with('y') => return format!("{number} {}ies", thing.trim_end_matches('y')),
        _ => "s",
    };
    format!("{number} {thing}{ending}")
}

pub(crate) fn lint_line(lint: &Lint) -> String {
    format!("{}: {lint} [{}]", lint.severity(), lint.code())
}

/// What is wrong with what will be served. The lints of the sample are not for its user to repair.
pub(crate) fn greet(sources: &Sources, routes: &LoadedRoutes) {
    if sources.files.is_empty() {
        eprintln!("no manifest is named: serving the sample {SAMPLE_NAME}");
        return;
    }
    for lint in routes.lints() {
        eprintln!("{}", lint_line(lint));
    }
}

/// Where it listens, and, where that is known, for which hosts, and a line to try.
pub(crate) fn say_where<'a>(addresses: impl Iterator<Item = &'a SocketAddr>, routes: Option<&LoadedRoutes>) {
    let mut first = None;
    for address in addresses {
        say(&format!("listening on http://{address}"));
        first = first.or(Some(address));
    }
    let Some(routes) = routes else { return };
    let hosts = routes.table().hostnames();
    let more = hosts.len().saturating_sub(MAX_TRIED);
    let shown = hosts.iter().take(MAX_TRIED).map(|host| if host == "*" { "every host" } else { host });
    let shown = shown.collect::<Vec<_>>().join(", ");
    match (hosts.is_empty(), more) {
        (true, _) => say("serving no host: no route is attached to a listener"),
        (false, 0) => say(&format!("serving {shown}")),
        (false, more) => say(&format!("serving {shown} and {more} more")),
    }
    if let Some((address, line)) = first.zip(to_try(&hosts, routes)) {
        say(&format!("try: curl -i http://{address}{line}"));
    }
}

/// The path and the headers of a request that some policy allows.
fn to_try(hosts: &[String], routes: &LoadedRoutes) -> Option<String> {
    let paths = routes.table().rules().take(MAX_TRIED).filter_map(|rule| {
        let matched = routes.matched(&rule).map(ToString::to_string).unwrap_or_default();
        let path = matched.strip_prefix("path prefix ").or_else(|| matched.strip_prefix("path "));
        let path = path.unwrap_or("/").split(',').next().filter(|path| path.starts_with('/'))?;
        Some(path.to_owned())
    });
    let paths: Vec<_> = paths.collect();
    let hosts = hosts.iter().take(MAX_TRIED).map(|host| match host.strip_prefix("*.") {
        Some(parent) => format!("app.{parent}"),
        None => host.replace('*', "localhost"),
    });
    hosts.flat_map(|host| paths.iter().map(move |path| (host.clone(), path))).find_map(|(host, path)| {
        let request = Request::get(path.as_str()).header("host", &host).body(()).ok()?;
        let found = routes.table().find(&CorsRequest::of(&request))?;
        let policy = found.policy()?;
        let origins = policy.policy().allow_origins.iter().flatten();
        let mut origins = origins.map(|origin| origin.trim_end_matches('/').replace('*', "app"));
        let origin = origins
            .find(|origin| policy.allows_origin(origin))
            .or_else(|| policy.is_open().then(|| "https://app.example".to_owned()))?;
        Some(format!("{path} -H 'Host: {host}' -H 'Origin: {origin}'"))
    })
}

/// The lints that were not there before, wherever they stood.
pub(crate) fn new_lints<'a>(now: &'a LoadedRoutes, earlier: &LoadedRoutes) -> Vec<&'a Lint> {
    let text = |lint: &Lint| format!("{}: {}", lint.position().file(), **lint);
    let mut known: HashMap<String, usize> = HashMap::new();
    for lint in earlier.lints() {
        *known.entry(text(lint)).or_default() += 1;
    }
    let is_new = |lint: &&Lint| match known.get_mut(&text(lint)) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => true,
    };
    now.lints().iter().filter(is_new).collect()
}

/// A change, and for a policy what it was and what it is.
pub(crate) fn change_line(change: &Change, earlier: &LoadedRoutes, now: &LoadedRoutes) -> String {
    let Change::PolicyChanged { route, rule } = change else { return change.to_string() };
    let policies = [earlier, now].map(|routes| policy_of(routes, route, *rule));
    let mut line = format!("effective policy changed: {route} rules[{rule}]");
    for field in PolicyField::ALL {
        let [before, after] = policies.each_ref().map(|policy| shown(policy, field));
        if before != after {
            line += &format!("; {field}: {before} -> {after}");
        }
    }
    line
}

/// The policy of a rule by the name of its route, such as `HTTPRoute web/api`; the empty one where it has none.
fn policy_of(routes: &LoadedRoutes, route: &str, rule: usize) -> CorsPolicy {
    let is_it = |namespace: &str, name: &str| {
        route
            .strip_suffix(name)
            .and_then(|rest| rest.strip_suffix('/'))
            .is_some_and(|rest| rest.ends_with(&format!(" {namespace}")))
    };
    let mut found =
        routes.table().rules().filter(|found| found.rule() == rule && is_it(found.namespace(), found.name()));
    found.next().and_then(|found| found.policy()).map(|policy| policy.policy().clone()).unwrap_or_default()
}

fn shown(policy: &CorsPolicy, field: PolicyField) -> String {
    let list = |list: &Option<Vec<String>>| list.as_ref().map(|list| format!("[{}]", list.join(", ")));
    let value = match field {
        PolicyField::AllowOrigins => list(&policy.allow_origins),
        PolicyField::AllowCredentials => policy.allow_credentials.map(|allow| allow.to_string()),
        PolicyField::AllowMethods => list(&policy.allow_methods),
        PolicyField::AllowHeaders => list(&policy.allow_headers),
        PolicyField::ExposeHeaders => list(&policy.expose_headers),
        PolicyField::MaxAge => policy.max_age.map(|age| age.to_string()),
    };
    value.unwrap_or_else(|| "unset".to_owned())
}

/// What `--check --json` prints.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Checked<'a> {
    valid: bool,
    /// The last line of what a person gets.
    verdict: String,
    errors: Vec<&'a ManifestError>,
    lints: &'a [Lint],
    routes: usize,
    rules: usize,
    rules_with_policy: usize,
}

/// `--check`: violations or lints on stdout, and the exit code.
pub(crate) fn report(loaded: &Result<LoadedRoutes, ManifestErrors>, deny: Option<Severity>, json: bool) -> ExitCode {
    let checked = match loaded {
        Ok(routes) => Checked::of_routes(routes, deny),
        Err(errors) => Checked::of_errors(errors.iter().collect()),
    };
    if !json {
        checked.errors.iter().for_each(|error| say(&format!("error: {error:#}")));
        checked.lints.iter().for_each(|lint| say(&lint_line(lint)));
        say(&checked.verdict);
    } else if let Err(code) = say_json(&checked) {
        return code;
    }
    if checked.valid { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl<'a> Checked<'a> {
    fn of_errors(errors: Vec<&'a ManifestError>) -> Self {
        let verdict = format!("not valid, {}", count(errors.len(), "error"));
        Self { valid: false, verdict, errors, lints: &[], routes: 0, rules: 0, rules_with_policy: 0 }
    }

    fn of_routes(routes: &'a LoadedRoutes, deny: Option<Severity>) -> Self {
        let lints = routes.lints();
        let denied = lints.iter().filter(|lint| deny.is_some_and(|severity| lint.severity() >= severity)).count();
        let wrong = match (routes.invalid_wholes().count(), deny) {
            (0, Some(severity)) if denied > 0 => {
                Some(format!("{} of severity {severity} or above", count(denied, "lint")))
            }
            (0, _) => None,
            (1, _) => Some("1 rule is served without CORS".to_owned()),
            (invalid, _) => Some(format!("{invalid} rules are served without CORS")),
        };
        let rules: Vec<_> = routes.table().rules().collect();
        let mut names: Vec<_> = rules.iter().map(tower_cors::route::MatchedRule::route).collect();
        names.dedup();
        let with_policy = rules.iter().filter(|rule| rule.policy().is_some() && !rule.resolution().is_closed()).count();
        let read = format!(
            "{}, {} ({with_policy} with a policy), {}",
            count(names.len(), "route"),
            count(rules.len(), "rule"),
            count(lints.len(), "lint")
        );
        Self {
            valid: wrong.is_none(),
            verdict: match wrong {
                None => format!("valid: {read}"),
                Some(reason) => format!("not valid, {reason}: {read}"),
            },
            errors: Vec::new(),
            lints,
            routes: names.len(),
            rules: rules.len(),
            rules_with_policy: with_policy,
        }
    }
}
