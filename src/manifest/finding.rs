//! A finding with the place in a file that it is about, which messages begin with, and the line that stands there.
//! Rule 2.2.

mod counted;
mod excerpt;
mod lint;
mod position;
mod violation;

use std::{error::Error, fmt, ops::Deref};

use serde::{Serialize, Serializer};

pub(in crate::manifest) use counted::{Counted, ObjectLints};
pub use excerpt::Excerpt;
pub use lint::LintKind;
pub use position::Position;
pub use violation::ViolationKind;

use crate::finding::{Finding, Kind};

/// A [`Finding`] in a file, which it reads as.
///
/// Its `Display` begins with the place: `api.yaml:12:17: spec.cors.maxAge: "10m" is not a whole number of seconds`. With
/// `{:#}` the line of the file follows.
#[derive(Clone, PartialEq, Eq)]
pub struct Located<K> {
    finding: Finding<K>,
    position: Position,
    excerpt: Option<Excerpt>,
}

/// One thing that is wrong with a manifest.
pub type Violation = Located<ViolationKind>;

/// Something in valid manifests that is probably not meant.
pub type Lint = Located<LintKind>;

impl<K> Located<K> {
    pub(in crate::manifest) fn new(finding: Finding<impl Into<K>>, position: Position) -> Self {
        Self { finding: finding.map(Into::into), position, excerpt: None }
    }

    /// Adds the line of the file that it is about.
    pub(in crate::manifest) fn with_excerpt(mut self, excerpt: Option<Excerpt>) -> Self {
        self.excerpt = excerpt;
        self
    }

    /// Where it was found.
    pub fn position(&self) -> &Position {
        &self.position
    }

    /// The line of the file, for a violation.
    pub fn excerpt(&self) -> Option<&Excerpt> {
        self.excerpt.as_ref()
    }
}

impl Lint {
    /// The lint as the first of so many like it.
    fn counted(self, number: usize) -> Self {
        let finding = self.finding.map(|lint| LintKind::Many { lint: Box::new(lint), number });
        Self { finding, ..self }
    }
}

impl<K> Deref for Located<K> {
    type Target = Finding<K>;

    fn deref(&self) -> &Finding<K> {
        &self.finding
    }
}

/// For people, like `Display`: it is what an error from `main` prints.
impl<K: Kind> fmt::Debug for Located<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<K: Kind> fmt::Display for Located<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.position, self.finding)?;
        match &self.excerpt {
            Some(excerpt) if f.alternate() => write!(f, "\n{excerpt}"),
            _ => Ok(()),
        }
    }
}

impl<K: Kind + fmt::Debug> Error for Located<K> {}

/// As `code`, `severity`, `path`, `value`, `suggestion`, `message`, `file`, `line` and `column`.
impl<K: Kind> Serialize for Located<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let finding = &self.finding;
        let record = Record {
            code: finding.code(),
            severity: finding.severity().to_string(),
            path: Some(finding.path().as_str()),
            value: finding.value(),
            suggestion: finding.suggestion(),
            message: finding.to_string(),
            file: self.position.file(),
            line: Some(self.position.line()),
            column: Some(self.position.column()),
        };
        record.serialize(serializer)
    }
}

/// What a program gets of a finding, or of a file that holds none since it can't be read.
#[derive(Serialize)]
pub(in crate::manifest) struct Record<'a> {
    pub(in crate::manifest) code: &'static str,
    pub(in crate::manifest) severity: String,
    pub(in crate::manifest) path: Option<&'a str>,
    pub(in crate::manifest) value: Option<&'a str>,
    pub(in crate::manifest) suggestion: Option<&'a str>,
    pub(in crate::manifest) message: String,
    pub(in crate::manifest) file: &'a str,
    pub(in crate::manifest) line: Option<u64>,
    pub(in crate::manifest) column: Option<u64>,
}
