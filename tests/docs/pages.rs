//! What a reader looks up is there: every code of a lint or violation in `docs/lints.md`, every feature and example in
//! README.md, every link between the pages.

use std::{collections::BTreeSet, fs, path::Path};

#[test]
fn every_lint_has_a_section() {
    let page = read("docs/lints.md");
    let documented: BTreeSet<_> =
        page.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`')).map(str::to_owned).collect();
    assert_eq!(documented, codes("lint.rs"));
}

#[test]
fn every_violation_has_a_row() {
    let page = read("docs/lints.md");
    let rows = page.split("## Violations").nth(1).expect("the section");
    let documented: BTreeSet<_> =
        rows.lines().filter_map(|line| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned())).collect();
    assert_eq!(documented, codes("violation.rs"));
}

#[test]
fn every_feature_has_a_row() {
    let manifest: toml::Table = toml::from_str(&read("Cargo.toml")).expect("TOML");
    let features = manifest["features"].as_table().expect("a table").keys().filter(|name| *name != "default");
    let page = read("README.md");
    let rows = page.split("## Features").nth(1).expect("the section").split("\n## ").next().unwrap_or_default();
    let documented: BTreeSet<_> =
        rows.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).map(str::to_owned).collect();
    assert_eq!(documented, features.cloned().collect());
}

#[test]
fn the_rust_version_of_the_manifest_is_that_of_the_page() {
    let manifest: toml::Table = toml::from_str(&read("Cargo.toml")).expect("TOML");
    let version = manifest["package"]["rust-version"].as_str().expect("a text");
    assert!(read("README.md").contains(&format!("The minimum supported Rust version is {version},")));
}

#[test]
fn every_example_is_named() {
    let page = read("README.md");
    for entry in fs::read_dir(root().join("examples")).expect("a folder") {
        let path = entry.expect("an entry").path();
        let mains = ["main.rs", "src/main.rs"].map(|main| path.join(main));
        let path = mains.into_iter().find(|main| main.exists()).unwrap_or(path);
        let name = path.strip_prefix(root()).expect("below the root").display().to_string();
        assert!(path.is_dir() || page.contains(&format!("]({name})")), "README.md does not name {name}");
    }
}

#[test]
fn every_link_to_a_file_leads_somewhere() {
    let pages = ["README.md", "CHANGELOG.md", "COMPARE.md", "CONTRIBUTING.md", "DESIGN.md", "SECURITY.md"];
    let docs = fs::read_dir(root().join("docs")).expect("a folder");
    let docs = docs.map(|entry| format!("docs/{}", entry.expect("an entry").file_name().display()));
    let docs = docs.filter(|name| name.ends_with(".md"));
    let mut links = 0;
    for page in pages.into_iter().map(str::to_owned).chain(docs) {
        let folder = root().join(&page).parent().expect("a folder").to_owned();
        for target in read(&page).split("](").skip(1).filter_map(|rest| rest.split(')').next().map(str::to_owned)) {
            let file = target.split('#').next().unwrap_or_default();
            if !file.is_empty() && !file.contains("://") {
                assert!(folder.join(file).exists(), "{page} links to {target}");
                links += 1;
            }
        }
    }
    assert!(links >= 10, "only {links} links were found");
}

/// The texts of the function `code`, which is where a kind gets its code: those of any policy's kinds, and those of the
/// kinds that only manifests have. The enums grow, and a list of their values beside them could forget one; the compiler
/// sees to it that this match forgets none.
fn codes(file: &str) -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    for room in ["src/finding", "src/manifest/finding"] {
        let source = read(&format!("{room}/{file}"));
        let function = source.split("fn code(&self)").nth(1).expect("the kind's function");
        let body = function.split("\n    }\n").next().unwrap_or_default();
        codes.extend(body.split('"').skip(1).step_by(2).map(str::to_owned));
    }
    assert!(codes.len() >= 16, "only {codes:?}");
    codes
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}
