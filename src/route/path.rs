//! Path matches, and the index that finds those that fit a path in the order of 8.1: Exact, longest PathPrefix on
//! segment boundaries, RegularExpression. A look-up costs one step a segment, whatever the number of routes.
//! Rules 8.1, 8.4.

use std::{fmt, ops::ControlFlow};

use super::{
    bucket::Bucket,
    order::{Conditions, Target},
    pattern::{Pattern, PatternError, PatternSet},
    preflight::group::{Group, Grouping},
    reach::Sought,
    sparse::Sparse,
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
    exact: Sparse<Bucket>,
    /// A tree of segments. The first node stands for `/`.
    nodes: Vec<Node>,
    expressions: Option<Box<Expressions>>,
}

/// The expressions of one hostname.
#[derive(Clone, Debug, Default)]
struct Expressions {
    patterns: Vec<Pattern>,
    at: Sparse<usize>,
    /// For each expression its matches.
    buckets: Vec<Bucket>,
    set: PatternSet,
}

#[derive(Clone, Debug, Default)]
struct Node {
    /// The segments from the parent on, such as `/v1/users`: a node stands where matches do, or where paths part, so that a
    /// path of five hundred segments is no five hundred nodes.
    segments: Box<str>,
    parent: Option<usize>,
    /// By their first segments.
    children: Sparse<usize>,
    entries: Bucket,
}

impl Default for Paths {
    fn default() -> Self {
        Self { exact: Sparse::default(), nodes: vec![Node::default()], expressions: None }
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
    /// Every path that is no expression.
    Everything,
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
            Kind::Exact(path) => self.exact.entry(path).or_default().push(rank),
            Kind::Prefix(prefix) => {
                let at = self.node_of(prefix);
                if let Some(node) = self.nodes.get_mut(at) {
                    node.entries.push(rank);
                }
            }
            Kind::Pattern(pattern) => self.expressions.get_or_insert_default().add(pattern, rank),
        }
    }

    /// The node of a prefix, which is put where it belongs if it is not there.
    fn node_of(&mut self, prefix: &str) -> usize {
        let (mut at, mut rest) = (0, prefix);
        while let Some(segment) = first_segment(rest) {
            let next = self.nodes.len();
            let Some(node) = self.nodes.get_mut(at) else { return 0 };
            let child = *node.children.entry(segment).or_insert(next);
            if child == next {
                self.nodes.push(Node { segments: rest.into(), parent: Some(at), ..Node::default() });
                return child;
            }
            let shared = self.nodes.get(child).map_or(0, |child| shared_segments(&child.segments, rest));
            at = self.cut(child, shared);
            rest = rest.get(shared..).unwrap_or_default();
        }
        at
    }

    /// The node for the first segments of a node, so many bytes of them: itself, or a new one above it.
    fn cut(&mut self, at: usize, length: usize) -> usize {
        let next = self.nodes.len();
        let Some(node) = self.nodes.get_mut(at) else { return at };
        let segments = std::mem::take(&mut node.segments);
        let (above, below) = segments.split_at_checked(length).unwrap_or((&segments, ""));
        if below.is_empty() {
            node.segments = segments;
            return at;
        }
        let mut new = Node { segments: above.into(), parent: node.parent.replace(next), ..Node::default() };
        node.segments = below.into();
        if let Some(segment) = first_segment(below) {
            new.children.entry(segment).insert_entry(at);
        }
        if let (Some(segment), Some(parent)) =
            (first_segment(above), new.parent.and_then(|parent| self.nodes.get_mut(parent)))
        {
            parent.children.entry(segment).insert_entry(next);
        }
        self.nodes.push(new);
        next
    }

    /// Prepares the look-up, once every match is added.
    pub(super) fn seal(&mut self, conditions: &[Conditions]) {
        if let Some(expressions) = &mut self.expressions {
            expressions.set = PatternSet::new(&expressions.patterns);
        }
        self.exact.seal();
        self.nodes.shrink_to_fit();
        self.nodes.iter_mut().for_each(|node| node.children.seal());
        let nodes = self.nodes.iter_mut().map(|node| &mut node.entries);
        self.exact.values_mut().chain(nodes).for_each(|bucket| bucket.seal(conditions));
    }

    /// Prepares the groups of matches that a preflight does not tell apart, once every match is added (8.3).
    pub(super) fn group(&mut self, grouping: &mut Grouping, conditions: &[Conditions], targets: &[Target]) {
        let nodes = self.nodes.iter_mut().map(|node| &mut node.entries);
        let buckets =
            self.exact.values_mut().chain(nodes).chain(self.expressions.iter_mut().flat_map(|of| &mut of.buckets));
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
        let of_path = self.expressions.as_deref().filter(|_| path.starts_with('/'));
        let found =
            of_path.map_or_else(Vec::new, |of| of.set.matches(path).filter_map(|at| of.buckets.get(at)).collect());
        found.into_iter()
    }

    /// The node of the longest prefix of `path`, whether anything stands there or not.
    fn deepest(&self, path: &str) -> usize {
        let (mut at, mut rest) = (0, path);
        while let Some(segment) = first_segment(rest) {
            let child = self.nodes.get(at).and_then(|node| node.children.get(segment));
            let Some((child, node)) = child.and_then(|&child| Some((child, self.nodes.get(child)?))) else { break };
            match rest.strip_prefix(&*node.segments) {
                Some(below) if below.is_empty() || below.starts_with('/') => (at, rest) = (child, below),
                _ => break,
            }
        }
        at
    }

    /// The groups at one place, in the order of 8.1 where the place is one path.
    pub(super) fn groups_of(&self, place: Place<'_>) -> Vec<&Group> {
        let bucket = match place {
            Place::Exact(path) => self.exact.get(path),
            Place::Node(at) => self.nodes.get(at).map(|node| &node.entries),
            Place::Pattern(at) => self.buckets_of_patterns().get(at),
            Place::Patterns => return self.buckets_of_patterns().iter().flat_map(Bucket::groups).collect(),
            Place::Everything => {
                let nodes = self.nodes.iter().map(|node| &node.entries);
                return nodes.chain(self.exact.values()).flat_map(Bucket::groups).collect();
            }
        };
        bucket.map_or_else(Vec::new, |bucket| bucket.groups().iter().collect())
    }

    /// The matches at each place, in the order of 8.1: first those of the prefix `/`, then those of other prefixes and of
    /// exact paths; and those of each expression.
    #[cfg(feature = "manifest")]
    pub(super) fn ranks(&self) -> (impl Iterator<Item = &[usize]>, impl Iterator<Item = &[usize]>) {
        let nodes = self.nodes.iter().map(|node| &node.entries);
        (nodes.chain(self.exact.values()).map(Bucket::ranks), self.buckets_of_patterns().iter().map(Bucket::ranks))
    }

    /// Every place where matches stand.
    pub(super) fn places(&self) -> impl Iterator<Item = Place<'_>> {
        let nodes = self.nodes.iter().enumerate().filter(|(_, node)| !node.entries.ranks().is_empty());
        (self.exact.keys().map(Place::Exact))
            .chain(nodes.map(|(at, _)| Place::Node(at)))
            .chain((0..self.buckets_of_patterns().len()).map(Place::Pattern))
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
            Place::Pattern(_) | Place::Patterns | Place::Everything => {
                vec![Step { covering: vec![place], ..any_pattern }]
            }
        }
    }

    /// How the walk of 8.1 from `place` of `below` goes on in this index, where all its hosts are, too.
    pub(super) fn steps_above<'s>(&'s self, place: Place<'_>, below: &Self) -> Vec<Step<'s>> {
        let up = |path| self.up_from(self.deepest(path)).map(|at| Step::covering(Place::Node(at)));
        let any_pattern = Step::over([Place::Patterns]);
        match place {
            Place::Exact(path) => {
                let exact = self.exact.key(path).map(|path| Step::covering(Place::Exact(path)));
                exact.into_iter().chain(up(path)).chain([self.patterns_of(path)]).collect()
            }
            Place::Node(at) => {
                let prefix = below.prefix_of(at);
                let is_below = |path: &str| path.strip_prefix(&*prefix).is_some_and(|rest| rest.starts_with('/'));
                let under = if self.is_large() {
                    Step::over([Place::Everything])
                } else {
                    let exact = self.exact.keys().filter(|path| **path == prefix || is_below(path));
                    let deeper = (0..self.nodes.len()).filter(|&at| is_below(&self.prefix_of(at))).map(Place::Node);
                    Step::over(exact.map(Place::Exact).chain(deeper))
                };
                [under].into_iter().chain(up(&prefix)).chain([any_pattern]).collect()
            }
            Place::Pattern(at) => {
                let Some(pattern) = below.expressions.as_ref().and_then(|of| of.patterns.get(at)) else {
                    return Vec::new();
                };
                let nodes = if self.is_large() {
                    Step::over([Place::Everything])
                } else {
                    let exact = self.exact.keys().filter(|path| pattern.matches(path)).map(Place::Exact);
                    Step::over(exact.chain((1..self.nodes.len()).map(Place::Node)))
                };
                let at = self.expressions.as_ref().and_then(|of| of.at.get(pattern.as_str()));
                let same = at.map(|&at| Place::Pattern(at));
                let patterns = Step { covering: same.into_iter().collect(), ..any_pattern };
                vec![nodes, Step::covering(Place::Node(0)), patterns]
            }
            Place::Patterns | Place::Everything => vec![Step::over([Place::Everything]), any_pattern],
        }
    }

    /// The step over the expressions that `path` matches.
    fn patterns_of(&self, path: &str) -> Step<'_> {
        let matching = self.expressions.iter().flat_map(|of| of.set.matches(path));
        let places: Vec<_> = matching.map(Place::Pattern).collect();
        Step { covering: places.clone(), places }
    }

    fn buckets_of_patterns(&self) -> &[Bucket] {
        self.expressions.as_ref().map_or(&[], |of| &of.buckets)
    }

    /// Whether there are so many places that each is not compared with each of another host.
    fn is_large(&self) -> bool {
        const MAX_COMPARED: usize = 256;
        self.exact.len() + self.nodes.len() > MAX_COMPARED
    }

    fn up_from(&self, at: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(Some(at), |&at| self.nodes.get(at)?.parent)
    }

    /// The prefix that a node stands for, without a trailing slash.
    fn prefix_of(&self, at: usize) -> String {
        let mut segments: Vec<_> = self.up_from(at).filter_map(|at| Some(&*self.nodes.get(at)?.segments)).collect();
        segments.reverse();
        segments.concat()
    }
}

impl Expressions {
    fn add(&mut self, pattern: &Pattern, rank: usize) {
        let next = self.patterns.len();
        let at = *self.at.entry(pattern.as_str()).or_insert(next);
        if at == next {
            self.patterns.push(pattern.clone());
            self.buckets.push(Bucket::default());
        }
        if let Some(entries) = self.buckets.get_mut(at) {
            entries.push(rank);
        }
    }
}

/// The first segment of a path; none of the empty one.
fn first_segment(path: &str) -> Option<&str> {
    path.strip_prefix('/').map(|path| path.split_once('/').map_or(path, |(segment, _)| segment))
}

/// How many bytes of two paths are the same segments.
fn shared_segments(one: &str, two: &str) -> usize {
    let same = one.bytes().zip(two.bytes()).take_while(|(one, two)| one == two).count();
    let is_end = |path: &str| path.len() == same || path.as_bytes().get(same) == Some(&b'/');
    match is_end(one) && is_end(two) {
        true => same,
        false => one.bytes().take(same).rposition(|byte| byte == b'/').unwrap_or_default(),
    }
}
