//! The set that matches an origin against one to 100,000 patterns at the same cost. In: the patterns as written, and
//! the bytes of an `Origin` header. Out: which pattern allows it. Rules 3.1 to 3.4, 3.8.
//!
//! A browser writes an origin in one way only, so most requests are settled by one look-up of the raw bytes among the
//! exact patterns. Only what is not there is read as an origin, and then looked up once a label among the wildcards.

use super::{
    Origin, OriginPattern,
    host::MAX_HOST,
    index::{Index, Seed},
    pattern::{HostPattern, PortPattern},
};

/// `https://` + host + `:65535/`: no origin that a wildcard matches is longer.
const MAX_WEB_ORIGIN: usize = 8 + MAX_HOST + 7;

/// Patterns arranged for look-up. The policy keeps the text of the patterns and lends it to each call.
#[derive(Clone, Debug)]
pub(crate) struct OriginSet {
    seed: Seed,
    exact: Index,
    /// Whether each exact pattern is written as a browser writes it, so that comparing bytes is enough.
    canonical: bool,
    /// The longest `Origin` that can match: anything longer is refused before it is scanned.
    longest: usize,
    wildcards: Vec<Wildcard>,
    by_host: Index,
    /// The lengths of the hosts among the wildcards, as a set of bits: other suffixes of an origin need no look-up.
    lengths: [u64; 4],
}

#[derive(Clone, Debug)]
struct Wildcard {
    pattern: usize,
    /// `https`, or else `http`.
    secure: bool,
    host: Option<Box<str>>,
    subdomains: bool,
    port: PortPattern,
}

impl OriginSet {
    /// Arranges `patterns`, which stand at the same indices as the texts they were read from.
    ///
    /// The second value lists the patterns that mean the same as an earlier one, as (later, earlier).
    pub(crate) fn new(texts: &[String], patterns: &[OriginPattern]) -> (Self, Vec<(usize, usize)>) {
        let exact = patterns.iter().filter(|pattern| pattern.is_exact()).count();
        let mut set = Self {
            seed: Seed::random(),
            exact: Index::with_room_for(exact, patterns.len()),
            canonical: true,
            longest: MAX_WEB_ORIGIN,
            wildcards: Vec::with_capacity(patterns.len() - exact),
            by_host: Index::with_room_for(patterns.len() - exact, patterns.len()),
            lengths: [0; 4],
        };
        let mut doubles = Vec::new();
        for (at, pattern) in patterns.iter().enumerate() {
            let earlier =
                if pattern.is_exact() { set.add_exact(texts, at, pattern) } else { set.add_wildcard(at, pattern) };
            doubles.extend(earlier.map(|earlier| (at, earlier)));
        }
        (set, doubles)
    }

    fn add_exact(&mut self, texts: &[String], at: usize, pattern: &OriginPattern) -> Option<usize> {
        let canonical = pattern.to_string();
        self.canonical &= texts[at] == canonical;
        // One more byte for the trailing slash that is tolerated, six for a default port that is spelled out.
        self.longest = self.longest.max(canonical.len() + 7);
        let hash = self.seed.hash(EXACT, canonical.as_bytes());
        let earlier = self.exact.find(hash, |other| spells(&texts[other], canonical.as_bytes()));
        if earlier.is_none() {
            self.exact.insert(hash, at);
        }
        earlier
    }

    fn add_wildcard(&mut self, at: usize, pattern: &OriginPattern) -> Option<usize> {
        let wildcard = Wildcard {
            pattern: at,
            secure: pattern.scheme == "https",
            host: pattern.host().map(Into::into),
            subdomains: matches!(pattern.host, HostPattern::Subdomains(_)),
            port: pattern.port,
        };
        let key = wildcard.key();
        let earlier = self.find_wildcard(key);
        if earlier.is_none() {
            let length = key.host.len();
            self.lengths[length / 64] |= 1 << (length % 64);
            self.by_host.insert(self.hash_key(key), self.wildcards.len());
            self.wildcards.push(wildcard);
        }
        earlier
    }

    /// The index of the pattern that allows `origin`, the raw bytes of the header.
    #[inline]
    pub(crate) fn find(&self, texts: &[String], origin: &[u8]) -> Option<usize> {
        if origin.len() > self.longest {
            return None;
        }
        self.find_exact(texts, origin).or_else(|| self.find_parsed(texts, origin))
    }

    fn find_parsed(&self, texts: &[String], origin: &[u8]) -> Option<usize> {
        // Where no wildcard is waiting for it, only another spelling of an exact origin is worth reading: a trailing
        // slash, or a default port (`:80`, `:443`).
        let may_be_respelled = matches!(origin, [.., b'/' | b'0' | b'3']);
        if self.wildcards.is_empty() && !may_be_respelled {
            return None;
        }
        let parsed = Origin::parse(origin)?;
        // 3.1, 3.4: written with a default port or a trailing slash, so look up what it stands for.
        let respelled = parsed.as_bytes().len() != origin.len();
        let exact = if respelled { self.find_exact(texts, parsed.as_bytes()) } else { None };
        exact.or_else(|| self.find_by_host(&parsed))
    }

    #[inline]
    fn find_exact(&self, texts: &[String], origin: &[u8]) -> Option<usize> {
        let hash = self.seed.hash(EXACT, origin);
        if self.canonical {
            self.exact.find(hash, |at| texts[at].as_bytes() == origin)
        } else {
            self.exact.find(hash, |at| spells(&texts[at], origin))
        }
    }

    /// 3.2, 3.3: the host itself (any port), its parents (one or more labels to the left), any host.
    fn find_by_host(&self, origin: &Origin<'_>) -> Option<usize> {
        if self.wildcards.is_empty() {
            return None;
        }
        let secure = origin.is_secure()?;
        let key = |host, subdomains| Key { secure, host, subdomains, port: PortPattern::Only(origin.port()) };
        let host = origin.host_bytes();
        let dots = host.iter().enumerate().filter(|(_, byte)| **byte == b'.').map(|(at, _)| at);
        let parents = dots.map(|dot| key(&host[dot + 1..], true));
        std::iter::once(key(host, false))
            .chain(parents)
            .chain(std::iter::once(key(b"", true)))
            .filter(|key| self.lengths[key.host.len() / 64] & 1 << (key.host.len() % 64) != 0)
            .find_map(|key| {
                self.find_wildcard(key).or_else(|| self.find_wildcard(Key { port: PortPattern::Any, ..key }))
            })
    }

    fn find_wildcard(&self, key: Key<'_>) -> Option<usize> {
        let at = self.by_host.find(self.hash_key(key), |at| self.wildcards[at].key() == key)?;
        Some(self.wildcards[at].pattern)
    }

    #[inline(never)]
    fn hash_key(&self, key: Key<'_>) -> u64 {
        let port = match key.port {
            PortPattern::Any => 0x1_0000,
            PortPattern::Only(port) => u64::from(port.unwrap_or(0)),
        };
        self.seed.hash(WILDCARD | port << 2 | u64::from(key.secure) << 1 | u64::from(key.subdomains), key.host)
    }
}

/// The salts that keep exact patterns and wildcards apart.
const EXACT: u64 = 0;
const WILDCARD: u64 = 1 << 32;

/// What a wildcard is found by; any host is the subdomains of nothing.
#[derive(Clone, Copy, PartialEq)]
struct Key<'a> {
    secure: bool,
    host: &'a [u8],
    subdomains: bool,
    port: PortPattern,
}

impl Wildcard {
    fn key(&self) -> Key<'_> {
        let host = self.host.as_deref();
        Key {
            secure: self.secure,
            host: host.unwrap_or_default().as_bytes(),
            subdomains: self.subdomains || host.is_none(),
            port: self.port,
        }
    }
}

/// Whether an exact pattern, as written in the policy, means the canonical origin `origin`.
fn spells(written: &str, origin: &[u8]) -> bool {
    // No short cut for equal bytes: a pattern in upper case is not what an upper-case Origin header may match (3.4).
    let written = written.strip_suffix('/').unwrap_or(written);
    // Two schemes that differ make two texts that differ, whatever is cut from one.
    let default_port = match origin {
        [b'h', b't', b't', b'p', b's', b':', ..] => ":443",
        [b'h', b't', b't', b'p', b':', ..] => ":80",
        _ => "",
    };
    let written = written.strip_suffix(default_port).unwrap_or(written);
    // `origin` is compared as it is: an upper-case Origin header must not match.
    written.len() == origin.len() && written.bytes().map(|byte| byte.to_ascii_lowercase()).eq(origin.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hashes of two origins can be equal, so the comparison alone decides.
    #[test]
    fn a_pattern_spells_one_origin_and_no_other() {
        let rows = [
            ("https://a.example", "https://a.example", true),
            ("HTTPS://A.example:443/", "https://a.example", true),
            ("http://a.example:80", "http://a.example", true),
            ("https://a.example:80", "https://a.example:80", true),
            ("app://a.example:80", "app://a.example:80", true),
            ("app://a.example:80", "app://a.example", false),
            ("app://a.example:443", "app://a.example", false),
            ("https://a.example:80", "https://a.example", false),
            ("http://a.example:443", "http://a.example", false),
            ("https://a.example", "https://b.example", false),
            ("https://a.example", "http://a.example", false),
            ("https://a.example", "https://a.example/", false),
            ("https://A.example", "https://A.example", false),
            ("https://a.example", "https://a.exampl", false),
        ];
        for (written, origin, expected) in rows {
            assert_eq!(spells(written, origin.as_bytes()), expected, "{written} {origin}");
        }
    }
}
