//! What a stack comes to: a policy with its provenance, none, or one that can't be made. In: the settings that count. Out: a [`Resolution`], and lints on what only shows in the whole.
//! Rules 7.3, 7.5, 7.7, 7.9 to 7.11.

use std::{
    collections::HashMap,
    hash::{Hash, Hasher},
    sync::Arc,
};

use super::settings::{Attached, Stack};
use crate::{
    compile::{CompiledPolicy, Compiler},
    decision::Resolution,
    finding,
    manifest::{
        finding::LintKind,
        objects::{Cors, Effect},
    },
    merge::{Effective, MergeOptions, MergeStrategy, Setting, merge},
    policy::FieldPath,
};

/// What a stack comes to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    policy: Option<CompiledPolicy>,
    is_closed: bool,
    /// What no setting shows by itself, with the paths of the merged policy.
    pub(crate) lints: Box<[(FieldPath, LintKind)]>,
}

impl Outcome {
    fn closed() -> Self {
        Self { is_closed: true, ..Self::default() }
    }

    pub(crate) fn resolution(&self) -> Resolution<'static> {
        if self.is_closed { Resolution::closed() } else { self.policy.clone().into() }
    }
}

/// What stacks came to. Thousands of rules share the policy of their Gateway, and a table that is built after one change
/// has almost every policy of the one before: compiling them anew was seven tenths of building it (`benches/cluster.rs`).
#[derive(Debug, Default)]
pub(crate) struct Outcomes {
    known: HashMap<Box<[Block]>, (Outcome, usize)>,
    /// The number of the table that is built.
    table: usize,
}

/// A block of settings by its identity. It is kept, so that no other one takes its address.
#[derive(Debug)]
struct Block(Arc<Cors>, Effect);

impl Outcomes {
    /// Forgets what the last table did not use, before the next one is built.
    pub(crate) fn begin_table(&mut self) {
        let last = self.table;
        self.known.retain(|_, (_, used)| *used == last);
        self.table = last.wrapping_add(1);
    }

    /// Merges the settings that count, under the profile that they came from (2.13).
    pub(crate) fn merge(&mut self, stack: &Stack<'_>, compiler: &Compiler) -> Outcome {
        // The same blocks in the same order have the same labels.
        let key = stack.iter().map(|attached| Block(Arc::clone(attached.cors), attached.effect)).collect();
        let compile = || (compile(&stack.iter().collect::<Vec<_>>(), compiler), 0);
        let (outcome, used) = self.known.entry(key).or_insert_with(compile);
        *used = self.table;
        outcome.clone()
    }
}

impl PartialEq for Block {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) && self.1 == other.1
    }
}

impl Eq for Block {}

impl Hash for Block {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (Arc::as_ptr(&self.0), self.1).hash(state);
    }
}

fn compile(counting: &[&Attached<'_>], compiler: &Compiler) -> Outcome {
    // 10.3: never with the next wider setting.
    if counting.iter().any(|attached| attached.effect == Effect::Closes) {
        return Outcome::closed();
    }
    let settings: Vec<Setting> = counting.iter().map(|attached| attached.setting()).collect();
    // The order says who is preferred.
    let strategy = if settings.len() > 1 { MergeStrategy::Union } else { MergeStrategy::Replace };
    let merged = match (merge(&settings, &MergeOptions::new(strategy)), counting) {
        (Effective::Policy(policy), [only]) => Effective::Policy(policy.sharing(&only.cors.policy)),
        (merged, _) => merged,
    };
    let compiled = merged.compile(compiler);
    match compiled {
        Ok(None) => Outcome::default(),
        Ok(Some(policy)) => {
            let is_new = |kind: &finding::LintKind| !counting.iter().any(|attached| attached.cors.lints.contains(kind));
            let lints = policy.lints().iter().filter(|lint| is_new(lint.kind()));
            let lints = lints.map(|lint| (lint.path().clone(), lint.kind().clone().into())).collect();
            Outcome { policy: Some(policy), is_closed: false, lints }
        }
        // 7.10: never with the wider half.
        Err(error) => {
            let reason = in_one_line(&error.to_string());
            Outcome { lints: [(FieldPath::root(), LintKind::InvalidWhole { reason })].into(), ..Outcome::closed() }
        }
    }
}

/// The lines of an error as one, without those that would make it too long to read.
fn in_one_line(text: &str) -> String {
    const MAX_REASON: usize = 2048;
    let mut reason = String::new();
    for line in text.lines() {
        if reason.is_empty() {
            reason.push_str(line);
        } else if reason.len() + line.len() < MAX_REASON {
            reason.push_str("; ");
            reason.push_str(line);
        }
    }
    reason
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_a_reason_that_fit_stand_in_one_line() {
        assert_eq!(in_one_line("one\ntwo\nthree"), "one; two; three");
        let (first, fits, too_long) = ("a".repeat(1000), "b".repeat(1047), "c".repeat(1048));
        assert_eq!(in_one_line(&format!("{first}\n{too_long}\n{fits}")), format!("{first}; {fits}"));
        assert_eq!(in_one_line(&format!("{first}\n{fits}\nd")), format!("{first}; {fits}"));
        // The first stands, however long.
        assert_eq!(in_one_line(&"e".repeat(3000)).len(), 3000);
    }
}
