//! The resources as far as they concern CORS, typed, with their places. Plain data: `read` fills it, `attach` and `build`
//! use it. Rules 7.1, 8.4.

use std::time::SystemTime;

use super::Position;
use crate::{
    finding::LintKind,
    policy::{CorsPolicy, FieldPath},
    route::{Hostname, RouteMatch},
};

/// Everything that was read, in the order of the files.
#[derive(Debug, Default)]
pub(super) struct Resources {
    pub(super) gateways: Vec<Gateway>,
    pub(super) routes: Vec<HttpRoute>,
    pub(super) policies: Vec<TrafficPolicy>,
}

impl Resources {
    /// Adds what was read after this.
    pub(super) fn append(&mut self, later: Self) {
        self.gateways.extend(later.gateways);
        self.routes.extend(later.routes);
        self.policies.extend(later.policies);
    }
}

/// What every object has.
#[derive(Clone, Debug)]
pub(super) struct Meta {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) created: Option<SystemTime>,
    /// `kgateway.dev/inherited-policy-priority`
    pub(super) inherited_priority: Option<InheritedPriority>,
    pub(super) position: Position,
}

/// The values of the annotation `kgateway.dev/inherited-policy-priority`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InheritedPriority {
    ShallowMergePreferChild,
    ShallowMergePreferParent,
    DeepMergePreferChild,
    DeepMergePreferParent,
}

#[derive(Clone, Debug)]
pub(super) struct Gateway {
    pub(super) meta: Meta,
    pub(super) listeners: Vec<Listener>,
}

#[derive(Clone, Debug)]
pub(super) struct Listener {
    pub(super) name: String,
    pub(super) hostname: Hostname,
}

#[derive(Clone, Debug)]
pub(super) struct HttpRoute {
    pub(super) meta: Meta,
    pub(super) parents: Vec<ParentRef>,
    pub(super) hostnames: Vec<Hostname>,
    pub(super) rules: Vec<HttpRule>,
}

/// An entry of `parentRefs`. Ports don't matter here, so they are only checked.
#[derive(Clone, Debug)]
pub(super) struct ParentRef {
    pub(super) group: String,
    pub(super) kind: String,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) section: Option<String>,
    pub(super) path: FieldPath,
    pub(super) position: Position,
}

#[derive(Clone, Debug)]
pub(super) struct HttpRule {
    pub(super) name: Option<String>,
    pub(super) matches: Vec<RouteMatch>,
    pub(super) filters: Vec<Filter>,
    pub(super) backends: Vec<Backend>,
    pub(super) path: FieldPath,
    pub(super) position: Position,
}

/// A filter, as far as it concerns CORS.
#[derive(Clone, Debug)]
pub(super) enum Filter {
    Cors(Cors),
    Extension(ExtensionRef),
}

/// The object that a filter of type `ExtensionRef` names; it is in the namespace of its route.
#[derive(Clone, Debug)]
pub(super) struct ExtensionRef {
    pub(super) group: String,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) path: FieldPath,
    pub(super) position: Position,
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
pub(super) struct Backend {
    pub(super) reference: BackendRef,
    pub(super) filters: Vec<Filter>,
}

/// A `cors` block.
#[derive(Clone, Debug)]
pub(super) struct Cors {
    pub(super) policy: CorsPolicy,
    /// Where the block stands in its object.
    pub(super) path: FieldPath,
    /// What its lints are about.
    pub(super) lints: Vec<LintKind>,
}

/// `TrafficPolicy` of kgateway, `GlooTrafficPolicy` of Gloo.
#[derive(Clone, Debug)]
pub(super) struct TrafficPolicy {
    pub(super) meta: Meta,
    pub(super) flavor: Flavor,
    pub(super) targets: Vec<TargetRef>,
    pub(super) cors: Option<CorsSetting>,
}

/// The two kinds of traffic policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Flavor {
    Kgateway,
    Gloo,
}

impl Flavor {
    /// Group and kind, as an `ExtensionRef` names them.
    pub(super) fn group_and_kind(self) -> (&'static str, &'static str) {
        match self {
            Self::Kgateway => ("gateway.kgateway.dev", "TrafficPolicy"),
            Self::Gloo => ("gloo.solo.io", "GlooTrafficPolicy"),
        }
    }
}

/// An entry of `targetRefs`; it names an object in the namespace of its policy.
#[derive(Clone, Debug)]
pub(super) struct TargetRef {
    pub(super) group: String,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) section: Option<String>,
    pub(super) path: FieldPath,
    pub(super) position: Position,
}

/// What a traffic policy says about CORS.
#[derive(Clone, Debug)]
pub(super) enum CorsSetting {
    Policy(Cors),
    /// `disable: {}`; the fields beside it say nothing.
    Disabled(Cors),
}

impl InheritedPriority {
    /// Whether lists and fields of several policies are combined.
    pub(super) fn is_deep(self) -> bool {
        matches!(self, Self::DeepMergePreferChild | Self::DeepMergePreferParent)
    }

    /// Whether the annotated parent's policies come before those of what it serves.
    pub(super) fn prefers_parent(self) -> bool {
        matches!(self, Self::ShallowMergePreferParent | Self::DeepMergePreferParent)
    }
}

impl Filter {
    pub(super) fn cors(&self) -> Option<&Cors> {
        match self {
            Self::Cors(cors) => Some(cors),
            Self::Extension(_) => None,
        }
    }
}
