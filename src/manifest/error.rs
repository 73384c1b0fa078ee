//! What keeps manifests from being used: files that can't be read, text that is no YAML, and violations. One type lists
//! everything at once. Rule 2.2.

use std::{fmt, io};

use serde::{Serialize, Serializer};

use super::finding::{Excerpt, Position, Record, Violation};
use crate::{
    escape::Escaped,
    finding::{Errors, Severity},
};

/// One thing that is wrong with the manifests.
///
/// Its `Display` is a line that begins with the file's name. With `{:#}` the line of the file follows.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// A file can't be read.
    #[error("{}: {}", Escaped(.file), Escaped(&.source.to_string()))]
    Read {
        /// The name of the file.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// A file is larger than 32 MiB.
    #[error("{}: the file is larger than 32 MiB", Escaped(.file))]
    TooLarge {
        /// The name of the file.
        file: String,
    },
    /// A file is not YAML.
    #[error(fmt = write_syntax_error)]
    Syntax {
        /// Where it ceases to be.
        position: Position,
        /// What is wrong.
        message: String,
        /// The line.
        excerpt: Option<Excerpt>,
    },
    /// A value that a program has is no object.
    #[error(transparent)]
    Object(#[from] ObjectError),
    /// More fields are wrong than are listed: of a file the first 1,000 are, and 100 of one list.
    #[error("{}: {number} more fields are wrong", Escaped(.file))]
    More {
        /// The name of the file, or of the object.
        file: String,
        /// How many are not listed.
        number: usize,
    },
    /// A field of a resource is wrong.
    #[error(transparent)]
    Violation(#[from] Violation),
}

/// As a [`Violation`], whose `code` is one of docs/lints.md; what is none has the code `unreadable`, `too-large`, `syntax`,
/// `object` or `more`, and no `path`.
impl Serialize for ManifestError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (code, file, position, message) = match self {
            Self::Violation(violation) => return violation.serialize(serializer),
            Self::Read { file, source } => ("unreadable", file.as_str(), None, source.to_string()),
            Self::TooLarge { file } => ("too-large", file.as_str(), None, "the file is larger than 32 MiB".to_owned()),
            Self::Syntax { position, message, .. } => {
                ("syntax", position.file(), Some(position), format!("not YAML: {message}"))
            }
            Self::Object(error) => ("object", "", None, error.to_string()),
            Self::More { file, number } => ("more", file.as_str(), None, format!("{number} more fields are wrong")),
        };
        let record = Record {
            code,
            severity: Severity::Error.to_string(),
            path: None,
            value: None,
            suggestion: None,
            message,
            file,
            line: position.map(Position::line),
            column: position.map(Position::column),
        };
        record.serialize(serializer)
    }
}

/// For people, like `Display`: it is what an error from `main` prints.
impl fmt::Debug for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn write_syntax_error(
    position: &Position,
    message: &str,
    excerpt: &Option<Excerpt>,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    write!(f, "{position}: not YAML: {}", Escaped(message))?;
    match excerpt {
        Some(excerpt) if f.alternate() => write!(f, "\n{excerpt}"),
        _ => Ok(()),
    }
}

/// Why a value that a program has is no object.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ObjectError {
    /// It can't be serialized.
    #[error("an object can't be serialized: {0}")]
    NotSerialized(#[source] serde_json::Error),
    /// It has no `kind` or no `metadata.name`.
    #[error("an object has no kind or no metadata.name")]
    NoName,
    /// Values stand in one another more than 64 levels deep.
    #[error("{}: values stand in one another more than 64 levels deep", Escaped(.object))]
    TooDeep {
        /// The object, such as `HTTPRoute web/api`.
        object: String,
    },
}

/// Everything that is wrong with the manifests, at least one thing, in the order of the files. With `{:#}` the line of the
/// file follows each.
pub type ManifestErrors = Errors<ManifestError>;
