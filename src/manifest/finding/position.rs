//! A place in a file. In: what the YAML reader knows. Out: what stands before a message. Rule 2.2.

use std::{fmt, sync::Arc};

use crate::escape::Escaped;

/// A place in a text: the file's name, and line and column, both from 1. An object that a program has read by itself stands
/// in no file: its name stands for that of the file, and line and column are 0.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    file: Arc<str>,
    // Lines and columns beyond 2^32 count as that; no file that is read has as many.
    line: u32,
    column: u32,
}

impl Position {
    /// A place in the file named `file`; `line` and `column` count from 1, the latter in characters.
    pub fn new(file: impl Into<Arc<str>>, line: u64, column: u64) -> Self {
        Self { file: file.into(), line: number(line), column: number(column) }
    }

    /// Another place in the same file.
    pub(in crate::manifest) fn moved_to(&self, line: u32, column: u32) -> Self {
        Self { file: Arc::clone(&self.file), line, column }
    }

    /// The name of the file, or of the object.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The line, from 1; 0 for an object.
    pub fn line(&self) -> u64 {
        self.line.into()
    }

    /// The column, from 1, in characters; 0 for an object.
    pub fn column(&self) -> u64 {
        self.column.into()
    }
}

fn number(of: u64) -> u32 {
    of.try_into().unwrap_or(u32::MAX)
}

/// `file:line:column`, or the name of the object.
impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => Escaped(&self.file).fmt(f),
            line => write!(f, "{}:{line}:{}", Escaped(&self.file), self.column),
        }
    }
}
