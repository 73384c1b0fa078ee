//! `Gateway` and `ListenerSet`: their listeners, and which routes and ListenerSets they admit. Rules 8.4, 8.7.

use std::collections::HashSet;

use super::{
    grammar,
    kind::Kind,
    meta,
    model::{
        FromNamespaces, Gateway, GatewayClass, LabelExpression, LabelOperator, LabelSelector, Listener, ListenerSet,
        Namespace,
    },
    route,
};
use crate::{
    finding,
    manifest::{
        finding::ViolationKind,
        reader::{Field, Grammar, Object, Report},
    },
    route::Hostname,
};

/// Reads a gateway.
pub(crate) fn read_gateway(object: &Object<'_>, report: &mut Report<'_>) -> Option<Gateway> {
    let meta = meta::read(object, report);
    let spec = object.get("spec", report).and_then(|spec| spec.object(report));
    let listeners = spec.as_ref().map(|spec| read_listeners(spec, report)).unwrap_or_default();
    let class = spec.as_ref().and_then(|spec| spec.get("gatewayClassName", report)?.text(report)).map(str::to_owned);
    let allowed = spec.and_then(|spec| spec.get("allowedListeners", report)?.object(report));
    let allowed = allowed.and_then(|allowed| allowed.get("namespaces", report)?.object(report));
    let allowed_sets = allowed.and_then(|namespaces| read_from(&namespaces, report)).unwrap_or(FromNamespaces::None);
    Some(Gateway { meta: meta?, class, listeners, allowed_sets })
}

/// Reads a class of gateways.
pub(crate) fn read_gateway_class(object: &Object<'_>, report: &mut Report<'_>) -> Option<GatewayClass> {
    let meta = meta::read(object, report)?;
    let spec = object.require("spec", report)?.object(report)?;
    let controller = spec.require("controllerName", report)?.text(report)?;
    Some(GatewayClass { meta, controller: controller.to_owned() })
}

/// Reads a set of listeners.
pub(crate) fn read_listener_set(object: &Object<'_>, report: &mut Report<'_>) -> Option<ListenerSet> {
    let meta = meta::read(object, report)?;
    let spec = object.require("spec", report).and_then(|spec| spec.object(report));
    let parent = spec.as_ref().and_then(|spec| spec.require("parentRef", report)?.object(report));
    let parent = parent.and_then(|parent| route::read_parent(&parent, &meta.namespace, report));
    let listeners = spec.map(|spec| read_listeners(&spec, report)).unwrap_or_default();
    Some(ListenerSet { meta, parent, listeners })
}

/// Reads a namespace.
pub(crate) fn read_namespace(object: &Object<'_>, report: &mut Report<'_>) -> Option<Namespace> {
    let mut meta = meta::read(object, report)?;
    // The API server sets this label on every namespace.
    let own = ("kubernetes.io/metadata.name".to_owned(), meta.name.clone());
    meta.labels = meta.labels.iter().cloned().chain([own]).collect();
    Some(Namespace { meta })
}

fn read_listeners(spec: &Object<'_>, report: &mut Report<'_>) -> Vec<Listener> {
    let listeners = spec.get("listeners", report);
    let listeners = listeners.map(|listeners| listeners.objects(64, report)).unwrap_or_default();
    let mut read = Vec::with_capacity(listeners.len());
    let mut names = HashSet::new();
    for listener in listeners {
        let Some(name) = listener.require("name", report) else { continue };
        let Some(text) = name.text_as(grammar::SECTION_NAME, report) else { continue };
        if !names.insert(text) {
            report.violate(&name, finding::ViolationKind::Duplicate);
        }
        read.push(read_listener(text, &listener, report));
    }
    read
}

fn read_listener(name: &str, listener: &Object<'_>, report: &mut Report<'_>) -> Listener {
    let hostname = hostname(listener, report);
    let port = port(listener, report);
    // What a manifest leaves out of a listener is not what keeps a route from it.
    let protocol = listener.get("protocol", report).and_then(|protocol| protocol.text(report)).unwrap_or("HTTP");
    let routes = listener.get("allowedRoutes", report).and_then(|routes| routes.object(report));
    let namespaces = routes.as_ref().and_then(|routes| routes.get("namespaces", report)?.object(report));
    let allowed = namespaces.and_then(|namespaces| read_from(&namespaces, report)).unwrap_or_default();
    let kinds = routes.and_then(|routes| routes.get("kinds", report)).map(|kinds| kinds.objects(8, report));
    let allowed_kinds = kinds.filter(|kinds| !kinds.is_empty()).map(|kinds| {
        let kinds = kinds.iter().filter_map(|kind| {
            let name = kind.require_text("kind", grammar::KIND, report)?;
            let group = kind.text_as("group", grammar::GROUP, report).unwrap_or(Kind::HttpRoute.group());
            Some((group.to_owned(), name.to_owned()))
        });
        kinds.collect()
    });
    let (name, protocol, path) = (name.to_owned(), protocol.to_owned(), listener.path().clone());
    Listener { name, hostname, port, protocol, allowed, allowed_kinds, path, is_invalid: false }
}

const FROM: Grammar =
    ("one of All, Same, Selector and None", |text| ["All", "Same", "Selector", "None"].contains(&text));

fn read_from(namespaces: &Object<'_>, report: &mut Report<'_>) -> Option<FromNamespaces> {
    Some(match namespaces.text_as("from", FROM, report)? {
        "All" => FromNamespaces::All,
        "None" => FromNamespaces::None,
        "Selector" => {
            let selector = namespaces.require("selector", report).and_then(|selector| selector.object(report));
            // A selector that can't be read selects nothing.
            selector.map_or(FromNamespaces::None, |selector| FromNamespaces::Selector(read_selector(&selector, report)))
        }
        _ => FromNamespaces::Same,
    })
}

fn read_selector(selector: &Object<'_>, report: &mut Report<'_>) -> LabelSelector {
    let labels = meta::labels(selector, "matchLabels", report);
    let expressions = selector.get("matchExpressions", report);
    let expressions = expressions.map(|expressions| expressions.objects(usize::MAX, report)).unwrap_or_default();
    let expressions = expressions.iter().filter_map(|expression| read_expression(expression, report)).collect();
    LabelSelector { labels, expressions }
}

fn read_expression(expression: &Object<'_>, report: &mut Report<'_>) -> Option<LabelExpression> {
    let key = expression.require("key", report).and_then(|key| key.text(report));
    let operator = expression.require("operator", report)?;
    let values = expression.get("values", report).map(|values| values.items(usize::MAX, report)).unwrap_or_default();
    let values = values.iter().filter_map(|value| value.text(report).map(str::to_owned)).collect();
    let operator = read_operator(&operator, report)?;
    Some(LabelExpression { key: key?.to_owned(), operator, values })
}

fn read_operator(field: &Field<'_>, report: &mut Report<'_>) -> Option<LabelOperator> {
    match field.text(report)? {
        "In" => Some(LabelOperator::In),
        "NotIn" => Some(LabelOperator::NotIn),
        "Exists" => Some(LabelOperator::Exists),
        "DoesNotExist" => Some(LabelOperator::DoesNotExist),
        _ => {
            report
                .violate(field, ViolationKind::InvalidValue { expected: "one of In, NotIn, Exists and DoesNotExist" });
            None
        }
    }
}

/// The hostname of a listener; an empty one is the same as none.
fn hostname(listener: &Object<'_>, report: &mut Report<'_>) -> Hostname {
    let (expected, is_valid) = grammar::HOSTNAME;
    let field = listener.get("hostname", report);
    let text =
        field.and_then(|field| field.text_as((expected, |text: &str| text.is_empty() || is_valid(text)), report));
    text.and_then(|text| Hostname::parse(text).ok()).unwrap_or_default()
}

/// The port of a reference or a listener. A ListenerSet may leave it to the implementation by writing 0.
pub(crate) fn port(object: &Object<'_>, report: &mut Report<'_>) -> Option<u16> {
    let port = object.get("port", report)?.integer("a port from 1 to 65535", 1..=65_535, report)?;
    u16::try_from(port).ok()
}
