//! Path matches, and the index that finds those that fit a path in the order of 8.1: Exact, longest PathPrefix on
//! segment boundaries, RegularExpression. A look-up costs one step a segment, whatever the number of routes.
//! Rules 8.1, 8.4.

use std::{collections::HashMap, fmt, ops::ControlFlow};

use super::{
    bucket::Bucket,
    order::{Conditions, Target},
    pattern::{Pattern, PatternError, PatternSet},
    preflight::group::{Group, Grouping},
    reach::Sought,
};

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
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// It does not begin with `/`.
    #[error("the path does not begin with /")]
    NotAbsolute,
    /// It is not a regular expression.
    #[error(transparent)]
    Pattern(PatternError),
}

/// For people, like `Display`: it is what an error from `main` prints.
impl fmt::Debug for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
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
#[derive(Clone, Debug)]
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

#[derive(Clone, Debug, Default)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Place<'a> {
    Exact(&'a str),
    Node(usize),
    Pattern(usize),
    /// Every expression.
    Patterns,
}

/// A step of the walk of 8.1 from some place on: matches that it reaches together, ordered by rank alone.
#[derive(Debug, Default)]
pub(super) struct Step<'a> {
    pub(super) places: Vec<Place<'a>>,
    /// Those among the places whose paths are all the paths of where the walk began.
    pub(super) covering: Vec<Place<'a>>,
}

impl<'a> Step<'a> {
    fn covering(place: Place<'a>) -> Self {
        Self { places: vec![place], covering: vec![place] }
    }

    fn over(places: impl IntoIterator<Item = Place<'a>>) -> Self {
        Self { places: places.into_iter().collect(), covering: Vec::new() }
    }
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

    /// Prepares the groups of matches that a preflight does not tell apart, once every match is added (8.3).
    pub(super) fn group(&mut self, grouping: &mut Grouping, conditions: &[Conditions], targets: &[Target]) {
        let nodes = self.nodes.iter_mut().map(|node| &mut node.entries);
        let buckets = self.exact.values_mut().chain(nodes).chain(&mut self.by_pattern);
        buckets.for_each(|bucket| bucket.group(grouping, conditions, targets));
    }

    /// Visits the matches whose path fits, in the order of 8.1, but for some that `request` does not meet.
    #[inline]
    pub(super) fn visit<B>(
        &self,
        sought: &Sought<'_>,
        mut visit: impl FnMut(usize) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let path = sought.path();
        self.visit_buckets(path, |entries| entries.visit(sought, &mut visit))?;
        let mut ranks: Vec<usize> = self.patterns_for(path).flat_map(Bucket::ranks).copied().collect();
        ranks.sort_unstable();
        ranks.into_iter().try_for_each(visit)
    }

    /// Visits the matches whose path fits in the order of their ranks, whatever kind of path they have: that of gRPC's
    /// matches (8.7).
    pub(super) fn visit_by_rank<B>(&self, path: &str, visit: impl FnMut(usize) -> ControlFlow<B>) -> ControlFlow<B> {
        let mut ranks = Vec::new();
        let _ = self.visit_buckets(path, |entries| {
            ranks.extend_from_slice(entries.ranks());
            ControlFlow::<()>::Continue(())
        });
        ranks.extend(self.patterns_for(path).flat_map(Bucket::ranks));
        ranks.sort_unstable();
        ranks.into_iter().try_for_each(visit)
    }

    /// The groups whose path fits, in the order of the ranks of their first matches.
    pub(super) fn groups_by_rank<'t>(&'t self, path: &str) -> Vec<&'t Group> {
        let mut groups = Vec::new();
        let _ = self.visit_buckets(path, |entries| {
            groups.extend(entries.groups());
            ControlFlow::<()>::Continue(())
        });
        groups.extend(self.patterns_for(path).flat_map(Bucket::groups));
        groups.sort_unstable_by_key(|group| group.rank);
        groups
    }

    /// Visits the groups whose path fits, in the order of 8.1.
    pub(super) fn visit_groups<'t, B>(
        &'t self,
        path: &str,
        mut visit: impl FnMut(&'t Group) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        self.visit_buckets(path, |entries| entries.groups().iter().try_for_each(&mut visit))?;
        let mut groups: Vec<_> = self.patterns_for(path).flat_map(Bucket::groups).collect();
        groups.sort_unstable_by_key(|group| group.rank);
        groups.into_iter().try_for_each(visit)
    }

    /// Visits the matches of exact paths and prefixes.
    #[inline]
    fn visit_buckets<'t, B>(
        &'t self,
        path: &str,
        mut visit: impl FnMut(&'t Bucket) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        if !path.starts_with('/') {
            // 8.4: `OPTIONS *` has no path and meets no path match but the prefix `/`.
            return self.nodes.first().map_or(ControlFlow::Continue(()), |root| visit(&root.entries));
        }
        if let Some(entries) = self.exact.get(path) {
            visit(entries)?;
        }
        let mut at = Some(self.deepest(path));
        while let Some(node) = at.and_then(|at| self.nodes.get(at)) {
            visit(&node.entries)?;
            at = node.parent;
        }
        ControlFlow::Continue(())
    }

    /// The matches of the expressions that `path` matches.
    fn patterns_for<'t>(&'t self, path: &str) -> impl Iterator<Item = &'t Bucket> + use<'t> {
        let is_path = path.starts_with('/') && !self.patterns.is_empty();
        let found: Vec<_> = if is_path { self.set.matches(path).collect() } else { Vec::new() };
        found.into_iter().filter_map(|at| self.by_pattern.get(at))
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

    /// The groups at one place, in the order of 8.1 where the place is one path.
    pub(super) fn groups_of(&self, place: Place<'_>) -> Vec<&Group> {
        let bucket = match place {
            Place::Exact(path) => self.exact.get(path),
            Place::Node(at) => self.nodes.get(at).map(|node| &node.entries),
            Place::Pattern(at) => self.by_pattern.get(at),
            Place::Patterns => return self.by_pattern.iter().flat_map(Bucket::groups).collect(),
        };
        bucket.map_or_else(Vec::new, |bucket| bucket.groups().iter().collect())
    }

    /// The matches at each place, in the order of 8.1: first those of the prefix `/`, then those of other prefixes and of
    /// exact paths; and those of each expression.
    #[cfg(feature = "manifest")]
    pub(super) fn ranks(&self) -> (impl Iterator<Item = &[usize]>, impl Iterator<Item = &[usize]>) {
        let nodes = self.nodes.iter().map(|node| &node.entries);
        (nodes.chain(self.exact.values()).map(Bucket::ranks), self.by_pattern.iter().map(Bucket::ranks))
    }

    /// Every place where matches stand.
    pub(super) fn places(&self) -> impl Iterator<Item = Place<'_>> {
        let nodes = self.nodes.iter().enumerate().filter(|(_, node)| !node.entries.ranks().is_empty());
        (self.exact.keys().map(|path| Place::Exact(path)))
            .chain(nodes.map(|(at, _)| Place::Node(at)))
            .chain((0..self.patterns.len()).map(Place::Pattern))
    }

    /// The walk of 8.1 from `place` on, which is in the first step.
    pub(super) fn steps_from<'s>(&'s self, place: Place<'s>) -> Vec<Step<'s>> {
        let up = |at| self.up_from(at).map(|at| Step::covering(Place::Node(at)));
        let any_pattern = Step::over([Place::Patterns]);
        match place {
            Place::Exact(path) => {
                let first = Step::covering(place);
                [first].into_iter().chain(up(self.deepest(path))).chain([self.patterns_of(path)]).collect()
            }
            Place::Node(at) => up(at).chain([any_pattern]).collect(),
            Place::Pattern(_) | Place::Patterns => vec![Step { covering: vec![place], ..any_pattern }],
        }
    }

    /// How the walk of 8.1 from `place` of `below` goes on in this index, where all its hosts are, too.
    pub(super) fn steps_above<'s>(&'s self, place: Place<'_>, below: &Self) -> Vec<Step<'s>> {
        let up = |path| self.up_from(self.deepest(path)).map(|at| Step::covering(Place::Node(at)));
        let any_pattern = Step::over([Place::Patterns]);
        match place {
            Place::Exact(path) => {
                let exact = self.exact.get_key_value(path).map(|(path, _)| Step::covering(Place::Exact(path)));
                exact.into_iter().chain(up(path)).chain([self.patterns_of(path)]).collect()
            }
            Place::Node(at) => {
                let prefix = below.prefix_of(at);
                let is_below = |path: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/'));
                let exact = self.exact.keys().filter(|path| &***path == prefix || is_below(path));
                let deeper = (0..self.nodes.len()).filter(|&at| is_below(self.prefix_of(at))).map(Place::Node);
                let under = Step::over(exact.map(|path| Place::Exact(path)).chain(deeper));
                [under].into_iter().chain(up(prefix)).chain([any_pattern]).collect()
            }
            Place::Pattern(at) => {
                let Some(pattern) = below.patterns.get(at) else { return Vec::new() };
                let exact = self.exact.keys().filter(|path| pattern.matches(path)).map(|path| Place::Exact(path));
                let nodes = Step::over(exact.chain((1..self.nodes.len()).map(Place::Node)));
                let same = self.pattern_at.get(pattern.as_str()).map(|&at| Place::Pattern(at));
                let patterns = Step { covering: same.into_iter().collect(), ..any_pattern };
                vec![nodes, Step::covering(Place::Node(0)), patterns]
            }
            Place::Patterns => vec![Step::over((0..self.nodes.len()).map(Place::Node)), any_pattern],
        }
    }

    /// The step over the expressions that `path` matches.
    fn patterns_of(&self, path: &str) -> Step<'_> {
        let places: Vec<_> = self.set.matches(path).map(Place::Pattern).collect();
        Step { covering: places.clone(), places }
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
