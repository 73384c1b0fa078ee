//! The kinds of objects that are read, by API group, version and name.

/// A kind of objects that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Gateway,
    /// Which Gateways are a controller's (10.5).
    GatewayClass,
    /// `XListenerSet` of the experimental group is read as one, too (8.7).
    ListenerSet,
    HttpRoute,
    GrpcRoute,
    Namespace,
    /// Of kgateway.
    TrafficPolicy,
    /// Of Gloo.
    GlooTrafficPolicy,
}

/// The names by which a kind goes: API group, versions with the usual one first, name.
type Name = (&'static str, &'static [&'static str], &'static str);

const EXPERIMENTAL_LISTENER_SET: Name = ("gateway.networking.x-k8s.io", &["v1alpha1"], "XListenerSet");

impl Kind {
    pub(crate) const ALL: [Self; 8] = [
        Self::Gateway,
        Self::GatewayClass,
        Self::ListenerSet,
        Self::HttpRoute,
        Self::GrpcRoute,
        Self::Namespace,
        Self::TrafficPolicy,
        Self::GlooTrafficPolicy,
    ];

    const fn identity(self) -> Name {
        const GATEWAY_API: &str = "gateway.networking.k8s.io";
        match self {
            Self::Gateway => (GATEWAY_API, &["v1", "v1beta1"], "Gateway"),
            Self::GatewayClass => (GATEWAY_API, &["v1", "v1beta1"], "GatewayClass"),
            Self::ListenerSet => (GATEWAY_API, &["v1"], "ListenerSet"),
            Self::HttpRoute => (GATEWAY_API, &["v1", "v1beta1"], "HTTPRoute"),
            Self::GrpcRoute => (GATEWAY_API, &["v1"], "GRPCRoute"),
            Self::Namespace => ("", &["v1"], "Namespace"),
            Self::TrafficPolicy => ("gateway.kgateway.dev", &["v1alpha1"], "TrafficPolicy"),
            Self::GlooTrafficPolicy => ("gloo.solo.io", &["v1alpha1"], "GlooTrafficPolicy"),
        }
    }

    /// The API group; empty for the core group.
    pub(crate) const fn group(self) -> &'static str {
        self.identity().0
    }

    /// The version that messages name.
    pub(crate) fn version(self) -> &'static str {
        self.identity().1.first().copied().unwrap_or_default()
    }

    /// The name, as objects and references write it.
    pub(crate) const fn name(self) -> &'static str {
        self.identity().2
    }

    /// Whether objects of this kind carry a `cors` setting for what they target.
    pub(crate) fn is_policy(self) -> bool {
        matches!(self, Self::TrafficPolicy | Self::GlooTrafficPolicy)
    }

    /// Whether policies can target objects of this kind (7.12).
    pub(crate) fn is_target(self) -> bool {
        matches!(self, Self::Gateway | Self::ListenerSet | Self::HttpRoute | Self::GrpcRoute)
    }

    /// The kind that a reference names.
    pub(crate) fn of_reference(group: &str, name: &str) -> Option<Self> {
        let experimental = (EXPERIMENTAL_LISTENER_SET.0, EXPERIMENTAL_LISTENER_SET.2);
        if (group, name) == experimental {
            return Some(Self::ListenerSet);
        }
        Self::ALL.into_iter().find(|kind| (kind.group(), kind.name()) == (group, name))
    }

    /// The kind of an object, by its `apiVersion` and `kind`.
    pub(crate) fn of_object(api_version: &str, name: &str) -> Option<Self> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let kind = Self::of_reference(group, name)?;
        let is_experimental = group == EXPERIMENTAL_LISTENER_SET.0;
        let versions = if is_experimental { EXPERIMENTAL_LISTENER_SET.1 } else { kind.identity().1 };
        versions.contains(&version).then_some(kind)
    }
}
