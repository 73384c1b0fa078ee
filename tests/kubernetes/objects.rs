//! Manifests as objects of a server: made, and gone again.

use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use http::Method;
use serde_json::{Value, json};

use crate::{
    kubectl::{Proxy, objects},
    wait::wait_until,
};

/// Objects that are on a server until [`Placed::remove`].
pub(crate) struct Placed<'a> {
    proxy: &'a Proxy,
    paths: Vec<String>,
}

impl<'a> Placed<'a> {
    /// Makes the objects of a manifest, older ones first; those that say no age are all of one second. An error is what
    /// the server refuses, and then none of them stay.
    pub(crate) fn place(proxy: &'a Proxy, yaml: &str) -> Result<Self, String> {
        let mut ages = BTreeSet::new();
        let mut whole = objects(yaml);
        for object in &mut whole {
            complete(object);
            ages.insert(age(object));
        }
        let mut placed = Self { proxy, paths: Vec::new() };
        placed.place_namespaces(&whole);
        // None comes last, as it does in files.
        let ages = ages.iter().filter(|age| age.is_some()).chain(ages.get(&None));
        for expected in ages {
            let of_age: Vec<_> =
                whole.iter().filter(|object| age(object) == *expected && !is_namespace(object)).collect();
            if let Err(refused) = placed.place_at_once(&of_age) {
                placed.remove();
                return Err(refused);
            }
        }
        Ok(placed)
    }

    fn place_namespaces(&mut self, whole: &[Value]) {
        let mut namespaces: Vec<_> = whole.iter().filter(|object| is_namespace(object)).cloned().collect();
        for name in whole.iter().filter_map(|object| object["metadata"]["namespace"].as_str()) {
            if name != "default" && namespaces.iter().all(|namespace| namespace["metadata"]["name"] != name) {
                namespaces.push(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}));
            }
        }
        for namespace in namespaces {
            let name = namespace["metadata"]["name"].as_str().expect("a name");
            let (mut code, mut answer) = self.proxy.call(Method::POST, "/api/v1/namespaces", Some(&namespace));
            // It is there from before: a namespace without its controller is never gone.
            if code == 409 {
                let labels = namespace["metadata"]["labels"].clone();
                let path = format!("/api/v1/namespaces/{name}");
                self.proxy.call(Method::PATCH, &path, Some(&json!({"metadata": {"labels": null}})));
                let patch = json!({"metadata": {"labels": labels}});
                (code, answer) = self.proxy.call(Method::PATCH, &path, Some(&patch));
            }
            assert!(matches!(code, 200 | 201), "{answer}");
        }
    }

    /// Makes objects in one second of the server's clock, however often that has to be tried.
    fn place_at_once(&mut self, whole: &[&Value]) -> Result<(), String> {
        let before = self.paths.len();
        wait_until("objects of one second", || {
            begin_of_a_second();
            let mut seconds = BTreeSet::new();
            for object in whole {
                let path = collection(object);
                let (code, answer) = self.proxy.call(Method::POST, &path, Some(object));
                let name = object["metadata"]["name"].as_str().unwrap_or_default();
                if code != 201 {
                    return Some(Err(format!("{path}/{name}: {}", answer["message"])));
                }
                seconds.insert(answer["metadata"]["creationTimestamp"].to_string());
                self.paths.push(format!("{path}/{name}"));
            }
            if seconds.len() < 2 {
                return Some(Ok(()));
            }
            remove(self.proxy, self.paths.split_off(before));
            None
        })
    }

    /// Deletes them.
    pub(crate) fn remove(self) {
        remove(self.proxy, self.paths);
    }
}

fn remove(proxy: &Proxy, paths: Vec<String>) {
    proxy.each(&Method::DELETE, paths.into_iter().map(|path| (path, None)).collect());
}

/// What the CRD asks for and the rows leave out, since it means nothing to what is read. No age is written: it is the
/// server's.
fn complete(object: &mut Value) {
    if object["kind"] == "Gateway" && object["spec"].is_object() && object["spec"]["gatewayClassName"].is_null() {
        object["spec"]["gatewayClassName"] = "any".into();
    }
    if object["metadata"]["namespace"].is_null() && !is_namespace(object) && object["kind"] != "GatewayClass" {
        object["metadata"]["namespace"] = "default".into();
    }
}

fn age(object: &Value) -> Option<String> {
    object["metadata"]["creationTimestamp"].as_str().map(str::to_owned)
}

fn is_namespace(object: &Value) -> bool {
    object["kind"] == "Namespace"
}

fn collection(object: &Value) -> String {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let (version, kind) = (text(&object["apiVersion"]), text(&object["kind"]).to_lowercase());
    let plural = match kind.strip_suffix('y') {
        Some(stem) if kind.ends_with("policy") => format!("{stem}ies"),
        _ => format!("{kind}s"),
    };
    let root = if version.contains('/') { format!("/apis/{version}") } else { format!("/api/{version}") };
    match object["metadata"]["namespace"].as_str() {
        Some(namespace) => format!("{root}/namespaces/{namespace}/{plural}"),
        None => format!("{root}/{plural}"),
    }
}

/// Waits until a new second has begun, so that what follows is done within it, and after whatever was done before.
fn begin_of_a_second() {
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let then = now().as_secs();
    wait_until("a second begins", || (now().as_secs() > then).then_some(()));
}
