//! What keeps manifests from being used: files that can't be read, text that is no YAML, and violations. One type lists
//! everything at once. Rule 2.2.

use std::{fmt, io};

use crate::violation::Violation;

/// One thing that is wrong with the manifests.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// A file can't be read.
    #[error("{file}: {source}")]
    Read {
        /// The name of the file.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// A file is larger than 32 MiB.
    #[error("{file}: larger than 32 MiB")]
    TooLarge {
        /// The name of the file.
        file: String,
    },
    /// A file is not YAML.
    #[error("{file}: {message}")]
    Syntax {
        /// The name of the file.
        file: String,
        /// What is wrong, with the line where it is.
        message: String,
    },
    /// A field of a resource is wrong.
    #[error(transparent)]
    Violation(#[from] Violation),
}

/// Everything that is wrong with the manifests, at least one thing, in the order of the files.
///
/// Its `Display` has a line for each, and more for what is not YAML.
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
        for (line, error) in self.0.iter().enumerate() {
            let newline = if line == 0 { "" } else { "\n" };
            write!(f, "{newline}{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ManifestErrors {}
