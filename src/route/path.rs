//! Path matches, and the index that finds those that fit a path in the order of 8.1: Exact, longest PathPrefix on
//! segment boundaries, RegularExpression. A look-up costs one step a segment, whatever the number of routes.
//! Rules 8.1, 8.4.

use std::{collections::HashMap, fmt, ops::ControlFlow};

use super::{
    bucket::Bucket,
    order::Conditions,
    pattern::{Pattern, PatternError, PatternSet},
};
use crate::request::CorsRequest;

/// What the path of a request is compared with. The default is the prefix `/`, which every request meets.
#[derive(Clone, Debug)]
pub struct PathMatch(pub(super) Kind);

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Exact(Box<str>),
    /// Without a trailing slash, so the prefix `/` is empty.
    Prefix(Box<str>),
    Pattern(Pattern),
}

/// A path that a request can't have.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PathError {
    /// It does not begin with `/`.
    NotAbsolute,
    /// It is not a regular expression.
    Pattern(PatternError),
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAbsolute => f.write_str("the path does not begin with /"),
            Self::Pattern(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for PathError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NotAbsolute => None,
            Self::Pattern(error) => Some(error),
        }
    }
}

impl PathMatch {
    /// This very path.
    ///
    /// # Errors
    ///
    /// A path that does not begin with `/`.
    pub fn exact(path: &str) -> Result<Self, PathError> {
        if path.starts_with('/') { Ok(Self(Kind::Exact(path.into()))) } else { Err(PathError::NotAbsolute) }
    }

    /// The paths that begin with these segments: `/foo` and `/foo/` both match `/foo`, `/foo/` and `/foo/bar`, not
    /// `/foobar`.
    ///
    /// # Errors
    ///
    /// A path that does not begin with `/`.
    pub fn prefix(path: &str) -> Result<Self, PathError> {
        if !path.starts_with('/') {
            return Err(PathError::NotAbsolute);
        }
        Ok(Self(Kind::Prefix(path.trim_end_matches('/').into())))
    }

    /// The paths that, as a whole, match a regular expression in the syntax of the `regex` crate.
    ///
    /// # Errors
    ///
    /// An expression that is not valid, or takes more than 1 MiB of memory.
    pub fn regular_expression(expression: &str) -> Result<Self, PathError> {
        Pattern::parse(expression).map(|pattern| Self(Kind::Pattern(pattern))).map_err(PathError::Pattern)
    }
}

impl Default for PathMatch {
    fn default() -> Self {
        Self(Kind::Prefix("".into()))
    }
}

/// The matches of one hostname by their paths. A match is its rank in the order of 8.1.
#[derive(Debug)]
pub(super) struct Paths {
    exact: HashMap<Box<str>, Bucket>,
    /// A tree of segments. The first node stands for `/`.
    nodes: Vec<Node>,
    patterns: Vec<Pattern>,
    pattern_at: HashMap<Box<str>, usize>,
    /// For each expression its matches.
    by_pattern: Vec<Bucket>,
    set: PatternSet,
}

#[derive(Debug, Default)]
struct Node {
    /// The prefix that the node stands for, without a trailing slash.
    prefix: Box<str>,
    parent: Option<usize>,
    children: HashMap<Box<str>, usize>,
    entries: Bucket,
}

impl Default for Paths {
    fn default() -> Self {
        Self {
            exact: HashMap::new(),
            nodes: vec![Node::default()],
            patterns: Vec::new(),
            pattern_at: HashMap::new(),
            by_pattern: Vec::new(),
            set: PatternSet::default(),
        }
    }
}

/// Where matches stand, for those that compare places with one another.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place<'a> {
    Exact(&'a str),
    Node(usize),
    Pattern(usize),
}

impl Paths {
    /// Adds a match behind those that it yields to.
    pub(super) fn add(&mut self, path: &PathMatch, rank: usize) {
        match &path.0 {
            Kind::Exact(path) => self.exact.entry(path.clone()).or_default().push(rank),
            Kind::Prefix(prefix) => {
                let mut at = 0;
                for segment in segments(prefix) {
                    at = self.child(at, segment);
                }
                if let Some(node) = self.nodes.get_mut(at) {
                    node.entries.push(rank);
                }
            }
            Kind::Pattern(pattern) => {
                let next = self.patterns.len();
                let at = *self.pattern_at.entry(pattern.as_str().into()).or_insert(next);
                if at == next {
                    self.patterns.push(pattern.clone());
                    self.by_pattern.push(Bucket::default());
                }
                if let Some(entries) = self.by_pattern.get_mut(at) {
                    entries.push(rank);
                }
            }
        }
    }

    fn child(&mut self, parent: usize, segment: &str) -> usize {
        let next = self.nodes.len();
        let Some(node) = self.nodes.get_mut(parent) else { return 0 };
        let child = *node.children.entry(segment.into()).or_insert(next);
        if child == next {
            let prefix = format!("{}/{segment}", node.prefix).into();
            self.nodes.push(Node { prefix, parent: Some(parent), ..Node::default() });
        }
        child
    }

    /// Prepares the look-up, once every match is added.
    pub(super) fn seal(&mut self, conditions: &[Conditions]) {
        self.set = PatternSet::new(&self.patterns);
        let nodes = self.nodes.iter_mut().map(|node| &mut node.entries);
        self.exact.values_mut().chain(nodes).for_each(|bucket| bucket.seal(conditions));
    }

    /// Visits the matches whose path fits, in the order of 8.1, but for some that `request` does not meet.
    #[inline]
    pub(super) fn visit<B>(
        &self,
        path: &str,
        request: &CorsRequest<'_>,
        mut visit: impl FnMut(usize) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        if !path.starts_with('/') {
            // 8.4: `OPTIONS *` has no path and meets no path match but the prefix `/`.
            return self
                .nodes
                .first()
                .map_or(ControlFlow::Continue(()), |root| root.entries.visit(request, &mut visit));
        }
        if let Some(entries) = self.exact.get(path) {
            entries.visit(request, &mut visit)?;
        }
        let mut at = Some(self.deepest(path));
        while let Some(node) = at.and_then(|at| self.nodes.get(at)) {
            node.entries.visit(request, &mut visit)?;
            at = node.parent;
        }
        if self.patterns.is_empty() {
            return ControlFlow::Continue(());
        }
        let found = self.set.matches(path).filter_map(|at| self.by_pattern.get(at));
        let mut ranks: Vec<usize> = found.flat_map(Bucket::ranks).copied().collect();
        ranks.sort_unstable();
        ranks.into_iter().try_for_each(visit)
    }

    /// The node of the longest prefix of `path`, whether anything stands there or not.
    fn deepest(&self, path: &str) -> usize {
        let mut at = 0;
        for segment in segments(path) {
            match self.nodes.get(at).and_then(|node| node.children.get(segment)) {
                Some(&child) => at = child,
                None => break,
            }
        }
        at
    }

    /// The matches at one place, in the order of 8.1.
    pub(super) fn entries_of(&self, place: Place<'_>) -> &[usize] {
        match place {
            Place::Exact(path) => self.exact.get(path),
            Place::Node(at) => self.nodes.get(at).map(|node| &node.entries),
            Place::Pattern(at) => self.by_pattern.get(at),
        }
        .map_or(&[], Bucket::ranks)
    }

    /// Every place where matches stand.
    pub(super) fn places(&self) -> impl Iterator<Item = Place<'_>> {
        let nodes = self.nodes.iter().enumerate().filter(|(_, node)| !node.entries.ranks().is_empty());
        (self.exact.keys().map(|path| Place::Exact(path)))
            .chain(nodes.map(|(at, _)| Place::Node(at)))
            .chain((0..self.patterns.len()).map(Place::Pattern))
    }

    /// The places behind `place` in the order of 8.1 whose paths can be paths of `place`, and whether every path of
    /// `place` is one of theirs.
    pub(super) fn behind(&self, place: Place<'_>) -> Vec<(Place<'_>, bool)> {
        let covering = |at| (Place::Node(at), true);
        let patterns = (0..self.patterns.len()).map(|at| (Place::Pattern(at), false));
        match place {
            Place::Exact(path) => {
                let patterns = self.set.matches(path).map(|at| (Place::Pattern(at), true));
                self.up_from(self.deepest(path)).map(covering).chain(patterns).collect()
            }
            Place::Node(at) => self.up_from(at).skip(1).map(covering).chain(patterns).collect(),
            Place::Pattern(here) => {
                patterns.filter(|(other, _)| !matches!(other, Place::Pattern(there) if *there == here)).collect()
            }
        }
    }

    /// The places of `other` whose paths can be paths of `place` of this index, most specific first, and whether every
    /// path of `place` is one of theirs.
    pub(super) fn overlaps<'o>(&self, place: Place<'_>, other: &'o Self) -> Vec<(Place<'o>, bool)> {
        let mut places = Vec::new();
        match place {
            Place::Exact(path) => {
                places.extend(other.exact.get_key_value(path).map(|(path, _)| (Place::Exact(path), true)));
                places.extend(other.up_from(other.deepest(path)).map(|at| (Place::Node(at), true)));
                places.extend(other.set.matches(path).map(|at| (Place::Pattern(at), true)));
            }
            Place::Node(at) => {
                let prefix = self.prefix_of(at);
                let below = |path: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/'));
                let is_under = |path: &str| path == prefix || below(path);
                places.extend(other.exact.keys().filter(|path| is_under(path)).map(|path| (Place::Exact(path), false)));
                // A parent is made before its children, so the deeper ones come first this way.
                let deeper = (0..other.nodes.len()).rev().filter(|&at| below(other.prefix_of(at)));
                places.extend(deeper.map(|at| (Place::Node(at), false)));
                places.extend(other.up_from(other.deepest(prefix)).map(|at| (Place::Node(at), true)));
                places.extend((0..other.patterns.len()).map(|at| (Place::Pattern(at), false)));
            }
            Place::Pattern(at) => {
                let Some(pattern) = self.patterns.get(at) else { return places };
                let exact = other.exact.keys().filter(|path| pattern.matches(path));
                places.extend(exact.map(|path| (Place::Exact(path), false)));
                places.extend((0..other.nodes.len()).rev().map(|at| (Place::Node(at), at == 0)));
                let patterns = other.patterns.iter().enumerate();
                places.extend(patterns.map(|(at, other)| (Place::Pattern(at), other.as_str() == pattern.as_str())));
            }
        }
        places
    }

    fn up_from(&self, at: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(Some(at), |&at| self.nodes.get(at)?.parent)
    }

    fn prefix_of(&self, at: usize) -> &str {
        self.nodes.get(at).map_or("", |node| &node.prefix)
    }
}

/// The segments of a path; none of the empty one.
fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.strip_prefix('/').into_iter().flat_map(|path| path.split('/'))
}
