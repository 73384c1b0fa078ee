//! The kinds that are read of an API server, and the collections that hold them. Rule 10.1.

use kube::{
    api::{Api, ApiResource, DynamicObject},
    client::Client,
};

/// A collection of an API server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Collection {
    group: &'static str,
    version: &'static str,
    pub(crate) kind: &'static str,
    plural: &'static str,
    is_namespaced: bool,
}

const fn namespaced(
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    plural: &'static str,
) -> Collection {
    Collection { group, version, kind, plural, is_namespaced: true }
}

const GATEWAY_API: &str = "gateway.networking.k8s.io";

const NAMESPACED: [Collection; 7] = [
    namespaced(GATEWAY_API, "v1", "Gateway", "gateways"),
    namespaced(GATEWAY_API, "v1", "HTTPRoute", "httproutes"),
    namespaced(GATEWAY_API, "v1", "GRPCRoute", "grpcroutes"),
    namespaced(GATEWAY_API, "v1", "ListenerSet", "listenersets"),
    namespaced("gateway.networking.x-k8s.io", "v1alpha1", "XListenerSet", "xlistenersets"),
    namespaced("gateway.kgateway.dev", "v1alpha1", "TrafficPolicy", "trafficpolicies"),
    namespaced("gloo.solo.io", "v1alpha1", "GlooTrafficPolicy", "glootrafficpolicies"),
];

const NAMESPACES: Collection =
    Collection { group: "", version: "v1", kind: "Namespace", plural: "namespaces", is_namespaced: false };

const GATEWAY_CLASSES: Collection = Collection {
    group: GATEWAY_API,
    version: "v1",
    kind: "GatewayClass",
    plural: "gatewayclasses",
    is_namespaced: false,
};

/// What is read: namespaces only where there are several, classes only for a controller, so that no right is asked for that
/// is not used.
pub(crate) fn collections(in_all_namespaces: bool, for_a_controller: bool) -> impl Iterator<Item = Collection> {
    let namespaces = in_all_namespaces.then_some(NAMESPACES);
    NAMESPACED.into_iter().chain(namespaces).chain(for_a_controller.then_some(GATEWAY_CLASSES))
}

/// The collection that holds objects of a kind.
pub(crate) fn collection_of(kind: &str) -> Option<Collection> {
    NAMESPACED.into_iter().find(|collection| collection.kind == kind)
}

impl Collection {
    /// As RBAC and the server's messages call it, such as `httproutes.gateway.networking.k8s.io`.
    pub(crate) fn name(&self) -> String {
        let Self { group, plural, .. } = self;
        if group.is_empty() { (*plural).to_owned() } else { format!("{plural}.{group}") }
    }

    /// `group/version`, as objects write it.
    pub(crate) fn api_version(&self) -> String {
        let Self { group, version, .. } = self;
        if group.is_empty() { (*version).to_owned() } else { format!("{group}/{version}") }
    }

    /// The collection in a namespace or in all.
    pub(crate) fn api(&self, client: &Client, namespace: Option<&str>) -> Api<DynamicObject> {
        let resource = ApiResource {
            group: self.group.to_owned(),
            version: self.version.to_owned(),
            api_version: self.api_version(),
            kind: self.kind.to_owned(),
            plural: self.plural.to_owned(),
        };
        match namespace.filter(|_| self.is_namespaced) {
            Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
            None => Api::all_with(client.clone(), &resource),
        }
    }
}
