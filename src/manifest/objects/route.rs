//! `HTTPRoute` and `GRPCRoute`: parents, hostnames, rules with their matches, filters and backends. Rules 2.12, 8.1, 8.7, 8.8.

use std::collections::HashSet;

use http::{HeaderName, Method};

use super::{
    filter, grammar,
    kind::Kind,
    listener, meta,
    model::{Backend, BackendRef, ParentRef, Route, RouteRule},
};
use crate::{
    finding,
    manifest::{
        finding::ViolationKind,
        reader::{Field, Grammar, Object, Report, Value},
    },
    route::{ExpressionBudget, Hostname, PathMatch, RouteMatch, ValueMatch},
};

/// On a delegated route: its matches are joined to those of the rules that delegate to it (8.8).
const INHERIT_MATCHES: &str = "delegation.kgateway.dev/inherit-parent-matcher";

/// Reads a route of either kind.
pub(crate) fn read(object: &Object<'_>, kind: Kind, report: &mut Report<'_>) -> Option<Route> {
    report.expressions = ExpressionBudget::of_route();
    let meta = meta::read(object, report);
    let namespace = meta.as_ref().map_or(meta::DEFAULT_NAMESPACE, |meta| &meta.namespace);
    let inherits_matches = meta::annotation(object, INHERIT_MATCHES) == Some("true");
    let Some(spec) = object.get("spec", report).and_then(|spec| spec.object(report)) else {
        let (parents, hostnames, rules) = (Box::default(), Box::default(), Box::default());
        let matches_nothing = false;
        return Some(Route { meta: meta?, kind, inherits_matches, matches_nothing, parents, hostnames, rules });
    };
    let parents = spec.get("parentRefs", report).map(|parents| parents.objects(32, report)).unwrap_or_default();
    let parents = parents.iter().filter_map(|parent| read_parent(parent, namespace, report)).collect();
    let hostnames = spec.get("hostnames", report).map(|names| names.items(16, report)).unwrap_or_default();
    let hostnames = hostnames
        .iter()
        .filter_map(|name| name.text_as(grammar::HOSTNAME, report))
        .filter_map(|name| Hostname::parse(name).ok())
        .collect();
    let rules = match spec.get("rules", report) {
        Some(rules) => read_rules(&rules, kind, namespace, report).into(),
        // The CRD's default: one rule that everything meets.
        None => Box::from([RouteRule {
            name: None,
            matches: default_matches(kind).into(),
            matches_nothing: false,
            filters: Box::default(),
            backends: Box::default(),
            path: spec.path().field("rules"),
            position: report.position(spec.place()),
        }]),
    };
    Some(Route { meta: meta?, kind, inherits_matches, matches_nothing: false, parents, hostnames, rules })
}

/// What a rule without matches is met by: everything, of gRPC every call.
fn default_matches(kind: Kind) -> Vec<RouteMatch> {
    if kind == Kind::GrpcRoute { vec![RouteMatch::grpc(None, None)] } else { Vec::new() }
}

/// Reads a reference to a parent; a Gateway, where it says nothing else.
pub(crate) fn read_parent(parent: &Object<'_>, namespace: &str, report: &mut Report<'_>) -> Option<ParentRef> {
    let name = parent.require_text("name", grammar::OBJECT_NAME, report);
    let mut or = |name: &str, grammar: Grammar, default: &str| {
        Box::from(parent.text_as(name, grammar, report).unwrap_or(default))
    };
    let group = or("group", grammar::GROUP, Kind::Gateway.group());
    let kind = or("kind", grammar::KIND, Kind::Gateway.name());
    let namespace = or("namespace", grammar::NAMESPACE, namespace);
    let section = parent.text_as("sectionName", grammar::SECTION_NAME, report).map(Box::from);
    let port = listener::port(parent, report);
    let (path, position) = (parent.path().clone(), report.position(parent.place()));
    Some(ParentRef { group, kind, namespace, name: name?.into(), section, port, path, position })
}

fn read_rules(field: &Field<'_>, kind: Kind, namespace: &str, report: &mut Report<'_>) -> Vec<RouteRule> {
    let rules = field.objects(16, report);
    if matches!(&field.node.value, Value::List(items) if items.is_empty()) {
        report.violate(field, ViolationKind::InvalidValue { expected: "a list of 1 to 16 rules" });
    }
    let mut read: Vec<RouteRule> = Vec::with_capacity(rules.len());
    let mut names = HashSet::new();
    for object in &rules {
        let rule = read_rule(object, kind, namespace, report);
        let is_repeated = rule.name.as_ref().is_some_and(|name| !names.insert(name.clone()));
        if is_repeated && let Some(name) = object.get("name", report) {
            report.violate(&name, finding::ViolationKind::Duplicate);
        }
        read.push(rule);
    }
    if read.iter().map(|rule| rule.matches.len()).sum::<usize>() > 128 {
        report.violate(field, ViolationKind::InvalidValue { expected: "rules with at most 128 matches in all" });
    }
    read
}

fn read_rule(rule: &Object<'_>, kind: Kind, namespace: &str, report: &mut Report<'_>) -> RouteRule {
    let name = rule.text_as("name", grammar::SECTION_NAME, report).map(Box::from);
    let matches = rule.get("matches", report).map(|matches| matches.objects(64, report)).unwrap_or_default();
    let mut matches: Vec<_> = match kind {
        Kind::GrpcRoute => matches.iter().map(|found| read_grpc_match(found, report)).collect(),
        _ => matches.iter().map(|found| read_match(found, report)).collect(),
    };
    if matches.is_empty() {
        matches = default_matches(kind);
    }
    let filters = filter::read_all(rule, report);
    let backends = rule.get("backendRefs", report);
    if let Some(backends) = &backends
        && filters.redirects
    {
        report.violate(backends, ViolationKind::NotTogether { with: "a RequestRedirect filter" });
    }
    let backends = backends.map(|backends| backends.objects(16, report)).unwrap_or_default();
    let backends = backends.iter().filter_map(|backend| read_backend(backend, namespace, report)).collect();
    let position = report.position(rule.place());
    let (filters, path) = (filters.filters.into(), rule.path().clone());
    RouteRule { name, matches: matches.into(), matches_nothing: false, filters, backends, path, position }
}

fn read_backend(backend: &Object<'_>, namespace: &str, report: &mut Report<'_>) -> Option<Backend> {
    let name = backend.require_text("name", grammar::OBJECT_NAME, report);
    let mut or = |name: &str, grammar: Grammar, default: &str| {
        backend.text_as(name, grammar, report).unwrap_or(default).to_owned()
    };
    let group = or("group", grammar::GROUP, "");
    let kind = or("kind", grammar::KIND, "Service");
    let namespace = or("namespace", grammar::NAMESPACE, namespace);
    let port = listener::port(backend, report);
    let weight = backend.get("weight", report);
    let weight = weight.and_then(|weight| weight.integer("a weight from 0 to 1000000", 0..=1_000_000, report));
    let filters = filter::read_all(backend, report).filters.into();
    let weight = weight.and_then(|weight| u32::try_from(weight).ok()).unwrap_or(1);
    let path = backend.path().clone();
    Some(Backend {
        reference: BackendRef { group, kind, namespace, name: name?.to_owned(), port, weight },
        filters,
        path,
    })
}

fn read_match(found: &Object<'_>, report: &mut Report<'_>) -> RouteMatch {
    let mut read = RouteMatch::new();
    if let Some(path) = found.get("path", report).and_then(|path| path.object(report)) {
        read = read.path(read_path(&path, report).unwrap_or_default());
    }
    if let Some(method) = found.text_as("method", grammar::METHOD, report)
        && let Ok(method) = Method::from_bytes(method.as_bytes())
    {
        read = read.method(method);
    }
    for (name, value) in read_values(found, "headers", grammar::HEADER_VALUE, report) {
        if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
            read = read.header(name, value);
        }
    }
    for (name, value) in read_values(found, "queryParams", grammar::QUERY_VALUE, report) {
        read = read.query(name, value);
    }
    read
}

/// 8.7: the service and the method, either of which may be left out.
fn read_grpc_match(found: &Object<'_>, report: &mut Report<'_>) -> RouteMatch {
    let mut read = match found.get("method", report).and_then(|method| method.object(report)) {
        Some(method) => read_grpc_method(&method, report).unwrap_or_else(|| RouteMatch::grpc(None, None)),
        None => RouteMatch::grpc(None, None),
    };
    for (name, value) in read_values(found, "headers", grammar::HEADER_VALUE, report) {
        if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
            read = read.header(name, value);
        }
    }
    read
}

fn read_grpc_method(method: &Object<'_>, report: &mut Report<'_>) -> Option<RouteMatch> {
    let kind = method.text_as("type", TYPE_OF_VALUE, report).unwrap_or("Exact");
    let grammar = |name: Grammar| if kind == "Exact" { name } else { grammar::HEADER_VALUE };
    let service = method.text_as("service", grammar(grammar::GRPC_SERVICE), report);
    let name = method.text_as("method", grammar(grammar::GRPC_METHOD), report);
    if kind == "Exact" {
        return Some(RouteMatch::grpc(service, name));
    }
    for field in ["service", "method"] {
        if let Some(field) = method.get(field, report)
            && let Some(text) = field.text(report)
            && !has_room(&field, text, report)
        {
            return None;
        }
    }
    let read = RouteMatch::grpc_expression(service, name);
    if read.is_err() {
        for field in ["service", "method"].iter().filter_map(|name| method.get(name, report)).collect::<Vec<_>>() {
            report.violate(&field, ViolationKind::InvalidValue { expected: EXPRESSION });
        }
    }
    read.ok()
}

fn read_path(path: &Object<'_>, report: &mut Report<'_>) -> Option<PathMatch> {
    let kind = path.text_as("type", TYPE_OF_PATH, report).unwrap_or("PathPrefix");
    let Some(field) = path.get("value", report) else {
        // The CRD's default is `/`.
        return if kind == "Exact" { PathMatch::exact("/").ok() } else { PathMatch::prefix("/").ok() };
    };
    let value = field.text_as(grammar::LONG_PATH, report)?;
    if kind == "RegularExpression" {
        if !has_room(&field, value, report) {
            return None;
        }
        let pattern = PathMatch::regular_expression(value);
        if pattern.is_err() {
            report.violate(&field, ViolationKind::InvalidValue { expected: EXPRESSION });
        }
        return pattern.ok();
    }
    let value = field.text_as(grammar::PATH, report)?;
    if kind == "Exact" { PathMatch::exact(value).ok() } else { PathMatch::prefix(value).ok() }
}

/// Whether there is room in the route for another regular expression.
fn has_room(field: &Field<'_>, expression: &str, report: &mut Report<'_>) -> bool {
    let has_room = report.expressions.take_text(expression);
    if !has_room {
        report.violate(field, ViolationKind::InvalidValue { expected: ExpressionBudget::OF_ROUTE });
    }
    has_room
}

const EXPRESSION: &str = "a regular expression that compiles to at most 1 MiB";
const TYPE_OF_PATH: Grammar = ("one of Exact, PathPrefix and RegularExpression", |text| {
    ["Exact", "PathPrefix", "RegularExpression"].contains(&text)
});
const TYPE_OF_VALUE: Grammar =
    ("one of Exact and RegularExpression", |text| ["Exact", "RegularExpression"].contains(&text));

/// How many headers, and how many query parameters, a match may name.
const MAX_VALUES: usize = 16;

/// The header or query matches of a match.
fn read_values(found: &Object<'_>, list: &str, grammar: Grammar, report: &mut Report<'_>) -> Vec<(String, ValueMatch)> {
    let items = found.get(list, report).map(|items| items.objects(MAX_VALUES, report)).unwrap_or_default();
    let mut read = Vec::with_capacity(items.len());
    let mut names = HashSet::new();
    for item in &items {
        let name = item.require("name", report);
        let text = name.as_ref().and_then(|name| name.text_as(grammar::HEADER_NAME, report));
        let kind = item.text_as("type", TYPE_OF_VALUE, report).unwrap_or("Exact");
        let field = item.require("value", report);
        let value = field.as_ref().and_then(|value| value.text_as(grammar, report));
        let (Some(name), Some(field), Some(text), Some(value)) = (name, field, text, value) else { continue };
        if names.contains(text) {
            report.violate(&name, finding::ViolationKind::Duplicate);
            continue;
        }
        if kind != "Exact" && !has_room(&field, value, report) {
            continue;
        }
        let value = if kind == "Exact" { Ok(ValueMatch::exact(value)) } else { ValueMatch::regular_expression(value) };
        match value {
            Ok(value) => {
                names.insert(text);
                read.push((text.to_owned(), value));
            }
            Err(_) => report.violate(&field, ViolationKind::InvalidValue { expected: EXPRESSION }),
        }
    }
    // A longer list is refused already, and a match compares its names one by one.
    read.truncate(MAX_VALUES);
    read
}
