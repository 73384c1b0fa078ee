//! Which fields the kinds have that are read: a table for each, as data, to be held against the API reference. In: an
//! object. Out: a violation or a lint for each field that its kind does not have. Rule 2.16.

use std::sync::LazyLock;

use super::{Kind, suggest};
use crate::{
    finding::Finding,
    manifest::{
        finding::{LintKind, ViolationKind},
        reader::{Node, Object, Place, Report, Value, short},
    },
    policy::{FieldPath, PolicyField},
};

/// The fields of a map, or of the maps of a list.
#[derive(Debug, Default)]
struct Fields {
    known: Vec<(&'static str, Self)>,
    /// Whether each of them decides what a policy applies to.
    are_deciding: bool,
}

static HTTP_ROUTE: LazyLock<Fields> = LazyLock::new(|| Fields::parse(include_str!("fields/http_route.txt")));
static GRPC_ROUTE: LazyLock<Fields> = LazyLock::new(|| Fields::parse(include_str!("fields/grpc_route.txt")));
static GATEWAY: LazyLock<Fields> = LazyLock::new(|| Fields::parse(include_str!("fields/gateway.txt")));
static LISTENER_SET: LazyLock<Fields> = LazyLock::new(|| Fields::parse(include_str!("fields/listener_set.txt")));
static TRAFFIC_POLICY: LazyLock<Fields> = LazyLock::new(|| Fields::parse(include_str!("fields/traffic_policy.txt")));

/// What decides what a policy applies to, wherever it was meant to stand.
const DECIDING: [&str; 14] = [
    "allowedListeners",
    "allowedRoutes",
    "backendRefs",
    "cors",
    "filters",
    "hostname",
    "hostnames",
    "listeners",
    "matches",
    "parentRef",
    "parentRefs",
    "rules",
    "spec",
    "targetRefs",
];

/// How deep a value is searched for CORS settings.
const MAX_DEPTH: usize = 8;

/// Reports the fields that the object's kind does not have.
pub(crate) fn check(kind: Kind, object: &Object<'_>, report: &mut Report<'_>) {
    let fields = match kind {
        Kind::HttpRoute => &HTTP_ROUTE,
        Kind::GrpcRoute => &GRPC_ROUTE,
        Kind::Gateway => &GATEWAY,
        Kind::ListenerSet => &LISTENER_SET,
        Kind::TrafficPolicy | Kind::GlooTrafficPolicy => &TRAFFIC_POLICY,
        // Of a namespace only its labels are read, of a class its controller.
        Kind::Namespace | Kind::GatewayClass => return,
    };
    fields.check(object.node(), &At::Start(object.path()), report);
}

/// Where a field stands. What nothing is wrong with has no use for the text of its path, which would be two fifths of the
/// instructions that this check takes.
enum At<'a> {
    Start(&'a FieldPath),
    Field(&'a Self, &'a str),
    Item(&'a Self, usize),
}

impl At<'_> {
    fn path(&self) -> FieldPath {
        match self {
            Self::Start(path) => (*path).clone(),
            Self::Field(parent, name) => parent.path().field(name),
            Self::Item(list, at) => list.path().index(*at),
        }
    }
}

impl Fields {
    /// Reads a table: one field a line, indented by two spaces for each field that it stands in.
    fn parse(table: &'static str) -> Self {
        let mut lines = table.lines().filter(|line| !line.starts_with('#')).peekable();
        Self::parse_level(&mut lines, 0)
    }

    fn parse_level(lines: &mut std::iter::Peekable<impl Iterator<Item = &'static str>>, depth: usize) -> Self {
        let mut fields = Self::default();
        let depth_of = |line: &str| (line.len() - line.trim_start().len()) / 2;
        while let Some(line) = lines.next_if(|line| depth_of(line) == depth) {
            let (name, are_deciding) = match line.trim().split_once(' ') {
                Some((name, _)) => (name, true),
                None => (line.trim(), false),
            };
            let below = Self::parse_level(lines, depth + 1);
            fields.known.push((name, Self { are_deciding, ..below }));
        }
        fields
    }

    fn find(&self, name: &str) -> Option<&Self> {
        self.known.iter().find(|(known, _)| *known == name).map(|(_, fields)| fields)
    }

    fn check(&self, node: &Node<'_>, at: &At<'_>, report: &mut Report<'_>) {
        match &node.value {
            // Null is what the API server takes for absent; and what has no fields here is free.
            _ if self.known.is_empty() => {}
            Value::Map(fields) => {
                for (key, value) in fields {
                    let Some(name) = key.name.as_deref() else { continue };
                    match self.find(name) {
                        Some(known) if known.known.is_empty() => {}
                        Some(known) => known.check(value, &At::Field(at, name), report),
                        None => self.report(name, key.place, value, &at.path(), report),
                    }
                }
            }
            Value::List(items) => {
                items.iter().enumerate().for_each(|(index, item)| self.check(item, &At::Item(at, index), report));
            }
            _ => {}
        }
    }

    fn report(&self, name: &str, place: Place, value: &Node<'_>, path: &FieldPath, report: &mut Report<'_>) {
        let names: Vec<_> = self.known.iter().map(|(known, _)| *known).collect();
        let meant = match name {
            "cors" if names.contains(&"filters") => Some("filters[].cors".to_owned()),
            "cors" if names.contains(&"rules") => Some("rules[].filters[].cors".to_owned()),
            _ => suggest::field_name(name, &names),
        };
        let is_meant_to_decide =
            meant.as_deref().is_some_and(|meant| DECIDING.contains(&meant) || meant == "targetSelectors");
        let path = path.field(short(name));
        if self.are_deciding || is_meant_to_decide || name == "cors" || holds_cors(value, MAX_DEPTH) {
            report.violate_key(path, ViolationKind::UnknownField, place, meant);
        } else {
            report.lint(Finding::new(path, LintKind::UnknownField).with_suggestion(meant), place);
        }
    }
}

/// Whether CORS settings stand in a value.
fn holds_cors(node: &Node<'_>, depth: usize) -> bool {
    let is_cors =
        |name: &str| name == "cors" || PolicyField::ALL.iter().any(|field| field.name() == name && name != "maxAge");
    match &node.value {
        _ if depth == 0 => false,
        Value::Map(fields) => {
            fields.iter().any(|(key, value)| key.name.as_deref().is_some_and(is_cors) || holds_cors(value, depth - 1))
        }
        Value::List(items) => items.iter().any(|item| holds_cors(item, depth - 1)),
        _ => false,
    }
}
