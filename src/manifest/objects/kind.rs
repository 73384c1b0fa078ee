//! The kinds of objects that are read, by API group, version and name.

/// A kind of objects that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Gateway,
    HttpRoute,
    /// Of kgateway.
    TrafficPolicy,
    /// Of Gloo.
    GlooTrafficPolicy,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Gateway, Self::HttpRoute, Self::TrafficPolicy, Self::GlooTrafficPolicy];

    /// The API group.
    pub(crate) fn group(self) -> &'static str {
        match self {
            Self::Gateway | Self::HttpRoute => "gateway.networking.k8s.io",
            Self::TrafficPolicy => "gateway.kgateway.dev",
            Self::GlooTrafficPolicy => "gloo.solo.io",
        }
    }

    /// The versions that are read, the usual one first.
    fn versions(self) -> &'static [&'static str] {
        match self {
            Self::Gateway | Self::HttpRoute => &["v1", "v1beta1"],
            Self::TrafficPolicy | Self::GlooTrafficPolicy => &["v1alpha1"],
        }
    }

    /// The version that messages name.
    pub(crate) fn version(self) -> &'static str {
        self.versions().first().copied().unwrap_or_default()
    }

    /// The name, as objects and references write it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gateway => "Gateway",
            Self::HttpRoute => "HTTPRoute",
            Self::TrafficPolicy => "TrafficPolicy",
            Self::GlooTrafficPolicy => "GlooTrafficPolicy",
        }
    }

    /// Whether objects of this kind carry a `cors` setting for what they target.
    pub(crate) fn is_policy(self) -> bool {
        matches!(self, Self::TrafficPolicy | Self::GlooTrafficPolicy)
    }

    /// The kind that a reference names.
    pub(crate) fn of_reference(group: &str, name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.group() == group && kind.name() == name)
    }

    /// The kind of an object, by its `apiVersion` and `kind`.
    pub(crate) fn of_object(api_version: &str, name: &str) -> Option<Self> {
        let (group, version) = api_version.split_once('/')?;
        Self::of_reference(group, name).filter(|kind| kind.versions().contains(&version))
    }
}
