//! The scenarios with tower-http's layer: where they end otherwise than with ours, by `differences.toml`, and the table
//! of that in README.md.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

use serde::Deserialize;

use crate::scenario::{Ending, Ends, Seen, Table};

/// `differences.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Differences {
    differences: Vec<Difference>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Difference {
    scenario: String,
    ends: Ends,
    /// For the reader of the file.
    #[serde(rename = "why")]
    _why: String,
}

/// Holds the endings with tower-http against the known differences, and the table of README.md against both.
pub(crate) fn check(table: &Table, endings: &[Ending]) {
    let known: Differences = toml::from_str(include_str!("differences.toml")).expect("differences.toml is TOML");
    let mut known: BTreeMap<_, _> =
        known.differences.into_iter().map(|difference| (difference.scenario, difference.ends)).collect();
    let (mut failures, mut rows, mut alike) = (Vec::new(), String::new(), 0);
    for (scenario, ending) in table.scenarios.iter().zip(endings) {
        let (ours, theirs) = (scenario.ends.seen(), &ending.seen);
        let expected = known.remove(&scenario.name).map(|ends| ends.seen());
        if *theirs != *expected.as_ref().unwrap_or(&ours) {
            failures.push(format!("{}: {theirs:?}", scenario.name));
        }
        if *theirs == ours {
            alike += 1;
            failures.extend(expected.map(|_| format!("{}: there is no difference", scenario.name)));
        } else {
            let rule = scenario.name.replace('_', " ");
            let (ours, theirs) = (describe(&ours, theirs), describe(theirs, &ours));
            writeln!(rows, "| {rule} | {ours} | {theirs} |").expect("a string takes it");
        }
    }
    let summary = format!("{alike} of {} scenarios end alike.", table.scenarios.len());
    let rows = format!("| scenario | tower-cors | tower-http 0.7 |\n|---|---|---|\n{rows}");
    println!("{summary}\n\n{rows}");
    failures.extend(known.into_keys().map(|name| format!("{name}: there is no such scenario")));
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("README.md");
    assert!(readme.contains(&rows), "README.md has another table than this:\n{rows}");
    assert!(readme.contains(&summary), "README.md does not say: {summary}");
}

/// How a scenario ended, as far as it ended otherwise than `other`.
fn describe(seen: &Seen, other: &Seen) -> String {
    let Some(read) = &seen.read else { return "blocked".to_owned() };
    let mut said = vec![match read.body.as_str() {
        "" => "reads an empty body".to_owned(),
        body => format!("reads \"{body}\""),
    }];
    if let Some(other) = &other.read {
        let more: Vec<_> = read.sees.iter().filter(|name| !other.sees.contains(name)).map(String::as_str).collect();
        if !more.is_empty() {
            said.push(format!("also sees {}", more.join(", ")));
        }
    }
    if seen.calls < other.calls {
        said.push("the service is not called".to_owned());
    }
    said.join("; ")
}
