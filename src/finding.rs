//! What is wrong with a policy, and what in it is probably not meant: one type for both, with the field's path, the
//! value and what was meant. A kind brings the code, the severity and the one text. The texts are the product; tests pin
//! them. The [rules](crate::guide::semantics) 2.2 to 2.14 say what is found, and `compile` finds it.

mod errors;
mod lint;
mod violation;

use std::{error::Error, fmt};

pub use errors::Errors;
pub use lint::{Lint, LintKind};
pub use violation::{Violation, ViolationKind, Violations};

pub use crate::host::HostError;

use crate::{
    escape::{self, Escaped},
    policy::FieldPath,
};

/// One thing that was found in a policy: a [`Violation`] or a [`Lint`], as its kind says.
///
/// Its `Display` names the place, the value and the way out:
/// `allowOrigins[1]: "*.example.com" has no scheme; write "https://*.example.com"`. No message is longer than 4 KiB, and
/// none has a control character of the value's.
#[derive(Clone, PartialEq, Eq)]
pub struct Finding<K> {
    path: FieldPath,
    value: Option<String>,
    suggestion: Option<String>,
    kind: K,
}

/// For people, like `Display`: it is what an error from `main` prints.
impl<K: Kind> fmt::Debug for Finding<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a finding is about. Its `Display` is the text that follows the place and the value.
///
/// A text that begins with an article is a sentence of its own and stands behind a colon: `an origin has no path`. Any
/// other begins with a verb, whose subject is the value: `has no scheme`.
pub trait Kind: fmt::Display {
    /// The stable code, such as `origin-path`, for status conditions and filters.
    fn code(&self) -> &'static str;

    /// How much it matters.
    fn severity(&self) -> Severity;

    /// What stands before and after a suggestion.
    #[doc(hidden)]
    fn around_suggestion(&self) -> (&'static str, &'static str) {
        ("; did you mean \"", "\"?")
    }
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Severity {
    /// Untidy, or without effect.
    Info,
    /// Probably not what was meant.
    Warning,
    /// Grants access that is almost never intended.
    Critical,
    /// Refused. Every violation has this severity, and no lint has it.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
            Self::Error => "error",
        })
    }
}

impl<K> Finding<K> {
    pub(crate) fn new(path: FieldPath, kind: K) -> Self {
        Self { path, value: None, suggestion: None, kind }
    }

    /// Adds the value that was found, as much of it as messages may need.
    pub(crate) fn with_value(mut self, value: impl Into<String>) -> Self {
        self.value = Some(escape::stored(value.into()));
        self
    }

    /// Adds the value that was probably meant.
    pub(crate) fn with_suggestion(mut self, suggestion: Option<String>) -> Self {
        self.suggestion = suggestion.map(escape::stored);
        self
    }

    /// The same finding as one of another kind.
    pub(crate) fn map<L>(self, kind: impl FnOnce(K) -> L) -> Finding<L> {
        Finding { path: self.path, value: self.value, suggestion: self.suggestion, kind: kind(self.kind) }
    }

    /// The field, such as `spec.cors.allowOrigins[1]`.
    pub fn path(&self) -> &FieldPath {
        &self.path
    }

    /// The value that was found, where the field has one; of a long one the first kilobyte.
    pub fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }

    /// The value that was probably meant, where there is one.
    pub fn suggestion(&self) -> Option<&str> {
        self.suggestion.as_deref()
    }

    /// What was found.
    pub fn kind(&self) -> &K {
        &self.kind
    }
}

impl<K: Kind> Finding<K> {
    /// The stable code of [`kind`](Self::kind), such as `origin-path`.
    pub fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// How much it matters.
    pub fn severity(&self) -> Severity {
        self.kind.severity()
    }
}

impl<K: Kind> fmt::Display for Finding<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut before = "";
        for (part, quote) in [(Some(self.path.as_str()), ""), (self.value.as_deref(), "\"")] {
            if let Some(part) = part.filter(|part| !part.is_empty() || !quote.is_empty()) {
                write!(f, "{before}{quote}{}{quote}", Escaped(part))?;
                before = ": ";
            }
        }
        let text = self.kind.to_string();
        let is_sentence = text.starts_with("a ") || text.starts_with("an ");
        let separator = if before.is_empty() || is_sentence { before } else { " " };
        write!(f, "{separator}{text}")?;
        let Some(suggestion) = &self.suggestion else { return Ok(()) };
        let (before, after) = self.kind.around_suggestion();
        write!(f, "{before}{}{after}", Escaped(suggestion))
    }
}

impl<K: Kind> Error for Finding<K> {}
