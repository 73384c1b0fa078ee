//! Every rule of `docs/semantics.md` is carried by a row of `tests/rules/*.toml` or by a test that names it in a comment
//! that begins with the word `rule` and the number.

use std::{collections::BTreeSet, fs, path::Path};

use crate::row::Table;

/// What nothing carries yet. An entry that something does carry fails the test, so the list only shrinks.
const PENDING: &[&str] = &[];

#[test]
fn every_rule_is_carried_by_a_row_or_a_test() {
    let carried = carried();
    let missing = rules()
        .into_iter()
        .filter(|rule| !carried.contains(rule) && !PENDING.contains(&rule.as_str()))
        .collect::<Vec<_>>();
    assert!(missing.is_empty(), "no row and no test carries {missing:?}");
}

#[test]
fn a_pending_rule_is_a_rule_that_nothing_carries() {
    let (rules, carried) = (rules(), carried());
    for rule in PENDING {
        assert!(rules.contains(*rule), "{rule} is not a rule of docs/semantics.md");
        assert!(!carried.contains(*rule), "{rule} is carried now; take it out of PENDING");
    }
}

#[test]
fn what_a_row_or_a_test_carries_is_a_rule() {
    let unknown = carried().difference(&rules()).cloned().collect::<Vec<_>>();
    assert!(unknown.is_empty(), "not rules of docs/semantics.md: {unknown:?}");
}

/// The numbers that stand in bold, such as `**3.2**`.
fn rules() -> BTreeSet<String> {
    let text = read(Path::new("docs/semantics.md"));
    let rules = text.split("**").skip(1).step_by(2).filter(|bold| is_number(bold)).map(str::to_owned);
    let rules = rules.collect::<BTreeSet<_>>();
    assert!(rules.len() >= 65, "only {} rules were found", rules.len());
    rules
}

fn carried() -> BTreeSet<String> {
    let mut carried = BTreeSet::new();
    for folder in ["tests", "src", "examples"] {
        visit(Path::new(folder), &mut carried);
    }
    carried
}

fn visit(folder: &Path, carried: &mut BTreeSet<String>) {
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).expect("a folder") {
        let name = entry.expect("an entry").file_name().into_string().expect("names are UTF-8");
        let path = folder.join(&name);
        if Path::new(env!("CARGO_MANIFEST_DIR")).join(&path).is_dir() {
            visit(&path, carried);
        } else if name.ends_with(".toml") && folder.ends_with("tests/rules") {
            carried.extend(Table::parse(&read(&path)).rules().map(str::to_owned));
        } else if name.ends_with(".rs") {
            carried.extend(read(&path).lines().flat_map(numbers_of_comment));
        }
    }
}

/// The numbers of a comment `rule 5.9` or `rule 5.9, 6.1`.
fn numbers_of_comment(line: &str) -> Vec<String> {
    let comment = line.trim_start().trim_start_matches('/').trim_start();
    match comment.strip_prefix("rule ") {
        Some(numbers) if line.trim_start().starts_with("//") => numbers
            .split([',', ' ', ':', ';'])
            .map(|number| number.trim_end_matches('.'))
            .filter(|number| is_number(number))
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    }
}

fn is_number(text: &str) -> bool {
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once('.').is_some_and(|(section, rule)| is_digits(section) && is_digits(rule))
}

fn read(path: &Path) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
