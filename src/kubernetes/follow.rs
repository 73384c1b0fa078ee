//! The work of following: what happens to the collections goes into the store, changes are gathered for a moment, a table is
//! built of everything, and swapped as a whole. Rules 10.2 to 10.4, 10.6.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::{Duration, SystemTime},
};

use futures::{
    StreamExt,
    future::{Either, select},
    stream::{self, SelectAll},
};
use kube::{api::DynamicObject, runtime::watcher::Event};
use tokio::{
    sync::{broadcast, watch},
    time::Instant,
};

use super::{
    cluster::Cluster,
    error::ClusterError,
    event::ClusterEvent,
    kinds::{Collection, collections},
    status::ClusterStatus,
    watch::{Happening, watch as watch_collection},
    write::{StatusWriter, Written},
};
use crate::{
    manifest::{LoadedRoutes, ObjectStore, Violation},
    resolver::ReloadHandle,
};

/// The longest that a change waits for others (10.2).
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Where everybody else reads.
pub(crate) struct Told {
    pub(crate) routes: ReloadHandle<LoadedRoutes>,
    pub(crate) status: watch::Sender<Arc<ClusterStatus>>,
    pub(crate) events: broadcast::Sender<ClusterEvent>,
}

/// Follows a cluster.
pub(crate) struct Follower {
    cluster: Cluster,
    store: ObjectStore,
    told: Told,
    status: ClusterStatus,
    /// The kinds that were not listed yet.
    unlisted: HashSet<&'static str>,
    /// What a list that has begun has named so far, by kind.
    listed: HashMap<&'static str, HashSet<(String, String)>>,
    changed: Option<Changed>,
    writer: Option<StatusWriter>,
}

/// Changes that no table has yet.
#[derive(Clone, Copy)]
struct Changed {
    first: Instant,
    last: Instant,
}

type Happenings = SelectAll<stream::BoxStream<'static, (Collection, Happening)>>;

impl Follower {
    pub(crate) fn new(cluster: Cluster, store: ObjectStore, told: Told) -> Self {
        let unlisted = Self::collections(&cluster).map(|collection| collection.kind).collect();
        let writer = match (&cluster.controller, cluster.writes_status) {
            (Some(controller), true) => Some(StatusWriter::new(cluster.client.clone(), controller.clone())),
            _ => None,
        };
        let now = Instant::now();
        // A cluster without any object is synced, too.
        let changed = Some(Changed { first: now, last: now });
        let status = ClusterStatus::default();
        Self { cluster, store, told, status, unlisted, listed: HashMap::new(), changed, writer }
    }

    fn collections(cluster: &Cluster) -> impl Iterator<Item = Collection> + use<> {
        collections(cluster.namespace.is_none(), cluster.controller.is_some())
    }

    pub(crate) async fn run(mut self) -> ClusterError {
        let watches = Self::collections(&self.cluster).map(|collection| {
            let api = collection.api(&self.cluster.client, self.cluster.namespace.as_deref());
            watch_collection(collection, api).boxed()
        });
        let mut happenings: Happenings = stream::select_all(watches);
        loop {
            match self.next(&mut happenings).await {
                Next::Happened(collection, happening) => {
                    if let Err(error) = self.take(collection, happening) {
                        return error;
                    }
                }
                Next::Quiet => self.swap().await,
                Next::Written(written) => self.note(written),
            }
        }
    }

    /// Waits for what comes next: a table is due once nothing has changed for a moment, or some time after the first change.
    async fn next(&mut self, happenings: &mut Happenings) -> Next {
        let changed = self.changed.filter(|_| self.unlisted.is_empty());
        let due = changed.map(|changed| (changed.last + self.cluster.quiet_time).min(changed.first + LONGEST_WAIT));
        let quiet = async {
            match due {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        let written = async {
            match &mut self.writer {
                Some(writer) => writer.next().await,
                None => std::future::pending().await,
            }
        };
        let others = select(Box::pin(quiet), Box::pin(written));
        match select(others, happenings.next()).await {
            Either::Left((Either::Left(_), _)) | Either::Right((None, _)) => Next::Quiet,
            Either::Left((Either::Right((written, _)), _)) => Next::Written(written),
            Either::Right((Some((collection, happening)), _)) => Next::Happened(collection, happening),
        }
    }

    fn take(&mut self, collection: Collection, happening: Happening) -> Result<(), ClusterError> {
        let kind = collection.kind;
        match happening {
            Happening::Never(error) => return Err(error),
            Happening::Failed(message) => {
                let resource = collection.name();
                if self.status.unavailable.get(&resource) != Some(&message) {
                    self.status.unavailable.insert(resource.clone(), message.clone());
                    self.tell(ClusterEvent::Unavailable { resource, message });
                    self.publish();
                }
                return Ok(());
            }
            Happening::Readable => {}
            Happening::Unknown => {
                // 10.1: it can't hold back the first table, and what it had is gone with its CRD.
                self.unlisted.remove(kind);
                let was_there = self.store.retain(kind, |_, _| false);
                self.note_change(was_there);
            }
            // A list that is about to be asked for is no proof that it is answered.
            Happening::Object(event) if matches!(*event, Event::Init) => {
                self.listed.insert(kind, HashSet::new());
                return Ok(());
            }
            Happening::Object(event) => self.take_event(collection, *event),
        }
        let resource = collection.name();
        if self.status.unavailable.remove(&resource).is_some() {
            self.tell(ClusterEvent::Available { resource });
            self.publish();
        }
        Ok(())
    }

    fn take_event(&mut self, collection: Collection, event: Event<DynamicObject>) {
        let kind = collection.kind;
        match event {
            Event::Init => {}
            Event::InitApply(object) => {
                let name = (object.metadata.namespace.clone(), object.metadata.name.clone());
                let name = (name.0.unwrap_or_default(), name.1.unwrap_or_default());
                self.listed.entry(kind).or_default().insert(name);
                self.apply(collection, object);
            }
            Event::InitDone => {
                self.unlisted.remove(kind);
                let listed = self.listed.remove(kind).unwrap_or_default();
                let is_listed = |namespace: &str, name: &str| listed.contains(&(namespace.to_owned(), name.to_owned()));
                let was_there = self.store.retain(kind, is_listed);
                self.note_change(was_there);
            }
            Event::Apply(object) => self.apply(collection, object),
            Event::Delete(object) => {
                let (namespace, name) = (object.metadata.namespace.as_deref(), object.metadata.name.as_deref());
                let was_there = self.store.delete(kind, namespace.unwrap_or_default(), name.unwrap_or_default());
                self.note_change(was_there);
            }
        }
    }

    fn apply(&mut self, collection: Collection, mut object: DynamicObject) {
        // The items of a list name neither.
        object.types =
            Some(kube::api::TypeMeta { api_version: collection.api_version(), kind: collection.kind.to_owned() });
        if let Some(writer) = &mut self.writer {
            writer.take(collection.kind, &object);
        }
        match self.store.apply(&object) {
            Ok(changes) => self.note_change(changes),
            // The API server has no objects without a name; one that is too deep is as if it were not there.
            Err(error) => {
                let (namespace, name) = (object.metadata.namespace, object.metadata.name);
                let was_there =
                    self.store.delete(collection.kind, &namespace.unwrap_or_default(), &name.unwrap_or_default());
                self.note_change(was_there);
                self.tell(ClusterEvent::Unavailable { resource: collection.name(), message: error.to_string() });
            }
        }
    }

    fn note_change(&mut self, is_one: bool) {
        if is_one {
            let now = Instant::now();
            let first = self.changed.map_or(now, |changed| changed.first);
            self.changed = Some(Changed { first, last: now });
        }
    }

    /// Builds the table of everything, and puts it in the place of the last one.
    async fn swap(&mut self) {
        self.changed = None;
        // Building takes its time; whatever else runs on this thread does not wait for it.
        let mut store = std::mem::take(&mut self.store);
        let earlier = self.told.routes.current();
        // Only whoever listens asks what has changed, and to the first table all is new. One receiver is the handle's own.
        let is_heard = self.status.is_synced && self.told.events.receiver_count() > 1;
        let writes = self.writer.is_some();
        let build = move || {
            let routes = store.build();
            let changes = if is_heard { routes.changes_since(&earlier) } else { Vec::new() };
            let statuses = if writes { store.statuses(&routes) } else { Vec::new() };
            (store, routes, changes, statuses)
        };
        let (store, routes, changes, statuses) = match tokio::task::spawn_blocking(build).await {
            Ok(built) => built,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime ends.
                Err(_) => return std::future::pending().await,
            },
        };
        self.store = store;
        // Requests under way finish by the table that they began with.
        self.told.routes.reload(routes);
        self.tell_swap(changes);
        if let Some(writer) = &mut self.writer {
            writer.set_expected(statuses);
        }
    }

    fn tell_swap(&mut self, changes: Vec<crate::manifest::Change>) {
        let counts = self.store.counts();
        let objects: BTreeMap<String, usize> =
            counts.into_iter().map(|(kind, number)| (kind.to_owned(), number)).collect();
        let violations: Vec<_> = self.store.violations().cloned().collect();
        let new = new_violations(&self.status.violations, &violations);
        if !self.status.is_synced {
            let objects = objects.iter().map(|(kind, number)| (kind.clone(), *number)).collect();
            self.tell(ClusterEvent::Synced { objects });
        }
        for violation in new {
            self.tell(ClusterEvent::Refused(violation));
        }
        let number = changes.len();
        changes.into_iter().for_each(|change| self.tell(ClusterEvent::Changed(change)));
        if self.status.is_synced {
            self.tell(ClusterEvent::Reloaded { changes: number });
        }
        self.status = ClusterStatus {
            is_synced: true,
            objects,
            swaps: self.status.swaps + 1,
            last_swap: Some(SystemTime::now()),
            digest: self.store.digest(),
            violations,
            unavailable: std::mem::take(&mut self.status.unavailable),
        };
        self.publish();
    }

    fn note(&mut self, written: Written) {
        if let Written::Refused { object, message } = written {
            self.tell(ClusterEvent::StatusNotWritten { object, message });
        }
    }

    fn tell(&self, event: ClusterEvent) {
        // Nobody has to listen.
        let _ = self.told.events.send(event);
    }

    fn publish(&self) {
        self.told.status.send_replace(Arc::new(self.status.clone()));
    }
}

/// The violations that were not there before. Those of one object stand together, and of most objects nothing has changed, so
/// texts are made for the objects alone of which something has.
fn new_violations(before: &[Violation], now: &[Violation]) -> Vec<Violation> {
    let of_one_object = |one: &Violation, two: &Violation| one.position() == two.position();
    let before: HashMap<_, _> =
        before.chunk_by(of_one_object).map(|found| (found.first().map(object), found)).collect();
    let mut new = Vec::new();
    for found in now.chunk_by(of_one_object) {
        let known = before.get(&found.first().map(object)).copied().unwrap_or_default();
        if known != found {
            let known: HashSet<_> = known.iter().map(ToString::to_string).collect();
            new.extend(found.iter().filter(|violation| !known.contains(&violation.to_string())).cloned());
        }
    }
    new
}

/// The object that a violation is about.
fn object(violation: &Violation) -> &str {
    violation.position().file()
}

enum Next {
    Happened(Collection, Happening),
    /// A table is due.
    Quiet,
    Written(Written),
}
