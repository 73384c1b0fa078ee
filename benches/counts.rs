//! The committed counts of instructions, `counts.toml`. In: that table, and what a run counted. Out: where a request
//! costs more than it did.

use std::{collections::BTreeMap, process::Command};

/// How much a count may be above the committed one, in percent. A hash table has another seed in each run, so that a
/// look-up compares one entry more or less.
const TOLERANCE: u64 = 2;

/// Instructions a request, by the name of the scenario, by the name of the build.
pub type Counts = BTreeMap<String, BTreeMap<String, u64>>;

/// Reads a table.
///
/// # Errors
///
/// What is no table of counts.
pub fn read(text: &str) -> Result<Counts, toml::de::Error> {
    toml::from_str(text)
}

/// The text of a table.
///
/// # Errors
///
/// None that is known: each table can be written.
pub fn written(counts: &Counts) -> Result<String, toml::ser::Error> {
    toml::to_string(counts)
}

/// What is wrong with what was counted, line by line: a count that has risen, and a row that is in one table alone.
pub fn risen(committed: &Counts, counted: &Counts) -> Vec<String> {
    let mut risen = Vec::new();
    for (build, scenario, count) in rows(counted) {
        match committed.get(build).and_then(|rows| rows.get(scenario)) {
            None => risen.push(format!("{build}, {scenario}: {count}, and the table has no such row")),
            Some(&before) if count * 100 > before * (100 + TOLERANCE) => {
                risen.push(format!("{build}, {scenario}: {count}, more than {TOLERANCE} % above {before}"));
            }
            Some(_) => {}
        }
    }
    for (build, scenario, _) in rows(committed) {
        if !counted.get(build).is_some_and(|rows| rows.contains_key(scenario)) {
            risen.push(format!("{build}, {scenario}: not counted, and the table has the row"));
        }
    }
    risen
}

/// The lower of two counts of each row.
pub fn lower(mut counts: Counts, others: &Counts) -> Counts {
    for (build, scenario, other) in rows(others) {
        let count = counts.entry(build.to_owned()).or_default().entry(scenario.to_owned()).or_insert(other);
        *count = other.min(*count);
    }
    counts
}

fn rows(counts: &Counts) -> impl Iterator<Item = (&str, &str, u64)> {
    counts.iter().flat_map(|(build, rows)| rows.iter().map(move |(scenario, &count)| (&**build, &**scenario, count)))
}

/// The program that counting needs and that is not there, with the command that installs it.
pub fn missing_program() -> Option<(&'static str, &'static str)> {
    let programs = [
        ("valgrind", "apt-get install valgrind"),
        ("gungraun-runner", "cargo install gungraun-runner --version 0.20.0"),
    ];
    programs.into_iter().find(|(program, _)| Command::new(program).arg("--version").output().is_err())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Counts {
        read(text).expect("a table of counts")
    }

    #[test]
    fn a_count_rises_where_it_is_more_than_two_percent_above_the_committed_one() {
        let committed = table("[lto]\nS1 = 600\n'S8/10' = 1000\n");
        let rows = [
            ("[lto]\nS1 = 612\n'S8/10' = 1020\n", vec![]),
            ("[lto]\nS1 = 1\n'S8/10' = 1\n", vec![]),
            ("[lto]\nS1 = 613\n'S8/10' = 1020\n", vec!["lto, S1: 613, more than 2 % above 600"]),
            ("[lto]\nS1 = 612\n'S8/10' = 1021\n", vec!["lto, S8/10: 1021, more than 2 % above 1000"]),
        ];
        for (counted, expected) in rows {
            assert_eq!(risen(&committed, &table(counted)), expected, "{counted}");
        }
    }

    #[test]
    fn a_row_that_is_in_one_table_alone_is_told() {
        let (one, other) = (table("[lto]\nS1 = 1\n"), table("[lto]\nS2 = 2\n[release]\nS1 = 1\n"));
        let expected = [
            "lto, S2: 2, and the table has no such row",
            "release, S1: 1, and the table has no such row",
            "lto, S1: not counted, and the table has the row",
        ];
        assert_eq!(risen(&one, &other), expected);
    }

    #[test]
    fn of_two_runs_the_lower_count_stands() {
        let counts = lower(table("[lto]\nS1 = 1\nS2 = 4\n"), &table("[lto]\nS1 = 2\nS2 = 3\n"));
        assert_eq!(counts, table("[lto]\nS1 = 1\nS2 = 3\n"));
    }

    #[test]
    fn what_is_written_is_read_as_it_was() {
        let counts = table("[lto]\nS1 = 1\n'S8/10' = 2\n");
        assert_eq!(table(&written(&counts).expect("a text")), counts);
    }

    #[test]
    fn the_committed_table_has_every_scenario_in_every_build() {
        let committed = table(include_str!("counts.toml"));
        assert_eq!(committed.keys().collect::<Vec<_>>(), ["lto", "release", "tracing"]);
        for (build, rows) in &committed {
            for scenario in crate::SCENARIOS {
                assert!(rows.contains_key(scenario.name), "{build}, {}", scenario.name);
            }
        }
    }
}
