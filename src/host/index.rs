//! The index from a host to the patterns that match it. In: patterns, each with a value; the lower-case host of a request.
//! Out: the values whose patterns match, most specific first. Rules 3.8, 8.1.

use super::{HostPattern, MAX_HOST, Places};

/// Values by pattern, each at a place of its own.
#[derive(Clone, Debug)]
pub(crate) struct HostIndex<T> {
    patterns: Vec<HostPattern>,
    values: Vec<T>,
    /// The places of the patterns that have a host, by it.
    by_host: Places,
    any: Option<usize>,
    exact_lengths: Lengths,
    /// How long the parents of the wildcards are, the longest first. To look for these lengths in a host takes no more
    /// than 253 steps, and with a host that is read in one pass a match of one wildcard takes 255 instructions less than to
    /// look for dots (S4w of `benches`).
    parent_lengths: Vec<u8>,
}

impl<T> Default for HostIndex<T> {
    fn default() -> Self {
        Self {
            patterns: Vec::new(),
            values: Vec::new(),
            by_host: Places::with_capacity(0),
            any: None,
            exact_lengths: Lengths::default(),
            parent_lengths: Vec::new(),
        }
    }
}

impl<T: Default> HostIndex<T> {
    /// The place of the value of `pattern`, made where there is none yet.
    pub(crate) fn insert(&mut self, pattern: &HostPattern) -> usize {
        let known = match pattern {
            HostPattern::Any => self.any,
            HostPattern::Exact(host) => self.exact(host.as_bytes()),
            HostPattern::Subdomains(parent) => self.subdomains(parent.as_bytes()),
        };
        known.unwrap_or_else(|| {
            self.values.push(T::default());
            self.add(pattern)
        })
    }
}

impl<T> HostIndex<T> {
    /// The places of the patterns that match `host`: exact before wildcard, longer wildcard first, then any (8.1).
    #[inline]
    pub(crate) fn matching(&self, host: &[u8]) -> impl Iterator<Item = usize> {
        self.exact(host).into_iter().chain(self.above(host))
    }

    /// The places of the wildcards that match `host`, longest first, then any.
    fn above(&self, host: &[u8]) -> impl Iterator<Item = usize> {
        let wildcards = self.parent_lengths.iter().filter_map(|&length| {
            let (above, parent) = host.split_at_checked(host.len().checked_sub(length.into())?)?;
            // At least a label and its dot stand above the parent.
            if matches!(above, [.., _, b'.']) { self.subdomains(parent) } else { None }
        });
        wildcards.chain(self.any)
    }

    #[inline]
    fn exact(&self, host: &[u8]) -> Option<usize> {
        let is_it = |at| matches!(self.patterns.get(at), Some(HostPattern::Exact(other)) if other.as_bytes() == host);
        if self.exact_lengths.contains(host) { self.by_host.find(host, is_it) } else { None }
    }

    #[inline]
    fn subdomains(&self, parent: &[u8]) -> Option<usize> {
        let is_it =
            |at| matches!(self.patterns.get(at), Some(HostPattern::Subdomains(other)) if other.as_bytes() == parent);
        self.by_host.find(parent, is_it)
    }

    fn add(&mut self, pattern: &HostPattern) -> usize {
        let at = self.patterns.len();
        match pattern {
            HostPattern::Any => self.any = Some(at),
            HostPattern::Exact(host) => self.exact_lengths.add(host),
            HostPattern::Subdomains(parent) => self.add_parent_length(parent.len()),
        }
        if let Some(host) = pattern.host() {
            let host_at = |at| self.patterns.get(at).and_then(HostPattern::host).unwrap_or_default();
            self.by_host.insert(host.as_bytes(), at, &|seed, at| seed.hash(host_at(at).as_bytes()));
        }
        self.patterns.push(pattern.clone());
        at
    }

    fn add_parent_length(&mut self, length: usize) {
        // No pattern is longer than the longest host.
        let Ok(length) = u8::try_from(length) else { return };
        if let Err(place) = self.parent_lengths.binary_search_by(|other| length.cmp(other)) {
            self.parent_lengths.insert(place, length);
        }
    }
}

#[cfg(feature = "route")]
impl<T: Default> HostIndex<T> {
    /// The value of `pattern`, made where there is none yet.
    pub(crate) fn entry(&mut self, pattern: &HostPattern) -> Option<&mut T> {
        let at = self.insert(pattern);
        self.values.get_mut(at)
    }
}

#[cfg(feature = "route")]
impl<T> HostIndex<T> {
    /// Visits the values of the patterns that match `host`, most specific first.
    #[inline]
    pub(crate) fn visit<'t, B>(
        &'t self,
        host: &str,
        visit: impl FnMut(&'t T) -> std::ops::ControlFlow<B>,
    ) -> std::ops::ControlFlow<B> {
        self.matching(host.as_bytes()).filter_map(|at| self.values.get(at)).try_for_each(visit)
    }

    /// The place of every value, with those of the patterns that match all of its hosts as well, most specific first.
    pub(crate) fn chains(&self) -> impl Iterator<Item = (usize, Vec<usize>)> {
        let above = |pattern: &HostPattern| match pattern.host() {
            // All that is below a host fits the wildcards above it, and the wildcard of the host is the pattern's own.
            Some(host) => self.above(host.as_bytes()).collect(),
            None => Vec::new(),
        };
        self.patterns.iter().map(above).enumerate()
    }

    /// Every pattern, at its place.
    pub(crate) fn patterns(&self) -> &[HostPattern] {
        &self.patterns
    }

    /// Every value, at its place.
    pub(crate) fn values(&self) -> &[T] {
        &self.values
    }

    /// Gives back the room that was kept for more patterns.
    pub(crate) fn seal(&mut self) {
        self.patterns.shrink_to_fit();
        self.values.shrink_to_fit();
    }

    /// Every value, in the order of the places.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.values.iter_mut()
    }
}

/// Lengths of hosts, as a set of bits: what is of another length needs no look-up, and most parents of a host are. To look
/// for the lengths in a host takes a wildcard's match 300 instructions less than to look for its dots.
#[derive(Clone, Copy, Debug, Default)]
struct Lengths([u64; MAX_HOST.div_ceil(64)]);

impl Lengths {
    fn add(&mut self, host: &str) {
        // No pattern is longer than the longest host.
        if let Some(bits) = self.0.get_mut(host.len() / 64) {
            *bits |= 1 << (host.len() % 64);
        }
    }

    #[inline]
    fn contains(&self, host: &[u8]) -> bool {
        self.0.get(host.len() / 64).is_some_and(|bits| bits >> (host.len() % 64) & 1 == 1)
    }
}
