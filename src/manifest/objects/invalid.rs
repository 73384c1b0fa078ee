//! What an object comes to that is invalid in part, where one bad object must not stop the others. In: an object, and what is
//! wrong with it. Out: the same, closed as far as that reaches. Rule 10.3.

use std::sync::Arc;

use super::model::{
    Cors, CorsSetting, Effect, Filter, FromNamespaces, Gateway, Listener, ListenerSet, Resources, Route, RouteRule,
    TrafficPolicy,
};
use crate::policy::FieldPath;

/// Closes what is invalid in objects, by the paths of the violations.
pub(crate) fn close_invalid<'a>(resources: &mut Resources, paths: impl IntoIterator<Item = &'a FieldPath>) {
    for path in paths {
        let path = path.as_str();
        // Nobody else has them yet.
        resources.routes.iter_mut().filter_map(Arc::get_mut).for_each(|route| close_route(route, path));
        resources.policies.iter_mut().filter_map(Arc::get_mut).for_each(close_policy);
        resources.gateways.iter_mut().filter_map(Arc::get_mut).for_each(|gateway| close_gateway(gateway, path));
        resources.listener_sets.iter_mut().filter_map(Arc::get_mut).for_each(|set| close_set(set, path));
    }
}

/// Closes objects as a whole.
pub(crate) fn close_all(resources: &mut Resources) {
    for route in resources.routes.iter_mut().filter_map(Arc::get_mut) {
        route.matches_nothing = true;
    }
    resources.policies.iter_mut().filter_map(Arc::get_mut).for_each(close_policy);
    for gateway in resources.gateways.iter_mut().filter_map(Arc::get_mut) {
        gateway.allowed_sets = FromNamespaces::None;
        gateway.listeners.iter_mut().for_each(|listener| listener.is_invalid = true);
    }
    for set in resources.listener_sets.iter_mut().filter_map(Arc::get_mut) {
        set.listeners.iter_mut().for_each(|listener| listener.is_invalid = true);
    }
}

fn close_route(route: &mut Route, path: &str) {
    if ["spec.hostnames", "spec.parentRefs"].iter().any(|field| path.starts_with(field)) {
        // A route for fewer hosts, or without parents, may be one for more requests than was meant.
        route.matches_nothing = true;
        return;
    }
    // By their own paths, since an entry that could not be read is left out of a list.
    let Some(rule) = route.rules.iter_mut().find(|rule| is_within(path, rule.path.as_str())) else {
        route.rules.iter_mut().for_each(close_rule);
        return;
    };
    let field = path.strip_prefix(rule.path.as_str()).unwrap_or_default();
    if field.starts_with(".matches") {
        rule.matches_nothing = true;
        return;
    }
    match rule.backends.iter_mut().find(|backend| is_within(path, backend.path.as_str())) {
        Some(backend) if is_within(path, backend.path.field("filters").as_str()) => {
            backend.filters = [closed(&backend.path)].into();
        }
        _ => close_rule(rule),
    }
}

fn close_rule(rule: &mut RouteRule) {
    rule.filters = [closed(&rule.path)].into();
}

fn closed(path: &FieldPath) -> Filter {
    Filter::Cors(closed_setting(path.clone()))
}

fn closed_setting(path: FieldPath) -> CorsSetting {
    let cors = Cors { policy: Arc::default(), path, lints: Vec::new(), places: None };
    CorsSetting { cors: Arc::new(cors), effect: Effect::Closes }
}

fn close_policy(policy: &mut TrafficPolicy) {
    match &mut policy.cors {
        Some(setting) => setting.effect = Effect::Closes,
        None => policy.cors = Some(closed_setting(FieldPath::from("spec.cors"))),
    }
}

fn close_gateway(gateway: &mut Gateway, path: &str) {
    match path.starts_with("spec.allowedListeners") {
        true => gateway.allowed_sets = FromNamespaces::None,
        false => close_listeners(&mut gateway.listeners, path),
    }
}

fn close_set(set: &mut ListenerSet, path: &str) {
    close_listeners(&mut set.listeners, path);
}

/// Closes the listener that a path is about, or all of them.
fn close_listeners(listeners: &mut [Listener], path: &str) {
    match listeners.iter_mut().find(|listener| is_within(path, listener.path.as_str())) {
        Some(listener) => listener.is_invalid = true,
        None => listeners.iter_mut().for_each(|listener| listener.is_invalid = true),
    }
}

/// Whether a path is another one or below it.
fn is_within(path: &str, other: &str) -> bool {
    path.strip_prefix(other).is_some_and(|below| below.is_empty() || below.starts_with(['.', '[']))
}
