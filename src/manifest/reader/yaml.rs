//! YAML as a tree in which every value and every key knows where it stands. In: the text of a file. Out: its documents,
//! or the first thing that is no YAML. Budgets keep a small file from growing into a large tree.

use std::{
    borrow::Cow,
    cell::Cell,
    fmt,
    ops::Deref,
    rc::Rc,
    sync::atomic::{AtomicUsize, Ordering},
};

use serde::{
    Deserialize,
    de::{self, Deserializer, MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::{DuplicateKeyPolicy, Spanned, options::MergeKeyPolicy};

use super::{
    merge,
    parts::{self, Part, Stack},
    place::Place,
    plain::{self, Documents},
    syntax::{self, MAX_DEPTH, SyntaxError},
};

/// The longest file that is read, in bytes.
pub(crate) const MAX_FILE: usize = 32 << 20;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Node<'a> {
    pub(crate) value: Value<'a>,
    pub(crate) place: Place,
}

/// A value. Two bytes of a file can be one, so it takes no more room than a list does with its length and a tag.
#[derive(Clone, Debug)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    Integer(i64),
    /// An integer that 64 bits don't hold.
    LongInteger(Box<i128>),
    Float(f64),
    Text(Text<'a>),
    List(Box<[Node<'a>]>),
    /// Keys may stand twice; [`Object::get`](super::Object::get) reports it.
    Map(Box<[(Key<'a>, Node<'a>)]>),
}

/// A text of the file, or one that stands there in another form, as with escapes.
#[derive(Clone, Debug)]
pub(crate) enum Text<'a> {
    Borrowed(&'a str),
    Owned(Box<str>),
}

#[derive(Clone, Debug)]
pub(crate) struct Key<'a> {
    /// None for what is no scalar, which no resource has for a name.
    pub(crate) name: Option<Text<'a>>,
    pub(crate) place: Place,
}

/// How deep where there is only the caller's stack.
const MAX_DEPTH_IN_PLACE: usize = 16;

/// The least that is read beside other parts of a text, in bytes.
const MIN_PART: usize = 128 << 10;

/// A file may have a value for so many of its bytes, and the shortest ones as many as one of `MIN_PART`. Manifests need
/// about ten for each, and five where they are written as short as they can be; a list of one-letter words has one in two, and
/// a tree sixteen times the size of its text.
const BYTES_A_NODE: usize = 4;
/// How many aliases a file may have, and how many documents.
const MAX_ALIASES: usize = 100;
pub(super) const MAX_DOCUMENTS: usize = 1 << 20;
/// How many values of a file the aliases of one part may repeat, and how many may be kept for aliases.
const MAX_REPEATED: usize = 10_000;

/// Reads a text, in parts where it is long. What `take` makes of each part's documents comes back in the order of the
/// text; empty documents are left out. What `begin` answers before a part is read is given to `take`: whatever has been
/// taken by then stands before it.
pub(crate) fn read<'a, B, T: Send>(
    text: &'a str,
    begin: impl Fn() -> B + Sync,
    take: impl Fn(B, Vec<Node<'a>>) -> T + Sync,
) -> Result<Vec<T>, SyntaxError> {
    read_in_parts(MIN_PART, text, begin, take)
}

/// Reads a text as one part.
pub(crate) fn read_whole<'a, T: Send>(
    text: &'a str,
    take: impl Fn(Vec<Node<'a>>) -> T + Sync,
) -> Result<T, SyntaxError> {
    let read = read_in_parts(usize::MAX, text, || (), |(), documents| take(documents))?;
    read.into_iter().next().ok_or_else(SyntaxError::unreadable)
}

fn read_in_parts<'a, B, T: Send>(
    min: usize,
    text: &'a str,
    begin: impl Fn() -> B + Sync,
    take: impl Fn(B, Vec<Node<'a>>) -> T + Sync,
) -> Result<Vec<T>, SyntaxError> {
    let spent = Spent::default();
    let max_nodes = max_nodes(text);
    let read = parts::read(&parts::cut(min, text), |part, stack| {
        let begun = begin();
        let documents = read_part(part, stack, &spent)?;
        // Each part has a budget of its own, since it does not see what the others spend at the same time.
        spent.check(max_nodes, part.lines_before)?;
        Ok(take(begun, documents))
    });
    read.ok_or_else(SyntaxError::unreadable)?.into_iter().collect()
}

/// How many values a text may have.
fn max_nodes(text: &str) -> usize {
    text.len().max(MIN_PART) / BYTES_A_NODE
}

/// What the parts of a file that were read so far have, together.
#[derive(Debug, Default)]
struct Spent {
    nodes: AtomicUsize,
    aliases: AtomicUsize,
    documents: AtomicUsize,
}

impl Spent {
    fn check(&self, max_nodes: usize, lines_before: u64) -> Result<(), SyntaxError> {
        let budgets = [
            (&self.nodes, max_nodes, syntax::TOO_MANY_VALUES),
            (&self.aliases, MAX_ALIASES, syntax::TOO_MANY_ALIASES),
            (&self.documents, MAX_DOCUMENTS, syntax::TOO_MUCH),
        ];
        let exceeded = budgets.iter().find(|(spent, limit, _)| spent.load(Ordering::Relaxed) > *limit);
        exceeded.map_or(Ok(()), |(.., sentence)| Err(SyntaxError::at_start(sentence).moved_down(lines_before)))
    }
}

fn read_part<'a>(part: Part<'a>, stack: Stack, spent: &Spent) -> Result<Vec<Node<'a>>, SyntaxError> {
    let max_depth = match stack {
        Stack::Own => MAX_DEPTH,
        Stack::Callers => MAX_DEPTH_IN_PLACE,
    };
    let Documents { documents, nodes } = match plain::read(part, max_depth, max_nodes(part.text)) {
        Some(read) => read,
        None => read_with_serde(part, max_depth, spent)?,
    };
    spent.nodes.fetch_add(nodes, Ordering::Relaxed);
    spent.documents.fetch_add(documents.len(), Ordering::Relaxed);
    Ok(documents)
}

/// Reads whatever YAML has, and says what is wrong.
fn read_with_serde<'a>(part: Part<'a>, max_depth: usize, spent: &Spent) -> Result<Documents<'a>, SyntaxError> {
    let wrong = |error: SyntaxError| {
        // By YAML's lines: a carriage return alone ends one too.
        let mut lines = parts::lines(part.text);
        let line = usize::try_from(error.place.line).ok().and_then(|line| lines.nth(line.checked_sub(1)?));
        error.of_line(line).moved_down(part.lines_before)
    };
    let (mut documents, aliases) = read_to(max_depth, part.text).map_err(wrong)?;
    let mut nodes = 0;
    for document in &mut documents {
        merge::expand(document).map_err(wrong)?;
        nodes += document.move_down(u32::try_from(part.lines_before).unwrap_or(u32::MAX));
    }
    spent.aliases.fetch_add(aliases, Ordering::Relaxed);
    Ok(Documents { documents, nodes })
}

/// The documents of a text, and how many aliases it has.
fn read_to(max_depth: usize, text: &str) -> Result<(Vec<Node<'_>>, usize), SyntaxError> {
    let aliases = Rc::new(Cell::new(0));
    let counted = Rc::clone(&aliases);
    let options = serde_saphyr::options! {
        // The line that is shown is ours.
        with_snippet: false,
        // A key written twice is reported with its place where the map is read as an object, and ignored elsewhere.
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        // Expanded once the document is read: the parser copies what a map takes over at each level.
        merge_keys: MergeKeyPolicy::AsOrdinary,
        budget: serde_saphyr::budget! {
            max_depth: max_depth,
            max_nodes: max_nodes(text),
            max_events: usize::MAX,
            max_documents: MAX_DOCUMENTS,
            max_aliases: MAX_ALIASES,
            max_anchors: MAX_REPEATED,
            max_recorded_anchor_events: MAX_REPEATED,
            max_total_scalar_bytes: MAX_FILE,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: MAX_REPEATED,
            max_alias_expansions_per_anchor: MAX_ALIASES,
        },
    };
    let options = options.with_budget_report(move |report| counted.set(report.aliases));
    let documents = serde_saphyr::from_multiple_with_options(text, options).map_err(SyntaxError::from)?;
    Ok((documents, aliases.get()))
}

impl<'a> Node<'a> {
    /// The value of a field, where this is a map that has it.
    pub(crate) fn field(&self, name: &str) -> Option<&Self> {
        let Value::Map(fields) = &self.value else { return None };
        fields.iter().find(|(key, _)| key.name.as_deref() == Some(name)).map(|(_, value)| value)
    }

    /// Whether this is what YAML makes of `{{ .Values.name }}` without quotes: a map whose only key is a map.
    pub(crate) fn is_template(&self) -> bool {
        matches!(&self.value, Value::Map(fields) if matches!(&**fields, [(Key { name: None, .. }, _)]))
    }

    /// The text, where the value is one.
    pub(crate) fn as_text(&self) -> Option<&str> {
        if let Value::Text(text) = &self.value { Some(text) } else { None }
    }

    /// The number, where the value is one that fits.
    pub(crate) fn as_integer(&self) -> Option<i64> {
        if let Value::Integer(number) = self.value { Some(number) } else { None }
    }
}

impl Node<'_> {
    /// Adds lines before it, and counts the values.
    fn move_down(&mut self, lines: u32) -> usize {
        self.place.line = self.place.line.saturating_add(lines);
        let below = match &mut self.value {
            Value::List(items) => items.iter_mut().map(|item| item.move_down(lines)).sum(),
            Value::Map(fields) => {
                let fields = fields.iter_mut().map(|(key, value)| {
                    key.place.line = key.place.line.saturating_add(lines);
                    1 + value.move_down(lines)
                });
                fields.sum()
            }
            _ => 0,
        };
        1 + below
    }
}

impl Key<'_> {
    /// Whether this is the merge key of YAML 1.1.
    pub(super) fn is_merge(&self) -> bool {
        self.name.as_deref() == Some("<<")
    }
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Owned(text) => text,
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
            Self::LongInteger(value) => value.to_string().into(),
            Self::Float(value) => format!("{value:?}").into(),
            Self::Text(Text::Borrowed(text)) => text.into(),
            Self::Text(Text::Owned(text)) => text.into_string().into(),
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
        Node::deserialize(deserializer).map(Self::from)
    }
}

impl<'a> From<Node<'a>> for Key<'a> {
    fn from(node: Node<'a>) -> Self {
        let name = match node.value {
            Value::Null | Value::List(_) | Value::Map(_) => None,
            Value::Text(text) => Some(text),
            scalar => Some(Text::Owned(scalar.shown().into())),
        };
        Self { name, place: node.place }
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
        Ok(Value::Integer(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value<'de>, E> {
        Ok(Value::from(i128::from(value)))
    }

    fn visit_i128<E: de::Error>(self, value: i128) -> Result<Value<'de>, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value<'de>, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Text::Owned(value.into())))
    }

    fn visit_borrowed_str<E: de::Error>(self, value: &'de str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Text::Borrowed(value)))
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Value<'de>, E> {
        Ok(Value::Text(Text::Owned(value.into())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value<'de>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            push(&mut items, item);
        }
        Ok(Value::List(boxed(items)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value<'de>, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = access.next_entry()? {
            push(&mut fields, field);
        }
        Ok(Value::Map(boxed(fields)))
    }
}

/// Adds to a list that grows by a quarter, not to twice its length: the last part of a file may be one list.
pub(super) fn push<T>(list: &mut Vec<T>, item: T) {
    if list.len() == list.capacity() {
        list.reserve_exact((list.len() / 4).max(4));
    }
    list.push(item);
}

/// A list in the room that it needs. A short one is copied: one that shrinks where it lies leaves gaps behind it, which came
/// to twice the tree for a list of lists of one word.
fn boxed<T>(list: Vec<T>) -> Box<[T]> {
    const MAX_COPIED: usize = 64;
    if list.len() == list.capacity() || list.len() > MAX_COPIED {
        return list.into();
    }
    let mut exact = Vec::with_capacity(list.len());
    exact.extend(list);
    exact.into()
}

impl From<i128> for Value<'_> {
    fn from(number: i128) -> Self {
        i64::try_from(number).map_or_else(|_| Self::LongInteger(Box::new(number)), Self::Integer)
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*, sample::select};

    use super::*;

    /// What is read of a text, with its places, or where it is wrong.
    fn read_with(min: usize, text: &str) -> Result<String, (u32, Cow<'static, str>)> {
        let read = read_in_parts(min, text, || (), |(), documents| documents);
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

    /// What serde reads of a text, with its places and how many values it has.
    fn read_slowly(text: &str) -> Result<String, SyntaxError> {
        let part = Part { text, lines_before: 3 };
        read_with_serde(part, MAX_DEPTH, &Spent::default()).map(|read| format!("{read:?}"))
    }

    /// The same of what is read from events, where it is.
    fn read_fast(text: &str) -> Option<String> {
        let part = Part { text, lines_before: 3 };
        plain::read(part, MAX_DEPTH, max_nodes(text)).map(|read| format!("{read:?}"))
    }

    #[test]
    fn a_template_behind_a_carriage_return_is_told_as_one() {
        let text = "\r---\n--- >+\n  words\n\n{{";
        assert!(read_with(usize::MAX, text).is_err_and(|(_, sentence)| sentence.contains("template")));
    }

    #[test]
    fn manifests_are_read_from_events() {
        const ROUTE: &str = "# A route.\nkind: HTTPRoute\nmetadata:\n  name: app\nspec:\n  rules:\n  - filters:\n    - type: CORS\n      cors: {allowOrigins: [https://a.example, '*'], maxAge: 86400}\n";
        assert!(read_fast(ROUTE).is_some());
        assert_eq!(read_fast(ROUTE), read_slowly(ROUTE).ok());
        let (text, slow) = ("a: &b 1\nc: *b\n", "a: !!str 1\n");
        assert_eq!((read_fast(text), read_fast(slow)), (None, None));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 4_000 }))]

        #[test]
        fn events_read_like_serde(
            pieces in vec(prop_oneof![3 => select(DOCUMENTS), 2 => select(PIECES), 1 => select(SCALARS)], 0..12),
        ) {
            let text = pieces.concat();
            if let Some(read) = read_fast(&text) {
                prop_assert_eq!(Some(read), read_slowly(&text).ok(), "{:?}", text);
            }
        }

        #[test]
        fn a_scalar_is_what_serde_makes_of_it(
            scalar in prop_oneof!["[-+.0-9]{0,7}", "[-+]?[.0-9a-fA-FxXoObBeE_]{1,8}", "[-+]?\\.?[a-zA-Z]{1,5}", "[ -~]{0,6}", "0|-?[0-9]{15,22}"],
        ) {
            for text in [format!("a: {scalar}\n"), format!("- {scalar}"), format!("{{{scalar}: {scalar}}}")] {
                if let Some(read) = read_fast(&text) {
                    prop_assert_eq!(Some(read), read_slowly(&text).ok(), "{:?}", text);
                }
            }
        }
    }

    #[rustfmt::skip]
    const SCALARS: &[&str] = &[
        "a: yes\n", "b: 1.50\n", "c: -0\n", "d: 0x1F\n", "e: 1e3\n", "f: .inf\n", "g: 08\n", "h: 1_000\n", "i: ---\n", "j: ~\n",
        "k:\n", "l: 10.0.0.1\n", "m: 2024-01-01\n", "n: 99999999999999999999\n", "? [a, b]\n: c\n", "? {a: b}\n: c\n", "1: Off\n",
        "o: \"a\\tb\"\n", "- 1\n- [x, {y: z}]\n", "{a: , b}\n", "null\n", "'null'\n", "é: ü\n", "{{ .Values.name }}\n",
    ];
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
