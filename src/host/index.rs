//! The index from a host to the patterns that match it. In: patterns, each with a value; the lower-case host of a request.
//! Out: the values whose patterns match, most specific first. Rules 3.8, 8.1.

use hashbrown::HashTable;

use super::{HostPattern, MAX_HOST, Seed};

/// Values by pattern. The place of a value is the number of the patterns that were there before its own.
#[derive(Clone, Debug)]
pub(crate) struct HostIndex<T> {
    values: Vec<T>,
    exact: Places,
    /// By what stands after `*.`.
    subdomains: Places,
    any: Option<usize>,
}

impl<T> Default for HostIndex<T> {
    fn default() -> Self {
        Self { values: Vec::new(), exact: Places::new(), subdomains: Places::new(), any: None }
    }
}

impl<T: Default> HostIndex<T> {
    /// The place of the value of `pattern`, made where there is none yet.
    pub(crate) fn insert(&mut self, pattern: &HostPattern) -> usize {
        let next = self.values.len();
        let at = match pattern {
            HostPattern::Any => *self.any.get_or_insert(next),
            HostPattern::Exact(host) => self.exact.get_or_insert(host, next),
            HostPattern::Subdomains(parent) => self.subdomains.get_or_insert(parent, next),
        };
        if at == next {
            self.values.push(T::default());
        }
        at
    }
}

impl<T> HostIndex<T> {
    /// The places of the patterns that match `host`: exact before wildcard, longer wildcard first, then any (8.1).
    #[inline]
    pub(crate) fn matching(&self, host: &[u8]) -> impl Iterator<Item = usize> {
        self.exact.get(host).into_iter().chain(self.above(host))
    }

    /// The places of the wildcards that match `host`, longest first, then any.
    fn above(&self, host: &[u8]) -> impl Iterator<Item = usize> {
        let dots = host.iter().enumerate().filter(|(_, byte)| **byte == b'.').map(|(at, _)| at);
        // A host that begins with a dot has an empty label there, which a wildcard does not match.
        dots.filter(|&dot| dot != 0).filter_map(|dot| self.subdomains.get(host.get(dot + 1..)?)).chain(self.any)
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
        // What is below a host fits the wildcards above it, and the wildcard of the host is its own.
        let hosts = self.exact.by_host.iter().chain(&self.subdomains.by_host);
        let chains = hosts.map(|(host, at)| (*at, self.above(host.as_bytes()).collect()));
        chains.chain(self.any.map(|at| (at, Vec::new())))
    }

    /// Every value, at its place.
    pub(crate) fn values(&self) -> &[T] {
        &self.values
    }

    /// Every value, in the order of the places.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.values.iter_mut()
    }
}

/// Places by host.
#[derive(Clone, Debug)]
struct Places {
    seed: Seed,
    by_host: HashTable<(Box<str>, usize)>,
    /// The lengths of the hosts, as a set of bits: what is of another length needs no look-up. Most parents of a host are.
    lengths: [u64; MAX_HOST.div_ceil(64)],
}

impl Places {
    fn new() -> Self {
        Self { seed: Seed::random(), by_host: HashTable::new(), lengths: Default::default() }
    }

    #[inline]
    fn get(&self, host: &[u8]) -> Option<usize> {
        let lengths = self.lengths.get(host.len() / 64)?;
        if lengths >> (host.len() % 64) & 1 == 0 {
            return None;
        }
        self.by_host.find(self.seed.hash(host), |(other, _)| other.as_bytes() == host).map(|(_, at)| *at)
    }

    fn get_or_insert(&mut self, host: &str, next: usize) -> usize {
        if let Some(at) = self.get(host.as_bytes()) {
            return at;
        }
        // No pattern is longer than the longest host.
        self.lengths[host.len() / 64] |= 1 << (host.len() % 64);
        let seed = self.seed;
        let hash = seed.hash(host.as_bytes());
        self.by_host.insert_unique(hash, (host.into(), next), |(other, _)| seed.hash(other.as_bytes()));
        next
    }
}
