//! `diff`: two states of manifests side by side. The comparison is the library's; here it is printed.

use std::{path::PathBuf, process::ExitCode};

use tower_cors::explain::{Cases, PolicyDiff};

use crate::{
    arguments::{Diff, Sources},
    say, say_json,
};

pub(crate) fn run(arguments: &Diff) -> ExitCode {
    let Diff { old, new, cases, global_policy_namespace, json, deny_wider } = arguments;
    let load = |path: &PathBuf| {
        let sources = Sources { files: vec![path.clone()], global_policy_namespace: global_policy_namespace.clone() };
        crate::load(&sources)
    };
    let (old, new) = (load(old), load(new));
    let cases = cases.as_ref().map(Cases::load).transpose();
    let (old, new, cases) = match (old, new, cases) {
        (Ok(old), Ok(new), Ok(cases)) => (old, new, cases),
        (old, new, cases) => {
            // All that is wrong, at once.
            let errors = [old.err(), new.err(), cases.err()];
            errors.iter().flatten().for_each(|errors| eprintln!("{errors:#}"));
            return ExitCode::from(2);
        }
    };
    let diff = PolicyDiff::new(&old, &new, cases.as_ref());
    if !json {
        say(&diff.to_string());
    } else if let Err(code) = say_json(&diff) {
        return code;
    }
    if *deny_wider && diff.is_wider() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
