//! What goes wrong when settings are merged: a setting that is invalid by itself, halves that make an invalid whole, a
//! path that no override can stand at. Rule 7.10.

use std::{error::Error, fmt};

use crate::{
    escape::{Escaped, write_lines},
    finding::{Errors, Violation, ViolationKind, Violations},
    policy::{PolicyField, Provenance, Source},
    resolver::PathPrefixError,
};

/// A merge that gives no valid policy. Its `Display` has a line for each violation, with the settings it is about, and so
/// has its `Debug`.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MergeError {
    /// A setting is invalid by itself.
    InvalidSetting {
        /// The setting.
        source: Source,
        /// Everything that is wrong with its policy.
        violations: Violations,
    },
    /// The merged policy is invalid, whatever its settings are by themselves (7.10).
    InvalidWhole {
        /// Everything that is wrong with it. The paths begin at the merged policy.
        violations: Violations,
        /// Where its fields came from.
        provenance: Provenance,
    },
}

impl MergeError {
    /// Everything that is wrong.
    pub fn violations(&self) -> &Violations {
        match self {
            Self::InvalidSetting { violations, .. } | Self::InvalidWhole { violations, .. } => violations,
        }
    }

    /// The settings that a violation of this error is about, with the field that each of them brings.
    pub fn sources(&self, violation: &Violation) -> Vec<(PolicyField, &Source)> {
        let fields = fields_of(violation);
        match self {
            Self::InvalidSetting { source, .. } => fields.into_iter().map(|field| (field, source)).collect(),
            Self::InvalidWhole { provenance, .. } => {
                fields.into_iter().flat_map(|field| provenance.of(field).map(move |source| (field, source))).collect()
            }
        }
    }
}

/// The fields that a violation of a merged policy is about; credentials count where it takes two fields to be wrong.
fn fields_of(violation: &Violation) -> Vec<PolicyField> {
    let path = violation.path().as_str();
    let is_about = |field: &PolicyField| match path.strip_prefix(field.name()) {
        Some(rest) => rest.is_empty() || rest.starts_with('['),
        None => false,
    };
    let needs_credentials = *violation.kind() == ViolationKind::AnyOriginWithCredentials;
    let credentials = needs_credentials.then_some(PolicyField::AllowCredentials);
    PolicyField::ALL.into_iter().filter(is_about).chain(credentials).collect()
}

impl fmt::Display for MergeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.violations().iter().map(|violation| Line { error: self, violation });
        write_lines(f, &lines.collect::<Vec<_>>())
    }
}

/// A violation with the settings that it is about.
struct Line<'a> {
    error: &'a MergeError,
    violation: &'a Violation,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // More settings than these are a list that nobody reads.
        const MAX_SOURCES: usize = 4;
        let Self { error, violation } = self;
        if let MergeError::InvalidSetting { source, .. } = error {
            return write!(f, "{}: {violation}", Escaped(source.label()));
        }
        violation.fmt(f)?;
        let sources = error.sources(violation);
        for (at, (field, source)) in sources.iter().take(MAX_SOURCES).enumerate() {
            let lead = if at == 0 { "; merged from " } else { " and " };
            write!(f, "{lead}{field} of {}", Escaped(&source.to_string()))?;
        }
        if sources.len() > MAX_SOURCES { write!(f, " and {} more", sources.len() - MAX_SOURCES) } else { Ok(()) }
    }
}

/// For people, like `Display`: it is what an error from `main` prints.
impl fmt::Debug for MergeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for MergeError {}

/// What is wrong with one override, or with the policy that the overrides are put over.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OverrideError {
    /// No override can stand at this path.
    #[error(transparent)]
    Path(#[from] PathPrefixError),
    /// The override and the base make no valid policy.
    #[error(transparent)]
    Merge(#[from] MergeError),
}

/// For people, like `Display`: it is what an error from `main` prints.
impl fmt::Debug for OverrideError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Everything that is wrong with a set of overrides, at least one thing.
pub type OverrideErrors = Errors<OverrideError>;
