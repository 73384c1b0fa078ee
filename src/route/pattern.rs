//! Regular expressions of routes, and the values that headers and query parameters are compared with. In: the text of
//! an expression. Out: what it matches, in time linear in the text, whatever the expression. Rule 8.1.

use std::fmt;

use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use crate::escape::Escaped;

/// The most memory that one compiled expression may take, in bytes.
const MAX_EXPRESSION: usize = 1 << 20;
/// The most memory that the expressions which are tried in one pass may take together, in bytes.
const MAX_SET: usize = 16 << 20;
/// The most expressions that are tried in one pass. The engine keeps states for all that may still match, and for ten
/// thousand there is no room for these: it forgets them, and each request costs about what the first one did.
const MAX_TOGETHER: usize = 250;

/// An expression that is not valid, or too large.
#[derive(Clone, thiserror::Error)]
#[error("{}", text_of(.0))]
pub struct PatternError(#[source] regex::Error);

/// For people, like `Display`: it is what an error from `main` prints.
impl fmt::Debug for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PatternError {
    /// Whether the expression is valid but takes more memory than 1 MiB.
    pub fn is_too_large(&self) -> bool {
        matches!(self.0, regex::Error::CompiledTooBig(_))
    }
}

fn text_of(error: &regex::Error) -> String {
    if matches!(error, regex::Error::CompiledTooBig(_)) {
        return "the regular expression is too large".to_owned();
    }
    // The crate's message spans lines, with the place marked; its last line says what is wrong.
    let text = error.to_string();
    let reason = text.lines().next_back().unwrap_or_default();
    format!("not a regular expression: {}", Escaped(reason.trim_start_matches("error: ")))
}

/// A regular expression that a whole text matches.
#[derive(Clone, Debug)]
pub(super) struct Pattern(Regex);

impl Pattern {
    pub(super) fn parse(text: &str) -> Result<Self, PatternError> {
        // Alone first: an expression such as `a)|(b` is only valid between the parentheses that anchor it.
        RegexBuilder::new(text).size_limit(MAX_EXPRESSION).build().map_err(PatternError)?;
        let anchored = format!("^(?:{text})$");
        RegexBuilder::new(&anchored).size_limit(MAX_EXPRESSION).build().map(Self).map_err(PatternError)
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        self.0.is_match(text)
    }

    pub(super) fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The expression as it was written, without its anchors.
    #[cfg(feature = "manifest")]
    pub(super) fn text(&self) -> &str {
        let anchored = self.0.as_str();
        anchored.strip_prefix("^(?:").and_then(|rest| rest.strip_suffix(")$")).unwrap_or(anchored)
    }
}

/// Many expressions, tried in one pass.
#[derive(Clone, Debug, Default)]
pub(super) struct PatternSet {
    /// Each with the index of its first expression.
    sets: Vec<(usize, RegexSet)>,
}

impl PatternSet {
    /// A set of `patterns`. Expressions that are too many or too large together are tried in several passes.
    pub(super) fn new(patterns: &[Pattern]) -> Self {
        let mut set = Self::default();
        for (at, patterns) in patterns.chunks(MAX_TOGETHER).enumerate() {
            set.add(at * MAX_TOGETHER, patterns);
        }
        set
    }

    fn add(&mut self, first: usize, patterns: &[Pattern]) {
        if patterns.is_empty() {
            return;
        }
        let built = RegexSetBuilder::new(patterns.iter().map(Pattern::as_str)).size_limit(MAX_SET).build();
        match built {
            Ok(set) => self.sets.push((first, set)),
            Err(_) if patterns.len() > 1 => {
                let (low, high) = patterns.split_at(patterns.len() / 2);
                self.add(first, low);
                self.add(first + low.len(), high);
            }
            // One pattern alone has been compiled before, under a tighter limit.
            Err(_) => {}
        }
    }

    /// The indices of the expressions that match.
    pub(super) fn matches(&self, text: &str) -> impl Iterator<Item = usize> {
        self.sets.iter().flat_map(move |(first, set)| set.matches(text).into_iter().map(move |at| first + at))
    }
}

/// What the value of a header or a query parameter is compared with.
#[derive(Clone, Debug)]
pub struct ValueMatch(Value);

#[derive(Clone, Debug)]
enum Value {
    Exact(Box<str>),
    Pattern(Pattern),
}

impl ValueMatch {
    /// This very value.
    pub fn exact(value: impl Into<String>) -> Self {
        Self(Value::Exact(value.into().into()))
    }

    /// A value that, as a whole, matches a regular expression in the syntax of the `regex` crate.
    ///
    /// # Errors
    ///
    /// An expression that is not valid, or takes more than 1 MiB of memory.
    pub fn regular_expression(expression: &str) -> Result<Self, PatternError> {
        Pattern::parse(expression).map(|pattern| Self(Value::Pattern(pattern)))
    }

    /// Whether `value` is the one.
    pub fn matches(&self, value: &[u8]) -> bool {
        match &self.0 {
            Value::Exact(exact) => exact.as_bytes() == value,
            Value::Pattern(pattern) => std::str::from_utf8(value).is_ok_and(|value| pattern.matches(value)),
        }
    }

    /// The value, where there is only one.
    pub(super) fn as_exact(&self) -> Option<&str> {
        match &self.0 {
            Value::Exact(exact) => Some(exact),
            Value::Pattern(_) => None,
        }
    }

    /// The expression as it is compared, anchored.
    pub(super) fn as_expression(&self) -> Option<&str> {
        match &self.0 {
            Value::Exact(_) => None,
            Value::Pattern(pattern) => Some(pattern.as_str()),
        }
    }

    /// Whether no value matches this and `other`, as far as that is easy to tell.
    pub(super) fn excludes(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Value::Exact(one), Value::Exact(two)) => one != two,
            (Value::Exact(exact), Value::Pattern(pattern)) | (Value::Pattern(pattern), Value::Exact(exact)) => {
                !pattern.matches(exact)
            }
            (Value::Pattern(_), Value::Pattern(_)) => false,
        }
    }
}

impl PartialEq for ValueMatch {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Value::Exact(one), Value::Exact(two)) => one == two,
            (Value::Pattern(one), Value::Pattern(two)) => one.as_str() == two.as_str(),
            _ => false,
        }
    }
}

impl Eq for ValueMatch {}
