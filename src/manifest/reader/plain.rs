//! What nearly every file is: maps, lists and scalars, without an anchor, an alias, a tag or a merge key. In: the text of a
//! part. Out: its documents, straight from the parser's events, for two fifths of the instructions that serde takes
//! (155,000 of 364,000 for a route of benches/loading.rs); or nothing where there is more to it, or something wrong, which
//! [`yaml`](super::yaml) reads and tells.

use std::borrow::Cow;

use serde_saphyr::granit_parser::{self, Event, Parser, ScalarStyle, Span};

use super::{
    parts::Part,
    place::Place,
    yaml::{Key, MAX_DOCUMENTS, Node, Text, Value, push},
};

/// What a part holds.
#[derive(Debug)]
pub(super) struct Documents<'a> {
    pub(super) documents: Vec<Node<'a>>,
    /// How many values these have, keys among them.
    pub(super) nodes: usize,
}

/// Lists and maps that have begun, from the outermost.
struct Open<'a> {
    place: Place,
    content: Content<'a>,
    /// How many values stand before it.
    nodes_before: usize,
}

enum Content<'a> {
    List(Vec<Node<'a>>),
    Map(Vec<(Key<'a>, Node<'a>)>, Option<Key<'a>>),
}

/// The room of short lists and maps that have ended, for the next ones. What is kept has exactly the room that it needs: one
/// that shrinks in place leaves a gap behind, which a list of short lists would have for each of them.
#[derive(Default)]
struct Spare<'a> {
    lists: Vec<Vec<Node<'a>>>,
    maps: Vec<Vec<(Key<'a>, Node<'a>)>>,
}

/// Reads the documents of a part. None where one has more than maps, lists and scalars, and where something exceeds a budget
/// or is no YAML.
pub(super) fn read<'a>(part: Part<'a>, max_depth: usize, max_nodes: usize) -> Option<Documents<'a>> {
    let lines_before = u32::try_from(part.lines_before).unwrap_or(u32::MAX);
    let place = |span: Span| Place {
        line: short(span.start.line()).saturating_add(lines_before),
        column: short(span.start.col()).saturating_add(1),
    };
    let mut read = Documents { documents: Vec::new(), nodes: 0 };
    let (mut open, mut spare) = (Vec::new(), Spare::default());
    let mut document_starts = 0;
    for event in Parser::new_from_str_with_options(part.text, options()) {
        let (event, span) = event.ok()?;
        let place = place(span);
        let begun = match event {
            Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => continue,
            Event::DocumentStart(_, None) => {
                document_starts += 1;
                if document_starts > MAX_DOCUMENTS {
                    return None;
                }
                continue;
            }
            Event::SequenceStart(_, 0, None) => Some(Content::List(spare.lists.pop().unwrap_or_default())),
            Event::MappingStart(_, 0, None) => Some(Content::Map(spare.maps.pop().unwrap_or_default(), None)),
            Event::Scalar(text, style, 0, None) => {
                let value = match style {
                    ScalarStyle::Plain => plain(text)?,
                    _ => Value::Text(text.into()),
                };
                let nodes_before = read.nodes;
                read.nodes += 1;
                read.add(&mut open, Node { value, place }, nodes_before)?;
                None
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Open { place, content, nodes_before } = open.pop()?;
                read.add(&mut open, Node { value: spare.close(content), place }, nodes_before)?;
                continue;
            }
            _ => return None,
        };
        if let Some(content) = begun {
            open.push(Open { place, content, nodes_before: read.nodes });
            read.nodes += 1;
        }
        if read.nodes > max_nodes || open.len() > max_depth {
            return None;
        }
    }
    Some(read)
}

/// The limits that serde's reading sets, so that neither accepts what the other does not.
fn options() -> granit_parser::Options {
    let budget = serde_saphyr::Budget::default();
    granit_parser::options! {
        simple_key_max_lookahead: budget.simple_key_max_lookahead,
        flow_nesting_limit: budget.flow_nesting_limit,
        emit_comments: false,
    }
}

impl<'a> Documents<'a> {
    /// Puts a value where it stands. None for a merge key.
    fn add(&mut self, open: &mut [Open<'a>], node: Node<'a>, nodes_before: usize) -> Option<()> {
        match open.last_mut().map(|open| &mut open.content) {
            Some(Content::List(items)) => push(items, node),
            Some(Content::Map(fields, key)) => match key.take() {
                Some(key) => push(fields, (key, node)),
                None => {
                    // What stands within a key is not kept.
                    self.nodes = nodes_before + 1;
                    *key = Some(node.into());
                    if key.as_ref().is_some_and(Key::is_merge) {
                        return None;
                    }
                }
            },
            // An empty document.
            None if matches!(node.value, Value::Null) => self.nodes = nodes_before,
            None => self.documents.push(node),
        }
        Some(())
    }
}

impl<'a> Spare<'a> {
    fn close(&mut self, content: Content<'a>) -> Value<'a> {
        match content {
            Content::List(items) => Value::List(kept(items, &mut self.lists)),
            Content::Map(fields, _) => Value::Map(kept(fields, &mut self.maps)),
        }
    }
}

fn kept<T>(mut items: Vec<T>, spare: &mut Vec<Vec<T>>) -> Box<[T]> {
    const SHORT: usize = 16;
    if items.len() > SHORT {
        return items.into();
    }
    let kept = items.drain(..).collect();
    spare.push(items);
    kept
}

/// What a scalar without quotes is. None where serde reports something.
fn plain(text: Cow<'_, str>) -> Option<Value<'_>> {
    const TRUE: [&str; 4] = ["true", "yes", "y", "on"];
    const FALSE: [&str; 4] = ["false", "no", "n", "off"];
    let is_one_of = |words: [&str; 4]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    match text.as_bytes() {
        [] | b"~" | b"null" | b"Null" | b"NULL" => Some(Value::Null),
        [b'0'..=b'9' | b'+' | b'-' | b'.', ..] => number(text),
        [b't' | b'T' | b'y' | b'Y' | b'o' | b'O', ..] if is_one_of(TRUE) => Some(Value::Bool(true)),
        [b'f' | b'F' | b'n' | b'N' | b'o' | b'O', ..] if is_one_of(FALSE) => Some(Value::Bool(false)),
        _ => Some(Value::Text(text.into())),
    }
}

/// What begins like a number. Only the usual forms are decided here; serde knows the others.
fn number(text: Cow<'_, str>) -> Option<Value<'_>> {
    /// 18 digits fit into 64 bits.
    const MAX_DIGITS: usize = 18;
    let is_number =
        |text: &str| (1..=MAX_DIGITS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_whole = |text: &str| is_number(text) && (text == "0" || !text.starts_with('0'));
    let unsigned = text.strip_prefix('-').unwrap_or(&text);
    if is_whole(unsigned) {
        return text.parse().ok().map(Value::Integer);
    }
    if unsigned.split_once('.').is_some_and(|(whole, rest)| is_whole(whole) && is_number(rest)) {
        return text.parse().ok().map(Value::Float);
    }
    // A name such as `.info` is asked for in vain, `---` never: it would begin a document.
    let of_number = |byte: u8| byte.is_ascii_hexdigit() || b"+-._xXoOiInN".contains(&byte);
    let has_digit = text.bytes().any(|byte| byte.is_ascii_digit());
    let is_word = matches!(text.trim_start_matches(['+', '-']).as_bytes(), [b'.', b'i' | b'I' | b'n' | b'N', ..]);
    if !(has_digit || is_word) || !text.bytes().all(of_number) {
        return Some(Value::Text(text.into()));
    }
    let options = serde_saphyr::options! { with_snippet: false };
    match serde_saphyr::from_str_with_options::<Value<'_>>(&text, options).ok()? {
        Value::Integer(number) => Some(Value::Integer(number)),
        Value::LongInteger(number) => Some(Value::LongInteger(number)),
        Value::Float(number) => Some(Value::Float(number)),
        Value::Text(_) => Some(Value::Text(text.into())),
        _ => None,
    }
}

impl<'a> From<Cow<'a, str>> for Text<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        match text {
            Cow::Borrowed(text) => Self::Borrowed(text),
            Cow::Owned(text) => Self::Owned(text.into()),
        }
    }
}

fn short(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
