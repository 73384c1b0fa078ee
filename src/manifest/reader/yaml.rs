//! YAML as a tree in which every value and every key knows where it stands. In: the text of a file. Out: its documents,
//! or the first thing that is no YAML. Budgets keep a small file from growing into a large tree.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize,
    de::{self, Deserializer, MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::{DuplicateKeyPolicy, Spanned};

use super::{
    parts::{self, Part, Stack},
    place::Place,
    syntax::{MAX_DEPTH, SyntaxError},
};

/// The longest file that is read, in bytes.
pub(crate) const MAX_FILE: usize = 32 << 20;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Node<'a> {
    pub(crate) value: Value<'a>,
    pub(crate) place: Place,
}

#[derive(Clone, Debug)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    Integer(i128),
    Float(f64),
    Text(Cow<'a, str>),
    List(Vec<Node<'a>>),
    /// Keys may stand twice; [`Object::get`](super::Object::get) reports it.
    Map(Vec<(Key<'a>, Node<'a>)>),
}

#[derive(Clone, Debug)]
pub(crate) struct Key<'a> {
    /// None for what is no scalar, which no resource has for a name.
    pub(crate) name: Option<Cow<'a, str>>,
    pub(crate) place: Place,
}

/// How deep where there is only the caller's stack.
const MAX_DEPTH_IN_PLACE: usize = 16;

/// The least that is read beside other parts of a text, in bytes.
const MIN_PART: usize = 128 << 10;

/// Reads a text, in parts where it is long. What `take` makes of each part's documents comes back in the order of the
/// text; empty documents are left out.
pub(crate) fn read<'a, T: Send>(
    text: &'a str,
    take: impl Fn(Vec<Node<'a>>) -> T + Sync,
) -> Result<Vec<T>, SyntaxError> {
    read_in_parts(MIN_PART, text, take)
}

/// Reads a text as one part.
pub(crate) fn read_whole<'a, T: Send>(
    text: &'a str,
    take: impl Fn(Vec<Node<'a>>) -> T + Sync,
) -> Result<T, SyntaxError> {
    let read = read_in_parts(usize::MAX, text, take)?;
    read.into_iter().next().ok_or_else(SyntaxError::unreadable)
}

fn read_in_parts<'a, T: Send>(
    min: usize,
    text: &'a str,
    take: impl Fn(Vec<Node<'a>>) -> T + Sync,
) -> Result<Vec<T>, SyntaxError> {
    let read = parts::read(&parts::cut(min, text), |part, stack| read_part(part, stack).map(&take));
    read.ok_or_else(SyntaxError::unreadable)?.into_iter().collect()
}

fn read_part(part: Part<'_>, stack: Stack) -> Result<Vec<Node<'_>>, SyntaxError> {
    let max_depth = match stack {
        Stack::Own => MAX_DEPTH,
        Stack::Callers => MAX_DEPTH_IN_PLACE,
    };
    let wrong = |error: SyntaxError| {
        let line = usize::try_from(error.place.line).ok().and_then(|line| part.text.lines().nth(line.checked_sub(1)?));
        error.of_line(line).moved_down(part.lines_before)
    };
    let mut documents = read_to(max_depth, part.text).map_err(wrong)?;
    documents.iter_mut().for_each(|document| document.move_down(part.lines_before));
    Ok(documents)
}

fn read_to(max_depth: usize, text: &str) -> Result<Vec<Node<'_>>, SyntaxError> {
    let options = serde_saphyr::options! {
        // The line that is shown is ours.
        with_snippet: false,
        // A key written twice is reported with its place where the map is read as an object, and ignored elsewhere.
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        budget: serde_saphyr::budget! {
            max_depth: max_depth,
            max_nodes: 2_000_000,
            max_documents: 65_536,
            max_aliases: 100,
            max_total_scalar_bytes: MAX_FILE,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 10_000,
            max_alias_expansions_per_anchor: 100,
        },
    };
    serde_saphyr::from_multiple_with_options(text, options).map_err(SyntaxError::from)
}

impl<'a> Node<'a> {
    /// The value of a field, where this is a map that has it.
    pub(crate) fn field(&self, name: &str) -> Option<&Self> {
        let Value::Map(fields) = &self.value else { return None };
        fields.iter().find(|(key, _)| key.name.as_deref() == Some(name)).map(|(_, value)| value)
    }

    /// Whether this is what YAML makes of `{{ .Values.name }}` without quotes: a map whose only key is a map.
    pub(crate) fn is_template(&self) -> bool {
        matches!(&self.value, Value::Map(fields) if matches!(fields.as_slice(), [(Key { name: None, .. }, _)]))
    }

    /// The text, where the value is one.
    pub(crate) fn as_text(&self) -> Option<&str> {
        if let Value::Text(text) = &self.value { Some(text) } else { None }
    }

    /// The number, where the value is one that fits.
    pub(crate) fn as_integer(&self) -> Option<i64> {
        if let Value::Integer(number) = self.value { number.try_into().ok() } else { None }
    }
}

impl Node<'_> {
    fn move_down(&mut self, lines: u64) {
        self.place.line += lines;
        match &mut self.value {
            Value::List(items) => items.iter_mut().for_each(|item| item.move_down(lines)),
            Value::Map(fields) => {
                for (key, value) in fields {
                    key.place.line += lines;
                    value.move_down(lines);
                }
            }
            _ => {}
        }
    }
}

impl<'a> Value<'a> {
    /// The value as it is shown in a message: scalars as they are, the rest by what they are.
    pub(crate) fn shown(self) -> Cow<'a, str> {
        match self {
            Self::Null => "null".into(),
            Self::Bool(value) => value.to_string().into(),
            Self::Integer(value) => value.to_string().into(),
            Self::Float(value) => format!("{value:?}").into(),
            Self::Text(text) => text,
            Self::List(_) => "[...]".into(),
            Self::Map(_) => "{...}".into(),
        }
    }
}

impl<'de> Deserialize<'de> for Node<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Value<'_>>::deserialize(deserializer)?;
        Ok(Self { value: spanned.value, place: spanned.referenced.into() })
    }
}

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Value<'_>>::deserialize(deserializer)?;
        let name = match spanned.value {
            Value::Null | Value::List(_) | Value::Map(_) => None,
            scalar => Some(scalar.shown()),
        };
        Ok(Self { name, place: spanned.referenced.into() })
    }
}

impl<'de> Deserialize<'de> for Value<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value<'de>, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<Value<'de>, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value<'de>, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value<'de>, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value<'de>, E> {
        Ok(Value::Integer(value.into()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value<'de>, E> {
        Ok(Value::Integer(value.into()))
    }

    fn visit_i128<E: de::Error>(self, value: i128) -> Result<Value<'de>, E> {
        Ok(Value::Integer(value))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value<'de>, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value<'de>, E> {
        Ok(Value::Text(value.to_owned().into()))
    }

    fn visit_borrowed_str<E: de::Error>(self, value: &'de str) -> Result<Value<'de>, E> {
        Ok(Value::Text(value.into()))
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Value<'de>, E> {
        Ok(Value::Text(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value<'de>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value<'de>, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = access.next_entry()? {
            fields.push(field);
        }
        Ok(Value::Map(fields))
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*, sample::select};

    use super::*;

    /// What is read of a text, with its places, or where it is wrong.
    fn read_with(min: usize, text: &str) -> Result<String, (u64, Cow<'static, str>)> {
        let read = read_in_parts(min, text, |documents| documents);
        let read = read.map(|parts| format!("{:?}", parts.into_iter().flatten().collect::<Vec<_>>()));
        read.map_err(|error| (error.place.line, error.sentence))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 1_000 }))]

        #[test]
        fn a_text_in_parts_reads_like_the_whole(
            pieces in vec(prop_oneof![6 => select(DOCUMENTS), 1 => select(PIECES)], 0..12),
        ) {
            let text = pieces.concat();
            prop_assert_eq!(read_with(1, &text), read_with(usize::MAX, &text), "{:?}", text);
        }
    }

    #[rustfmt::skip]
    const DOCUMENTS: &[&str] = &[
        "---\n", "---\r\n", "--- # one\n", "--- {a: 1}\n", "--- |\n", "--- >+\n  words\n\n", "---\na: 1\n...\n", "---\n- é\r- ü\r\n",
        "--- # a map\nkey: value\nlist:\n- one\n- two\n", "--- 'quoted\n  words'\n", "---\ntext: |+\n  ---\n\n\n", "---\n----\n",
        "---\nfirst: &a {b: 1}\nsecond: *a\n", "---\nfirst: &a {b: 1}\nsecond: {<<: *a}\n", "---\n? key\n: value\n# a comment\n",
    ];
    #[rustfmt::skip]
    const PIECES: &[&str] = &[
        "--- \n", " ---\n", "----\n", "...\n", "\n", "\r", "\t", "a: 1\n", "b: &a\n", "c: *a\n", "  d: two\n  words\n", "<<: {e: 5}\n",
        "- item\n", "- - 2\n", "f: |\n", "  text\n", "f: |+\n\n\n", "'quoted\n", "g: 'quoted'\n", "\"", "'", "[", "]\n", "{", "}\n",
        "%YAML 1.2\n", "%TAG ! tag:a.example,2000:\n", "!tagged h\n", "!!int 7\n", "\u{feff}",
    ];
}
