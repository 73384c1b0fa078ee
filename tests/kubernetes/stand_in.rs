//! An API server of our own on loopback, for what a real one can't be made to do on demand. It keeps objects, versions and a
//! history; lists in pages; watches with bookmarks; takes server-side apply of a status. What it does wrong is a [`Fault`].

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::Instant,
};

use http::{Method, Request, Response};
use http_body_util::{BodyExt, StreamBody, combinators::BoxBody};
use hyper::{
    body::{Bytes, Frame, Incoming},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::Runtime,
    sync::{mpsc, watch},
};
use tokio_stream::wrappers::ReceiverStream;

use crate::kubectl::objects;

/// The collections that are there from the start.
pub(crate) const KINDS: [(&str, &str); 8] = [
    ("gateway.networking.k8s.io/v1", "gateways"),
    ("gateway.networking.k8s.io/v1", "httproutes"),
    ("gateway.networking.k8s.io/v1", "grpcroutes"),
    ("gateway.networking.k8s.io/v1", "listenersets"),
    ("gateway.networking.k8s.io/v1", "gatewayclasses"),
    ("gateway.networking.x-k8s.io/v1alpha1", "xlistenersets"),
    ("gateway.kgateway.dev/v1alpha1", "trafficpolicies"),
    ("gloo.solo.io/v1alpha1", "glootrafficpolicies"),
];

/// What is done in the place of an answer.
#[derive(Clone)]
pub(crate) enum Fault {
    /// A status, with its reason.
    Status(u16, &'static str),
    /// Too many requests, as kube-apiserver says it: a header and plain text.
    Busy { seconds: u64 },
    /// A watch that begins and stays silent.
    Silence,
    /// A watch whose stream breaks within a line.
    Break,
    /// A watch with a line that is no JSON.
    Garbage,
    /// A watch that says that its place is too old, in its stream.
    TooOld,
}

/// What was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) verb: &'static str,
    pub(crate) plural: String,
    pub(crate) query: String,
    pub(crate) at: Instant,
}

#[derive(Default)]
struct State {
    /// Group and version, by plural.
    kinds: BTreeMap<String, String>,
    version: u64,
    /// By plural, namespace and name.
    objects: BTreeMap<(String, String, String), Value>,
    history: Vec<Happened>,
    /// Places before this one are too old.
    oldest: u64,
    /// Whether a place that is too old is the status of the answer, and no event of the stream.
    is_gone_a_status: bool,
    /// The most objects of a page.
    page: Option<usize>,
    faults: Vec<(&'static str, String, usize, Fault)>,
    asked: Vec<Asked>,
    is_down: bool,
    /// Whether watches are told nothing for now.
    is_held_back: bool,
}

#[derive(Clone)]
struct Happened {
    version: u64,
    plural: String,
    namespace: String,
    event: Value,
}

/// A server, which ends when this is dropped.
pub(crate) struct StandIn {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    _runtime: Runtime,
}

struct Shared {
    state: Mutex<State>,
    /// Whoever watches looks again when this changes.
    changes: watch::Sender<u64>,
    /// Connections end when this changes.
    cuts: watch::Sender<u64>,
}

type Body = BoxBody<Bytes, io::Error>;

impl StandIn {
    pub(crate) fn start() -> Self {
        Self::start_with(&KINDS)
    }

    /// Starts a server that knows these kinds, and namespaces.
    pub(crate) fn start_with(kinds: &[(&str, &str)]) -> Self {
        let mut state = State { version: 100, oldest: 100, ..State::default() };
        state.kinds.insert("namespaces".to_owned(), "v1".to_owned());
        state.kinds.extend(kinds.iter().map(|(group, plural)| ((*plural).to_owned(), (*group).to_owned())));
        let (changes, cuts) = (watch::channel(0).0, watch::channel(0).0);
        let shared = Arc::new(Shared { state: Mutex::new(state), changes, cuts });
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let address = listener.local_addr().expect("an address");
        let accepts = Arc::clone(&shared);
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A server that is down closes at once.
                if !accepts.state().is_down {
                    tokio::spawn(serve(stream, Arc::clone(&accepts)));
                }
            }
        });
        Self { address, shared, _runtime: runtime }
    }

    /// A file that names it.
    pub(crate) fn kubeconfig(&self) -> String {
        let text = format!(
            "apiVersion: v1\nkind: Config\nclusters: [{{name: local, cluster: {{server: \"http://{}\"}}}}]\n\
             users: [{{name: test, user: {{}}}}]\ncontexts: [{{name: test, context: {{cluster: local, user: test}}}}]\ncurrent-context: test\n",
            self.address
        );
        let name = format!("tower-cors-stand-in-{}-{}", std::process::id(), self.address.port());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text).expect("a kubeconfig");
        path.display().to_string()
    }

    /// Makes objects, or puts them in the place of those that are there.
    pub(crate) fn put(&self, yaml: &str) {
        for object in objects(yaml) {
            self.put_object(object);
        }
    }

    pub(crate) fn put_object(&self, object: Value) {
        let mut state = self.shared.state();
        let plural = plural(&object);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let default = if ["namespaces", "gatewayclasses"].contains(&plural.as_str()) { "" } else { "default" };
        let namespace = object["metadata"]["namespace"].as_str().unwrap_or(default).to_owned();
        let key = (plural, namespace, text(&object["metadata"]["name"]));
        state.put(key, object);
        drop(state);
        self.shared.wake();
    }

    pub(crate) fn delete(&self, plural: &str, namespace: &str, name: &str) {
        let mut state = self.shared.state();
        state.delete(&(plural.to_owned(), namespace.to_owned(), name.to_owned()));
        drop(state);
        self.shared.wake();
    }

    pub(crate) fn get(&self, plural: &str, namespace: &str, name: &str) -> Option<Value> {
        self.shared.state().objects.get(&(plural.to_owned(), namespace.to_owned(), name.to_owned())).cloned()
    }

    /// Deletes everything.
    pub(crate) fn clear(&self) {
        let mut state = self.shared.state();
        let keys: Vec<_> = state.objects.keys().cloned().collect();
        keys.iter().for_each(|key| state.delete(key));
        drop(state);
        self.shared.wake();
    }

    /// Installs a CRD.
    pub(crate) fn install(&self, group: &str, plural: &str) {
        self.shared.state().kinds.insert(plural.to_owned(), group.to_owned());
    }

    /// Tells every watch how far the server is.
    pub(crate) fn bookmark(&self) {
        let mut state = self.shared.state();
        let version = state.next_version();
        for (plural, group) in state.kinds.clone() {
            let object =
                json!({"apiVersion": group, "kind": "Bookmark", "metadata": {"resourceVersion": version.to_string()}});
            let event = json!({"type": "BOOKMARK", "object": object});
            state.history.push(Happened { version, plural, namespace: String::new(), event });
        }
        drop(state);
        self.shared.wake();
    }

    /// Forgets what happened before now, but for what the last bookmark named.
    pub(crate) fn compact(&self) {
        let mut state = self.shared.state();
        state.oldest = state.version;
        let oldest = state.oldest;
        state.history.retain(|happened| happened.version > oldest);
    }

    /// From now on a place that is too old is the status of the answer.
    pub(crate) fn refuse_old_places_at_once(&self) {
        self.shared.state().is_gone_a_status = true;
    }

    /// The most objects of a page from now on.
    pub(crate) fn page(&self, most: usize) {
        self.shared.state().page = Some(most);
    }

    /// Does something else the next times that a collection is asked for (`list`, `page` for a further page, `watch`,
    /// `patch`).
    pub(crate) fn fault(&self, verb: &'static str, plural: &str, times: usize, fault: Fault) {
        self.shared.state().faults.push((verb, plural.to_owned(), times, fault));
    }

    pub(crate) fn no_faults(&self) {
        self.shared.state().faults.clear();
    }

    /// Ends every connection.
    pub(crate) fn cut(&self) {
        self.shared.cuts.send_modify(|count| *count += 1);
    }

    /// Ends every connection, and takes no other.
    pub(crate) fn go_down(&self) {
        self.shared.state().is_down = true;
        self.cut();
    }

    /// Tells no watch of what happens until [`Self::release`].
    pub(crate) fn hold_back(&self) {
        self.shared.state().is_held_back = true;
    }

    pub(crate) fn release(&self) {
        self.shared.state().is_held_back = false;
        self.shared.wake();
    }

    pub(crate) fn come_back(&self) {
        self.shared.state().is_down = false;
    }

    pub(crate) fn asked(&self, verb: &str, plural: &str) -> Vec<Asked> {
        let state = self.shared.state();
        let asked = state.asked.iter().filter(|asked| asked.verb == verb && asked.plural == plural);
        asked.cloned().collect()
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.go_down();
        let _ = std::fs::remove_file(self.kubeconfig());
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic")
    }

    fn wake(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    /// What is to be done in the place of an answer.
    fn take_fault(&self, verb: &str, plural: &str) -> Option<Fault> {
        let mut state = self.state();
        let fault = state.faults.iter_mut().find(|(of, name, times, _)| *of == verb && name == plural && *times > 0)?;
        fault.2 -= 1;
        Some(fault.3.clone())
    }
}

impl State {
    fn next_version(&mut self) -> u64 {
        self.version += 1;
        self.version
    }

    fn put(&mut self, key: (String, String, String), mut object: Value) {
        let version = self.next_version();
        let before = self.objects.get(&key);
        let generation = match before {
            None => 1,
            Some(before) => {
                let generation = before["metadata"]["generation"].as_u64().unwrap_or(1);
                generation + u64::from(before["spec"] != object["spec"])
            }
        };
        let kind = if before.is_some() { "MODIFIED" } else { "ADDED" };
        let metadata = &mut object["metadata"];
        if !key.1.is_empty() {
            metadata["namespace"] = key.1.clone().into();
        }
        metadata["resourceVersion"] = version.to_string().into();
        metadata["generation"] = generation.into();
        let event = json!({"type": kind, "object": object});
        self.history.push(Happened { version, plural: key.0.clone(), namespace: key.1.clone(), event });
        self.objects.insert(key, object);
    }

    fn delete(&mut self, key: &(String, String, String)) {
        let Some(mut object) = self.objects.remove(key) else { return };
        let version = self.next_version();
        object["metadata"]["resourceVersion"] = version.to_string().into();
        let event = json!({"type": "DELETED", "object": object});
        self.history.push(Happened { version, plural: key.0.clone(), namespace: key.1.clone(), event });
    }

    fn list(&self, plural: &str, namespace: Option<&str>, query: &BTreeMap<String, String>) -> Value {
        let after = query.get("continue").map(String::as_str).unwrap_or_default();
        let place = |key: &(String, String, String)| format!("{}/{}", key.1, key.2);
        let is_meant = |key: &(String, String, String)| {
            key.0 == plural
                && namespace.is_none_or(|namespace| namespace == key.1)
                && (after.is_empty() || place(key).as_str() > after)
        };
        let mut items: Vec<_> = self.objects.iter().filter(|(key, _)| is_meant(key)).collect();
        items.sort_by_key(|(key, _)| place(key));
        let asked = query.get("limit").and_then(|limit| limit.parse().ok()).filter(|limit| *limit > 0);
        let most = self.page.into_iter().chain(asked).min().unwrap_or(usize::MAX);
        let mut metadata = json!({"resourceVersion": self.version.to_string()});
        if items.len() > most {
            items.truncate(most);
            metadata["continue"] = items.last().map(|(key, _)| place(key)).into();
        }
        // The items of a list name neither their version nor their kind.
        let bare = |object: &Value| {
            let mut object = object.clone();
            object.as_object_mut().map(|fields| (fields.remove("apiVersion"), fields.remove("kind")));
            object
        };
        let items: Vec<_> = items.into_iter().map(|(_, object)| bare(object)).collect();
        json!({"apiVersion": self.kinds[plural], "kind": "List", "metadata": metadata, "items": items})
    }

    /// What a watch is to be told after a place; nothing where that is too old.
    fn since(&self, version: u64, plural: &str, namespace: Option<&str>) -> Option<Vec<Happened>> {
        if self.is_held_back {
            return Some(Vec::new());
        }
        if version < self.oldest {
            return None;
        }
        let is_meant = |happened: &&Happened| {
            let is_here = namespace.is_none_or(|namespace| namespace == happened.namespace);
            happened.version > version && happened.plural == plural && (is_here || happened.event["type"] == "BOOKMARK")
        };
        Some(self.history.iter().filter(is_meant).cloned().collect())
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let mut cuts = shared.cuts.subscribe();
    let service = service_fn(|request| answer(request, Arc::clone(&shared)));
    let builder = hyper::server::conn::http1::Builder::new();
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        _ = connection => {}
        _ = cuts.changed() => {}
    }
}

async fn answer(request: Request<Incoming>, shared: Arc<Shared>) -> Result<Response<Body>, io::Error> {
    let (head, body) = request.into_parts();
    let query = query_of(head.uri.query().unwrap_or_default());
    // `/apis/GROUP/VERSION` or `/api/VERSION`, `/namespaces/NAME` perhaps, then the plural, a name, a subresource.
    let parts: Vec<_> = head.uri.path().split('/').skip(1).collect();
    let (group, rest) = match parts.as_slice() {
        ["apis", group, version, rest @ ..] => (format!("{group}/{version}"), rest),
        ["api", version, rest @ ..] => ((*version).to_owned(), rest),
        _ => return Ok(status(404, "NotFound")),
    };
    let (namespace, rest) = match rest {
        ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (Some((*namespace).to_owned()), rest),
        rest => (None, rest),
    };
    let Some((plural, name)) = rest.split_first() else { return Ok(status(404, "NotFound")) };
    let verb = match (&head.method, query.contains_key("watch"), query.contains_key("continue")) {
        (&Method::PATCH, ..) => "patch",
        (_, true, _) => "watch",
        (_, _, true) => "page",
        _ => "list",
    };
    let asked = Asked {
        verb,
        plural: (*plural).to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        at: Instant::now(),
    };
    shared.state().asked.push(asked);
    let fault = shared.take_fault(verb, plural);
    match fault {
        Some(Fault::Status(code, reason)) => return Ok(status(code, reason)),
        Some(Fault::Busy { seconds }) => return Ok(busy(seconds)),
        _ => {}
    }
    if shared.state().kinds.get(*plural) != Some(&group) {
        return Ok(status(404, "NotFound"));
    }
    match verb {
        "watch" => {
            let from = query.get("resourceVersion").and_then(|version| version.parse().ok()).unwrap_or_default();
            let is_gone = |state: &State| state.is_gone_a_status && from < state.oldest;
            if is_gone(&shared.state()) {
                return Ok(status(410, "Expired"));
            }
            let (sender, receiver) = mpsc::channel(64);
            tokio::spawn(watch_from(shared, (*plural).to_owned(), namespace, from, fault, sender));
            Ok(Response::new(BodyExt::boxed(StreamBody::new(ReceiverStream::new(receiver)))))
        }
        "patch" => {
            let patch = body.collect().await.map_err(io::Error::other)?.to_bytes();
            let patch: Value = serde_json::from_slice(&patch).map_err(io::Error::other)?;
            let key = ((*plural).to_owned(), namespace.unwrap_or_default(), (*name.first().unwrap_or(&"")).to_owned());
            Ok(apply_status(&shared, key, &patch))
        }
        _ => Ok(json_body(200, &shared.state().list(plural, namespace.as_deref(), &query))),
    }
}

/// Server-side apply of a status, as far as a status is one manager's: its fields take the place of those that are there,
/// unless the patch is about another version of the object.
fn apply_status(shared: &Shared, key: (String, String, String), patch: &Value) -> Response<Body> {
    let mut state = shared.state();
    let Some(mut object) = state.objects.get(&key).cloned() else { return status(404, "NotFound") };
    let expected = &patch["metadata"]["resourceVersion"];
    if !expected.is_null() && *expected != object["metadata"]["resourceVersion"] {
        return status(409, "Conflict");
    }
    let before = object["status"].clone();
    for (name, value) in patch["status"].as_object().into_iter().flatten() {
        object["status"][name] = value.clone();
    }
    // A server writes nothing where nothing changes.
    if object["status"] != before {
        state.put(key, object.clone());
    }
    drop(state);
    shared.wake();
    json_body(200, &object)
}

async fn watch_from(
    shared: Arc<Shared>,
    plural: String,
    namespace: Option<String>,
    mut version: u64,
    fault: Option<Fault>,
    sender: mpsc::Sender<io::Result<Frame<Bytes>>>,
) {
    let mut changes = shared.changes.subscribe();
    let line = |event: &Value| Ok(Frame::data(Bytes::from(format!("{event}\n"))));
    let expired = json!({"type": "ERROR", "object": failure(410, "Expired")});
    match fault {
        Some(Fault::Silence) => return sender.closed().await,
        Some(Fault::Break) => {
            let _ = sender.send(Ok(Frame::data(Bytes::from_static(b"{\"type\": \"ADDED\", \"obj")))).await;
            let _ = sender.send(Err(io::ErrorKind::ConnectionReset.into())).await;
            return;
        }
        Some(Fault::Garbage) => {
            let _ = sender.send(Ok(Frame::data(Bytes::from_static(b"<html>what?</html>\n")))).await;
        }
        Some(Fault::TooOld) => {
            let _ = sender.send(line(&expired)).await;
            return;
        }
        _ => {}
    }
    loop {
        changes.mark_unchanged();
        let happened = shared.state().since(version, &plural, namespace.as_deref());
        let Some(happened) = happened else {
            let _ = sender.send(line(&expired)).await;
            return;
        };
        for happened in happened {
            version = happened.version;
            if sender.send(line(&happened.event)).await.is_err() {
                return;
            }
        }
        // A watch that is up to date goes on from here, whatever is forgotten.
        if !shared.state().is_held_back {
            version = version.max(shared.state().oldest);
        }
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return },
            () = sender.closed() => return,
        }
    }
}

fn query_of(query: &str) -> BTreeMap<String, String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    // Nothing here needs more than a slash.
    pairs.map(|(name, value)| (name.to_owned(), value.replace("%2F", "/"))).collect()
}

fn plural(object: &Value) -> String {
    let kind = object["kind"].as_str().unwrap_or_default().to_lowercase();
    match kind.strip_suffix("policy") {
        Some(stem) => format!("{stem}policies"),
        None if kind.ends_with('s') => format!("{kind}es"),
        None => format!("{kind}s"),
    }
}

fn failure(code: u16, reason: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Failure", "message": format!("the stand-in says {reason}"), "reason": reason, "code": code})
}

fn status(code: u16, reason: &str) -> Response<Body> {
    json_body(code, &failure(code, reason))
}

fn json_body(code: u16, value: &Value) -> Response<Body> {
    let response = Response::builder().status(code).header("content-type", "application/json");
    response.body(full(value.to_string())).expect("a response")
}

fn busy(seconds: u64) -> Response<Body> {
    let response = Response::builder().status(429).header("content-type", "text/plain").header("retry-after", seconds);
    response.body(full("Too many requests, please try again later.\n".to_owned())).expect("a response")
}

fn full(text: String) -> Body {
    http_body_util::Full::from(text).map_err(|never| match never {}).boxed()
}
