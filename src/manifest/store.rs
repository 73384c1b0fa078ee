//! The objects of a cluster, as they come, change and go. In: objects that a program has in memory. Out: route tables, each of
//! everything that is there, and what is wrong with which object. Rules 10.1 to 10.3, 10.6.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use serde::Serialize;
use serde_json::Value;

use super::{
    attachment::{self, LoadedRoutes, ObjectStatus, Outcomes, Scope},
    error::ObjectError,
    finding::Violation,
    manifests,
    objects::{Identity, Resources},
    value::{Object, ReadObject},
};
use crate::compile::Compiler;

/// The objects of a cluster, as they come, change and go: what a watch of an API server keeps.
///
/// Each object is read once, when it changes; a table is [built](Self::build) of all of them. What is invalid closes its own
/// rules and no others (10.3), unlike in files, where one bad object stops all. Read are the kinds that
/// [`Manifests`](super::Manifests) names; others are passed over.
///
/// With the feature `kubernetes`, `kubernetes::Cluster` fills one from an API server. A program that watches by its own
/// means uses this type.
///
/// # Examples
///
/// ```
/// use serde_json::json;
/// use tower_cors::manifest::ObjectStore;
///
/// let mut store = ObjectStore::new();
/// let route = |origin| json!({
///     "apiVersion": "gateway.networking.k8s.io/v1",
///     "kind": "HTTPRoute",
///     "metadata": {"name": "api", "namespace": "web"},
///     "spec": {"rules": [{
///         "filters": [{"type": "CORS", "cors": {"allowOrigins": [origin]}}],
///     }]},
/// });
/// assert!(store.apply(&route("https://app.example"))?);
/// assert_eq!(store.violations().count(), 0);
/// let routes = store.build();
///
/// store.apply(&route("app.example"))?;
/// let violation = store.violations().next().expect("an origin without its scheme");
/// let path = "spec.rules[0].filters[0].cors.allowOrigins[0]";
/// assert!(violation.to_string().starts_with(&format!("HTTPRoute web/api: {path}: ")));
/// // The rule is served without CORS; other routes are not touched.
/// let routes = store.build();
///
/// assert!(store.delete("HTTPRoute", "web", "api"));
/// # Ok::<_, tower_cors::manifest::ObjectError>(())
/// ```
#[derive(Debug)]
pub struct ObjectStore {
    compiler: Compiler,
    scope: Scope,
    outcomes: Outcomes,
    objects: BTreeMap<Identity, Box<Kept>>,
}

/// What was read of an object, until it changes.
#[derive(Debug)]
struct Kept {
    read: ReadObject,
    digest: u64,
}

impl ObjectStore {
    /// No objects yet.
    pub fn new() -> Self {
        Self {
            compiler: manifests::compiler(),
            scope: Scope::default(),
            outcomes: Outcomes::default(),
            objects: BTreeMap::new(),
        }
    }

    /// Names the namespace whose policies select in every namespace by their `targetSelectors` (7.12).
    #[must_use]
    pub fn global_policy_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.scope.global_policy_namespace = Some(namespace.into());
        self
    }

    /// Names the controller whose Gateways count: those whose `GatewayClass` has this `controllerName`. A route is then
    /// served only through them (10.5). Without a name all Gateways count.
    #[must_use]
    pub fn controller_name(mut self, name: impl Into<String>) -> Self {
        self.scope.controller = Some(name.into());
        self
    }

    /// Puts an object in, in the place of an earlier one of its kind, namespace and name. Takes what serializes as the API
    /// server writes it: a `serde_json::Value`, a `DynamicObject` of the crate `kube`, a type of the crate `gateway-api`.
    ///
    /// Returns whether tables change by it: not for a kind that is not read, and not where nothing but `status` or what the
    /// server keeps for itself has changed.
    ///
    /// # Errors
    ///
    /// The value can't be serialized, has no kind or no name, or is deeper than 64 levels. What is wrong *in* an object is
    /// no error; [`violations`](Self::violations) has it.
    pub fn apply(&mut self, object: &impl Serialize) -> Result<bool, ObjectError> {
        let object = Object::new(object)?;
        // A list after a lost connection names everything again, and nearly all of it is as it was.
        let digest = digest(&object.json);
        if self.objects.get(&object.identity).is_some_and(|kept| kept.digest == digest) {
            return Ok(false);
        }
        let read = object.read(&self.compiler)?;
        if read.object.is_none() && read.violations.is_empty() && read.lints.is_empty() {
            // Of a kind that is not read.
            return Ok(self.objects.remove(&object.identity).is_some());
        }
        self.objects.insert(object.identity, Box::new(Kept { read, digest }));
        Ok(true)
    }

    /// Takes an object out; the namespace is empty for one that is in none. Returns whether it was there.
    pub fn delete(&mut self, kind: &str, namespace: &str, name: &str) -> bool {
        let name = Identity { kind: kind.into(), namespace: namespace.into(), name: name.into() };
        self.objects.remove(&name).is_some()
    }

    /// Takes out all objects of a kind but those that `keep` says yes to, by namespace and name: for whoever has listed
    /// the kind anew and missed what was deleted meanwhile. Returns whether any was there.
    pub fn retain(&mut self, kind: &str, mut keep: impl FnMut(&str, &str) -> bool) -> bool {
        let before = self.objects.len();
        self.objects.retain(|name, _| *name.kind != *kind || keep(&name.namespace, &name.name));
        self.objects.len() != before
    }

    /// A table of everything that is there. What rules came to is remembered until the next one, so that one change does not
    /// make every policy anew.
    pub fn build(&mut self) -> LoadedRoutes {
        let (mut resources, mut lints) = (Resources::default(), Vec::new());
        for kept in self.objects.values() {
            kept.read.object.iter().for_each(|object| resources.push(object));
            lints.extend_from_slice(&kept.read.lints);
        }
        // Both kinds of sets are read as one, so that two objects may have one name.
        if self.objects.keys().any(|name| &*name.kind == "XListenerSet") {
            attachment::keep_latest(&mut resources, &mut lints);
        }
        attachment::build(resources, lints, &self.compiler, self.scope.clone(), &mut self.outcomes)
    }

    /// The status of each route and policy, by a table that was [built](Self::build) of what is there (10.5).
    pub fn statuses(&self, routes: &LoadedRoutes) -> Vec<ObjectStatus> {
        attachment::statuses(routes, &|kind, namespace, name| {
            let identity = Identity { kind: kind.into(), namespace: namespace.into(), name: name.into() };
            let kept = self.objects.get(&identity).map(|kept| &*kept.read.violations).unwrap_or_default();
            kept.iter().map(|violation| (**violation).to_string()).collect()
        })
    }

    /// Everything that is wrong with objects; the [position](Violation::position) of each names the object.
    pub fn violations(&self) -> impl Iterator<Item = &Violation> {
        self.objects.values().flat_map(|kept| &kept.read.violations)
    }

    /// How many objects there are, by kind.
    pub fn counts(&self) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for name in self.objects.keys() {
            *counts.entry(&*name.kind).or_default() += 1;
        }
        counts
    }

    /// A number for what the objects say: the same wherever the same objects are, whatever the order in which they came,
    /// within one build of a program.
    pub fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for (name, kept) in &self.objects {
            (name, kept.digest).hash(&mut hasher);
        }
        hasher.finish()
    }
}

impl Default for ObjectStore {
    fn default() -> Self {
        Self::new()
    }
}

/// What an object says, but for what changes without a change of what it says.
fn digest(object: &Value) -> u64 {
    // A status that is written, by this program among others, must build no table: it would be written for each anew.
    const OF_THE_SERVER: [&str; 4] = ["managedFields", "resourceVersion", "selfLink", "uid"];
    let mut hasher = DefaultHasher::new();
    let fields = object.as_object().into_iter().flatten().filter(|(name, _)| *name != "status");
    for (name, value) in fields {
        name.hash(&mut hasher);
        match value.as_object().filter(|_| name == "metadata") {
            None => value.hash(&mut hasher),
            Some(metadata) => {
                let kept = metadata.iter().filter(|(name, _)| !OF_THE_SERVER.contains(&name.as_str()));
                kept.for_each(|field| field.hash(&mut hasher));
            }
        }
    }
    hasher.finish()
}
