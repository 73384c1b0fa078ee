//! Objects of other projects that carry CORS settings. They are not read, and whoever wrote them would wait for their
//! policies in vain, so a lint says what holds them and where they would go. Rule 2.17.

use crate::{
    finding::Finding,
    manifest::{
        finding::LintKind,
        reader::{Node, Object, Report, Value, short},
    },
};

/// A kind of another project.
struct Foreign {
    /// The API group, whatever the version.
    group: &'static str,
    kind: &'static str,
    /// Whether a field, at any depth of the object, holds CORS settings.
    is_cors: fn(&str, &Node<'_>) -> bool,
    /// Where the settings would go.
    goes_to: &'static str,
}

const IN_A_FILTER: &str = "a CORS filter of an HTTPRoute's rule";
const IN_A_POLICY: &str = "spec.cors of a TrafficPolicy with the same targets";

const FOREIGN: [Foreign; 12] = [
    // Envoy Gateway
    foreign("gateway.envoyproxy.io", "SecurityPolicy", is_named_cors, IN_A_POLICY),
    // Istio
    foreign("networking.istio.io", "VirtualService", is_cors_policy, IN_A_FILTER),
    // ingress-nginx
    foreign("networking.k8s.io", "Ingress", is_nginx_annotation, IN_A_FILTER),
    foreign("extensions", "Ingress", is_nginx_annotation, IN_A_FILTER),
    // Traefik
    foreign("traefik.io", "Middleware", is_access_control, IN_A_FILTER),
    foreign("traefik.containo.us", "Middleware", is_access_control, IN_A_FILTER),
    // agentgateway
    foreign("agentgateway.dev", "AgentgatewayPolicy", is_named_cors, IN_A_POLICY),
    foreign("gateway.kgateway.dev", "AgentgatewayPolicy", is_named_cors, IN_A_POLICY),
    // Contour
    foreign("projectcontour.io", "HTTPProxy", is_cors_policy, IN_A_FILTER),
    // Kong
    foreign("configuration.konghq.com", "KongPlugin", is_cors_plugin, IN_A_FILTER),
    foreign("configuration.konghq.com", "KongClusterPlugin", is_cors_plugin, IN_A_FILTER),
    // kgateway, before 2.0
    foreign("gateway.kgateway.dev", "RoutePolicy", is_named_cors, IN_A_POLICY),
];

const fn foreign(
    group: &'static str,
    kind: &'static str,
    is_cors: fn(&str, &Node<'_>) -> bool,
    goes_to: &'static str,
) -> Foreign {
    Foreign { group, kind, is_cors, goes_to }
}

fn is_named_cors(name: &str, _: &Node<'_>) -> bool {
    name == "cors"
}

fn is_cors_policy(name: &str, _: &Node<'_>) -> bool {
    name == "corsPolicy"
}

fn is_access_control(name: &str, _: &Node<'_>) -> bool {
    name.starts_with("accessControl")
}

fn is_nginx_annotation(name: &str, _: &Node<'_>) -> bool {
    name.strip_prefix("nginx.ingress.kubernetes.io/").is_some_and(|name| name.contains("cors"))
}

fn is_cors_plugin(name: &str, value: &Node<'_>) -> bool {
    name == "plugin" && value.as_text() == Some("cors")
}

/// How deep an object is searched.
const MAX_DEPTH: usize = 8;

/// Adds a lint where an object of another project has CORS settings.
pub(crate) fn add_lint(object: &Object<'_>, version: &str, kind: &str, report: &mut Report<'_>) {
    let group = version.split('/').next().unwrap_or_default();
    let Some(foreign) = FOREIGN.iter().find(|foreign| (foreign.group, foreign.kind) == (group, kind)) else { return };
    let Some((steps, node)) = find(object.node(), foreign.is_cors, MAX_DEPTH) else { return };
    let path = steps.iter().rev().fold(object.path().clone(), |path, step| match step {
        Step::Field(name) => path.field(short(name)),
        Step::Index(at) => path.index(*at),
    });
    let kind = LintKind::CorsNotRead { kind: foreign.kind, goes_to: foreign.goes_to };
    report.lint(Finding::new(path, kind), node.place);
}

/// A step of a path.
enum Step<'n> {
    Field(&'n str),
    Index(usize),
}

/// The first field that holds CORS settings, with the steps to it, the last first. A path is made of them once it is found:
/// one for each field on the way would repeat the names above it.
fn find<'n, 'a>(
    node: &'n Node<'a>,
    is_cors: fn(&str, &Node<'_>) -> bool,
    depth: usize,
) -> Option<(Vec<Step<'n>>, &'n Node<'a>)> {
    let with = |step, (mut steps, node): (Vec<_>, _)| {
        steps.push(step);
        (steps, node)
    };
    match &node.value {
        _ if depth == 0 => None,
        Value::Map(fields) => fields.iter().find_map(|(key, value)| {
            let name = key.name.as_deref()?;
            let found = if is_cors(name, value) { (Vec::new(), value) } else { find(value, is_cors, depth - 1)? };
            Some(with(Step::Field(name), found))
        }),
        Value::List(items) => items.iter().enumerate().find_map(|(at, item)| {
            let found = find(item, is_cors, depth - 1)?;
            Some(with(Step::Index(at), found))
        }),
        _ => None,
    }
}
