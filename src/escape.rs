//! Text from outside as messages show it: escaped, so that no value forges a line of a log, and cut, so that no message
//! grows beyond reading. In: values, names, lines of files. Out: what may stand in a message.

use std::fmt;

/// The longest value that a message shows, in bytes; the rest is cut.
const MAX_VALUE: usize = 256;

/// How much of a value is kept for messages, in bytes.
const MAX_STORED: usize = 1024;

/// The longest message of another program that a message shows, in bytes. Those of an API server name an account, a verb
/// and a resource, and are longer than values.
#[cfg(feature = "kubernetes")]
const MAX_FOREIGN_MESSAGE: usize = 1024;

/// The longest list of messages that is shown as one text, in bytes.
const MAX_LIST: usize = 4096;

/// A value as it is kept for messages: what none of them shows would only take memory, for each value of a file.
#[inline(never)]
pub(crate) fn stored(mut value: String) -> String {
    if value.len() > MAX_STORED {
        let end = (0..=MAX_STORED).rev().find(|&end| value.is_char_boundary(end));
        value.truncate(end.unwrap_or_default());
        value.shrink_to_fit();
    }
    value
}

/// A value as it stands between quotes in a message.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names and paths are this nearly always.
        if self.0.len() <= MAX_VALUE && self.0.bytes().all(|byte| byte != b'"' && matches!(byte, b' '..=b'~')) {
            return f.write_str(self.0);
        }
        write_escaped(f, self.0, MAX_VALUE, |character| character == '"' || is_invisible_or_control(character))
    }
}

/// What another program says, as it stands at the end of a message: no quotes are around it, so its own are as they were.
#[cfg(feature = "kubernetes")]
pub(crate) struct ForeignMessage<'a>(pub(crate) &'a str);

#[cfg(feature = "kubernetes")]
impl fmt::Display for ForeignMessage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_escaped(f, self.0, MAX_FOREIGN_MESSAGE, is_invisible_or_control)
    }
}

fn write_escaped(
    f: &mut fmt::Formatter<'_>,
    text: &str,
    longest: usize,
    is_escaped: impl Fn(char) -> bool,
) -> fmt::Result {
    let mut shown = 0;
    for character in text.chars() {
        let (escaped, mut plain) = (character.escape_default(), [0; 4]);
        let text = match is_escaped(character) {
            true => &*escaped.to_string(),
            false => character.encode_utf8(&mut plain),
        };
        shown += text.len();
        if shown > longest {
            return f.write_str("…");
        }
        f.write_str(text)?;
    }
    Ok(())
}

/// Whether a character does more than to be read: it moves the cursor, ends the line, hides or reverses text.
pub(crate) fn is_invisible_or_control(character: char) -> bool {
    let is_invisible = matches!(
        character,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    );
    let is_strange_space = character != ' ' && character.is_whitespace();
    character.is_control() || is_invisible || is_strange_space
}

/// Writes a line for each message, up to 4 KiB in all, and how many there are beyond. The first is always there. Where
/// `f` is alternate (`{:#}`), so is each message.
pub(crate) fn write_lines<T: fmt::Display>(f: &mut fmt::Formatter<'_>, messages: &[T]) -> fmt::Result {
    // "\nand 18446744073709551615 more"
    const LAST_LINE: usize = 30;
    let mut written = 0;
    for (at, message) in messages.iter().enumerate() {
        let newline = if at == 0 { "" } else { "\n" };
        let text = if f.alternate() { format!("{message:#}") } else { message.to_string() };
        written += newline.len() + text.len();
        if at > 0 && written > MAX_LIST - LAST_LINE {
            return write!(f, "\nand {} more", messages.len() - at);
        }
        f.write_str(newline)?;
        f.write_str(&text)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::{MAX_LIST, write_lines};

    struct Lines(Vec<String>);

    impl fmt::Display for Lines {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_lines(f, &self.0)
        }
    }

    #[test]
    fn a_list_holds_what_leaves_room_for_its_last_line_and_its_first_message_at_any_length() {
        let [one, rest, long] = [1, MAX_LIST - 30 - 2, MAX_LIST].map(|length| "a".repeat(length));
        assert_eq!(Lines(vec![one.clone(), rest.clone()]).to_string(), format!("{one}\n{rest}"));
        assert_eq!(Lines(vec![one.clone(), format!("{rest}a")]).to_string(), format!("{one}\nand 1 more"));
        assert_eq!(Lines(vec![long.clone(), one]).to_string(), format!("{long}\nand 1 more"));
    }
}
