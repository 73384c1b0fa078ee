//! The status of routes and policies, written where it changes and nowhere else. In: what it should be, and what it is. Out:
//! patches by server-side apply, under a field manager of its own. Rule 10.5.

use std::collections::HashMap;

use futures::{StreamExt, stream::FuturesUnordered};
use kube::{
    api::{DynamicObject, Patch, PatchParams},
    client::Client,
};
use serde_json::{Value, json};

use super::kinds::collection_of;
use crate::manifest::{ObjectStatus, StatusEntry};

/// Under which name the API server keeps what is written here.
const FIELD_MANAGER: &str = "tower-cors";

/// How many patches are under way at the same time: the first table of thousands of routes must not take the server's turn
/// from everybody else's requests.
const AT_ONCE: usize = 8;

/// What became of a patch.
pub(crate) enum Written {
    Done,
    Refused { object: String, message: String },
}

/// Kind, namespace and name.
type Name = (String, String, String);

/// Writes the status of objects.
pub(crate) struct StatusWriter {
    client: Client,
    controller: String,
    /// What the server has: the version of the object, and its status.
    known: HashMap<Name, (String, Value)>,
    expected: HashMap<Name, ObjectStatus>,
    /// What differs, and waits for its patch.
    due: Vec<Name>,
    under_way: FuturesUnordered<futures::future::BoxFuture<'static, (Name, Written)>>,
}

impl StatusWriter {
    pub(crate) fn new(client: Client, controller: String) -> Self {
        let (known, expected, due) = (HashMap::new(), HashMap::new(), Vec::new());
        Self { client, controller, known, expected, due, under_way: FuturesUnordered::new() }
    }

    /// Takes note of what the server has.
    pub(crate) fn take(&mut self, kind: &str, object: &DynamicObject) {
        let metadata = &object.metadata;
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let name = (kind.to_owned(), text(&metadata.namespace), text(&metadata.name));
        let status = object.data.get("status").cloned().unwrap_or_default();
        self.known.insert(name.clone(), (text(&metadata.resource_version), status));
        // Whatever somebody else has written there is put right.
        if self.expected.contains_key(&name) {
            self.due.push(name);
        }
    }

    /// Takes note of what a new table says.
    pub(crate) fn set_expected(&mut self, statuses: Vec<ObjectStatus>) {
        let name = |status: &ObjectStatus| (status.kind.to_owned(), status.namespace.clone(), status.name.clone());
        self.expected = statuses.into_iter().map(|status| (name(&status), status)).collect();
        self.known.retain(|name, _| self.expected.contains_key(name));
        self.due = self.expected.keys().cloned().collect();
    }

    /// Waits for what becomes of the next patch; for ever where nothing has to be written.
    pub(crate) async fn next(&mut self) -> Written {
        while self.under_way.len() < AT_ONCE
            && let Some(name) = self.due.pop()
        {
            if let Some(patch) = self.patch(&name) {
                self.under_way.push(patch);
            }
        }
        match self.under_way.next().await {
            Some((_, written)) => written,
            None => std::future::pending().await,
        }
    }

    /// The patch that makes the status of an object what it should be, where it is something else.
    fn patch(&self, name: &Name) -> Option<futures::future::BoxFuture<'static, (Name, Written)>> {
        let (expected, (version, current)) = (self.expected.get(name)?, self.known.get(name)?);
        let list = if expected.kind.ends_with("Route") { "parents" } else { "ancestors" };
        let current = current.get(list).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let entries = self.entries(&expected.entries, current);
        if entries == current {
            return None;
        }
        let collection = collection_of(expected.kind)?;
        // The list is atomic in the CRD, so a patch has all of it, with the entries of others as they are.
        let api = collection.api(&self.client, Some(&expected.namespace));
        let object = json!({
            "apiVersion": collection.api_version(),
            "kind": expected.kind,
            // By its version, so that no entry is lost that somebody else writes meanwhile.
            "metadata": {"name": expected.name, "namespace": expected.namespace, "resourceVersion": version},
            "status": {list: entries},
        });
        let name = name.clone();
        Some(Box::pin(async move {
            // By force: where somebody else has written our entry, it is put right (10.5).
            let parameters = PatchParams::apply(FIELD_MANAGER).force();
            let written = match api.patch_status(&name.2, &parameters, &Patch::Apply(&object)).await {
                Ok(_) => Written::Done,
                // The object has changed or is gone, which its watch will tell.
                Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Written::Done,
                Err(error) => {
                    let message = match error {
                        kube::Error::Api(status) => status.message,
                        error => error.to_string(),
                    };
                    Written::Refused { object: format!("{} {}/{}", name.0, name.1, name.2), message }
                }
            };
            (name, written)
        }))
    }

    /// The entries of others as they are, then those of this controller. A condition keeps the time of its last transition.
    fn entries(&self, ours: &[StatusEntry], current: &[Value]) -> Vec<Value> {
        let is_ours = |entry: &&Value| entry.get("controllerName").and_then(Value::as_str) == Some(&*self.controller);
        let known: Vec<_> = current.iter().filter(is_ours).collect();
        let others = current.iter().filter(|entry| !is_ours(entry)).cloned();
        let mut entries: Vec<_> = others.collect();
        let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        for entry in ours {
            let Ok(mut entry) = serde_json::to_value(entry) else { continue };
            let reference = if entry.get("parentRef").is_some() { "parentRef" } else { "ancestorRef" };
            let same = known.iter().find(|known| known.get(reference) == entry.get(reference));
            let earlier = same.and_then(|known| known.get("conditions")?.as_array());
            let conditions = entry.get_mut("conditions").and_then(Value::as_array_mut);
            for condition in conditions.into_iter().flatten() {
                let same = earlier.into_iter().flatten().find(|known| known.get("type") == condition.get("type"));
                let since = same.filter(|known| known.get("status") == condition.get("status"));
                let since = since.and_then(|known| known.get("lastTransitionTime")).cloned();
                condition["lastTransitionTime"] = since.unwrap_or_else(|| now.clone().into());
            }
            // Conditions of other types that another controller put into the entry stay.
            let is_foreign = |condition: &&Value| {
                let kind = condition.get("type").and_then(Value::as_str);
                !matches!(kind, Some("Accepted" | "ResolvedRefs" | "Attached"))
            };
            let foreign: Vec<_> = earlier.into_iter().flatten().filter(is_foreign).cloned().collect();
            if let Some(conditions) = entry.get_mut("conditions").and_then(Value::as_array_mut) {
                conditions.extend(foreign);
            }
            entry["controllerName"] = self.controller.clone().into();
            entries.push(entry);
        }
        // An order of our own that is nothing but another one is no difference.
        match is_reordered(&entries, current) {
            true => current.to_vec(),
            false => entries,
        }
    }
}

/// Whether two lists have the same entries.
fn is_reordered(entries: &[Value], others: &[Value]) -> bool {
    entries.len() == others.len() && entries.iter().all(|entry| others.contains(entry))
}
