//! Which cluster is followed and how. In: a client and options. Out: a resolver, a future that keeps it up to date, a handle.
//! Rules 10.1, 10.2, 10.5, 10.6.

use std::{future::Future, sync::Arc, time::Duration};

use futures::{Stream, StreamExt, future};
use kube::client::Client;
use tokio::sync::{broadcast, watch};
use tokio_stream::wrappers::{BroadcastStream, WatchStream};

use super::{
    error::ClusterError,
    event::ClusterEvent,
    follow::{Follower, Told},
    status::ClusterStatus,
};
use crate::{
    manifest::{LoadedRoutes, ObjectStore},
    resolver::{ReloadHandle, Reloadable},
};

/// How long nothing must have changed before a table is built (10.2).
const QUIET_TIME: Duration = Duration::from_millis(100);

/// How many events a slow reader may be behind.
const EVENTS: usize = 4096;

/// An API server whose objects are to be followed: `Gateway`, `ListenerSet`, `HTTPRoute`, `GRPCRoute`, `TrafficPolicy`,
/// `GlooTrafficPolicy` and the labels of `Namespace` (10.1).
#[derive(Clone)]
#[must_use]
pub struct Cluster {
    pub(super) client: Client,
    pub(super) namespace: Option<String>,
    pub(super) controller: Option<String>,
    pub(super) writes_status: bool,
    pub(super) quiet_time: Duration,
    global_policy_namespace: Option<String>,
}

/// What is known of a cluster that is followed. Cheap to clone.
#[derive(Clone)]
pub struct ClusterHandle(Arc<Inner>);

struct Inner {
    routes: ReloadHandle<LoadedRoutes>,
    status: watch::Receiver<Arc<ClusterStatus>>,
    events: broadcast::Receiver<ClusterEvent>,
}

impl Cluster {
    /// Everything in all namespaces, as `client` may read it. The pauses between tries are this type's own where the
    /// client's configuration has `default_retry: false`; otherwise kube tries up to 15 times before anybody is told.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            namespace: None,
            controller: None,
            writes_status: false,
            quiet_time: QUIET_TIME,
            global_policy_namespace: None,
        }
    }

    /// Reads one namespace alone, for which a `Role` is enough. The labels of namespaces are then unknown, so that a listener
    /// which selects namespaces by them takes routes of none.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Names the controller whose Gateways count: those whose `GatewayClass` has this `controllerName`. A route is served
    /// only through them (10.5).
    pub fn controller_name(mut self, name: impl Into<String>) -> Self {
        self.controller = Some(name.into());
        self
    }

    /// Writes the status of routes and policies (10.5): for [controllers](Self::controller_name), in whose name the entries
    /// are. Needs the right to `patch` the `status` of both.
    pub fn write_status(mut self, writes: bool) -> Self {
        self.writes_status = writes;
        self
    }

    /// Names the namespace whose policies select in every namespace by their `targetSelectors` (7.12).
    pub fn global_policy_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.global_policy_namespace = Some(namespace.into());
        self
    }

    /// Sets how long nothing must have changed before a table is built: 100 ms unless this says otherwise. Where changes
    /// don't end, one is built each second (10.2).
    pub fn quiet_time(mut self, time: Duration) -> Self {
        self.quiet_time = time;
        self
    }

    /// A resolver for a [`CorsLayer`](crate::CorsLayer), closed until every kind was listed once; what is known of the
    /// cluster; and the future that keeps both up to date, which must be spawned. That future ends with an error where the
    /// client can never work, and else when it is dropped; the last table then serves on.
    pub fn follow(self) -> (Reloadable<LoadedRoutes>, ClusterHandle, impl Future<Output = ClusterError> + Send) {
        let routes = Reloadable::new(LoadedRoutes::closed());
        let (status, status_now) = watch::channel(Arc::default());
        let (events, events_now) = broadcast::channel(EVENTS);
        let mut store = ObjectStore::new();
        if let Some(namespace) = &self.global_policy_namespace {
            store = store.global_policy_namespace(namespace);
        }
        if let Some(controller) = &self.controller {
            store = store.controller_name(controller);
        }
        let told = Told { routes: routes.handle(), status, events };
        let handle = Inner { routes: routes.handle(), status: status_now, events: events_now };
        let follower = Follower::new(self, store, told);
        (routes, ClusterHandle(Arc::new(handle)), follower.run())
    }
}

impl ClusterHandle {
    /// What serves, to be [pinned](ReloadHandle::pin) to requests by a gateway.
    pub fn routes(&self) -> &ReloadHandle<LoadedRoutes> {
        &self.0.routes
    }

    /// What is known of the cluster now.
    pub fn status(&self) -> Arc<ClusterStatus> {
        Arc::clone(&self.0.status.borrow())
    }

    /// Waits until every kind was listed once and its objects serve, as a readiness probe does. Waits for ever where the
    /// future of [`Cluster::follow`] has ended before.
    pub async fn synced(&self) {
        let synced = WatchStream::new(self.0.status.clone()).filter(|status| future::ready(status.is_synced));
        if std::pin::pin!(synced).next().await.is_none() {
            future::pending::<()>().await;
        }
    }

    /// What happens from now on. A reader that is more than 4,096 events behind misses the oldest. The stream ends with the
    /// future of [`Cluster::follow`].
    pub fn events(&self) -> impl Stream<Item = ClusterEvent> + Send + use<> {
        BroadcastStream::new(self.0.events.resubscribe()).filter_map(|event| future::ready(event.ok()))
    }
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { namespace, controller, .. } = self;
        f.debug_struct("Cluster").field("namespace", namespace).field("controller", controller).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for ClusterHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ClusterHandle").field(&self.status()).finish()
    }
}
