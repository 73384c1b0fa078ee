//! What a regular expression takes, before it is compiled: the size of its program, and the positions that its repetitions
//! add, at each of which a text may stand at once: that many steps each byte of a text costs at worst. In: the text of an expression. Out: an estimate, in
//! time linear in the text, whatever its repetitions multiply; and the budget of a route and of a table.

use regex_syntax::{
    Parser,
    hir::{Class, Hir, HirKind},
    utf8::Utf8Sequences,
};

#[cfg(feature = "manifest")]
use super::{RouteMatch, path::Kind};

/// The largest program of one expression, in bytes.
pub(crate) const MAX_EXPRESSION: usize = 1 << 20;

/// What the expressions of a manifest's route, and of a table of manifests, may take together, where of each expression the
/// first 16 KiB and the first 64 added positions are free. With all the positions of a table, each byte of a path costs a
/// tenth of a millisecond at worst.
#[cfg(feature = "manifest")]
const MAX_OF_ROUTE: Cost = Cost { size: 2 << 20, positions: 1 << 10 };
#[cfg(feature = "manifest")]
const MAX_OF_TABLE: Cost = Cost { size: 32 << 20, positions: 8 << 10 };
#[cfg(feature = "manifest")]
const FREE: Cost = Cost { size: 16 << 10, positions: 64 };

/// A state of a program, and a range of bytes in one, in bytes, as the crate `regex` builds them.
const STATE: usize = 32;
const RANGE: usize = 23;
const SHARED_RANGE: usize = 18;

/// What an expression takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cost {
    /// The size of the program, in bytes.
    pub(super) size: usize,
    /// How many positions more than bytes the expression has.
    pub(super) positions: usize,
}

impl Cost {
    /// What an expression takes; none for a text that is no expression.
    pub(super) fn of(text: &str) -> Option<Self> {
        let cost = Self::of_hir(&Parser::new().parse(text).ok()?);
        Some(Self { positions: cost.positions.saturating_sub(text.len()), ..cost })
    }

    fn of_hir(hir: &Hir) -> Self {
        match hir.kind() {
            HirKind::Empty => Self::default(),
            HirKind::Look(_) => Self { size: STATE, positions: 0 },
            HirKind::Literal(literal) => Self { size: STATE * literal.0.len(), positions: literal.0.len() },
            HirKind::Class(Class::Bytes(class)) => Self { size: STATE + RANGE * class.ranges().len(), positions: 1 },
            HirKind::Class(Class::Unicode(class)) => {
                let sequences = class.ranges().iter().flat_map(|range| Utf8Sequences::new(range.start(), range.end()));
                let lengths = sequences.map(|sequence| sequence.len());
                let (count, ranges) = lengths.fold((0, 0), |(count, ranges), length| (count + 1, ranges + length));
                // The sequences of a large class share states.
                let size = if ranges > 256 { SHARED_RANGE * ranges } else { RANGE * ranges + STATE * count };
                Self { size: STATE + size, positions: 1 }
            }
            HirKind::Repetition(repetition) => {
                let copies = match repetition.max {
                    Some(max) => max,
                    // The last copy is the one that repeats.
                    None => repetition.min.max(1),
                };
                Self::of_hir(&repetition.sub).and(STATE).times(copies)
            }
            HirKind::Capture(capture) => Self::of_hir(&capture.sub).and(2 * STATE),
            HirKind::Concat(parts) | HirKind::Alternation(parts) => {
                let mut whole = Self { size: STATE, positions: 0 };
                for part in parts {
                    whole = whole.plus(Self::of_hir(part));
                    // A class of letters takes longer to look at than to read, so what is too large is not read on.
                    if whole.size > MAX_EXPRESSION {
                        break;
                    }
                }
                whole
            }
        }
    }

    fn and(self, size: usize) -> Self {
        Self { size: self.size.saturating_add(size), ..self }
    }

    fn plus(self, other: Self) -> Self {
        Self { size: self.size.saturating_add(other.size), positions: self.positions.saturating_add(other.positions) }
    }

    fn times(self, copies: u32) -> Self {
        let copies = usize::try_from(copies).unwrap_or(usize::MAX);
        Self { size: self.size.saturating_mul(copies), positions: self.positions.saturating_mul(copies) }
    }

    /// What is beyond `other`.
    #[cfg(feature = "manifest")]
    fn beyond(self, other: Self) -> Self {
        Self { size: self.size.saturating_sub(other.size), positions: self.positions.saturating_sub(other.positions) }
    }
}

/// What expressions may still take together.
#[cfg(feature = "manifest")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExpressionBudget(Cost);

#[cfg(feature = "manifest")]
impl ExpressionBudget {
    /// What the expressions of a route are held to, in words.
    pub(crate) const OF_ROUTE: &'static str = "a regular expression for which there is room in its route: one compiles to \
        at most 1 MiB, together they compile to at most 2 MiB, and their repetitions add at most 1024 positions";

    /// That of one route.
    pub(crate) fn of_route() -> Self {
        Self(MAX_OF_ROUTE)
    }

    /// That of a table.
    pub(crate) fn of_table() -> Self {
        Self(MAX_OF_TABLE)
    }

    /// Takes the share of an expression. Answers whether there was as much, and it is within the limit of one; a text that is
    /// no expression takes none.
    pub(crate) fn take_text(&mut self, expression: &str) -> bool {
        let cost = Cost::of(expression);
        cost.is_none_or(|cost| cost.size <= MAX_EXPRESSION) && self.take(cost)
    }

    /// Takes the shares of expressions, all or none. Answers whether there was as much.
    pub(crate) fn take(&mut self, costs: impl IntoIterator<Item = Cost>) -> bool {
        let Cost { size, positions } = costs.into_iter().fold(Cost::default(), |all, cost| all.plus(cost.beyond(FREE)));
        match (self.0.size.checked_sub(size), self.0.positions.checked_sub(positions)) {
            (Some(size), Some(positions)) => {
                self.0 = Cost { size, positions };
                true
            }
            _ => false,
        }
    }
}

#[cfg(feature = "manifest")]
impl RouteMatch {
    /// The expressions of the match, anchored, and what each takes.
    pub(crate) fn expressions(&self) -> impl Iterator<Item = (&str, Cost)> {
        let path = match &self.path.0 {
            Kind::Pattern(pattern) => Some(pattern),
            Kind::Exact(_) | Kind::Prefix(_) => None,
        };
        let headers = self.headers.iter().filter_map(|(_, value)| value.pattern());
        let query = self.query.iter().filter_map(|(_, value)| value.pattern());
        path.into_iter().chain(headers).chain(query).map(|pattern| (pattern.as_str(), pattern.cost()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::RegexBuilder;

    use super::*;

    #[test]
    fn repetitions_multiply() {
        let rows = [("", 0), ("abc", 0), ("[a-c]*", 0), ("a{5}", 1), ("(a{1,9}b){10}", 87), ("/.*a.{1000}x", 992)];
        for (text, positions) in rows {
            assert_eq!(Cost::of(text).map(|cost| cost.positions), Some(positions), "{text}");
        }
        assert!(Cost::of("(").is_none());
        let huge = Cost::of("((a{1000}){1000}){1000}").unwrap_or_default();
        assert!(huge.size > MAX_EXPRESSION && huge.positions > 900_000_000);
    }

    proptest! {
        #[test]
        fn an_expression_is_never_larger_than_its_estimate(
            text in r"((\[a-f0-9\]|\\w|\\d|\.|a|é|(\(b\|cd\))|(\(x[+*]\)))([*+?]|\{1,5\}|\{3\})?){1,6}",
        ) {
            let cost = Cost::of(&text).unwrap_or_default();
            // What every program has, whatever the expression.
            let limit = cost.size + 2048;
            prop_assert!(RegexBuilder::new(&text).size_limit(limit).build().is_ok(), "{text}: {cost:?}");
        }
    }
}
