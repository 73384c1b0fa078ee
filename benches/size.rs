//! How many bytes of code a minimal axum server gains by this crate's layer in the place of tower-http's. It builds the
//! two programs of `benches/size` as a user would, by the release profile as it comes and with link-time optimisation,
//! and compares their code as `cargo bloat` counts it: the section `.text`. Needs binutils' `size`.

use std::{path::Path, process::Command};

/// The most that it may be, in bytes.
const BOUND: i64 = 105_000;

fn main() {
    println!("| profile | tower-cors | tower-http | more |");
    println!("|---|---|---|---|");
    let mut over = Vec::new();
    for (profile, about) in [("release", "release"), ("lto", "release, `lto = true`, `codegen-units = 1`")] {
        let programs = match build(profile) {
            Ok(programs) => programs,
            Err(reason) => return println!("skipped: {reason}"),
        };
        let [ours, peer] = ["ours", "peer"].map(|name| code(&programs.join(name)));
        let (Some(ours), Some(peer)) = (ours, peer) else {
            return println!(
                "skipped: sections are read by `size`, which is not there; install it: apt-get install binutils"
            );
        };
        println!("| {about} | {ours} | {peer} | {} |", ours - peer);
        if ours - peer > BOUND {
            over.push(profile);
        }
    }
    if !over.is_empty() {
        println!("over {BOUND}: {}", over.join(", "));
    }
}

/// Builds both programs, and tells the folder that they are in.
fn build(profile: &str) -> Result<std::path::PathBuf, String> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("size");
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("size/Cargo.toml");
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--profile", profile, "--manifest-path"])
        .arg(manifest)
        .arg("--target-dir")
        .arg(&target)
        .status();
    match status {
        Ok(status) if status.success() => Ok(target.join(profile)),
        Ok(status) => Err(format!("cargo build: {status}")),
        Err(error) => Err(format!("cargo build: {error}")),
    }
}

/// The bytes of a program's section `.text`.
fn code(program: &Path) -> Option<i64> {
    let output = Command::new("size").arg("-A").arg(program).output().ok()?;
    let sections = String::from_utf8(output.stdout).ok()?;
    let text = sections.lines().find_map(|line| line.strip_prefix(".text "))?;
    text.split_whitespace().next()?.parse().ok()
}
