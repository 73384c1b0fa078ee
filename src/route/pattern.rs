//! Regular expressions of routes, and the values that headers and query parameters are compared with. In: the text of
//! an expression. Out: what it matches, in time linear in the text, whatever the expression. Rule 8.1.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use super::expression::{Cost, MAX_EXPRESSION};
use crate::escape::Escaped;

/// The most memory that the states of one expression may take while it is tried, in bytes.
const MAX_STATES: usize = 256 << 10;
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

/// A regular expression that a whole text matches. It is compiled when it is needed: those of paths are tried together.
#[derive(Clone, Debug)]
pub(super) struct Pattern(Arc<Expression>);

#[derive(Debug)]
struct Expression {
    /// With its anchors.
    text: Box<str>,
    #[cfg(feature = "manifest")]
    cost: Cost,
    /// None inside where it can't be compiled, which is known when it is parsed.
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    pub(super) fn parse(text: &str) -> Result<Self, PatternError> {
        // Alone: an expression such as `a)|(b` is only valid between the parentheses that anchor it.
        let cost = Cost::of(text);
        if cost.is_none_or(|cost| cost.size > MAX_EXPRESSION) {
            // What is wrong with it, or that it is smaller than its estimate.
            RegexBuilder::new(text).size_limit(MAX_EXPRESSION).build().map_err(PatternError)?;
        }
        let text = format!("^(?:{text})$").into();
        Ok(Self(Arc::new(Expression {
            text,
            #[cfg(feature = "manifest")]
            cost: cost.unwrap_or_default(),
            compiled: OnceLock::new(),
        })))
    }

    /// Compiles the expression, unless it is compiled.
    pub(super) fn compiled(&self) -> Option<&Regex> {
        let compile = || {
            let mut builder = RegexBuilder::new(&self.0.text);
            // More than the estimate allows, so that it always compiles; and less for states than the crate takes for
            // each thread, since a table may have thousands of expressions.
            builder.size_limit(4 * MAX_EXPRESSION).dfa_size_limit(MAX_STATES).build().ok()
        };
        self.0.compiled.get_or_init(compile).as_ref()
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        self.compiled().is_some_and(|compiled| compiled.is_match(text))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0.text
    }

    /// The expression as it was written, without its anchors.
    #[cfg(feature = "manifest")]
    pub(super) fn text(&self) -> &str {
        let anchored = self.as_str();
        anchored.strip_prefix("^(?:").and_then(|rest| rest.strip_suffix(")$")).unwrap_or(anchored)
    }

    /// What it takes.
    #[cfg(feature = "manifest")]
    pub(super) fn cost(&self) -> Cost {
        self.0.cost
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

    /// The expression, where it is one.
    pub(super) fn pattern(&self) -> Option<&Pattern> {
        match &self.0 {
            Value::Exact(_) => None,
            Value::Pattern(pattern) => Some(pattern),
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
