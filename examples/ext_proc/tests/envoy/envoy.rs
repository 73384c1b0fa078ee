//! Envoy with the configuration of `envoy.yaml`, on ports that the system picks.

use std::{
    fs,
    io::{self, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use tokio::time::{sleep, timeout};

use crate::{supervised::Supervised, wire};

/// How long anything may take that is not measured.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const CONFIGURATION: &str = include_str!("../../envoy.yaml");

/// A running Envoy, which ends when this is dropped.
pub(crate) struct Envoy {
    process: Supervised,
    pub(crate) address: SocketAddr,
    folder: PathBuf,
}

/// The program, where it is here. Where it is not, each test that asks says that it is skipped.
pub(crate) fn program() -> Option<PathBuf> {
    let program = std::env::var_os("ENVOY_BIN").map(PathBuf::from);
    match program {
        Some(program) => {
            assert!(program.exists(), "ENVOY_BIN: {} is not there", program.display());
            Some(program)
        }
        None => {
            let need = "it needs ENVOY_BIN; examples/ext_proc/tests/envoy/main.rs says how to get one";
            assert!(std::env::var_os("ENVOY_TESTS").is_none_or(|value| value != "required"), "{need}");
            let thread = std::thread::current();
            // Not by `eprintln!`, which the harness keeps to itself when a test passes.
            let _ = writeln!(io::stderr(), "SKIPPED, not passed: {}: {need}", thread.name().unwrap_or("a test"));
            None
        }
    }
}

/// The configuration of the example, for requests that arrive on a listener of manifests where one is named.
pub(crate) fn configuration_of(listener: Option<&str>) -> String {
    const WITHOUT: &str = "# initial_metadata: [{key: tower-cors-listener, value: NAMESPACE/GATEWAY/LISTENER}]";
    assert!(CONFIGURATION.contains(WITHOUT), "the line that names a listener");
    match listener {
        None => CONFIGURATION.to_owned(),
        Some(listener) => {
            let with = WITHOUT.replace("# ", "").replace("NAMESPACE/GATEWAY/LISTENER", listener);
            CONFIGURATION.replace(WITHOUT, &with)
        }
    }
}

impl Envoy {
    /// Starts with the configuration of the example: the processor at one address, the server at another.
    pub(crate) async fn start(program: &Path, processor: SocketAddr, server: SocketAddr) -> Self {
        Self::start_with(program, CONFIGURATION, processor, server).await
    }

    pub(crate) async fn start_with(
        program: &Path,
        configuration: &str,
        processor: SocketAddr,
        server: SocketAddr,
    ) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("tower-cors-envoy-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).expect("a temporary folder");
        let (file, admin) = (folder.join("envoy.yaml"), folder.join("admin"));
        let mut text = configuration.to_owned();
        for (port, at) in [(8080, 0), (9001, processor.port()), (3000, server.port())] {
            text = text.replace(&format!("port_value: {port}}}"), &format!("port_value: {at}}}"));
        }
        text += "admin: {address: {socket_address: {address: 127.0.0.1, port_value: 0}}}\n";
        fs::write(&file, text).expect("a temporary file");
        let mut command = Command::new(program);
        command.args(["--log-level", "warning", "--concurrency", "1", "--disable-hot-restart", "--config-path"]);
        command.arg(&file).arg("--admin-address-path").arg(&admin);
        let log = folder.join("log");
        let process = Supervised::start(&command, &log);
        let started = async {
            let admin = loop {
                match fs::read_to_string(&admin).ok().and_then(|text| text.trim().parse().ok()) {
                    Some(admin) => break admin,
                    None => sleep(Duration::from_millis(20)).await,
                }
            };
            loop {
                // A line such as `http::127.0.0.1:40001`.
                let listeners =
                    wire::ask(admin, "GET /listeners HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
                let address = listeners.lines().find_map(|line| line.strip_prefix("http::")?.trim().parse().ok());
                match address {
                    Some(address) => break address,
                    None => sleep(Duration::from_millis(20)).await,
                }
            }
        };
        let started = timeout(PATIENCE, started).await;
        let address = started.unwrap_or_else(|_| panic!("{}", fs::read_to_string(&log).unwrap_or_default()));
        Self { process, address, folder }
    }

    /// The number of the process.
    #[cfg(target_os = "linux")]
    pub(crate) fn id(&self) -> u32 {
        let folder = self.folder.display().to_string();
        let is_it = |process: &fs::DirEntry| {
            let command = fs::read_to_string(process.path().join("cmdline")).unwrap_or_default();
            // The shell that supervises it has the same arguments.
            command.contains(&folder) && command.split('\0').next().is_some_and(|program| program.ends_with("envoy"))
        };
        let process = fs::read_dir("/proc").expect("processes").flatten().find(is_it).expect("Envoy runs");
        process.file_name().to_str().and_then(|name| name.parse().ok()).expect("a number")
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        let _ = (&self.process, fs::remove_dir_all(&self.folder));
    }
}
