//! The program itself: its policies, what it reloads, and what Envoy does while it is away.

use std::{
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
};

use tokio::time::timeout;

use crate::{
    envoy::{self, CONFIGURATION, Envoy, PATIENCE},
    server::Server,
    wire::{self, Head},
};

pub(crate) const SAMPLE: &str = include_str!("../../../manifests/trafficpolicy-cors.yaml");
pub(crate) const ORIGIN: &str = "https://example.com/";

/// The running example, which ends when this is dropped.
pub(crate) struct Program {
    child: Child,
    pub(crate) address: SocketAddr,
    stderr: mpsc::Receiver<String>,
}

impl Program {
    pub(crate) fn start(manifest: &Path) -> Self {
        Self::start_with([OsStr::new("--manifests"), manifest.as_os_str()], None)
    }

    pub(crate) fn start_with(arguments: impl IntoIterator<Item: AsRef<OsStr>>, kubeconfig: Option<&str>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ext-proc-example"));
        let command = command.args(["--listen", "127.0.0.1:0"]).args(arguments);
        let command = command.envs(kubeconfig.map(|path| ("KUBECONFIG", path)));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the example starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        let address = line.trim().strip_prefix("listening on ").and_then(|address| address.parse().ok());
        let lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let (sender, stderr) = mpsc::channel();
        thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child, address: address.unwrap_or_else(|| panic!("{line:?}")), stderr }
    }

    /// Waits until it says on stderr what has this in it.
    fn wait_for(&self, words: &str) {
        while !self.stderr.recv_timeout(PATIENCE).expect("a line in time").contains(words) {}
    }

    #[cfg(target_os = "linux")]
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A manifest in a folder of its own, which goes when this is dropped.
pub(crate) struct Manifest(PathBuf);

impl Manifest {
    pub(crate) fn of(name: &str, text: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("tower-cors-ext-proc-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).expect("a temporary folder");
        let manifest = Self(folder);
        manifest.write(text);
        manifest
    }

    fn write(&self, text: &str) {
        fs::write(self.path(), text).expect("a temporary file");
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.join("policy.yaml")
    }
}

impl Drop for Manifest {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(crate) async fn preflight(envoy: &Envoy) -> Head {
    send(envoy, "OPTIONS", "access-control-request-method: POST\r\n").await
}

async fn send(envoy: &Envoy, method: &str, more: &str) -> Head {
    let head =
        format!("{method} /get HTTP/1.1\r\nhost: cors.example\r\norigin: {ORIGIN}\r\n{more}connection: close\r\n\r\n");
    timeout(PATIENCE, wire::head(envoy.address, &head)).await.expect("an answer in time")
}

pub(crate) fn allowed(head: &Head) -> Option<&str> {
    head.value("access-control-allow-origin")
}

#[tokio::test]
async fn the_program_answers_by_its_manifest_and_by_what_becomes_of_it() {
    let Some(envoy) = envoy::program() else { return };
    let server = Server::start().await;
    server.set(200, vec![("Access-Control-Allow-Origin".into(), "*".into())]);
    let manifest = Manifest::of("reload", SAMPLE);
    let program = Program::start(&manifest.path());
    let envoy = Envoy::start(&envoy, program.address, server.address()).await;

    let answer = preflight(&envoy).await;
    assert_eq!((answer.status, allowed(&answer)), (200, Some(ORIGIN)), "{answer:?}");
    assert_eq!(answer.value("access-control-max-age"), Some("86400"));
    assert_eq!(server.asked(), 0, "Envoy answers for the processor");
    let response = send(&envoy, "GET", "").await;
    assert_eq!((response.status, allowed(&response), server.asked()), (200, Some(ORIGIN), 1), "{response:?}");

    manifest.write(&SAMPLE.replace("maxAge: 86400", "maxAge: 60"));
    program.wait_for("reloaded");
    assert_eq!(preflight(&envoy).await.value("access-control-max-age"), Some("60"));
    manifest.write(&SAMPLE.replace("maxAge: 86400", "maxAge: a day"));
    program.wait_for("reload refused");
    assert_eq!(preflight(&envoy).await.value("access-control-max-age"), Some("60"));
}

#[tokio::test]
async fn while_the_program_is_away_envoy_answers_with_an_error_or_passes_requests_on() {
    let Some(program) = envoy::program() else { return };
    let server = Server::start().await;
    server.set(200, vec![("Access-Control-Allow-Origin".into(), "*".into())]);
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port");
    let closed = Envoy::start(&program, nobody, server.address()).await;
    for head in [preflight(&closed).await, send(&closed, "GET", "").await] {
        assert_eq!((head.status, allowed(&head), server.asked()), (500, None, 0), "{head:?}");
    }

    // Somebody listens, and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let late = Envoy::start(&program, silent.local_addr().expect("an address"), server.address()).await;
    for head in [preflight(&late).await, send(&late, "GET", "").await] {
        assert_eq!((head.status, allowed(&head), server.asked()), (504, None, 0), "{head:?}");
    }

    let open = CONFIGURATION.replace("failure_mode_allow: false", "failure_mode_allow: true");
    let open = Envoy::start_with(&program, &open, nobody, server.address()).await;
    // The server's own headers stand, and its answer to a preflight.
    for head in [preflight(&open).await, send(&open, "GET", "").await] {
        assert_eq!((head.status, allowed(&head)), (200, Some("*")), "{head:?}");
    }
    assert_eq!(server.asked(), 2);
}

// rule 5.6
#[tokio::test]
async fn a_page_can_read_the_errors_of_envoy_itself() {
    let Some(program) = envoy::program() else { return };
    let server = Server::start().await;
    let manifest = Manifest::of("errors", SAMPLE);
    let processor = Program::start(&manifest.path());
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port");
    let envoy = Envoy::start(&program, processor.address, nobody).await;
    let response = send(&envoy, "GET", "").await;
    assert_eq!((response.status, allowed(&response)), (503, Some(ORIGIN)), "no server: {response:?}");

    let elsewhere = CONFIGURATION.replace("match: {prefix: /}", "match: {prefix: /elsewhere}");
    let envoy = Envoy::start_with(&program, &elsewhere, processor.address, server.address()).await;
    let response = send(&envoy, "GET", "").await;
    assert_eq!((response.status, allowed(&response)), (404, Some(ORIGIN)), "no route: {response:?}");
}

#[test]
fn what_is_wrong_at_the_start_is_said() {
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_ext-proc-example")).args(arguments).output().expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, text) = run(&[]);
    assert!(code == Some(2) && text.contains("neither --manifests nor --kubernetes is given"), "{text}");
    let (code, text) = run(&["--manifests", "missing.yaml", "--kubernetes"]);
    assert!(code == Some(2) && text.contains("--manifests or from --kubernetes"), "{text}");
    let (code, text) = run(&["--manifests", "missing.yaml"]);
    assert!(code == Some(1) && text.contains("missing.yaml"), "{text}");
    if !cfg!(feature = "kubernetes") {
        let (code, text) = run(&["--kubernetes"]);
        assert!(code == Some(1) && text.contains("build it with `--features kubernetes`"), "{text}");
    }
    let manifest = Manifest::of("wrong", &SAMPLE.replace("maxAge: 86400", "maxAge: a day"));
    let (code, text) = run(&["--manifests", manifest.path().to_str().expect("a path of text")]);
    assert!(code == Some(1) && text.contains("\"a day\" is not a whole number of seconds"), "{text}");
}

#[test]
fn the_page_shows_the_files() {
    let page = include_str!("../../../../docs/envoy.md");
    let kgateway = include_str!("../../kgateway.yaml");
    for file in [CONFIGURATION, kgateway] {
        assert!(page.contains(&format!("```yaml\n{file}```\n")), "docs/envoy.md does not show\n{file}");
    }
    // The fields of a `TrafficPolicy` are known here.
    let routes = tower_cors::manifest::Manifests::new().read("kgateway.yaml", kgateway).build().expect("valid");
    let lints: Vec<_> = routes.lints().iter().map(|lint| lint.code()).collect();
    assert_eq!(lints, [] as [&str; 0], "{:?}", routes.lints());
}
