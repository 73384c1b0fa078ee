//! What only manifests can get wrong, beside what any policy can: kinds, codes, and the one text of each.
//! Rules 2.1, 2.2, 2.12.

use thiserror::Error;

use crate::finding::{self, Kind, Severity};

/// What can be wrong with a manifest.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum ViolationKind {
    /// What can be wrong with any policy.
    #[error(transparent)]
    Policy(#[from] finding::ViolationKind),
    /// A field that the resource does not have (2.1).
    #[error("is not a field of this resource")]
    UnknownField,
    /// The same of what is no resource, such as a file of cases for [`Cases`](crate::explain::Cases).
    #[error("is not a field of {of}")]
    NotAField {
        /// What does not have it, such as `a case`.
        of: &'static str,
    },
    /// A reason for which nothing is blocked, in the `expect` of a case.
    #[error("is not a reason to block{}", meant(.near))]
    UnknownReason {
        /// Those that are spelled nearly so.
        near: Vec<&'static str>,
    },
    /// A value of another type than the field's.
    #[error("is not {expected}")]
    WrongType {
        /// What the field holds, such as `a list of strings`.
        expected: &'static str,
    },
    /// What a template was to be filled in for, such as `{{ .Values.name }}`.
    #[error("is a template that nobody has filled in; apply what it renders, as `helm template` prints it")]
    Template,
    /// A value that the CRD requires and that is missing.
    #[error("is missing")]
    Missing,
    /// A filter that a rule may have once.
    #[error("is a second filter of a type that may stand here once")]
    RepeatedFilter,
    /// A field of a filter whose type is another one.
    #[error("belongs to a filter of type {belongs_to}")]
    FilterType {
        /// The type that the field belongs to.
        belongs_to: &'static str,
    },
    /// A field or filter that rules another one out.
    #[error("can't be used together with {with}")]
    NotTogether {
        /// What it can't stand beside.
        with: &'static str,
    },
    /// A value outside the CRD's grammar for the field.
    #[error("is not {expected}")]
    InvalidValue {
        /// What the field holds, such as `a port from 1 to 65535`.
        expected: &'static str,
    },
}

fn meant(near: &[&str]) -> String {
    if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(" or ")) }
}

impl Kind for ViolationKind {
    fn code(&self) -> &'static str {
        match self {
            Self::Policy(kind) => kind.code(),
            Self::UnknownField | Self::NotAField { .. } => "unknown-field",
            Self::UnknownReason { .. } => "unknown-reason",
            Self::WrongType { .. } => "wrong-type",
            Self::Template => "template",
            Self::Missing => "missing",
            Self::RepeatedFilter => "repeated-filter",
            Self::FilterType { .. } => "filter-type",
            Self::NotTogether { .. } => "not-together",
            Self::InvalidValue { .. } => "invalid-value",
        }
    }

    fn severity(&self) -> Severity {
        Severity::Error
    }

    fn around_suggestion(&self) -> (&'static str, &'static str) {
        match self {
            Self::Policy(kind) => kind.around_suggestion(),
            // A number, a truth or a list is written without quotes.
            Self::WrongType { .. } => ("; did you mean ", "?"),
            _ => ("; did you mean \"", "\"?"),
        }
    }
}
