//! The lines of a text that has something wrong with it. In: positions, in their order. Out: the excerpts that messages show.

use super::parts;
use crate::manifest::finding::{Excerpt, Position};

/// The lines of a text that has something wrong with it. They are walked once, since a list of all lines can be sixteen
/// times as long as the text.
pub(crate) struct Excerpts<'a> {
    lines: Box<dyn Iterator<Item = &'a str> + 'a>,
    /// The number of the line that was reached, from 1, and the line.
    reached: (u64, &'a str),
}

/// The longest line that is shown, in bytes; no person reads a longer one.
const MAX_EXCERPTED_LINE: usize = 4096;

impl<'a> Excerpts<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        Self { lines: Box::new(parts::lines(text)), reached: (0, "") }
    }

    /// The excerpt at a position that comes behind those before.
    pub(crate) fn at(&mut self, position: &Position) -> Option<Excerpt> {
        while self.reached.0 < position.line() {
            // A place behind a last newline is on a line that is not there.
            let Some(line) = self.lines.next() else {
                self.reached = (position.line(), "");
                break;
            };
            self.reached = (self.reached.0 + 1, line);
        }
        let (number, line) = self.reached;
        // A column is found by walking to it, which a file with everything in one line would repeat for each violation.
        let is_shown = number == position.line() && number > 0 && line.len() <= MAX_EXCERPTED_LINE;
        is_shown.then(|| Excerpt::new(number, line, position.column()))
    }
}
