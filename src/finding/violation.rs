//! What makes a policy invalid: kinds, codes, and the one text of each. Rules 2.2 to 2.13 say what is a violation.

use thiserror::Error;

use super::{Errors, Finding, Kind, Lint, LintKind, Severity};
use crate::{headers, host::HostError};

/// One thing that is wrong with a policy.
pub type Violation = Finding<ViolationKind>;

/// Everything that is wrong with a policy, at least one thing, in the order of the fields.
pub type Violations = Errors<Violation>;

impl Violations {
    /// `Ok` where no lint is as severe as `severity`, or more.
    pub(crate) fn of_lints(lints: &[Lint], severity: Severity) -> Result<(), Self> {
        let denied = lints.iter().filter(|lint| lint.severity() >= severity);
        Self::check(denied.map(|lint| lint.clone().map(|lint| ViolationKind::DeniedLint { lint })).collect())
    }
}

/// What can be wrong with a policy. As an error of its own, it is what [`OriginPattern::parse`] answers.
///
/// [`OriginPattern::parse`]: crate::origin::OriginPattern::parse
#[derive(Clone, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum ViolationKind {
    /// An entry is empty.
    #[error("is empty")]
    Empty,
    /// The origin `null` (2.7).
    #[error("can't be allowed: every sandboxed frame and local file sends it")]
    OriginNull,
    /// An origin outside ASCII (2.7).
    #[error("is not ASCII; use Punycode")]
    OriginNotAscii,
    /// White space, or a character that is invisible, in an origin.
    #[error("has white space, or a character that is invisible")]
    OriginWhitespace,
    /// Several origins, methods or names in one string.
    #[error("is a list in one string; make each element an entry of its own")]
    ListInOneEntry,
    /// A regular expression in the place of an origin.
    #[error("is a regular expression; the only wildcard is *")]
    OriginRegularExpression,
    /// No scheme.
    #[error("has no scheme")]
    OriginScheme,
    /// A word such as `any` in the place of an origin.
    #[error("is a word, not an origin")]
    OriginWord,
    /// A word for the server's own origin, which needs no permission.
    #[error("names the server's own origin, whose pages need no permission; remove it")]
    OriginSelf,
    /// What a template was to be filled in for.
    #[error("is a template that nobody has filled in; apply what it renders, or write the origin")]
    OriginTemplate,
    /// A scheme that no URL can have.
    #[error("does not begin with a scheme such as https://")]
    OriginInvalidScheme,
    /// A scheme whose pages send `null` (2.7).
    #[error("can't be allowed: pages of this scheme send the origin null")]
    OriginOpaqueScheme,
    /// A scheme other than `http` and `https`, where a manifest must not name one (2.6).
    #[error("has a scheme other than http and https, which a manifest can't allow")]
    OriginOtherScheme,
    /// User info (2.7).
    #[error("an origin has no user name and no password")]
    OriginUserInfo,
    /// A path (2.7).
    #[error("an origin has no path")]
    OriginPath,
    /// A query or a fragment (2.7).
    #[error("an origin has no query and no fragment")]
    OriginQuery,
    /// What is wrong with a host (2.4, 2.7).
    #[error(transparent)]
    Host(#[from] HostError),
    /// A port out of range (2.4).
    #[error("a port is a number from 1 to 65535 without leading zeros, or *")]
    OriginPort,
    /// A wildcard in an origin that is neither `http` nor `https` (2.6).
    #[error("a wildcard needs the scheme http or https")]
    OriginWildcardScheme,
    /// Not a token (2.8).
    #[error("is not a method")]
    Method,
    /// Not one of the CRD's nine methods (2.12).
    #[error("is not one of {} and *", headers::METHODS.join(", "))]
    MethodNotInCrd,
    /// Not a token (2.9).
    #[error("is not a header name")]
    HeaderName,
    /// `*` beside other entries (2.4, 2.8, 2.9).
    #[error("stands beside other entries; it stands alone or not at all")]
    WildcardNotAlone,
    /// An entry written twice (2.11).
    #[error("is written twice")]
    Duplicate,
    /// More entries than the CRD permits (2.12).
    #[error("has more than {limit} entries")]
    TooManyEntries {
        /// The most entries permitted.
        limit: usize,
    },
    /// An entry longer than the CRD permits, in bytes (2.12).
    #[error("is longer than {limit} bytes")]
    TooLong {
        /// The most bytes permitted.
        limit: usize,
    },
    /// A max-age outside the CRD's range, in seconds (2.12).
    #[error("is not a number of seconds from 1 to 2147483647")]
    MaxAgeRange,
    /// Any origin together with credentials, under [`Profile::Strict`](crate::Profile::Strict) (2.13).
    #[error("{}", LintKind::AnyOriginWithCredentials)]
    AnyOriginWithCredentials,
    /// What is only a lint by itself, where lints of its severity are denied.
    #[error("{lint}")]
    DeniedLint {
        /// What was found.
        lint: LintKind,
    },
}

impl Kind for ViolationKind {
    fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::OriginNull => "origin-null",
            Self::OriginNotAscii => "origin-not-ascii",
            Self::OriginWhitespace => "origin-whitespace",
            Self::ListInOneEntry => "list-in-one-entry",
            Self::OriginRegularExpression => "origin-regular-expression",
            Self::OriginScheme => "origin-scheme",
            Self::OriginWord => "origin-word",
            Self::OriginSelf => "origin-self",
            Self::OriginTemplate => "origin-template",
            Self::OriginInvalidScheme => "origin-invalid-scheme",
            Self::OriginOpaqueScheme => "origin-opaque-scheme",
            Self::OriginOtherScheme => "origin-other-scheme",
            Self::OriginUserInfo => "origin-user-info",
            Self::OriginPath => "origin-path",
            Self::OriginQuery => "origin-query",
            Self::Host(HostError::Empty) => "origin-host",
            Self::Host(HostError::EmptyLabel | HostError::LeadingDot | HostError::TrailingDot) => "origin-empty-label",
            Self::Host(HostError::TooLong) => "origin-host-too-long",
            Self::Host(HostError::Character | HostError::HostnameCharacter) => "origin-host-character",
            Self::Host(HostError::Ipv4) => "origin-ipv4",
            Self::Host(HostError::Ipv6) => "origin-ipv6",
            Self::OriginPort => "origin-port",
            Self::Host(HostError::Wildcard) => "origin-wildcard",
            Self::OriginWildcardScheme => "origin-wildcard-scheme",
            Self::Method => "method",
            Self::MethodNotInCrd => "method-not-in-crd",
            Self::HeaderName => "header-name",
            Self::WildcardNotAlone => "wildcard-not-alone",
            Self::Duplicate => "duplicate",
            Self::TooManyEntries { .. } => "too-many-entries",
            Self::TooLong { .. } => "too-long",
            Self::MaxAgeRange => "max-age-range",
            Self::AnyOriginWithCredentials => "any-origin-with-credentials",
            Self::DeniedLint { .. } => "denied-lint",
        }
    }

    fn severity(&self) -> Severity {
        Severity::Error
    }

    fn around_suggestion(&self) -> (&'static str, &'static str) {
        match self {
            // As an order where it is sure, as a question where it is a guess.
            Self::OriginScheme => ("; write \"", "\""),
            _ => ("; did you mean \"", "\"?"),
        }
    }
}
