//! The patterns that have a wildcard for their host, their port, or both. In: such patterns; an origin. Out: which pattern
//! allows it. Rules 3.2, 3.3, 3.8.

use super::{Origin, OriginPattern, pattern::PortPattern};
use crate::host::{HostIndex, Places};

/// Wildcards arranged for look-up: first their hosts, then scheme and port at each host that matches.
#[derive(Clone, Debug)]
pub(super) struct Wildcards {
    hosts: HostIndex<()>,
    patterns: Vec<(Key, usize)>,
    by_key: Places,
}

/// What a wildcard is found by, once its host is.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Key {
    /// The place in the index of hosts.
    host: usize,
    /// `https`, or else `http`: no other scheme has wildcards (2.6).
    secure: bool,
    port: PortPattern,
}

impl Wildcards {
    pub(super) fn new() -> Self {
        Self { hosts: HostIndex::default(), patterns: Vec::new(), by_key: Places::with_capacity(0) }
    }

    /// Adds the pattern with the index `at`, or tells the earlier one that means the same.
    pub(super) fn add(&mut self, at: usize, pattern: &OriginPattern) -> Option<usize> {
        let host = self.hosts.insert(&pattern.host);
        let key = Key { host, secure: pattern.scheme == "https", port: pattern.port };
        let earlier = self.get(key);
        if earlier.is_none() {
            let patterns = &self.patterns;
            self.by_key.insert(&key.bytes(), patterns.len(), &|seed, other| seed.hash(&patterns[other].0.bytes()));
            self.patterns.push((key, at));
        }
        earlier
    }

    /// 3.2, 3.3: the host itself (any port), its parents (one or more labels to the left), any host.
    pub(super) fn find(&self, origin: &Origin<'_>) -> Option<usize> {
        let secure = origin.is_secure()?;
        let ports = [PortPattern::Only(origin.port()), PortPattern::Any];
        self.hosts
            .matching(origin.host_bytes())
            .find_map(|host| ports.into_iter().find_map(|port| self.get(Key { host, secure, port })))
    }

    fn get(&self, key: Key) -> Option<usize> {
        let at = self.by_key.find(&key.bytes(), |at| self.patterns[at].0 == key)?;
        Some(self.patterns[at].1)
    }
}

impl Key {
    /// The key as a number, of which each has its own.
    fn bytes(self) -> [u8; 8] {
        let port = match self.port {
            PortPattern::Any => 0x1_0000,
            PortPattern::Only(port) => u64::from(port.unwrap_or(0)),
        };
        ((self.host as u64) << 18 | u64::from(self.secure) << 17 | port).to_le_bytes()
    }
}
