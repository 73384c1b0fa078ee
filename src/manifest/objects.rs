//! From documents to objects, typed: which kinds are read, and how. In: the documents of a file. Out: [`Resources`]. Other
//! kinds, and what is no object, are passed over. Rules 2.1, 2.2, 2.12, 8.1.

mod cors;
mod fields;
mod filter;
mod foreign;
mod grammar;
mod identity;
mod invalid;
mod kind;
mod listener;
mod meta;
mod model;
mod route;
mod suggest;
mod traffic_policy;

use std::sync::Arc;

pub(crate) use identity::Identity;
pub(crate) use invalid::{close_all, close_invalid};
pub(crate) use kind::Kind;
pub use model::BackendRef;
pub(crate) use model::{
    AnyObject, Backend, Cors, CorsPlaces, CorsSetting, Effect, ExtensionRef, Filter, FromNamespaces, Gateway,
    InheritedPriority, Labels, Listener, ListenerSet, Meta, ParentRef, Resources, Route, RouteRule, TargetRef,
    TrafficPolicy, has_all,
};
pub(crate) use suggest::field_name as suggest_field_name;

use super::{
    finding::LintKind,
    reader::{Field, Node, Object, Report, Value},
};
use crate::{finding::Finding, policy::FieldPath};

/// How deep lists may stand in lists.
const MAX_LISTS: usize = 4;

/// Reads one document.
pub(crate) fn read(document: &Node<'_>, resources: &mut Resources, report: &mut Report<'_>) {
    read_at(Field::new(document, FieldPath::root()), MAX_LISTS, resources, report);
}

fn read_at(field: Field<'_>, lists: usize, resources: &mut Resources, report: &mut Report<'_>) {
    if !matches!(field.node.value, Value::Map(_)) {
        return;
    }
    let Some(object) = field.object(report) else { return };
    let text = |name: &str| {
        object.named(name).next().and_then(|(_, node)| match &node.value {
            Value::Text(text) => Some(&**text),
            _ => None,
        })
    };
    let (version, Some(kind)) = (text("apiVersion").unwrap_or_default(), text("kind")) else { return };
    let known = Kind::of_object(version, kind);
    if let Some(known) = known {
        fields::check(known, &object, report);
    }
    match known {
        Some(Kind::Gateway) => {
            resources.gateways.extend(listener::read_gateway(&object, report).map(Arc::new));
        }
        Some(Kind::GatewayClass) => {
            resources.gateway_classes.extend(listener::read_gateway_class(&object, report).map(Arc::new));
        }
        Some(Kind::ListenerSet) => {
            resources.listener_sets.extend(listener::read_listener_set(&object, report).map(Arc::new));
        }
        Some(Kind::Namespace) => {
            resources.namespaces.extend(listener::read_namespace(&object, report).map(Arc::new));
        }
        Some(kind @ (Kind::HttpRoute | Kind::GrpcRoute)) => {
            resources.routes.extend(route::read(&object, kind, report).map(Arc::new));
        }
        Some(kind @ (Kind::TrafficPolicy | Kind::GlooTrafficPolicy)) => {
            resources.policies.extend(traffic_policy::read(&object, kind, report).map(Arc::new));
        }
        // What `kubectl get -o yaml` prints.
        None if (version, kind) == ("v1", "List") && lists > 0 => {
            let items = object.get("items", report);
            for item in items.map(|items| items.items(usize::MAX, report)).unwrap_or_default() {
                read_at(item, lists - 1, resources, report);
            }
        }
        None => {
            foreign::add_lint(&object, version, kind, report);
            add_near_miss(&object, version, kind, report);
        }
    }
    report.end_object();
}

/// Reports an object that is passed over since its version, or the case of its kind, is another one: its policy would have
/// no effect, without a message. A kind of that name in another group is something else.
fn add_near_miss(object: &Object<'_>, version: &str, name: &str, report: &mut Report<'_>) {
    let group = version.split('/').next().unwrap_or_default();
    let is_near = |kind: &Kind| kind.name().eq_ignore_ascii_case(name) && (group == kind.group() || group.is_empty());
    let Some(kind) = Kind::ALL.into_iter().find(is_near) else { return };
    let (field, value) = if name == kind.name() { ("apiVersion", version) } else { ("kind", name) };
    let place = object.named(field).next().map_or(object.place(), |(_, node)| node.place);
    let slash = if kind.group().is_empty() { "" } else { "/" };
    let meant = format!("{} of {}{slash}{}", kind.name(), kind.group(), kind.version());
    let lint = Finding::new(object.path().field(field), LintKind::NotRead { meant }).with_value(value);
    report.lint(lint, place);
}
