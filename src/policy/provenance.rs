//! Where the fields of an effective policy came from. In: what a merge records. Out: the settings behind each field, for
//! messages and explanations. Rule 7.11.

use std::{fmt, sync::Arc};

use super::{FieldPath, PolicyField};

/// A setting that took part in a merge: its place in the stack, and what its author knows it by.
///
/// Its `Display` is the label, and the path where there is one: `TrafficPolicy web/base (spec.cors)`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Source {
    index: usize,
    label: Arc<str>,
    path: FieldPath,
}

impl Source {
    /// The setting at `index` in the stack (0 is the most specific), known as `label`, whose policy stands at `path`.
    pub fn new(index: usize, label: impl Into<Arc<str>>, path: FieldPath) -> Self {
        Self { index, label: label.into(), path }
    }

    /// The place of the setting in the stack; 0 is the most specific.
    pub fn index(&self) -> usize {
        self.index
    }

    /// What the setting is known by, such as `HTTPRoute httpbin/httpbin-cors rule 0`.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Where its policy stands in the object that the label names; the empty path for a policy built in Rust.
    pub fn path(&self) -> &FieldPath {
        &self.path
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.label)?;
        if self.path.as_str().is_empty() { Ok(()) } else { write!(f, " ({})", self.path) }
    }
}

/// For each field of an effective policy, the settings that it came from, and the ceilings that narrowed it.
///
/// Its `Display` has a line for each field that is set, in the order of the Gateway API:
/// `allowOrigins: HTTPRoute web/app rule 0, narrowed by the platform team`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    set: Vec<(Fields, Source)>,
    narrowed: Vec<(Fields, Source)>,
}

/// Fields that one source has in common: most policies have one source for all, which then stands there once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Fields(u8);

impl Fields {
    fn bit(field: PolicyField) -> u8 {
        1 << field as u8
    }

    fn contain(self, field: PolicyField) -> bool {
        self.0 & Self::bit(field) != 0
    }
}

fn add(list: &mut Vec<(Fields, Source)>, field: PolicyField, source: Source) {
    match list.last_mut() {
        Some((fields, last)) if *last == source => fields.0 |= Fields::bit(field),
        _ => list.push((Fields(Fields::bit(field)), source)),
    }
}

impl Provenance {
    /// Nothing recorded.
    pub fn new() -> Self {
        Self::default()
    }

    /// Records that `field` came from `source`, after those recorded before.
    pub fn record(&mut self, field: PolicyField, source: Source) {
        add(&mut self.set, field, source);
    }

    /// Records that the ceiling `source` took something from `field`.
    pub fn record_narrowing(&mut self, field: PolicyField, source: Source) {
        add(&mut self.narrowed, field, source);
    }

    /// The settings that `field` came from, the preferred one first: none where no setting sets it, several where lists
    /// were united.
    pub fn of(&self, field: PolicyField) -> impl Iterator<Item = &Source> {
        self.set.iter().filter(move |(fields, _)| fields.contain(field)).map(|(_, source)| source)
    }

    /// The ceilings that took something from `field`, in the order of the stack.
    pub fn narrowed_by(&self, field: PolicyField) -> impl Iterator<Item = &Source> {
        self.narrowed.iter().filter(move |(fields, _)| fields.contain(field)).map(|(_, source)| source)
    }
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut newline = "";
        for field in PolicyField::ALL {
            let (mut set, mut narrowed) = (self.of(field).peekable(), self.narrowed_by(field).peekable());
            if set.peek().is_none() && narrowed.peek().is_none() {
                continue;
            }
            write!(f, "{newline}{field}: ")?;
            newline = "\n";
            // A cap on a field that nobody sets, such as max-age, has no setting behind it.
            let mut lead = if set.peek().is_none() { "unset, narrowed by " } else { ", narrowed by " };
            write_list(f, set)?;
            if narrowed.peek().is_none() {
                lead = "";
            }
            f.write_str(lead)?;
            write_list(f, narrowed)?;
        }
        Ok(())
    }
}

fn write_list<'a>(f: &mut fmt::Formatter<'_>, sources: impl Iterator<Item = &'a Source>) -> fmt::Result {
    for (at, source) in sources.enumerate() {
        if at > 0 {
            f.write_str(" and ")?;
        }
        write!(f, "{source}")?;
    }
    Ok(())
}
