//! The order of the house: which room may know which, and how large a file and a function may be.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// A room and the rooms that it may know. Rooms of one row of the plan know each other.
const ROOMS: &[(&str, &[&str])] = &[
    ("policy", &[]),
    ("headers", &[]),
    ("origin", &["shown"]),
    ("shown", &[]),
    ("violation", &["policy", "lint", "shown"]),
    ("lint", &["policy", "violation", "shown"]),
    ("compile", &["policy", "headers", "origin", "violation", "lint"]),
    ("request", &["headers", "origin"]),
    ("decision", &["compile", "request", "headers", "shown"]),
    ("resolver", &["compile", "request", "decision", "shown"]),
    ("layer", &["request", "resolver", "decision", "shown"]),
    ("merge", &["policy", "headers", "origin", "violation", "compile", "resolver", "shown"]),
    ("route", &["request", "headers", "resolver", "decision", "merge", "compile", "shown"]),
    ("manifest", &["policy", "violation", "lint", "decision", "merge", "route", "shown"]),
    ("browser", &["headers", "origin", "shown"]),
    ("guide", &[]),
    ("explain", EVERYTHING),
    ("axum", EVERYTHING),
    ("tonic", EVERYTHING),
    ("gateway_api", EVERYTHING),
];

const EVERYTHING: &[&str] = &["*"];

/// What the plan does not say and the code needs, each with its reason. An entry that no file needs fails the test.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("decision", "policy", "the policy that allows nothing is compiled from the default one"),
    ("resolver", "policy", "a reloaded policy is compiled"),
    ("resolver", "violation", "a reloaded policy that is invalid is refused with every violation"),
    (
        "manifest",
        "compile",
        "a cors block is compiled where it is read, and what settings come to where they are merged",
    ),
    ("manifest", "request", "loaded routes are a resolver"),
    ("manifest", "resolver", "loaded routes are a resolver"),
    ("layer", "compile", "a layer is made of a compiled policy"),
    ("layer", "policy", "CorsLayer::new takes a policy"),
    ("layer", "violation", "CorsLayer::new answers with every violation"),
    ("layer", "lint", "CorsLayer::deny takes a severity"),
];

#[test]
fn a_room_knows_only_the_rooms_that_the_plan_names() {
    let mut needed = BTreeSet::new();
    let mut strangers = Vec::new();
    for (path, text) in sources("src") {
        let room = room_of(&path);
        if room == "lib" {
            continue;
        }
        let (_, may_know) =
            ROOMS.iter().find(|(name, _)| *name == room).unwrap_or_else(|| panic!("the plan has no room {room}"));
        for known in known_rooms(&text) {
            if known == room || may_know.contains(&known.as_str()) || *may_know == EVERYTHING {
                continue;
            }
            match EXCEPTIONS.iter().find(|(from, to, _)| *from == room && *to == known) {
                Some(exception) => drop(needed.insert(*exception)),
                None => strangers.push(format!("{}: {room} knows {known}", path.display())),
            }
        }
    }
    assert!(strangers.is_empty(), "{strangers:#?}");
    let unneeded = EXCEPTIONS.iter().filter(|exception| !needed.contains(*exception)).collect::<Vec<_>>();
    assert!(unneeded.is_empty(), "exceptions that nobody needs: {unneeded:?}");
}

#[test]
fn a_room_is_found_in_every_form_of_a_path() {
    let text = "use crate::policy::CorsPolicy;\nuse crate::{\n    compile::{Expose, List},\n    headers::{self, ListTooLong},\n    origin,\n};\n\
                // crate::lint\n/// [`x`](crate::route)\nfn f(_: &crate::request::CorsRequest) -> crate::Lint {}\nuse crate::Profile;";
    let found = known_rooms(text).into_iter().collect::<Vec<_>>();
    assert_eq!(found, ["compile", "headers", "lint", "origin", "policy", "request"]);
}

#[test]
fn a_file_has_at_most_400_lines_of_code_and_700_in_all() {
    for folder in ["src", "tests", "examples", "benches"] {
        for (path, text) in sources(folder) {
            let lines = text.lines().count();
            assert!(lines <= 700, "{} has {lines} lines", path.display());
            let code = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")).count();
            assert!(code <= 400 || folder != "src", "{} has {code} lines of code", path.display());
        }
    }
}

#[test]
fn a_function_has_at_most_70_lines() {
    for (path, text) in sources("src") {
        for (name, lines) in functions(&text) {
            assert!(lines <= 70, "{}: {name} has {lines} lines", path.display());
        }
    }
}

#[test]
fn a_function_is_measured_from_its_name_to_its_brace() {
    let text = "impl A {\n    pub(crate) const fn a() {\n        b();\n    }\n\n    fn c(&self) -> u8;\n    async fn d(\n    ) where\n    {\n    }\n}\n";
    assert_eq!(functions(text), [("a".to_owned(), 3), ("d".to_owned(), 4)]);
}

#[test]
fn no_room_hides_behind_a_file_called_mod() {
    for (path, _) in sources("src") {
        let name = path.file_stem().and_then(|name| name.to_str()).expect("names are UTF-8");
        assert!(!["mod", "utils", "util", "common", "types", "misc"].contains(&name), "{}", path.display());
    }
}

#[test]
fn a_file_opens_with_what_it_is_for() {
    for folder in ["src", "tests"] {
        for (path, text) in sources(folder) {
            assert!(text.starts_with("//!"), "{} has no header", path.display());
        }
    }
}

/// The rooms that the code of a file names, comments left out; a name of the front door counts as its room's.
fn known_rooms(text: &str) -> BTreeSet<String> {
    let code = text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n");
    let mut rooms = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => rooms.extend(heads_of_group(group)),
            None => rooms.extend(word(rest)),
        }
    }
    rooms.into_iter().filter_map(front_door).collect()
}

/// The first words of the elements of `{a::b, c::{d, e}}`, after its first brace.
fn heads_of_group(group: &str) -> Vec<String> {
    let (mut heads, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => {
                heads.extend(word(group[start..at].trim_start()));
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                heads.extend(word(group[start..at].trim_start()));
                start = at + 1;
            }
            _ => {}
        }
    }
    heads
}

fn word(text: &str) -> Option<String> {
    let end = text.find(|character: char| !character.is_alphanumeric() && character != '_').unwrap_or(text.len());
    (end > 0).then(|| text[..end].to_owned())
}

fn front_door(name: String) -> Option<String> {
    let room = match name.as_str() {
        "CompiledPolicy" | "Profile" => "compile",
        "Decision" | "Reason" => "decision",
        "CorsLayer" => "layer",
        "Lint" => "lint",
        "CorsPolicy" => "policy",
        "PolicyResolver" => "resolver",
        "Violations" => "violation",
        room => room,
    };
    // What else the front door has is judged where it is declared.
    room.starts_with(|first: char| first.is_ascii_lowercase()).then(|| room.to_owned())
}

/// The functions with a body, and their lines; it relies on how rustfmt indents.
fn functions(text: &str) -> Vec<(String, usize)> {
    let lines = text.lines().collect::<Vec<_>>();
    let mut functions = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let Some(name) = line.trim_start().split_once("fn ").and_then(|(before, rest)| {
            let is_head =
                before.split_whitespace().all(|word| word.starts_with("pub") || ["const", "async"].contains(&word));
            is_head.then(|| word(rest)).flatten()
        }) else {
            continue;
        };
        let closing = format!("{}}}", " ".repeat(indent));
        let end = lines[start..].iter().position(|line| {
            **line == closing
                || (line.ends_with(';') && line.len() - line.trim_start().len() <= indent)
                || line.ends_with(" {}")
        });
        if let Some(end) = end
            && lines[start + end] == closing
        {
            functions.push((name, end + 1));
        }
    }
    functions
}

fn room_of(path: &Path) -> String {
    let first = path.iter().nth(1).and_then(|name| name.to_str()).expect("a file of src");
    first.trim_end_matches(".rs").to_owned()
}

/// The Rust files of a folder of the repository, by their paths in it.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(root.join(&folder)) else { continue };
        for entry in entries {
            let path = folder.join(entry.expect("an entry").file_name());
            if root.join(&path).is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(root.join(&path)).expect("sources are UTF-8");
                found.push((path, text));
            }
        }
    }
    assert!(!found.is_empty() || !["src", "tests"].contains(&folder), "{folder} has no sources");
    found
}
