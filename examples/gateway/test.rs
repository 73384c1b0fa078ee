//! `test`: files of cases are run, and what came of them is told to a person, a program or a server of builds. The cases
//! are the library's; here they are printed.

use std::{fs, path::PathBuf, process::ExitCode};

use serde::Serialize;
use tower_cors::{
    explain::{CaseResult, Cases},
    manifest::{ManifestError, ManifestErrors},
};

use crate::{arguments::Test, junit, messages::count, say, say_json};

/// What came of a file of cases.
#[derive(Serialize)]
pub(crate) struct FileReport {
    pub(crate) file: String,
    /// What keeps the file, or its manifests, from being read.
    pub(crate) errors: Vec<ManifestError>,
    pub(crate) cases: Vec<CaseResult>,
}

/// What came of all of them.
#[derive(Serialize)]
struct Report {
    passed: usize,
    failed: usize,
    unreadable: usize,
    files: Vec<FileReport>,
}

pub(crate) fn run(arguments: &Test) -> ExitCode {
    let files: Vec<_> = arguments.files.iter().map(FileReport::new).collect();
    let passed = files.iter().map(FileReport::passed).sum();
    let failed = files.iter().map(FileReport::failed).sum();
    let unreadable = files.iter().filter(|file| !file.errors.is_empty()).count();
    let report = Report { passed, failed, unreadable, files };
    if let Some(path) = &arguments.junit {
        let written = junit::write(&report.files).and_then(|xml| fs::write(path, xml));
        if let Err(error) = written {
            eprintln!("gateway: --junit: {}: {error}", path.display());
            return ExitCode::from(2);
        }
    }
    if !arguments.json {
        report.say();
    } else if let Err(code) = say_json(&report) {
        return code;
    }
    match (unreadable, failed) {
        (0, 0) => ExitCode::SUCCESS,
        (0, _) => ExitCode::FAILURE,
        _ => ExitCode::from(2),
    }
}

impl FileReport {
    fn new(path: &PathBuf) -> Self {
        let run = || -> Result<_, ManifestErrors> {
            let cases = Cases::load(path)?;
            Ok(cases.run(&cases.manifests().build()?))
        };
        let (cases, errors) = match run() {
            Ok(cases) => (cases, Vec::new()),
            Err(errors) => (Vec::new(), errors.into_iter().collect()),
        };
        Self { file: path.display().to_string(), errors, cases }
    }

    fn passed(&self) -> usize {
        self.cases.iter().filter(|case| case.passed()).count()
    }

    pub(crate) fn failed(&self) -> usize {
        self.cases.len() - self.passed()
    }
}

impl Report {
    fn say(&self) {
        for file in &self.files {
            file.errors.iter().for_each(|error| say(&format!("error: {error:#}")));
            file.cases.iter().for_each(|case| say(&case.to_string()));
        }
        let mut line = format!("{}, {} failed", count(self.passed + self.failed, "case"), self.failed);
        if self.unreadable > 0 {
            line += &format!(", {} can't be read", count(self.unreadable, "file"));
        }
        say(&line);
    }
}
