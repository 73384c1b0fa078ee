//! Finds every violation and every lint of a policy in one pass, and keeps what it parsed on the way.
//! Rules 2.4 to 2.14 of `docs/semantics.md`.
//!
//! Every program carries this file, and most never refuse a policy, so what is wrong is put together out of line.

use std::borrow::Cow;

use super::{Compiler, Profile, suggest, values::seconds};
use crate::{
    finding::{Lint, LintKind, Violation, ViolationKind, Violations},
    headers,
    host::Places,
    origin::{OriginPattern, OriginSet},
    policy::{CorsPolicy, FieldPath, PolicyField, list::ANY},
};

/// The most origins, or header names, of a policy.
pub(crate) const CRD_MAX_ENTRIES: usize = 64;
const CRD_MAX_ORIGIN: usize = 253;
const CRD_MAX_HEADER_NAME: usize = 256;
pub(crate) const CRD_MAX_AGE: std::ops::RangeInclusive<u64> = 1..=i32::MAX as u64;

/// No browser remembers a preflight for longer, in seconds: Firefox's cap; Chromium's is 7200.
const MAX_AGE_OF_BROWSERS: u64 = 86_400;

/// What checking leaves for compiling.
pub(super) struct Checked {
    pub(super) any_origin: bool,
    pub(super) origins: OriginSet,
    pub(super) lints: Vec<Lint>,
}

/// Checks a policy.
pub(super) fn check(policy: &CorsPolicy, has_function: bool, compiler: &Compiler) -> Result<Checked, Violations> {
    let mut check = Check { compiler, policy, has_function, violations: Vec::new(), lints: Vec::new() };
    let (any_origin, origins) = check.origins(policy.allow_origins.as_deref().unwrap_or_default());
    check.methods(policy.allow_methods.as_deref().unwrap_or_default());
    check.names(PolicyField::AllowHeaders, policy.allow_headers.as_deref().unwrap_or_default());
    check.names(PolicyField::ExposeHeaders, policy.expose_headers.as_deref().unwrap_or_default());
    check.max_age();
    Violations::check(check.violations)?;
    Ok(Checked { any_origin, origins, lints: check.lints })
}

struct Check<'a> {
    compiler: &'a Compiler,
    policy: &'a CorsPolicy,
    /// 2.19: whether the policy has a function.
    has_function: bool,
    violations: Vec<Violation>,
    lints: Vec<Lint>,
}

/// An entry of a list: where it stands, and what it says.
#[derive(Clone, Copy)]
struct Entry<'a> {
    list: &'a FieldPath,
    at: usize,
    text: &'a str,
}

/// What is known of a whole list when its entries are checked.
struct Entries {
    /// For each entry, whether an earlier one is the same.
    are_repeated: Vec<bool>,
    has_others: bool,
}

impl Check<'_> {
    fn origins(&mut self, origins: &[String]) -> (bool, OriginSet) {
        let path = self.path(PolicyField::AllowOrigins);
        let list = self.check_list(&path, origins, Some(CRD_MAX_ENTRIES));
        let origins = self.judged(origins);
        let mut patterns = Vec::with_capacity(origins.len());
        let mut any_origin = false;
        for entry in entries(&path, origins) {
            self.check_entry(entry, &list);
            if entry.text == ANY {
                any_origin = true;
                self.any_origin(entry);
                continue;
            }
            match OriginPattern::parse(entry.text) {
                Ok(pattern) => {
                    self.origin_pattern(entry, &pattern);
                    patterns.push(pattern);
                }
                Err(kind) => {
                    let kind = suggest::kind_of_origin(entry.text, kind);
                    let suggestion = suggest::origin(entry.text, &kind);
                    self.refuse(entry, kind, suggestion);
                }
            }
        }
        // A `*` stands alone, so a list with one has no patterns that count.
        let listed = if patterns.len() == origins.len() { origins } else { &[] };
        let (set, doubles) = OriginSet::new(listed, patterns.get(..listed.len()).unwrap_or_default());
        for (later, earlier) in doubles {
            if origins[later] != origins[earlier] {
                self.lint(Entry { list: &path, at: later, text: &origins[later] }, LintKind::SameAsEarlier);
            }
        }
        if origins.is_empty() && !self.has_function {
            self.lints.push(Lint::new(path, LintKind::NoOrigin));
        }
        (any_origin, set)
    }

    fn origin_pattern(&mut self, entry: Entry<'_>, pattern: &OriginPattern) {
        if self.compiler.crd_limits {
            if entry.text.len() > CRD_MAX_ORIGIN {
                self.violate(entry, ViolationKind::TooLong { limit: CRD_MAX_ORIGIN });
            }
            if !pattern.has_web_scheme() {
                self.refuse(entry, ViolationKind::OriginOtherScheme, suggest::web_origin(pattern));
            } else if is_beyond_crd(entry.text, pattern) {
                self.lint(entry, LintKind::OriginBeyondCrd);
            }
        }
        let web_origin = if pattern.has_web_scheme() { None } else { suggest::web_origin(pattern) };
        if web_origin.is_some() {
            self.lint_with(entry, LintKind::SchemeOfNoPage, web_origin);
        }
        if pattern.has_trailing_slash() {
            self.lint(entry, LintKind::TrailingSlash);
        }
        if pattern.is_any_host() {
            self.any_origin(entry);
        } else if self.is_credentialed() && pattern.scheme() == "http" && !is_loopback(pattern) {
            self.lint(entry, LintKind::CredentialsOverHttp);
        }
        if pattern.is_subdomains() && pattern.host().is_some_and(|host| self.is_public_suffix(host)) {
            self.lint(entry, LintKind::WildcardUnderPublicSuffix);
        }
    }

    /// Whether strangers can register names directly under `host`.
    fn is_public_suffix(&self, host: &str) -> bool {
        // Nobody can under these (RFC 6761, 6762, 8375; ICANN's resolution on `internal`; `lan` by custom).
        const PRIVATE: [&str; 6] = ["home.arpa", "internal", "lan", "local", "localhost", "test"];
        let is_known = || !host.contains('.') || self.compiler.is_public_suffix.is_some_and(|is_known| is_known(host));
        !PRIVATE.contains(&host) && is_known()
    }

    /// 2.13: any origin together with credentials.
    fn any_origin(&mut self, entry: Entry<'_>) {
        if !self.is_credentialed() {
            return;
        }
        match self.compiler.profile {
            Profile::Strict if !self.compiler.any_origin_with_credentials => {
                self.violate(entry, ViolationKind::AnyOriginWithCredentials);
            }
            _ => self.lint(entry, LintKind::AnyOriginWithCredentials),
        }
    }

    fn methods(&mut self, methods: &[String]) {
        let path = self.path(PolicyField::AllowMethods);
        let list = self.check_list(&path, methods, None);
        let methods = self.judged(methods);
        for entry in entries(&path, methods) {
            self.check_entry(entry, &list);
            let method = entry.text;
            if method == ANY {
                continue;
            }
            let is_known = headers::METHODS.contains(&method);
            let is_miswritten = !is_known && headers::one_of(method, &headers::METHODS);
            let kind = match method {
                "" => Some(ViolationKind::Empty),
                _ if method.trim_ascii().bytes().any(|byte| b",; ".contains(&byte)) => {
                    Some(ViolationKind::ListInOneEntry)
                }
                _ if !headers::is_token(method.as_bytes()) => Some(ViolationKind::Method),
                _ if self.compiler.crd_limits && !is_known => Some(ViolationKind::MethodNotInCrd),
                _ => None,
            };
            if let Some(kind) = kind {
                let meant = if kind == ViolationKind::ListInOneEntry { None } else { suggest::method(method) };
                self.refuse(entry, kind, meant);
            } else if headers::is_forbidden_method(method) {
                self.lint(entry, LintKind::ForbiddenMethod);
            } else if is_miswritten {
                self.lint(entry, LintKind::LowercaseMethod);
            } else if let Some(meant) = (!is_known).then(|| suggest::method(method)).flatten() {
                self.lint_with(entry, LintKind::MisspeltMethod, Some(meant));
            }
        }
    }

    fn names(&mut self, field: PolicyField, names: &[String]) {
        let path = self.path(field);
        let list = self.check_list(&path, names, Some(CRD_MAX_ENTRIES));
        let names = self.judged(names);
        let repeated = repeated(names, Case::Ignored);
        for entry in entries(&path, names) {
            self.check_entry(entry, &list);
            let name = entry.text;
            if name == ANY {
                continue;
            }
            let kind = match name {
                "" => Some(ViolationKind::Empty),
                _ if name.bytes().any(|byte| b",;".contains(&byte)) => Some(ViolationKind::ListInOneEntry),
                _ if !headers::is_token(name.as_bytes()) => Some(ViolationKind::HeaderName),
                _ if self.compiler.crd_limits && name.len() > CRD_MAX_HEADER_NAME => {
                    Some(ViolationKind::TooLong { limit: CRD_MAX_HEADER_NAME })
                }
                _ => None,
            };
            if let Some(kind) = kind {
                self.refuse(entry, kind, suggest::header_name(name));
                continue;
            }
            // One that is written alike is a violation already, and lints do not count then.
            if repeated[entry.at] {
                self.lint(entry, LintKind::SameAsEarlier);
            }
            if name.contains('*') {
                self.lint(entry, LintKind::LiteralWildcard);
            } else if field == PolicyField::AllowHeaders && headers::is_forbidden_request_header(name) {
                self.lint(entry, LintKind::ForbiddenRequestHeader);
            } else if field == PolicyField::AllowHeaders && headers::is_only_in_responses(name) {
                self.lint(entry, LintKind::ResponseHeader);
            } else if field == PolicyField::ExposeHeaders && headers::is_forbidden_response_header(name) {
                self.lint(entry, LintKind::ForbiddenResponseHeader);
            }
        }
    }

    fn max_age(&mut self) {
        let Some(age) = self.policy.max_age else { return };
        let is_out_of_range = self.compiler.crd_limits && !CRD_MAX_AGE.contains(&age);
        if !is_out_of_range && age <= MAX_AGE_OF_BROWSERS {
            return;
        }
        let (path, value) = (self.path(PolicyField::MaxAge), seconds(age));
        if is_out_of_range {
            self.violations.push(Violation::new(path, ViolationKind::MaxAgeRange).with_value(value));
        } else {
            self.lints.push(Lint::new(path, LintKind::MaxAgeBeyondBrowsers).with_value(value));
        }
    }

    /// What holds for every list: its length, and what [`check_entry`](Self::check_entry) has to know.
    fn check_list(&mut self, path: &FieldPath, list: &[String], crd_limit: Option<usize>) -> Entries {
        let exceeded = crd_limit.filter(|limit| self.compiler.crd_limits && list.len() > *limit);
        if let Some(limit) = exceeded {
            self.violations.push(Violation::new(path.clone(), ViolationKind::TooManyEntries { limit }));
        }
        // A second `*` is only written twice.
        let has_others = list.iter().any(|entry| entry != ANY) || self.has_function(path);
        Entries { are_repeated: repeated(list, Case::Counts), has_others }
    }

    /// The entries that are judged one by one: of a list that is over the CRD's limit those up to it. There are fewer methods
    /// than that which are one of the CRD's and not written twice.
    fn judged<'e>(&self, list: &'e [String]) -> &'e [String] {
        let limit = if self.compiler.crd_limits { CRD_MAX_ENTRIES } else { list.len() };
        list.get(..limit).unwrap_or(list)
    }

    /// What holds for every entry: not written twice, and a `*` alone.
    fn check_entry(&mut self, entry: Entry<'_>, list: &Entries) {
        if list.are_repeated[entry.at] {
            // 2.11: the CRD's lists are sets.
            self.violate(entry, ViolationKind::Duplicate);
        } else if entry.text == ANY && list.has_others {
            self.violate(entry, ViolationKind::WildcardNotAlone);
        }
    }

    /// 2.19: a function is an entry of `allowOrigins` as well, so that no `*` stands beside it.
    fn has_function(&self, path: &FieldPath) -> bool {
        self.has_function && *path == self.path(PolicyField::AllowOrigins)
    }

    fn is_credentialed(&self) -> bool {
        self.policy.allow_credentials == Some(true)
    }

    fn path(&self, field: PolicyField) -> FieldPath {
        self.compiler.path.field(field)
    }

    fn violate(&mut self, entry: Entry<'_>, kind: ViolationKind) {
        self.refuse(entry, kind, None);
    }

    #[cold]
    #[inline(never)]
    fn refuse(&mut self, entry: Entry<'_>, kind: ViolationKind, suggestion: Option<String>) {
        let mut violation = Violation::new(entry.list.index(entry.at), kind).with_suggestion(suggestion);
        // An empty value needs no showing.
        if !entry.text.is_empty() {
            violation = violation.with_value(entry.text);
        }
        self.violations.push(violation);
    }

    #[cold]
    #[inline(never)]
    fn lint(&mut self, entry: Entry<'_>, kind: LintKind) {
        self.lint_with(entry, kind, None);
    }

    #[cold]
    #[inline(never)]
    fn lint_with(&mut self, entry: Entry<'_>, kind: LintKind, meant: Option<String>) {
        let lint = Lint::new(entry.list.index(entry.at), kind).with_value(entry.text);
        self.lints.push(lint.with_suggestion(meant));
    }
}

fn entries<'a>(list: &'a FieldPath, texts: &'a [String]) -> impl Iterator<Item = Entry<'a>> {
    texts.iter().enumerate().map(move |(at, text)| Entry { list, at, text })
}

#[derive(Clone, Copy, PartialEq)]
enum Case {
    Counts,
    Ignored,
}

/// For each text, whether an earlier one is the same.
#[inline(never)]
fn repeated(texts: &[String], case: Case) -> Vec<bool> {
    /// Up to here comparing each with those before it costs less than hashing, and copies nothing.
    const SHORT: usize = 8;
    if texts.len() <= SHORT {
        let is_same = |one: &str, other: &str| match case {
            Case::Counts => one == other,
            Case::Ignored => one.eq_ignore_ascii_case(other),
        };
        let is_repeated = |(at, text): (usize, &String)| texts[..at].iter().any(|earlier| is_same(earlier, text));
        return texts.iter().enumerate().map(is_repeated).collect();
    }
    let key =
        |text| if case == Case::Ignored { Cow::Owned(str::to_ascii_lowercase(text)) } else { Cow::Borrowed(text) };
    let keys = texts.iter().map(String::as_str).map(key).collect::<Vec<_>>();
    let mut seen = Places::with_capacity(keys.len());
    let is_repeated = |(at, key): (usize, &Cow<'_, str>)| {
        let is_seen = seen.find(key.as_bytes(), |earlier| keys[earlier] == *key).is_some();
        if !is_seen {
            seen.insert(key.as_bytes(), at, &|seed, earlier| seed.hash(keys[earlier].as_bytes()));
        }
        is_seen
    };
    keys.iter().enumerate().map(is_repeated).collect()
}

/// Whether an origin that 2.4 admits lies outside the CRD's pattern; a trailing `/` has a lint of its own.
fn is_beyond_crd(text: &str, pattern: &OriginPattern) -> bool {
    let has_lower_case_scheme = text.starts_with(pattern.scheme());
    !has_lower_case_scheme || pattern.is_any_port() || pattern.host().is_some_and(|host| host.contains(['[', '_']))
}

/// Whether the pattern stays on the visitor's own machine, where `http` is as good as `https`.
fn is_loopback(pattern: &OriginPattern) -> bool {
    pattern.host().is_some_and(|host| {
        host == "localhost"
            || host.ends_with(".localhost")
            || host == "[::1]"
            || host.parse().is_ok_and(|address: std::net::Ipv4Addr| address.is_loopback())
    })
}
