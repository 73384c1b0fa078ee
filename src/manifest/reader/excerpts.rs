//! The lines of a text that has something wrong with it. In: a position. Out: the excerpt that a message shows.

use super::parts;
use crate::manifest::finding::{Excerpt, Position};

/// The lines of a text that has something wrong with it.
pub(crate) struct Excerpts<'a>(Vec<&'a str>);

/// The longest line that is shown, in bytes; no person reads a longer one.
const MAX_EXCERPTED_LINE: usize = 4096;

impl<'a> Excerpts<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        Self(parts::lines(text).collect())
    }

    pub(crate) fn at(&self, position: &Position) -> Option<Excerpt> {
        let index = usize::try_from(position.line()).ok()?.checked_sub(1)?;
        // A place behind a last newline is on a line that is not there.
        let line = self.0.get(index).copied().unwrap_or_default();
        // A column is found by walking to it, which a file with everything in one line would repeat for each violation.
        (line.len() <= MAX_EXCERPTED_LINE).then(|| Excerpt::new(position.line(), line, position.column()))
    }
}
