//! What a reader looks up is there: every code of a lint or violation in `docs/lints.md`, every feature and example in
//! README.md, every link between the pages.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

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

/// As wide as docs.rs shows code on a screen of 1280 pixels.
const MAX_CODE_WIDTH: usize = 92;

#[test]
fn no_line_of_rust_in_the_documentation_is_wider_than_docs_rs_shows() {
    let mut files = vec![root().join("README.md")];
    add_files(&root().join("docs"), "md", &mut files);
    add_files(&root().join("src"), "rs", &mut files);
    let (mut blocks, mut wide) = (0, Vec::new());
    for file in files {
        let text = fs::read_to_string(&file).expect("a text");
        let (mut is_block, mut is_rust) = (false, false);
        for (at, line) in text.lines().enumerate() {
            let line = match file.extension().is_some_and(|extension| extension == "md") {
                true => line,
                false => documentation(line).unwrap_or_default(),
            };
            if let Some(language) = line.trim_start().strip_prefix("```") {
                is_block = !is_block;
                let name = language.split(',').next().unwrap_or_default();
                is_rust = is_block && ["", "rust", "no_run", "compile_fail", "ignore"].contains(&name);
                blocks += usize::from(is_rust);
            } else if is_rust && !line.starts_with("# ") && line.chars().count() > MAX_CODE_WIDTH {
                wide.push(format!("{}:{}", file.display(), at + 1));
            }
        }
    }
    assert!(blocks > 80, "only {blocks} blocks were found");
    assert!(wide.is_empty(), "wider than {MAX_CODE_WIDTH}: {wide:#?}");
}

/// rustdoc hides a line that begins with `# `, and GitHub shows it to whoever copies the code.
#[test]
fn no_code_that_github_shows_has_lines_that_rustdoc_hides() {
    let mut files = vec![root().join("README.md")];
    add_files(&root().join("docs"), "md", &mut files);
    let (mut blocks, mut hidden) = (0, Vec::new());
    for file in files {
        let text = fs::read_to_string(&file).expect("a text");
        let mut is_rust = false;
        for (at, line) in text.lines().enumerate() {
            let line = line.trim_start();
            if let Some(language) = line.strip_prefix("```") {
                is_rust = !is_rust && language.starts_with("rust");
                blocks += usize::from(is_rust);
            } else if is_rust && (line == "#" || line.starts_with("# ")) {
                hidden.push(format!("{}:{}", file.display(), at + 1));
            }
        }
    }
    assert!(blocks > 15, "only {blocks} blocks were found");
    assert!(hidden.is_empty(), "hidden by rustdoc: {hidden:#?}");
}

/// A line of a doc comment, without its mark.
fn documentation(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let text = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"))?;
    Some(text.strip_prefix(' ').unwrap_or(text))
}

fn add_files(folder: &Path, extension: &str, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            add_files(&path, extension, files);
        } else if path.extension().is_some_and(|found| found == extension) {
            files.push(path);
        }
    }
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

/// What stands in `examples/`, by its name there: a program, or a folder.
fn examples() -> Vec<String> {
    let entries = fs::read_dir(root().join("examples")).expect("a folder").map(|entry| entry.expect("an entry").path());
    let entries = entries.filter(|path| path.is_dir() || path.extension().is_some_and(|extension| extension == "rs"));
    entries.map(|path| path.file_stem().and_then(|name| name.to_str()).expect("a name").to_owned()).collect()
}

#[test]
fn every_example_has_a_row_with_a_link() {
    let page = read("examples/README.md");
    for name in examples() {
        assert!(page.contains(&format!("| [{name}]({name}")), "examples/README.md has no row of {name}");
    }
}

/// The programs of the package, and the packages of the workspace.
#[test]
fn every_command_of_the_examples_starts_something_that_is_there() {
    let page = read("examples/README.md");
    let manifest: toml::Table = toml::from_str(&read("Cargo.toml")).expect("TOML");
    let features = manifest["features"].as_table().expect("a table");
    let members = manifest["workspace"]["members"].as_array().expect("a list").iter().filter_map(toml::Value::as_str);
    let packages: BTreeSet<_> = members
        .map(|member| {
            let manifest: toml::Table = toml::from_str(&read(&format!("{member}/Cargo.toml"))).expect("TOML");
            manifest["package"]["name"].as_str().expect("a text").to_owned()
        })
        .collect();
    let mut started = BTreeSet::new();
    for command in page.split("`cargo ").skip(1).map(|rest| rest.split('`').next().unwrap_or_default()) {
        let (own, arguments) = command.split_once(" -- ").unwrap_or((command, ""));
        match own.split(' ').collect::<Vec<_>>().as_slice() {
            ["run", "--example", name, more @ ..] => {
                assert!(examples().iter().any(|known| known == name), "{command}");
                started.insert((*name).to_owned());
                match more {
                    [] => {}
                    ["--features", named] => {
                        assert!(named.split(',').all(|name| features.contains_key(name)), "{command}")
                    }
                    _ => panic!("{command}"),
                }
            }
            ["run", "--package", name] => {
                assert!(packages.contains(*name), "{command}");
                started.insert(name.trim_end_matches("-example").replace('-', "_"));
            }
            _ => panic!("{command}"),
        }
        for file in arguments.split(' ').filter(|word| word.starts_with("examples/")) {
            assert!(root().join(file).exists(), "{command}");
        }
    }
    let is_program = |name: &String| {
        let folder = root().join("examples").join(name);
        !folder.is_dir() || folder.join("main.rs").exists() || folder.join("src").exists()
    };
    assert_eq!(started, examples().into_iter().filter(is_program).collect());
}

#[test]
fn every_link_to_a_file_leads_somewhere() {
    let pages = [
        "README.md",
        "CHANGELOG.md",
        "COMPARE.md",
        "CONTRIBUTING.md",
        "DESIGN.md",
        "SECURITY.md",
        "examples/README.md",
    ];
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
