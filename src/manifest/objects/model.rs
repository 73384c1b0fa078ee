//! The resources as far as they concern CORS, typed, with their places. Plain data: the other files fill it,
//! `attachment` uses it. Rules 7.1, 8.4.

use std::{collections::BTreeMap, sync::Arc, time::SystemTime};

use super::kind::Kind;
use crate::{
    finding::LintKind,
    manifest::finding::Position,
    policy::{FieldPath, PolicyField, RustPolicy},
    route::{Hostname, RouteMatch},
};

/// Everything that was read, in the order of the files. Objects are shared: those of a cluster outlive the tables that are
/// built of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Resources {
    pub(crate) gateways: Vec<Arc<Gateway>>,
    pub(crate) gateway_classes: Vec<Arc<GatewayClass>>,
    pub(crate) listener_sets: Vec<Arc<ListenerSet>>,
    pub(crate) routes: Vec<Arc<Route>>,
    pub(crate) namespaces: Vec<Arc<Namespace>>,
    pub(crate) policies: Vec<Arc<TrafficPolicy>>,
}

/// An object of any kind that is read.
#[derive(Clone, Debug)]
pub(crate) enum AnyObject {
    Gateway(Arc<Gateway>),
    GatewayClass(Arc<GatewayClass>),
    ListenerSet(Arc<ListenerSet>),
    Namespace(Arc<Namespace>),
    Route(Arc<Route>),
    Policy(Arc<TrafficPolicy>),
}

impl Resources {
    /// Adds an object.
    pub(crate) fn push(&mut self, object: &AnyObject) {
        match object {
            AnyObject::Gateway(gateway) => self.gateways.push(Arc::clone(gateway)),
            AnyObject::GatewayClass(class) => self.gateway_classes.push(Arc::clone(class)),
            AnyObject::ListenerSet(set) => self.listener_sets.push(Arc::clone(set)),
            AnyObject::Namespace(namespace) => self.namespaces.push(Arc::clone(namespace)),
            AnyObject::Route(route) => self.routes.push(Arc::clone(route)),
            AnyObject::Policy(policy) => self.policies.push(Arc::clone(policy)),
        }
    }

    /// The first of the objects, where there are any.
    pub(crate) fn into_first(self) -> Option<AnyObject> {
        let Self { gateways, gateway_classes, listener_sets, routes, namespaces, policies } = self;
        let gateways = gateways.into_iter().map(AnyObject::Gateway);
        let classes = gateway_classes.into_iter().map(AnyObject::GatewayClass);
        let sets = listener_sets.into_iter().map(AnyObject::ListenerSet);
        let routes = routes.into_iter().map(AnyObject::Route);
        let namespaces = namespaces.into_iter().map(AnyObject::Namespace);
        let policies = policies.into_iter().map(AnyObject::Policy);
        gateways.chain(classes).chain(sets).chain(routes).chain(namespaces).chain(policies).next()
    }

    /// Adds what was read after this.
    pub(crate) fn append(&mut self, later: Self) {
        self.gateways.extend(later.gateways);
        self.gateway_classes.extend(later.gateway_classes);
        self.listener_sets.extend(later.listener_sets);
        self.namespaces.extend(later.namespaces);
        self.routes.extend(later.routes);
        self.policies.extend(later.policies);
    }
}

/// What every object has.
#[derive(Clone, Debug)]
pub(crate) struct Meta {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) created: Option<SystemTime>,
    /// How often the API server has seen `spec` change; 0 in files.
    pub(crate) generation: i64,
    /// `kgateway.dev/inherited-policy-priority`
    pub(crate) inherited_priority: Option<InheritedPriority>,
    pub(crate) labels: Labels,
    pub(crate) position: Position,
}

/// Labels in the order of their names. Objects have few, and a cluster has many objects: a tree would take half a kilobyte
/// for one label.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Labels(Box<[(String, String)]>);

impl Labels {
    pub(crate) fn get(&self, name: &str) -> Option<&String> {
        let at = self.0.binary_search_by(|(known, _)| known.as_str().cmp(name)).ok()?;
        self.0.get(at).map(|(_, value)| value)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &(String, String)> {
        self.0.iter()
    }
}

impl FromIterator<(String, String)> for Labels {
    /// Of labels with one name the last counts.
    fn from_iter<I: IntoIterator<Item = (String, String)>>(labels: I) -> Self {
        Self(labels.into_iter().collect::<BTreeMap<_, _>>().into_iter().collect())
    }
}

/// The values of the annotation `kgateway.dev/inherited-policy-priority`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum InheritedPriority {
    ShallowMergePreferChild,
    ShallowMergePreferParent,
    DeepMergePreferChild,
    DeepMergePreferParent,
}

#[derive(Clone, Debug)]
pub(crate) struct Gateway {
    pub(crate) meta: Meta,
    /// `gatewayClassName`
    pub(crate) class: Option<String>,
    pub(crate) listeners: Vec<Listener>,
    /// The namespaces whose ListenerSets may add listeners: `None` unless it says so.
    pub(crate) allowed_sets: FromNamespaces,
}

/// A class of Gateways, for the controller that it belongs to.
#[derive(Clone, Debug)]
pub(crate) struct GatewayClass {
    pub(crate) meta: Meta,
    pub(crate) controller: String,
}

/// Listeners that are added to a Gateway.
#[derive(Clone, Debug)]
pub(crate) struct ListenerSet {
    pub(crate) meta: Meta,
    pub(crate) parent: Option<ParentRef>,
    pub(crate) listeners: Vec<Listener>,
}

#[derive(Clone, Debug)]
pub(crate) struct Listener {
    pub(crate) name: String,
    pub(crate) hostname: Hostname,
    pub(crate) port: Option<u16>,
    pub(crate) protocol: String,
    pub(crate) allowed: FromNamespaces,
    /// The kinds of routes, where they are given: group and kind.
    pub(crate) allowed_kinds: Option<Vec<(String, String)>>,
    pub(crate) path: FieldPath,
    /// 10.3: it takes no routes.
    pub(crate) is_invalid: bool,
}

/// The namespaces from which something is admitted.
#[derive(Clone, Debug, Default)]
pub(crate) enum FromNamespaces {
    None,
    #[default]
    Same,
    All,
    Selector(LabelSelector),
}

/// A selector over labels: all of its requirements must hold.
#[derive(Clone, Debug, Default)]
pub(crate) struct LabelSelector {
    pub(crate) labels: Labels,
    pub(crate) expressions: Vec<LabelExpression>,
}

#[derive(Clone, Debug)]
pub(crate) struct LabelExpression {
    pub(crate) key: String,
    pub(crate) operator: LabelOperator,
    pub(crate) values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LabelOperator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

/// A namespace, for its labels.
#[derive(Clone, Debug)]
pub(crate) struct Namespace {
    pub(crate) meta: Meta,
}

/// An `HTTPRoute` or a `GRPCRoute`.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) meta: Meta,
    pub(crate) kind: Kind,
    /// `delegation.kgateway.dev/inherit-parent-matcher`
    pub(crate) inherits_matches: bool,
    /// 10.3: what says which requests it is for is invalid, so it is for none.
    pub(crate) matches_nothing: bool,
    pub(crate) parents: Box<[ParentRef]>,
    pub(crate) hostnames: Box<[Hostname]>,
    pub(crate) rules: Box<[RouteRule]>,
}

/// An entry of `parentRefs`.
#[derive(Clone, Debug)]
pub(crate) struct ParentRef {
    pub(crate) group: Box<str>,
    pub(crate) kind: Box<str>,
    pub(crate) namespace: Box<str>,
    pub(crate) name: Box<str>,
    pub(crate) section: Option<Box<str>>,
    pub(crate) port: Option<u16>,
    pub(crate) path: FieldPath,
    pub(crate) position: Position,
}

#[derive(Clone, Debug)]
pub(crate) struct RouteRule {
    pub(crate) name: Option<Box<str>>,
    pub(crate) matches: Arc<[RouteMatch]>,
    /// 10.3: a match of it is invalid, so no request meets it.
    pub(crate) matches_nothing: bool,
    pub(crate) filters: Box<[Filter]>,
    pub(crate) backends: Box<[Backend]>,
    pub(crate) path: FieldPath,
    pub(crate) position: Position,
}

/// A filter, as far as it concerns CORS.
#[derive(Clone, Debug)]
pub(crate) enum Filter {
    Cors(CorsSetting),
    Extension(Box<ExtensionRef>),
}

/// The object that a filter of type `ExtensionRef` names; it is in the namespace of its route.
#[derive(Clone, Debug)]
pub(crate) struct ExtensionRef {
    pub(crate) group: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) path: FieldPath,
    pub(crate) position: Position,
}

/// Where a rule sends its requests.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct BackendRef {
    /// The API group; empty for the core group, where services are.
    pub group: String,
    /// The kind, usually `Service`.
    pub kind: String,
    /// The namespace, which is the route's unless the reference names another.
    pub namespace: String,
    /// The name.
    pub name: String,
    /// The port, where the reference names one.
    pub port: Option<u16>,
    /// Its share among the backends of the rule; 0 takes none.
    pub weight: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct Backend {
    pub(crate) reference: BackendRef,
    pub(crate) filters: Box<[Filter]>,
    pub(crate) path: FieldPath,
}

/// A `cors` block.
#[derive(Clone, Debug)]
pub(crate) struct Cors {
    /// Shared with what is compiled of it.
    pub(crate) policy: Arc<RustPolicy>,
    /// Where the block stands in its object.
    pub(crate) path: FieldPath,
    /// What its lints are about.
    pub(crate) lints: Vec<LintKind>,
    /// Where it stands in its file; none where nothing of it could be read.
    pub(crate) places: Option<CorsPlaces>,
}

/// Where a `cors` block and its fields stand.
#[derive(Clone, Debug)]
pub(crate) struct CorsPlaces {
    pub(crate) block: Position,
    /// Line and column of each field that is written.
    pub(crate) fields: Box<[(PolicyField, u32, u32)]>,
}

impl CorsPlaces {
    /// Where a field stands, or else the block.
    pub(crate) fn of(&self, field: Option<PolicyField>) -> Position {
        let written = self.fields.iter().find(|(known, ..)| Some(*known) == field);
        written.map_or_else(|| self.block.clone(), |(_, line, column)| self.block.moved_to(*line, *column))
    }
}

/// `TrafficPolicy` of kgateway, `GlooTrafficPolicy` of Gloo.
#[derive(Clone, Debug)]
pub(crate) struct TrafficPolicy {
    pub(crate) meta: Meta,
    pub(crate) kind: Kind,
    pub(crate) targets: Vec<TargetRef>,
    pub(crate) selectors: Vec<TargetSelector>,
    pub(crate) cors: Option<CorsSetting>,
}

/// An entry of `targetSelectors`: the objects of a kind that have all of these labels.
#[derive(Clone, Debug)]
pub(crate) struct TargetSelector {
    /// None where no policy can target the kind, which is reported already.
    pub(crate) kind: Option<Kind>,
    pub(crate) section: Option<String>,
    pub(crate) labels: Labels,
}

/// An entry of `targetRefs`; it names an object in the namespace of its policy.
#[derive(Clone, Debug)]
pub(crate) struct TargetRef {
    pub(crate) group: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) section: Option<String>,
    pub(crate) path: FieldPath,
    pub(crate) position: Position,
}

/// What a filter or a traffic policy says about CORS.
#[derive(Clone, Debug)]
pub(crate) struct CorsSetting {
    /// Shared, so that what was made of it is known by it.
    pub(crate) cors: Arc<Cors>,
    pub(crate) effect: Effect,
}

/// What a setting does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Effect {
    /// Its policy applies.
    Applies,
    /// `disable: {}`; the fields beside it say nothing.
    Disables,
    /// 10.3: it is invalid, so that nothing is allowed where it counts.
    Closes,
}

impl InheritedPriority {
    /// Whether lists and fields of several policies are combined.
    pub(crate) fn is_deep(self) -> bool {
        matches!(self, Self::DeepMergePreferChild | Self::DeepMergePreferParent)
    }

    /// Whether the annotated parent's policies come before those of what it serves.
    pub(crate) fn prefers_parent(self) -> bool {
        matches!(self, Self::ShallowMergePreferParent | Self::DeepMergePreferParent)
    }
}

impl LabelSelector {
    /// Whether these labels are the ones.
    pub(crate) fn matches(&self, labels: &Labels) -> bool {
        has_all(labels, &self.labels) && self.expressions.iter().all(|expression| expression.matches(labels))
    }
}

impl LabelExpression {
    fn matches(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.key);
        match self.operator {
            LabelOperator::In => value.is_some_and(|value| self.values.contains(value)),
            // As in Kubernetes: what lacks the label is not in the list either.
            LabelOperator::NotIn => value.is_none_or(|value| !self.values.contains(value)),
            LabelOperator::Exists => value.is_some(),
            LabelOperator::DoesNotExist => value.is_none(),
        }
    }
}

/// Whether `labels` has all of `required`, with these values.
pub(crate) fn has_all(labels: &Labels, required: &Labels) -> bool {
    required.iter().all(|(name, value)| labels.get(name) == Some(value))
}

impl Filter {
    pub(crate) fn cors(&self) -> Option<&CorsSetting> {
        match self {
            Self::Cors(cors) => Some(cors),
            Self::Extension(_) => None,
        }
    }
}
