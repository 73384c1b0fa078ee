//! What keeps manifests from being used: files that can't be read, text that is no YAML, and violations. One type lists
//! everything at once. Rule 2.2.

use std::{fmt, io};

use crate::{
    policy::Position,
    shown::{Shown, write_lines},
    violation::{Excerpt, Violation},
};

/// One thing that is wrong with the manifests.
///
/// Its `Display` is a line that begins with the file's name. With `{:#}` the line of the file follows.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// A file can't be read.
    #[error("{}: {}", Shown(.file), Shown(&.source.to_string()))]
    Read {
        /// The name of the file.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// A file is larger than 32 MiB.
    #[error("{}: the file is larger than 32 MiB", Shown(.file))]
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
    /// A field of a resource is wrong.
    #[error(transparent)]
    Violation(#[from] Violation),
}

fn write_syntax_error(
    position: &Position,
    message: &str,
    excerpt: &Option<Excerpt>,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let (file, line, column) = (Shown(position.file()), position.line(), position.column());
    write!(f, "{file}:{line}:{column}: not YAML: {}", Shown(message))?;
    match excerpt {
        Some(excerpt) if f.alternate() => write!(f, "\n{excerpt}"),
        _ => Ok(()),
    }
}

/// Everything that is wrong with the manifests, at least one thing, in the order of the files.
///
/// Its `Display` has a line for each, up to 4 KiB in all; then it says how many more there are. With `{:#}` the line of
/// the file follows each.
#[derive(Debug)]
pub struct ManifestErrors(pub(super) Vec<ManifestError>);

impl ManifestErrors {
    /// The errors, one by one.
    pub fn iter(&self) -> std::slice::Iter<'_, ManifestError> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a ManifestErrors {
    type Item = &'a ManifestError;
    type IntoIter = std::slice::Iter<'a, ManifestError>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for ManifestErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_lines(f, &self.0)
    }
}

impl std::error::Error for ManifestErrors {}
