//! The order of the house: which room may know which, and how large a file and a function may be.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Each room and the rooms that it knows: no more than the plan names, and none that it does not need.
const ROOMS: &[(&str, &[&str])] = &[
    ("policy", &[]),
    ("host", &[]),
    // What is wrong with a host has one text, for origins and for hostnames of routes.
    ("finding", &["host", "policy"]),
    // What is wrong with a pattern is a violation from the start, so that it has one text; a function over origins is put
    // into a policy.
    ("origin", &["finding", "host", "policy"]),
    ("compile", &["finding", "host", "origin", "policy"]),
    // A function of a policy is asked once a request, so the request remembers what it said.
    ("request", &["origin", "policy"]),
    ("decision", &["compile", "policy", "request"]),
    // A reloaded policy is compiled where it is swapped in.
    ("resolver", &["compile", "decision", "finding", "origin", "policy", "request"]),
    // A layer is made of a policy, which it compiles, and denies lints.
    ("layer", &["compile", "decision", "finding", "origin", "policy", "request", "resolver"]),
    ("merge", &["compile", "finding", "origin", "policy", "resolver"]),
    ("route", &["compile", "decision", "host", "origin", "request", "resolver"]),
    // A cors block is compiled where it is read, and loaded routes are a resolver.
    ("manifest", &["compile", "decision", "finding", "merge", "policy", "request", "resolver", "route"]),
    // What is told of a cluster are changes, findings and a table.
    ("kubernetes", &["finding", "manifest", "resolver"]),
    ("browser", &[]),
    ("guide", &[]),
    // Cases are read as manifests are, so what is wrong with them is a finding.
    (
        "explain",
        &[
            "browser", "compile", "decision", "finding", "manifest", "merge", "origin", "policy", "request",
            "resolver", "route",
        ],
    ),
    ("axum", &["compile", "decision", "layer", "merge", "policy", "request", "resolver"]),
    ("tonic", &["layer"]),
    ("gateway_api", &["finding", "policy"]),
];

/// What every room may know, and what knows no room.
const VOCABULARY: &[&str] = &["headers", "escape"];

#[test]
fn a_room_knows_exactly_the_rooms_that_the_plan_names() {
    let mut known = BTreeMap::<String, BTreeSet<String>>::new();
    for (path, text) in sources("src") {
        let room = room_of(&path);
        if room != "lib" {
            known.entry(room).or_default().extend(known_rooms(&text));
        }
    }
    let planned =
        VOCABULARY.iter().map(|room| (*room, &[][..])).chain(ROOMS.iter().map(|(room, may_know)| (*room, *may_know)));
    let planned = planned.map(|(room, may_know)| (room.to_owned(), may_know.iter().map(ToString::to_string).collect()));
    let planned = planned.collect::<BTreeMap<String, BTreeSet<String>>>();
    for (room, known) in &mut known {
        known.retain(|other| other != room && !VOCABULARY.contains(&other.as_str()));
    }
    assert_eq!(known, planned);
}

#[test]
fn no_room_is_known_by_what_it_knows() {
    // Each room stands behind all that it knows.
    let mut done = VOCABULARY.to_vec();
    while let Some((room, _)) =
        ROOMS.iter().find(|(room, knows)| !done.contains(room) && knows.iter().all(|known| done.contains(known)))
    {
        done.push(room);
    }
    let circle = ROOMS.iter().filter(|(room, _)| !done.contains(room)).collect::<Vec<_>>();
    assert!(circle.is_empty(), "{circle:?}");
}

/// The parts of the largest room, each of which knows only those before it.
const PARTS_OF_MANIFEST: [&str; 8] =
    ["finding", "reader", "objects", "attachment", "error", "value", "manifests", "store"];

#[test]
fn a_part_of_manifest_knows_only_the_parts_before_it() {
    let mut arrows = 0;
    for (path, text) in sources("src/manifest") {
        let part =
            path.iter().nth(2).and_then(|name| name.to_str()).expect("a part").trim_end_matches(".rs").to_owned();
        let at = PARTS_OF_MANIFEST.iter().position(|known| *known == part).unwrap_or_else(|| panic!("no part {part}"));
        // A part of the room is named from the room's root, by its own file or by those below it.
        let is_root = path.iter().count() == 3;
        let from_root = if is_root { text.replace("super::", "crate::manifest::") } else { text };
        for known in named_after("manifest::", &from_root) {
            let before = PARTS_OF_MANIFEST.iter().position(|part| *part == known);
            if before != Some(at) {
                assert!(before.is_some_and(|before| before < at), "{}: {part} knows {known}", path.display());
                arrows += 1;
            }
        }
    }
    assert!(arrows > 10, "only {arrows} arrows were found");
}

#[test]
fn a_room_is_found_in_every_form_of_a_path() {
    let text = "use crate::policy::CorsPolicy;\nuse crate::{\n    compile::{Expose, List},\n    headers::{self, ListTooLong},\n    origin,\n};\n\
                // crate::finding\n/// [`x`](crate::route)\nfn f(_: &crate::request::CorsRequest) -> crate::Lint {}\nuse crate::Profile;";
    let found = known_rooms(text).into_iter().collect::<Vec<_>>();
    assert_eq!(found, ["compile", "finding", "headers", "origin", "policy", "request"]);
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

/// The rooms whose crates need a Rust that has let chains (1.88) anyway; the table of features in README.md says so.
const ROOMS_WITH_LET_CHAINS: [&str; 4] = ["gateway_api", "kubernetes", "manifest", "tonic"];

#[test]
fn let_chains_stand_only_where_a_newer_rust_is_needed_anyway() {
    for (path, text) in sources("src") {
        if ROOMS_WITH_LET_CHAINS.contains(&room_of(&path).as_str()) {
            continue;
        }
        let lines = text.lines().map(str::trim).filter(|line| !line.starts_with("//")).collect::<Vec<_>>();
        for (at, line) in lines.iter().enumerate() {
            let begins = ["if let ", "while let "].iter().any(|keyword| line.contains(keyword)) && !line.contains('{');
            let goes_on = begins && lines.get(at + 1).is_some_and(|next| next.starts_with("&&"));
            assert!(!goes_on && !line.contains("&& let "), "{}: {line}", path.display());
        }
    }
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

/// The rooms that the code of a file names; a name of the front door counts as its room's.
fn known_rooms(text: &str) -> BTreeSet<String> {
    named_after("crate::", text).into_iter().filter_map(front_door).collect()
}

/// The words that follow `lead` in the code of a file, alone or in braces, comments left out.
fn named_after(lead: &str, text: &str) -> BTreeSet<String> {
    let code = text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n");
    let mut words = BTreeSet::new();
    for (at, _) in code.match_indices(lead) {
        let rest = &code[at + lead.len()..];
        match rest.strip_prefix('{') {
            Some(group) => words.extend(heads_of_group(group)),
            None => words.extend(word(rest)),
        }
    }
    words
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
        "Lint" | "Violations" => "finding",
        "CorsPolicy" => "policy",
        "PolicyResolver" => "resolver",
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
