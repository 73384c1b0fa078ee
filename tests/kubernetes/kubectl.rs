//! kubectl, and the API through `kubectl proxy` for what takes too long with a process for each request.

use std::{
    io::Write,
    net::SocketAddr,
    process::{Command, Output, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
};

use futures::{StreamExt, stream};
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::{supervised::Supervised, wait::wait_until};

/// kubectl with a kubeconfig.
#[derive(Clone)]
pub(crate) struct Kubectl {
    kubeconfig: String,
}

impl Kubectl {
    pub(crate) fn new(kubeconfig: String) -> Self {
        Self { kubeconfig }
    }

    pub(crate) fn kubeconfig(&self) -> &str {
        &self.kubeconfig
    }

    fn command(&self) -> Command {
        let mut command = Command::new("kubectl");
        command.args(["--kubeconfig", &self.kubeconfig, "--request-timeout", "60s"]);
        command
    }

    /// Runs to its end, with something to read.
    pub(crate) fn try_run(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = self.command();
        let command = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("kubectl");
        let mut stdin = child.stdin.take().expect("an input");
        let input = input.to_owned();
        let writer = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
        let output = child.wait_with_output().expect("kubectl");
        writer.join().expect("a writer");
        output
    }

    /// What it prints. Panics where it fails.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> String {
        let output = self.try_run(arguments, input);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "kubectl {}: {said}", arguments.join(" "));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    #[track_caller]
    pub(crate) fn apply(&self, yaml: &str) {
        self.run(&["apply", "--validate=false", "-f", "-"], yaml);
    }

    /// As `apply`, without the annotation that it leaves, which has no room for a large object.
    #[track_caller]
    pub(crate) fn create(&self, yaml: &str) {
        self.run(&["create", "--validate=false", "-f", "-"], yaml);
    }

    #[track_caller]
    pub(crate) fn create_namespace(&self, name: &str) {
        self.run(&["create", "namespace", name], "");
    }

    /// Changes fields of an object: a merge patch.
    #[track_caller]
    pub(crate) fn patch(&self, namespace: &str, object: &str, patch: &str) {
        self.run(&["-n", namespace, "patch", object, "--type", "merge", "-p", patch], "");
    }

    #[track_caller]
    pub(crate) fn delete(&self, namespace: &str, object: &str) {
        self.run(&["-n", namespace, "delete", object], "");
    }

    #[track_caller]
    pub(crate) fn get(&self, namespace: &str, object: &str) -> Value {
        serde_json::from_str(&self.run(&["-n", namespace, "get", object, "-o", "json"], "")).expect("JSON")
    }

    /// The answer to a `GET`; nothing where it is no success.
    pub(crate) fn get_raw(&self, path: &str) -> Result<String, String> {
        let output = self.try_run(&["get", "--raw", path], "");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }
}

/// The API without TLS.
pub(crate) struct Proxy {
    address: SocketAddr,
    client: Client<HttpConnector, Full<Bytes>>,
    runtime: Runtime,
    _process: Supervised,
}

/// How many requests are under way at the same time.
const AT_ONCE: usize = 16;

impl Proxy {
    pub(crate) fn start(kubectl: &Kubectl) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let log = format!("{}.proxy-{}", kubectl.kubeconfig(), COUNT.fetch_add(1, Ordering::Relaxed));
        let mut command = Command::new("kubectl");
        command.args(["--kubeconfig", kubectl.kubeconfig(), "proxy", "--port=0"]);
        let process = Supervised::start(&command, log.as_ref());
        let address = wait_until("kubectl proxy serves", || {
            let said = std::fs::read_to_string(&log).ok()?;
            said.trim().strip_prefix("Starting to serve on ")?.parse().ok()
        });
        Self::to(address, process)
    }

    /// The API of a process that serves it without TLS by itself.
    pub(crate) fn to(address: SocketAddr, process: Supervised) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let runtime = Runtime::new().expect("a runtime");
        Self { address, client, runtime, _process: process }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Result<(u16, Value), String> {
        // The body of a patch is a merge patch.
        let kind = if method == Method::PATCH { "application/merge-patch+json" } else { "application/json" };
        let request = Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = request.header("content-type", kind).body(Full::from(body)).expect("a request");
        let response = self.client.request(request).await.map_err(|error| error.to_string())?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    }

    /// Sends a request. Panics where there is no answer.
    #[track_caller]
    pub(crate) fn call(&self, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        self.runtime.block_on(self.ask(method, path, body)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Sends many requests of one kind. Panics where one is not answered with success.
    #[track_caller]
    pub(crate) fn each(&self, method: &Method, requests: Vec<(String, Option<Value>)>) {
        let answers = stream::iter(requests).map(|(path, body)| async move {
            let answer = self.ask(method.clone(), &path, body.as_ref()).await;
            (path, answer)
        });
        let mut answers = answers.buffer_unordered(AT_ONCE).boxed_local();
        self.runtime.block_on(async {
            while let Some((path, answer)) = answers.next().await {
                assert!(matches!(answer, Ok((200..=299, _))), "{method} {path}: {answer:?}");
            }
        });
    }
}

/// The objects of a text with many documents.
pub(crate) fn objects(yaml: &str) -> Vec<Value> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(yaml).expect("YAML");
    documents.into_iter().filter(|document| !document.is_null()).collect()
}
