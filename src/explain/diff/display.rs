//! What is different, for a person.

use std::fmt;

use super::{Applies, FieldChange, PolicyChange, PolicyDiff, State, is_wider_case};
use crate::{
    escape::Escaped,
    explain::display::{entries, shown},
    manifest::Position,
    policy::{CorsPolicy, PolicyField},
};

impl fmt::Display for PolicyDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for change in &self.changes {
            writeln!(f, "{change}")?;
        }
        for case in &self.cases {
            let (before, after) = case;
            let wider = if is_wider_case(case) { ", WIDER" } else { "" };
            let (position, name) = (after.position(), Escaped(after.name()));
            writeln!(f, "case {position}: {name}: {} -> {}{wider}", before.ending(), after.ending())?;
        }
        let wider = self.changes.iter().filter(|change| change.is_wider()).count();
        write!(f, "{} changed, {wider} wider, {} as before", self.changes.len(), self.unchanged)?;
        match self.cases.len() {
            0 => Ok(()),
            1 => f.write_str("; 1 case ends otherwise"),
            cases => write!(f, "; {cases} cases end otherwise"),
        }
    }
}

/// Lines, the first of which names the rule, without a newline at the end.
impl fmt::Display for PolicyChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind(), self.rule)?;
        if let Some(backend) = &self.backend {
            write!(f, " backend {backend}")?;
        }
        for (at, listener) in self.listeners.iter().enumerate() {
            write!(f, "{}{listener}", if at == 0 { " on " } else { " and " })?;
        }
        if let Some(state) = self.after.as_ref().or(self.before.as_ref()) {
            write!(f, ", {}", state.position)?;
        }
        let states = [&self.before, &self.after].map(Option::as_ref);
        write_difference(f, "hosts", states.map(|state| state.map(|state| state.hostnames.join(", "))))?;
        write_difference(f, "matches", states.map(|state| state.map(State::matched)))?;
        write_difference(f, "applies", states.map(|state| state.map(|state| state.applies.to_string())))?;
        self.fields.iter().try_for_each(|field| self.write_field(f, field))?;
        self.why.iter().try_for_each(|why| write!(f, "\n  WIDER: {why}"))
    }
}

impl PolicyChange {
    fn write_field(&self, f: &mut fmt::Formatter<'_>, change: &FieldChange) -> fmt::Result {
        let FieldChange { field, from: [was, is], wider } = change;
        let policies = [self.before(), self.after()];
        let [before, after] = policies.map(|policy| value(policy, *field));
        write!(f, "\n  {field}: {before} -> {after}")?;
        if !wider.is_empty() {
            write!(f, "\n    WIDER: {}", listed(wider))?;
        }
        write_sources(f, "before", was)?;
        write_sources(f, "after", is)
    }
}

/// The whole value, however long: what is different may stand at its end.
fn value(policy: Option<&CorsPolicy>, field: PolicyField) -> String {
    match policy.filter(|policy| shown(policy, field).is_some()) {
        None => "not set".to_owned(),
        Some(policy) => match entries(policy, field) {
            none if none.is_empty() => "nothing".to_owned(),
            entries => listed(&entries),
        },
    }
}

fn listed(entries: &[String]) -> String {
    entries.iter().map(|entry| Escaped(entry).to_string()).collect::<Vec<_>>().join(", ")
}

fn write_difference(f: &mut fmt::Formatter<'_>, what: &str, [before, after]: [Option<String>; 2]) -> fmt::Result {
    match (before, after) {
        (Some(before), Some(after)) if before == after => Ok(()),
        (Some(before), Some(after)) => write!(f, "\n  {what}: {} -> {}", Escaped(&before), Escaped(&after)),
        (Some(only), None) | (None, Some(only)) => write!(f, "\n  {what}: {}", Escaped(&only)),
        (None, None) => Ok(()),
    }
}

fn write_sources(f: &mut fmt::Formatter<'_>, when: &str, from: &[(String, Option<Position>)]) -> fmt::Result {
    for (setting, position) in from {
        write!(f, "\n    {when}: {setting}")?;
        if let Some(position) = position {
            write!(f, ", {position}")?;
        }
    }
    Ok(())
}

impl State {
    fn matched(&self) -> String {
        if self.matches.is_empty() { "every request".to_owned() } else { self.matches.join("; ") }
    }
}

impl fmt::Display for Applies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Policy(_) => "a policy",
            Self::Nothing => "no policy",
            Self::Closed => "settings that make no valid policy, so nothing is allowed",
        })
    }
}
