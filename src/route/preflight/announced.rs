//! The header names that a preflight announces, read once for all the candidates that it may have. In: the
//! `Access-Control-Request-Headers` lines. Out: whether a name is among them, and whether a policy allows them all, in
//! a time that does not multiply with the number of candidates. Rules 4.9, 8.2.

use std::{cell::Cell, ops::Range};

use http::HeaderName;

use crate::{compile::CompiledPolicy, headers, request::CorsRequest};

/// The announced names: in lower case, sorted, each once.
#[derive(Debug, Default)]
pub(in crate::route) struct Announced {
    text: Vec<u8>,
    names: Vec<Range<usize>>,
    /// Whether a policy can allow them at all: the list is within the limits of 4.9, and each element is a name.
    is_allowable: bool,
    /// The name that the last policy did not allow. Policies beside one another mostly lack the same one.
    last_refused: Cell<usize>,
}

impl Announced {
    /// Reads the names. A list over the limits of 4.9 announces none.
    pub(in crate::route) fn of(preflight: &CorsRequest<'_>) -> Self {
        let bytes = preflight.announced_bytes();
        if bytes > headers::MAX_LIST_BYTES {
            return Self::default();
        }
        let mut announced = Self { text: Vec::with_capacity(bytes), is_allowable: true, ..Self::default() };
        for (count, name) in preflight.announced_headers().enumerate() {
            if count == headers::MAX_LIST_NAMES {
                return Self::default();
            }
            announced.push(name);
        }
        let Self { text, names, .. } = &mut announced;
        let text_of = |range: &Range<usize>| text.get(range.clone()).unwrap_or_default();
        names.sort_unstable_by(|one, two| text_of(one).cmp(text_of(two)));
        names.dedup_by(|one, two| text_of(one) == text_of(two));
        announced
    }

    fn push(&mut self, name: &[u8]) {
        // What is no token, and `*` itself, is never echoed, so no policy allows it (4.8).
        self.is_allowable &= headers::is_token(name) && name != b"*";
        let start = self.text.len();
        self.text.extend(name.iter().map(u8::to_ascii_lowercase));
        self.names.push(start..self.text.len());
    }

    /// Whether `name` is announced.
    pub(in crate::route) fn contains(&self, name: &HeaderName) -> bool {
        self.names.binary_search_by(|range| self.bytes(range).cmp(name.as_str().as_bytes())).is_ok()
    }

    /// Whether `policy` allows every announced name.
    pub(in crate::route) fn are_allowed_by(&self, policy: &CompiledPolicy) -> bool {
        if !self.is_allowable {
            return false;
        }
        let Some(limit) = policy.listed_header_count() else { return true };
        let is_allowed =
            |range: &Range<usize>| std::str::from_utf8(self.bytes(range)).is_ok_and(|name| policy.allows_header(name));
        // A list of fewer names can't have them all, and the name that was refused last is the likely one.
        if self.names.len() > limit || self.names.get(self.last_refused.get()).is_some_and(|name| !is_allowed(name)) {
            return false;
        }
        match self.names.iter().position(|name| !is_allowed(name)) {
            Some(refused) => {
                self.last_refused.set(refused);
                false
            }
            None => true,
        }
    }

    fn bytes(&self, range: &Range<usize>) -> &[u8] {
        self.text.get(range.clone()).unwrap_or_default()
    }
}
