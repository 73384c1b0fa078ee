//! What the compiler says to the mistakes that people make with a layer: each program of `wrong` fails to compile, and what
//! its author must read stands in it, a line each after `//~`. Whole texts are not compared: they hold paths, whose length
//! decides what the compiler leaves out, and change with its version.

use std::{
    collections::BTreeMap,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

#[test]
fn a_mistake_is_told_with_its_way_out() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let programs = programs(&here.join("wrong"));
    assert!(programs.len() >= 7, "{programs:?}");
    let said = check(here, &programs);
    for (name, path) in &programs {
        let said = said.get(name).map(String::as_str).unwrap_or_default();
        let text = fs::read_to_string(path).expect("the program");
        let expected: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("//~ ")).collect();
        assert!(!expected.is_empty(), "{name} expects nothing");
        for line in expected {
            assert!(said.contains(line), "{name}: the compiler does not say \"{line}\", but:\n{said}");
        }
    }
}

/// The programs of a folder, by name.
fn programs(folder: &Path) -> BTreeMap<String, PathBuf> {
    let files = fs::read_dir(folder).expect("the folder").map(|file| file.expect("a file").path());
    files.filter_map(|path| Some((path.file_stem()?.to_str()?.to_owned(), path.clone()))).collect()
}

/// What the compiler says of each program. They are a package of their own, since the workspace must compile.
fn check(here: &Path, programs: &BTreeMap<String, PathBuf>) -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("messages");
    fs::create_dir_all(&folder).expect("a folder");
    let root = here.ancestors().nth(2).expect("the repository");
    let manifest = fs::read_to_string(here.join("Cargo.toml")).expect("the manifest");
    let (_, dependencies) = manifest.split_once("# Of the programs.\n").expect("the dependencies of the programs");
    let (dependencies, _) = dependencies.split_once("\n\n").expect("the end of them");
    let dependencies = dependencies.replace("\"../..\"", &format!("{:?}", root.to_str().expect("a path of Unicode")));
    let mut package = format!(
        "[package]\nname = \"wrong\"\nversion = \"0.0.0\"\nedition = \"2024\"\nautobins = false\n\n[workspace]\n\n\
         [dependencies]\n{dependencies}\n"
    );
    for (name, path) in programs {
        write!(package, "\n[[bin]]\nname = {name:?}\npath = {path:?}\n").expect("a string grows");
    }
    fs::write(folder.join("Cargo.toml"), package).expect("the package");
    // The versions are those that were just built with.
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).expect("the lock file");
    let output = Command::new(env!("CARGO"))
        .args(["check", "--offline", "--bins", "--keep-going", "--message-format=json"])
        .arg("--target-dir")
        .arg(folder.join("target"))
        .current_dir(&folder)
        .stdin(Stdio::null())
        .output()
        .expect("cargo");
    assert!(!output.status.success(), "every program is wrong");
    let mut said: BTreeMap<String, String> = BTreeMap::new();
    for line in String::from_utf8(output.stdout).expect("text").lines() {
        let message: Value = serde_json::from_str(line).expect("JSON");
        let (name, text) = (&message["target"]["name"], &message["message"]["rendered"]);
        if let (Some(name), Some(text)) = (name.as_str(), text.as_str()) {
            said.entry(name.to_owned()).or_default().push_str(text);
        }
    }
    assert!(!said.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    said
}
