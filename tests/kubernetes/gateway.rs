//! The compiled example `gateway` with `--kubernetes`: what it answers, what it writes, and what it says of itself.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread,
};

use crate::{
    process::{Response, executable, head_of},
    wait::{PATIENCE, wait_until},
};

/// The origin that requests come from, unless they say otherwise.
pub(crate) const ORIGIN: &str = "https://app.example";

/// A running gateway, which ends when this is dropped.
pub(crate) struct Gateway {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Gateway {
    /// Starts the gateway on ports that the system picks.
    pub(crate) fn start(kubeconfig: &str, arguments: &[&str]) -> Self {
        Self::start_listening("127.0.0.1:0", kubeconfig, arguments)
    }

    /// The same with one `--listen`.
    pub(crate) fn start_listening(listen: &str, kubeconfig: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(executable());
        command.args(["--kubernetes", "--kubeconfig", kubeconfig, "--admin", "127.0.0.1:0", "--listen", listen]);
        let command = command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the gateway");
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (stderr, heard) = (child.stderr.take().expect("an output"), Arc::clone(&lines));
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                heard.lock().expect("no panic").push(line);
            }
        });
        let (sender, said) = mpsc::channel();
        let stdout = child.stdout.take().expect("an output");
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let [address, admin] = ["listening on http://", "admin on http://"].map(|start| {
            let line = said.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("{error} after {lines:?}"));
            let address = line.strip_prefix(start).unwrap_or_else(|| panic!("{line:?}"));
            address.parse().expect("an address")
        });
        Self { child, address, admin, lines }
    }

    /// Starts the gateway, and waits until it serves what there is.
    pub(crate) fn start_synced(kubeconfig: &str, arguments: &[&str]) -> Self {
        let gateway = Self::start(kubeconfig, arguments);
        gateway.wait_synced();
        gateway
    }

    pub(crate) fn wait_synced(&self) {
        wait_until("the gateway is ready", || (self.is_ready()).then_some(()));
        self.wait_line("synced", |line| line.starts_with("synced: "));
    }

    pub(crate) fn is_ready(&self) -> bool {
        match self.admin("/readyz").status() {
            200 => true,
            503 => false,
            status => panic!("/readyz answers {status}"),
        }
    }

    pub(crate) fn admin(&self, path: &str) -> Response {
        exchange(self.admin, &head_of("GET", path, &[("host", "admin.example")]))
    }

    /// The values at `/metrics`, by name and labels.
    pub(crate) fn metrics(&self) -> BTreeMap<String, f64> {
        let response = self.admin("/metrics");
        assert_eq!(response.status(), 200);
        let lines = response.text();
        let lines = lines.lines().filter(|line| !line.starts_with('#'));
        let value = |line: &str| {
            let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line:?}"));
            (name.to_owned(), value.parse().unwrap_or_else(|_| panic!("{line:?}")))
        };
        lines.map(value).collect()
    }

    /// A value at `/metrics`; 0 where it is not there.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        self.metrics().get(name).map_or(0, |value| *value as u64)
    }

    /// The digest of the table.
    pub(crate) fn digest(&self) -> String {
        let metrics = self.metrics();
        let digest = metrics.keys().find_map(|name| name.strip_prefix("tower_cors_table_info{digest=\""));
        digest.expect("a digest").trim_end_matches("\"}").to_owned()
    }

    /// Sends a request without a body, and reads the response.
    pub(crate) fn send(&self, method: &str, url: &str, headers: &[(&str, &str)]) -> Response {
        let url: http::Uri = url.parse().expect("a URL");
        let host = url.authority().expect("a host").to_string();
        let path = url.path_and_query().map_or("/", |path| path.as_str());
        let headers: Vec<_> = std::iter::once(("host", host.as_str())).chain(headers.iter().copied()).collect();
        exchange(self.address, &head_of(method, path, &headers))
    }

    /// The preflight of [`ORIGIN`] for `PUT`.
    pub(crate) fn preflight(&self, url: &str) -> Response {
        self.send("OPTIONS", url, &[("origin", ORIGIN), ("access-control-request-method", "PUT")])
    }

    /// What answers that preflight: the max-age of a policy, 0 for none, or nothing where no route takes it.
    pub(crate) fn max_age(&self, url: &str) -> Option<u64> {
        let response = self.preflight(url);
        let age = response.header("access-control-max-age").map(|age| age.parse().expect("a number"));
        // Where no policy applies, the echo behind the gateway answers, with a max-age of its own.
        let age = age.filter(|age| *age != 3600);
        (response.status() != 404).then(|| age.unwrap_or(0))
    }

    /// Waits until that preflight is answered so.
    #[track_caller]
    pub(crate) fn wait_max_age(&self, url: &str, expected: Option<u64>) {
        wait_until(&format!("{url} is answered with {expected:?}"), || (self.max_age(url) == expected).then_some(()));
    }

    /// What it has written to stderr.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().expect("no panic").clone()
    }

    /// Waits for a line of stderr.
    #[track_caller]
    pub(crate) fn wait_line(&self, what: &str, is_it: impl Fn(&str) -> bool) -> String {
        wait_until(&format!("a line ({what})"), || self.lines().into_iter().find(|line| is_it(line)))
    }

    /// The memory that the process has now, in KiB.
    pub(crate) fn memory(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().strip_suffix(" kB")?.parse().ok()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            let lines = self.lines.lock().map(|lines| lines.clone()).unwrap_or_default();
            eprintln!("the gateway said last: {:#?}", &lines[lines.len().saturating_sub(30)..]);
        }
    }
}

fn exchange(address: SocketAddr, head: &str) -> Response {
    let mut stream = TcpStream::connect(address).expect("a connection");
    for set in [TcpStream::set_read_timeout, TcpStream::set_write_timeout] {
        set(&stream, Some(PATIENCE)).expect("a timeout");
    }
    stream.write_all(head.as_bytes()).expect("a request is taken");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    Response::parse(&answer)
}
