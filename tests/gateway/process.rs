//! Starts the compiled example `gateway` and talks to it over raw sockets, so that nothing between the test and the wire
//! can tidy up what is sent or what comes back.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Mutex, OnceLock, mpsc},
    thread,
    time::{Duration, SystemTime},
};

/// How long anything may take that is not expected to take any time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The path of a file in the repository.
pub(crate) fn file(path: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path).display().to_string()
}

/// A running gateway, which ends when this is dropped.
pub(crate) struct Gateway {
    child: Child,
    pub(crate) address: SocketAddr,
    /// What it writes to stdout after its address.
    stdout: Mutex<mpsc::Receiver<String>>,
}

impl Gateway {
    /// Starts the gateway with these arguments on a port that the system picks.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::spawn("127.0.0.1:0", arguments, Stdio::null())
    }

    /// Starts the gateway with one `--listen`.
    pub(crate) fn start_listening(listen: &str, arguments: &[&str]) -> Self {
        Self::spawn(listen, arguments, Stdio::null())
    }

    /// Starts the gateway, and receives the lines that it writes to stderr.
    pub(crate) fn start_heard(arguments: &[&str]) -> (Self, mpsc::Receiver<String>) {
        let mut gateway = Self::spawn("127.0.0.1:0", arguments, Stdio::piped());
        let stderr = gateway.child.stderr.take().unwrap();
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        (gateway, receiver)
    }

    fn spawn(listen: &str, arguments: &[&str], stderr: Stdio) -> Self {
        let mut command = Command::new(executable());
        let command = command.args(["--listen", listen]).args(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(stderr).spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let line = receiver.recv_timeout(PATIENCE).unwrap();
        let address = line.trim_end().strip_prefix("listening on http://").unwrap_or_else(|| panic!("{line:?}"));
        Self { address: address.parse().unwrap(), child, stdout: Mutex::new(receiver) }
    }

    /// The next line on stdout.
    pub(crate) fn line(&self) -> String {
        self.stdout.lock().unwrap().recv_timeout(PATIENCE).unwrap()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the end of the process.
    pub(crate) fn wait(mut self) -> Option<i32> {
        let (sender, receiver) = mpsc::channel();
        let id = self.child.id();
        thread::spawn(move || {
            // Whoever does not end in time is ended, which the exit code then tells.
            if receiver.recv_timeout(PATIENCE).is_err() {
                let _ = Command::new("kill").args(["-KILL", &id.to_string()]).status();
            }
        });
        let code = self.child.wait().unwrap().code();
        let _ = sender.send(());
        code
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends bytes as they are and reads what comes back until the connection closes.
    pub(crate) fn send_raw(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = self.connect();
        // The gateway may have refused and closed before it has read everything.
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        answer
    }

    /// Sends a request without a body, and reads the response.
    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
        Response::parse(&self.send_raw(head_of(method, path, headers).as_bytes()))
    }

    /// The most memory that the process has used, in KiB.
    pub(crate) fn peak_memory(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().strip_suffix(" kB")?.parse().ok()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the gateway to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    Command::new(executable()).args(arguments).output().unwrap()
}

/// A response as it stood on the wire.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no response: {:?}", String::from_utf8_lossy(bytes)));
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let mut lines = head.split("\r\n");
        let line = lines.next().unwrap().to_owned();
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_ascii_lowercase(), value.trim().to_owned())
        });
        Self { line, headers: headers.collect(), body: bytes[end + 4..].to_vec() }
    }

    pub(crate) fn status(&self) -> u16 {
        self.line.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// The value of a header; none where it is absent. Several lines are never right here.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let values: Vec<_> = self.headers.iter().filter(|(found, _)| found == name).collect();
        assert!(values.len() < 2, "{values:?}");
        values.first().map(|(_, value)| value.as_str())
    }

    /// Every `Access-Control-*` header, sorted.
    pub(crate) fn cors_headers(&self) -> Vec<(&str, &str)> {
        let cors = self.headers.iter().filter(|(name, _)| name.starts_with("access-control-"));
        let mut cors: Vec<_> = cors.map(|(name, value)| (name.as_str(), value.as_str())).collect();
        cors.sort_unstable();
        cors
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// The head of a request without a body, which ends its connection.
pub(crate) fn head_of(method: &str, path: &str, headers: &[(&str, &str)]) -> String {
    let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n{lines}\r\n")
}

/// An address where nobody listens.
pub(crate) fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// The compiled example, which cargo puts beside the folder of the tests. It is built where it is missing or older than
/// its sources, as after `cargo test --test gateway`, or lacks a feature that these tests have.
pub(crate) fn executable() -> &'static Path {
    static EXECUTABLE: OnceLock<PathBuf> = OnceLock::new();
    EXECUTABLE.get_or_init(|| {
        let test = std::env::current_exe().unwrap();
        let profile = test.parent().and_then(Path::parent).unwrap();
        let name = format!("gateway{}", std::env::consts::EXE_SUFFIX);
        let executable = profile.join("examples").join(name);
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let sources = newest(&root.join("src")).max(newest(&root.join("examples")));
        let built = fs::metadata(&executable).and_then(|found| found.modified()).ok();
        let needs_kubernetes = cfg!(feature = "kubernetes");
        if built < sources || (needs_kubernetes && !has_kubernetes(&executable)) {
            let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
            cargo.current_dir(root).args(["build", "--quiet", "--example", "gateway", "--target-dir"]);
            cargo.arg(profile.parent().unwrap());
            if needs_kubernetes {
                cargo.args(["--features", "kubernetes,k8s-openapi-latest"]);
            }
            if profile.ends_with("release") {
                cargo.arg("--release");
            }
            assert!(cargo.status().unwrap().success(), "the example can't be built");
        }
        executable
    })
}

/// Whether the example was built with the feature: one without it says so, and one with it misses its kubeconfig.
fn has_kubernetes(executable: &Path) -> bool {
    let arguments = ["--listen", "127.0.0.1:0", "--kubernetes", "--kubeconfig", "missing"];
    let output = Command::new(executable).args(arguments).stdin(Stdio::null()).output().unwrap();
    !String::from_utf8_lossy(&output.stderr).contains("without the feature")
}

/// When a file below `folder` was last changed.
fn newest(folder: &Path) -> Option<SystemTime> {
    let entries = fs::read_dir(folder).ok()?.flatten();
    entries
        .map(|entry| match entry.path() {
            path if path.is_dir() => newest(&path),
            path => fs::metadata(path).and_then(|found| found.modified()).ok(),
        })
        .max()
        .flatten()
}
