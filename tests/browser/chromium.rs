//! Runs a script of this folder in node, which drives Chromium: JSON in, JSON out, in bounded time. Says once, on
//! stderr, what is missing where it can't be run.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
    time::Duration,
};

use serde::{Serialize, de::DeserializeOwned};
use tokio::{io::AsyncWriteExt, time::timeout};

/// A little more than a script gives itself (`chromium.mjs`).
const PATIENCE: Duration = Duration::from_secs(170);

/// What playwright-core asks for.
const OLDEST_NODE: u32 = 20;

/// Whether Chromium, node and the packages are here. Where they are not, each test that asks says that it is skipped, since
/// the harness counts it as passed; with `BROWSER_TESTS=required` that is the message of a panic.
pub(crate) fn is_ready() -> bool {
    static MISSING: OnceLock<Vec<String>> = OnceLock::new();
    let missing = MISSING.get_or_init(missing);
    if missing.is_empty() {
        return true;
    }
    let need = format!("it needs {}; tests/browser/main.rs says how to install it", missing.join(", "));
    assert!(std::env::var_os("BROWSER_TESTS").is_none_or(|value| value != "required"), "{need}");
    let thread = std::thread::current();
    // Not by `eprintln!`, which the harness keeps to itself when a test passes.
    let _ = writeln!(io::stderr(), "SKIPPED, not passed: {}: {need}", thread.name().unwrap_or("a test"));
    false
}

/// Runs `script` with `input`, and reads what it prints.
pub(crate) async fn run<O: DeserializeOwned>(script: &str, input: &impl Serialize) -> O {
    let mut command = tokio::process::Command::new("node");
    command.arg(folder().join(script)).env("CHROMIUM", executable());
    // Chromium ends when node does.
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut node = command.spawn().expect("node starts");
    let input = serde_json::to_vec(input).expect("the input is JSON");
    node.stdin.take().expect("stdin is a pipe").write_all(&input).await.expect("node reads its input");
    let output = timeout(PATIENCE, node.wait_with_output()).await.expect("node is done in time").expect("node ran");
    assert!(output.status.success(), "{script}: {}", output.status);
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{script}: {error}: {}", String::from_utf8_lossy(&output.stdout)))
}

fn missing() -> Vec<String> {
    let mut missing = Vec::new();
    if !executable().exists() {
        missing.push(format!("Chromium ({})", executable().display()));
    }
    if node_version().is_none_or(|version| version < OLDEST_NODE) {
        missing.push(format!("node {OLDEST_NODE} or later"));
    }
    let packages = ["playwright-core", "grpc-web", "@modelcontextprotocol/client", "esbuild"];
    if packages.iter().any(|package| !folder().join("node_modules").join(package).exists()) {
        missing.push("the packages of tests/browser/package.json".to_owned());
    }
    missing
}

fn node_version() -> Option<u32> {
    let output = Command::new("node").arg("--version").stderr(Stdio::null()).output().ok()?;
    let version = String::from_utf8(output.stdout).ok()?;
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

/// Debian's, unless `CHROMIUM` names another.
fn executable() -> PathBuf {
    std::env::var_os("CHROMIUM").map_or_else(|| PathBuf::from("/usr/bin/chromium"), PathBuf::from)
}

/// The package that runs this may be one below the repository's root.
fn folder() -> PathBuf {
    let mut folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|folder| folder.join("tests/browser"));
    folders.find(|folder| folder.is_dir()).expect("the folder of the scripts")
}
