//! A [`World`] as manifests: one document an object, as text.

use serde_json::{Value, json};

use super::world::{
    Backend, From, Gateway, Labels, Listener, ListenerSet, Name, Policy, Route, Rule, TrafficPolicy, World,
};

const GATEWAY_API: &str = "gateway.networking.k8s.io";
const EXPERIMENTAL: &str = "gateway.networking.x-k8s.io";

impl World {
    /// The manifests, one document an object.
    pub(super) fn manifests(&self) -> String {
        let namespaces = self.namespaces.iter().map(|(name, labels)| {
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
        });
        let all = namespaces
            .chain(self.gateways.iter().map(gateway))
            .chain(self.sets.iter().map(listener_set))
            .chain(self.routes.iter().map(|route| self.route(route)))
            .chain(self.policies.iter().map(traffic_policy));
        all.map(|object| format!("---\n{object}\n")).collect()
    }

    fn route(&self, route: &Route) -> Value {
        let mut metadata = metadata(route.name, &route.labels, route.created, route.priority);
        if route.inherits_matches {
            metadata["annotations"]["delegation.kgateway.dev/inherit-parent-matcher"] = "true".into();
        }
        let parents = route.parents.iter().map(|parent| {
            let of_set = |set: &&ListenerSet| parent.kind == "ListenerSet" && set.name == parent.name;
            let is_experimental = self.sets.iter().find(of_set).is_some_and(|set| set.is_experimental);
            let (group, kind) = match is_experimental {
                true => (EXPERIMENTAL, "XListenerSet"),
                false => (GATEWAY_API, parent.kind),
            };
            let (namespace, name) = parent.name;
            let mut given = json!({"group": group, "kind": kind, "namespace": namespace, "name": name});
            set(&mut given, "sectionName", parent.section);
            set(&mut given, "port", parent.port);
            given
        });
        let mut spec = json!({"rules": route.rules.iter().map(rule).collect::<Vec<_>>()});
        set(&mut spec, "parentRefs", Some(parents.collect::<Vec<_>>()).filter(|all| !all.is_empty()));
        set(&mut spec, "hostnames", Some(&route.hostnames).filter(|all| !all.is_empty()));
        object(GATEWAY_API, "v1", "HTTPRoute", metadata, spec)
    }
}

fn object(group: &str, version: &str, kind: &str, metadata: Value, spec: Value) -> Value {
    json!({"apiVersion": format!("{group}/{version}"), "kind": kind, "metadata": metadata, "spec": spec})
}

fn metadata((namespace, name): Name, labels: &Labels, created: Option<u8>, priority: Option<&str>) -> Value {
    let mut metadata = json!({"namespace": namespace, "name": name, "labels": labels, "annotations": {}});
    set(&mut metadata, "creationTimestamp", created.map(|day| format!("2026-01-{day:02}T00:00:00Z")));
    if let Some(priority) = priority {
        metadata["annotations"]["kgateway.dev/inherited-policy-priority"] = priority.into();
    }
    metadata
}

fn set(object: &mut Value, field: &str, value: Option<impl serde::Serialize>) {
    if let Some(value) = value {
        object[field] = json!(value);
    }
}

fn admission(from: &From) -> Value {
    match from {
        From::Unset => json!({}),
        From::Nothing => json!({"namespaces": {"from": "None"}}),
        From::Same => json!({"namespaces": {"from": "Same"}}),
        From::All => json!({"namespaces": {"from": "All"}}),
        From::Selector(labels, expression) => {
            let mut selector = json!({"matchLabels": labels});
            let expression = expression.as_ref().map(|(key, operator, values)| {
                let mut expression = json!({"key": key, "operator": operator});
                set(&mut expression, "values", Some(values).filter(|values| !values.is_empty()));
                vec![expression]
            });
            set(&mut selector, "matchExpressions", expression);
            json!({"namespaces": {"from": "Selector", "selector": selector}})
        }
    }
}

fn listeners_json(listeners: &[Listener]) -> Value {
    let one = |listener: &Listener| {
        let mut allowed = admission(&listener.from);
        let kinds = listener.kinds.iter().map(|kind| json!({"kind": kind})).collect::<Vec<_>>();
        set(&mut allowed, "kinds", Some(kinds).filter(|kinds| !kinds.is_empty()));
        let Listener { name, port, protocol, .. } = listener;
        let mut given = json!({"name": name, "port": port, "protocol": protocol, "allowedRoutes": allowed});
        set(&mut given, "hostname", listener.hostname);
        given
    };
    listeners.iter().map(one).collect()
}

fn gateway(gateway: &Gateway) -> Value {
    let metadata = metadata(gateway.name, &gateway.labels, None, gateway.priority);
    let spec = json!({
        "gatewayClassName": "any",
        "listeners": listeners_json(&gateway.listeners),
        "allowedListeners": admission(&gateway.allowed),
    });
    object(GATEWAY_API, "v1", "Gateway", metadata, spec)
}

fn listener_set(set: &ListenerSet) -> Value {
    let metadata = metadata(set.name, &set.labels, set.created, set.priority);
    let (namespace, name) = set.gateway;
    let spec =
        json!({"parentRef": {"namespace": namespace, "name": name}, "listeners": listeners_json(&set.listeners)});
    match set.is_experimental {
        true => object(EXPERIMENTAL, "v1alpha1", "XListenerSet", metadata, spec),
        false => object(GATEWAY_API, "v1", "ListenerSet", metadata, spec),
    }
}

fn rule(rule: &Rule) -> Value {
    let values = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(name, value)| json!({"name": name, "value": value})).collect::<Vec<_>>()
    };
    let matches = rule.matches.iter().map(|found| {
        let kind = if found.is_exact { "Exact" } else { "PathPrefix" };
        let mut given = json!({
            "path": {"type": kind, "value": found.path},
            "headers": values(&found.headers),
            "queryParams": values(&found.query),
        });
        set(&mut given, "method", found.method);
        given
    });
    let matches: Vec<_> = matches.collect();
    let extension = |name: &&str| json!({"type": "ExtensionRef", "extensionRef": {"group": "gateway.kgateway.dev", "kind": "TrafficPolicy", "name": name}});
    let filters: Vec<_> = rule.filter.iter().map(cors_filter).chain(rule.extension.iter().map(extension)).collect();
    let mut given = json!({"filters": filters, "backendRefs": rule.backends.iter().map(backend).collect::<Vec<_>>()});
    set(&mut given, "name", rule.name);
    set(&mut given, "matches", Some(matches).filter(|matches| !matches.is_empty()));
    given
}

fn cors_filter(policy: &Policy) -> Value {
    json!({"type": "CORS", "cors": cors(policy)})
}

fn backend(backend: &Backend) -> Value {
    match backend {
        Backend::Service(None) => json!({"name": "service", "port": 80}),
        Backend::Service(Some(policy)) => json!({"name": "service", "port": 80, "filters": [cors_filter(policy)]}),
        Backend::Route((namespace, name)) => {
            json!({"group": GATEWAY_API, "kind": "HTTPRoute", "namespace": namespace, "name": name})
        }
        Backend::Label((namespace, value)) => {
            json!({"group": "delegation.kgateway.dev", "kind": "label", "namespace": namespace, "name": value})
        }
    }
}

fn traffic_policy(policy: &TrafficPolicy) -> Value {
    let group = |kind: &str| if kind == "XListenerSet" { EXPERIMENTAL } else { GATEWAY_API };
    let refs = policy.refs.iter().map(|(kind, name, section)| {
        let mut given = json!({"group": group(kind), "kind": kind, "name": name});
        set(&mut given, "sectionName", *section);
        given
    });
    let selectors = policy.selectors.iter().map(|(kind, section, app)| {
        let labels: Labels = app.iter().map(|app| ("app", *app)).collect();
        let mut given = json!({"group": group(kind), "kind": kind, "matchLabels": labels});
        set(&mut given, "sectionName", *section);
        given
    });
    let cors = if policy.is_disabled { json!({"disable": {}}) } else { cors(&policy.policy) };
    let mut spec = json!({"cors": cors});
    set(&mut spec, "targetRefs", Some(refs.collect::<Vec<_>>()).filter(|refs| !refs.is_empty()));
    set(&mut spec, "targetSelectors", Some(selectors.collect::<Vec<_>>()).filter(|refs| !refs.is_empty()));
    object(
        "gateway.kgateway.dev",
        "v1alpha1",
        "TrafficPolicy",
        metadata(policy.name, &Labels::new(), policy.created, None),
        spec,
    )
}

fn cors(policy: &Policy) -> Value {
    let mut cors = json!({"allowOrigins": [policy.origin()]});
    if let Some(seconds) = policy.max_age {
        cors["maxAge"] = seconds.into();
    }
    if !policy.expose_headers.is_empty() {
        cors["exposeHeaders"] = json!(policy.expose_headers);
    }
    cors
}
