//! Finds every violation and every lint of a policy in one pass, and keeps what it parsed on the way.
//! Rules 2.4 to 2.14 of `docs/semantics.md`.

use std::collections::HashMap;

use super::{Compiler, Profile, suggest};
use crate::{
    headers,
    lint::{Lint, LintKind},
    origin::{OriginPattern, OriginSet, PatternError},
    policy::{CorsPolicy, FieldPath, PolicyField},
    violation::{Violation, ViolationKind, Violations},
};

const CRD_MAX_ENTRIES: usize = 64;
const CRD_MAX_ORIGIN: usize = 253;
const CRD_MAX_HEADER_NAME: usize = 256;
const CRD_MAX_AGE: std::ops::RangeInclusive<u64> = 1..=i32::MAX as u64;
const CRD_METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

/// No browser remembers a preflight for longer, in seconds: Firefox's cap; Chromium's is 7200.
const MAX_AGE_OF_BROWSERS: u64 = 86_400;

/// What checking leaves for compiling.
pub(super) struct Checked {
    pub(super) any_origin: bool,
    pub(super) origins: OriginSet,
    pub(super) lints: Vec<Lint>,
}

/// Checks a policy.
pub(super) fn check(policy: &CorsPolicy, compiler: &Compiler) -> Result<Checked, Violations> {
    let mut check = Check { compiler, policy, violations: Vec::new(), lints: Vec::new() };
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
    violations: Vec<Violation>,
    lints: Vec<Lint>,
}

impl Check<'_> {
    fn origins(&mut self, origins: &[String]) -> (bool, OriginSet) {
        let path = self.path(PolicyField::AllowOrigins);
        self.check_list(&path, origins, Some(CRD_MAX_ENTRIES));
        if origins.is_empty() {
            self.lints.push(Lint::new(path.clone(), LintKind::NoOrigin));
        }
        let mut patterns = Vec::with_capacity(origins.len());
        let mut any_origin = false;
        for (at, text) in origins.iter().enumerate() {
            if text == "*" {
                any_origin = true;
                self.any_origin(&path.index(at), text);
                continue;
            }
            match OriginPattern::parse(text) {
                Ok(pattern) => {
                    self.origin_pattern(|| path.index(at), text, &pattern);
                    patterns.push(pattern);
                }
                Err(error) => {
                    let kind = origin_violation(text, error);
                    let suggestion = suggest::origin(text, &kind);
                    self.refuse(path.index(at), kind, text, suggestion);
                }
            }
        }
        // A `*` stands alone, so a list with one has no patterns that count.
        let complete = patterns.len() == origins.len();
        let (set, doubles) = if complete { OriginSet::new(origins, &patterns) } else { OriginSet::new(&[], &[]) };
        for (later, earlier) in doubles {
            if origins[later] != origins[earlier] {
                self.lint(path.index(later), LintKind::SameAsEarlier, &origins[later]);
            }
        }
        (any_origin, set)
    }

    fn origin_pattern(&mut self, path: impl Fn() -> FieldPath, text: &str, pattern: &OriginPattern) {
        if self.compiler.crd_limits {
            if text.len() > CRD_MAX_ORIGIN {
                self.violate(path(), ViolationKind::TooLong { limit: CRD_MAX_ORIGIN }, text);
            }
            if !pattern.has_web_scheme() {
                self.violate(path(), ViolationKind::OriginOtherScheme, text);
            } else if is_beyond_crd(text, pattern) {
                self.lint(path(), LintKind::OriginBeyondCrd, text);
            }
        }
        if pattern.has_trailing_slash() {
            self.lint(path(), LintKind::TrailingSlash, text);
        }
        if pattern.is_any_host() {
            self.any_origin(&path(), text);
        } else if self.is_credentialed() && pattern.scheme() == "http" && !is_loopback(pattern) {
            self.lint(path(), LintKind::CredentialsOverHttp, text);
        }
        if pattern.is_subdomains() && pattern.host().is_some_and(is_public_suffix) {
            self.lint(path(), LintKind::WildcardUnderPublicSuffix, text);
        }
    }

    /// 2.13: any origin together with credentials.
    fn any_origin(&mut self, path: &FieldPath, text: &str) {
        if !self.is_credentialed() {
            return;
        }
        match self.compiler.profile {
            Profile::Strict if !self.compiler.any_origin_with_credentials => {
                self.violate(path.clone(), ViolationKind::AnyOriginWithCredentials, text);
            }
            _ => self.lint(path.clone(), LintKind::AnyOriginWithCredentials, text),
        }
    }

    fn methods(&mut self, methods: &[String]) {
        let path = self.path(PolicyField::AllowMethods);
        self.check_list(&path, methods, None);
        for (at, method) in methods.iter().enumerate().filter(|(_, method)| *method != "*") {
            let upper = method.to_ascii_uppercase();
            let is_miswritten = upper != *method && CRD_METHODS.contains(&upper.as_str());
            let kind = match method.as_str() {
                "" => Some(ViolationKind::Empty),
                _ if method.contains([',', ';', ' ']) => Some(ViolationKind::ListInOneEntry),
                _ if !headers::is_token(method.as_bytes()) => Some(ViolationKind::Method),
                _ if self.compiler.crd_limits && !CRD_METHODS.contains(&method.as_str()) => {
                    Some(ViolationKind::MethodNotInCrd)
                }
                _ => None,
            };
            if let Some(kind) = kind {
                let suggestion = is_miswritten.then_some(upper);
                self.refuse(path.index(at), kind, method, suggestion);
            } else if headers::is_forbidden_method(method) {
                self.lint(path.index(at), LintKind::ForbiddenMethod, method);
            } else if is_miswritten {
                self.lint(path.index(at), LintKind::LowercaseMethod, method);
            }
        }
    }

    fn names(&mut self, field: PolicyField, names: &[String]) {
        let path = self.path(field);
        self.check_list(&path, names, Some(CRD_MAX_ENTRIES));
        let lower = names.iter().map(|name| name.to_ascii_lowercase()).collect::<Vec<_>>();
        let mut seen = HashMap::with_capacity(names.len());
        for (at, name) in names.iter().enumerate().filter(|(_, name)| *name != "*") {
            let kind = match name.as_str() {
                "" => Some(ViolationKind::Empty),
                _ if name.contains([',', ';']) => Some(ViolationKind::ListInOneEntry),
                _ if !headers::is_token(name.as_bytes()) => Some(ViolationKind::HeaderName),
                _ if self.compiler.crd_limits && name.len() > CRD_MAX_HEADER_NAME => {
                    Some(ViolationKind::TooLong { limit: CRD_MAX_HEADER_NAME })
                }
                _ => None,
            };
            if let Some(kind) = kind {
                let suggestion = suggest::header_name(name);
                self.refuse(path.index(at), kind, name, suggestion);
                continue;
            }
            // One that is written alike is a violation already, and lints do not count then.
            if seen.insert(lower[at].as_str(), at).is_some() {
                self.lint(path.index(at), LintKind::SameAsEarlier, name);
            }
            if field == PolicyField::AllowHeaders && headers::is_forbidden_request_header(name) {
                self.lint(path.index(at), LintKind::ForbiddenRequestHeader, name);
            } else if field == PolicyField::ExposeHeaders && headers::is_forbidden_response_header(name) {
                self.lint(path.index(at), LintKind::ForbiddenResponseHeader, name);
            }
        }
    }

    fn max_age(&mut self) {
        let Some(age) = self.policy.max_age else { return };
        let path = self.path(PolicyField::MaxAge);
        if self.compiler.crd_limits && !CRD_MAX_AGE.contains(&age) {
            self.violate(path, ViolationKind::MaxAgeRange, &age.to_string());
        } else if age > MAX_AGE_OF_BROWSERS {
            self.lint(path, LintKind::MaxAgeBeyondBrowsers, &age.to_string());
        }
    }

    /// What holds for every list: its length, `*` alone, no entry twice.
    fn check_list(&mut self, path: &FieldPath, entries: &[String], crd_limit: Option<usize>) {
        if let Some(limit) = crd_limit
            && self.compiler.crd_limits
            && entries.len() > limit
        {
            self.violations.push(Violation::new(path.clone(), ViolationKind::TooManyEntries { limit }));
        }
        let mut seen = HashMap::with_capacity(entries.len());
        for (at, entry) in entries.iter().enumerate() {
            if seen.insert(entry.as_str(), at).is_some() {
                // 2.11: the CRD's lists are sets.
                self.violate(path.index(at), ViolationKind::Duplicate, entry);
            } else if entry == "*" && entries.len() > 1 {
                self.violate(path.index(at), ViolationKind::WildcardNotAlone, entry);
            }
        }
    }

    fn is_credentialed(&self) -> bool {
        self.policy.allow_credentials == Some(true)
    }

    fn path(&self, field: PolicyField) -> FieldPath {
        self.compiler.path.field(field)
    }

    fn violate(&mut self, path: FieldPath, kind: ViolationKind, value: &str) {
        self.refuse(path, kind, value, None);
    }

    #[cold]
    fn refuse(&mut self, path: FieldPath, kind: ViolationKind, value: &str, suggestion: Option<String>) {
        self.violations.push(Violation::new(path, kind).with_value(value).with_suggestion(suggestion));
    }

    #[cold]
    fn lint(&mut self, path: FieldPath, kind: LintKind, value: &str) {
        self.lints.push(Lint::new(path, kind).with_value(value));
    }
}

#[cold]
fn origin_violation(text: &str, error: PatternError) -> ViolationKind {
    if suggest::is_regular_expression(text) {
        return ViolationKind::OriginRegularExpression;
    }
    match error {
        PatternError::Empty => ViolationKind::Empty,
        PatternError::Null => ViolationKind::OriginNull,
        PatternError::NotAscii => ViolationKind::OriginNotAscii,
        PatternError::Whitespace => ViolationKind::OriginWhitespace,
        PatternError::List => ViolationKind::ListInOneEntry,
        PatternError::MissingScheme => ViolationKind::OriginScheme,
        PatternError::InvalidScheme => ViolationKind::OriginInvalidScheme,
        PatternError::OpaqueScheme => ViolationKind::OriginOpaqueScheme,
        PatternError::UserInfo => ViolationKind::OriginUserInfo,
        PatternError::Path => ViolationKind::OriginPath,
        PatternError::Query => ViolationKind::OriginQuery,
        PatternError::EmptyHost => ViolationKind::OriginHost,
        PatternError::EmptyLabel => ViolationKind::OriginEmptyLabel,
        PatternError::TooLong => ViolationKind::OriginHostTooLong,
        PatternError::InvalidHost => ViolationKind::OriginHostCharacter,
        PatternError::InvalidIpv4 => ViolationKind::OriginIpv4,
        PatternError::InvalidIpv6 => ViolationKind::OriginIpv6,
        PatternError::InvalidPort => ViolationKind::OriginPort,
        PatternError::MisplacedWildcard => ViolationKind::OriginWildcard,
        PatternError::WildcardScheme => ViolationKind::OriginWildcardScheme,
    }
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

/// Whether strangers can register names directly under `host`.
///
/// Without the feature `psl` only top-level domains are known: a host of one label other than `localhost`.
fn is_public_suffix(host: &str) -> bool {
    if !host.contains('.') {
        return host != "localhost";
    }
    #[cfg(feature = "psl")]
    return psl::suffix(host.as_bytes()).is_some_and(|suffix| suffix.is_known() && suffix == host);
    #[cfg(not(feature = "psl"))]
    false
}
