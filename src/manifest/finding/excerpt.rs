//! The line of a file that a message is about. In: the line and a column. Out: as much of it as a terminal shows, escaped,
//! with the place marked below.

use std::fmt;

use crate::escape::is_invisible_or_control;

/// How much of a line is shown, in bytes.
const MAX_LINE: usize = 160;
/// How many characters before the place are shown, in a line that is too long.
const MAX_BEFORE: usize = 60;

/// A line of a file, with a mark below the place that a message is about.
///
/// Its `Display` has two lines and no newline at its end:
///
/// ```text
/// 12 |         maxAge: 24h
///    |                 ^
/// ```
///
/// A long line is cut, and what would move the cursor or hide text is escaped.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Excerpt {
    line: u64,
    text: Box<str>,
    /// How many characters of the text stand before the mark.
    before: usize,
}

impl Excerpt {
    /// The excerpt of a line, given with its number and the column that is meant, both from 1.
    pub(in crate::manifest) fn new(line: u64, text: &str, column: u64) -> Self {
        let column = usize::try_from(column.saturating_sub(1)).unwrap_or(usize::MAX);
        let start = if text.len() > MAX_LINE { column.saturating_sub(MAX_BEFORE) } else { 0 };
        let mut shown = String::from(if start > 0 { "…" } else { "" });
        let mut before = 0;
        for (at, character) in text.chars().enumerate().skip(start) {
            if at == column {
                before = shown.chars().count();
            }
            if shown.len() > MAX_LINE {
                shown.push('…');
                break;
            }
            if is_invisible_or_control(character) {
                shown.extend(character.escape_default());
            } else {
                shown.push(character);
            }
        }
        // A place may be where the line has ended.
        if before == 0 && column > 0 {
            before = shown.chars().count();
        }
        Self { line, text: shown.trim_end().into(), before }
    }

    /// The number of the line, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The line, escaped, and cut where it is long.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, text, before } = self;
        let gutter = line.to_string().len();
        write!(f, "{line} | {text}\n{:gutter$} | {:before$}^", "", "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_stands_below_the_place() {
        let rows = [
            ("maxAge: 24h", 9, "7 | maxAge: 24h\n  |         ^"),
            ("\t- b", 2, "7 | \\t- b\n  |   ^"),
            ("", 1, "7 | \n  | ^"),
            ("a: [", 5, "7 | a: [\n  |     ^"),
            ("a: \u{202e}b\u{1b}[31m", 5, "7 | a: \\u{202e}b\\u{1b}[31m\n  |            ^"),
        ];
        for (text, column, expected) in rows {
            assert_eq!(Excerpt::new(7, text, column).to_string(), expected);
        }
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let line = format!("{}here{}", "a".repeat(1000), "b".repeat(1000));
        let excerpt = Excerpt::new(12, &line, 1001).to_string();
        let (shown, mark) = excerpt.split_once('\n').unwrap_or_default();
        assert!(shown.starts_with("12 | …aaa") && shown.ends_with("bbb…") && shown.len() < 200, "{shown}");
        assert_eq!(shown.chars().nth(mark.chars().count() - 1), Some('h'));
        assert!(Excerpt::new(1, &line, u64::MAX).to_string().len() < 400);
    }
}
