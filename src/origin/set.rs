//! The set that matches an origin against one to 100,000 patterns at the same cost. In: the patterns as written, and
//! the bytes of an `Origin` header. Out: which pattern allows it. Rules 3.1 to 3.4, 3.8.
//!
//! A browser writes an origin in one way only, so most requests are settled by one look-up of the raw bytes among the
//! exact patterns. Only what is not there is read as an origin, and then looked up once a label among the wildcards.

use super::{Origin, OriginPattern, wildcards::Wildcards};
use crate::host::{MAX_HOST, Places};

/// `https://` + host + `:65535/`: no origin that a wildcard matches is longer.
const MAX_WEB_ORIGIN: usize = 8 + MAX_HOST + 7;

/// Patterns arranged for look-up. The policy keeps the text of the patterns and lends it to each call.
#[derive(Clone, Debug)]
pub(crate) struct OriginSet {
    /// The exact patterns, by their canonical text.
    exact: Places,
    /// The exact pattern, where there is only one, as in most policies: to compare it takes 70 instructions less than to look
    /// it up.
    only: Option<usize>,
    /// Whether each exact pattern is written as a browser writes it, so that comparing bytes is enough.
    canonical: bool,
    /// The longest `Origin` that can match: anything longer is refused before it is scanned.
    longest: usize,
    /// The other patterns. Most policies have none.
    wildcards: Option<Box<Wildcards>>,
}

impl OriginSet {
    /// Arranges `patterns`, which stand at the same indices as the texts they were read from.
    ///
    /// The second value lists the patterns that mean the same as an earlier one, as (later, earlier).
    pub(crate) fn new(texts: &[String], patterns: &[OriginPattern]) -> (Self, Vec<(usize, usize)>) {
        let exact = patterns.iter().filter(|pattern| pattern.is_exact()).count();
        let mut set = Self {
            exact: Places::with_capacity(exact),
            only: None,
            canonical: true,
            longest: MAX_WEB_ORIGIN,
            wildcards: None,
        };
        let mut doubles = Vec::new();
        for (at, pattern) in patterns.iter().enumerate() {
            let earlier = if pattern.is_exact() {
                set.add_exact(texts, patterns, at)
            } else {
                set.wildcards.get_or_insert_with(|| Box::new(Wildcards::new())).add(at, pattern)
            };
            doubles.extend(earlier.map(|earlier| (at, earlier)));
        }
        set.only = patterns.iter().position(OriginPattern::is_exact).filter(|_| exact == 1);
        (set, doubles)
    }

    fn add_exact(&mut self, texts: &[String], patterns: &[OriginPattern], at: usize) -> Option<usize> {
        let canonical = patterns[at].to_string();
        self.canonical &= texts[at] == canonical;
        // One more byte for the trailing slash that is tolerated, six for a default port that is spelled out.
        self.longest = self.longest.max(canonical.len() + 7);
        let earlier = self.exact.find(canonical.as_bytes(), |other| spells(&texts[other], canonical.as_bytes()));
        if earlier.is_none() {
            let text = |other: usize| patterns[other].to_string();
            self.exact.insert(canonical.as_bytes(), at, &|seed, other| seed.hash(text(other).as_bytes()));
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
        if self.wildcards.is_none() && !may_be_respelled {
            return None;
        }
        let parsed = Origin::parse(origin)?;
        // 3.1, 3.4: written with a default port or a trailing slash, so look up what it stands for.
        let respelled = parsed.as_bytes().len() != origin.len();
        let exact = if respelled { self.find_exact(texts, parsed.as_bytes()) } else { None };
        exact.or_else(|| self.wildcards.as_ref()?.find(&parsed))
    }

    #[inline]
    fn find_exact(&self, texts: &[String], origin: &[u8]) -> Option<usize> {
        match (self.canonical, self.only) {
            (true, Some(at)) => (texts[at].as_bytes() == origin).then_some(at),
            (true, None) => self.exact.find(origin, |at| texts[at].as_bytes() == origin),
            (false, _) => self.exact.find(origin, |at| spells(&texts[at], origin)),
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
            ("App://.", "app://.", true),
            ("app:///", "app://", true),
            ("app://", "app://.", false),
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
