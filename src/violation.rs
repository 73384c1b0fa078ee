//! What makes a policy invalid: kinds, codes, and the one text of each. The texts are the product; tests pin them.
//! Rules 2.2 to 2.13 say what is a violation, and `compile` finds them.

#[cfg(feature = "manifest")]
mod excerpt;

#[cfg(feature = "manifest")]
pub use excerpt::Excerpt;

use std::{borrow::Cow, fmt};

use crate::{
    lint::{Lint, LintKind, Severity},
    policy::{FieldPath, Position},
    shown::{Shown, write_lines},
};

/// One thing that is wrong with a policy or a manifest.
///
/// Its `Display` names the place, the value and the way out:
/// `allowOrigins[1]: "*.example.com" has no scheme; write "https://*.example.com"`. With `{:#}` the line of the file
/// follows, for what comes from one. No message is longer than 4 KiB, and none has a control character of the value's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    path: FieldPath,
    value: Option<String>,
    suggestion: Option<String>,
    kind: ViolationKind,
    position: Option<Position>,
    #[cfg(feature = "manifest")]
    excerpt: Option<Excerpt>,
}

impl Violation {
    /// A violation at `path`.
    pub(crate) fn new(path: FieldPath, kind: ViolationKind) -> Self {
        Self {
            path,
            value: None,
            suggestion: None,
            kind,
            position: None,
            #[cfg(feature = "manifest")]
            excerpt: None,
        }
    }

    /// Adds the value that was found.
    pub(crate) fn with_value(mut self, value: impl Into<String>) -> Self {
        self.value = Some(value.into());
        self
    }

    /// Adds the value that was probably meant.
    pub(crate) fn with_suggestion(mut self, suggestion: Option<String>) -> Self {
        self.suggestion = suggestion;
        self
    }

    /// Adds where in a file it was found.
    #[cfg(feature = "manifest")]
    pub(crate) fn with_position(mut self, position: Position) -> Self {
        self.position = Some(position);
        self
    }

    /// Adds the line of the file that it is about.
    #[cfg(feature = "manifest")]
    pub(crate) fn with_excerpt(mut self, excerpt: Option<Excerpt>) -> Self {
        self.excerpt = excerpt;
        self
    }

    /// The field, such as `spec.cors.allowOrigins[1]`.
    pub fn path(&self) -> &FieldPath {
        &self.path
    }

    /// The value that was found, where the field has one.
    pub fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }

    /// The value that was probably meant, where there is one.
    pub fn suggestion(&self) -> Option<&str> {
        self.suggestion.as_deref()
    }

    /// Where in a file it was found, for what comes from one.
    pub fn position(&self) -> Option<&Position> {
        self.position.as_ref()
    }

    /// The line of that file.
    #[cfg(feature = "manifest")]
    pub fn excerpt(&self) -> Option<&Excerpt> {
        self.excerpt.as_ref()
    }

    /// What is wrong.
    pub fn kind(&self) -> &ViolationKind {
        &self.kind
    }

    /// The stable code of [`kind`](Self::kind), such as `origin-path`.
    pub fn code(&self) -> &'static str {
        self.kind.code()
    }
}

/// What can be wrong. Every kind has a stable [`code`](Self::code).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ViolationKind {
    /// An entry is empty.
    Empty,
    /// The origin `null` (2.7).
    OriginNull,
    /// An origin outside ASCII (2.7).
    OriginNotAscii,
    /// White space, or a character that is invisible, in an origin.
    OriginWhitespace,
    /// Several origins, methods or names in one string.
    ListInOneEntry,
    /// A regular expression in the place of an origin.
    OriginRegularExpression,
    /// No scheme.
    OriginScheme,
    /// A scheme that no URL can have.
    OriginInvalidScheme,
    /// A scheme whose pages send `null` (2.7).
    OriginOpaqueScheme,
    /// A scheme other than `http` and `https`, where a manifest must not name one (2.6).
    OriginOtherScheme,
    /// User info (2.7).
    OriginUserInfo,
    /// A path (2.7).
    OriginPath,
    /// A query or a fragment (2.7).
    OriginQuery,
    /// No host.
    OriginHost,
    /// An empty label (2.7).
    OriginEmptyLabel,
    /// A label or host longer than the DNS permits.
    OriginHostTooLong,
    /// A character that no host has.
    OriginHostCharacter,
    /// A number at the end of the host that makes no IPv4 address (2.4).
    OriginIpv4,
    /// No IPv6 address in compressed form (2.4).
    OriginIpv6,
    /// A port out of range (2.4).
    OriginPort,
    /// A misplaced `*` (2.7).
    OriginWildcard,
    /// A wildcard in an origin that is neither `http` nor `https` (2.6).
    OriginWildcardScheme,
    /// Not a token (2.8).
    Method,
    /// Not one of the CRD's nine methods (2.12).
    MethodNotInCrd,
    /// Not a token (2.9).
    HeaderName,
    /// `*` beside other entries (2.4, 2.8, 2.9).
    WildcardNotAlone,
    /// An entry written twice (2.11).
    Duplicate,
    /// More entries than the CRD permits (2.12).
    TooManyEntries {
        /// The most entries permitted.
        limit: usize,
    },
    /// An entry longer than the CRD permits, in bytes (2.12).
    TooLong {
        /// The most bytes permitted.
        limit: usize,
    },
    /// A max-age outside the CRD's range, in seconds (2.12).
    MaxAgeRange,
    /// Any origin together with credentials, under [`Profile::Strict`](crate::Profile::Strict) (2.13).
    AnyOriginWithCredentials,
    /// What is only a lint by itself, where lints of its severity are denied.
    DeniedLint {
        /// What was found.
        lint: LintKind,
    },
    /// A field that the resource does not have (2.1).
    UnknownField,
    /// A value of another type than the field's.
    WrongType {
        /// What the field holds, such as `a list of strings`.
        expected: &'static str,
    },
    /// A value that the CRD requires and that is missing.
    Missing,
    /// A filter that a rule may have once.
    RepeatedFilter,
    /// A field of a filter whose type is another one.
    FilterType {
        /// The type that the field belongs to.
        belongs_to: &'static str,
    },
    /// A field or filter that rules another one out.
    NotTogether {
        /// What it can't stand beside.
        with: &'static str,
    },
    /// A value outside the CRD's grammar for the field.
    InvalidValue {
        /// What the field holds, such as `a port from 1 to 65535`.
        expected: &'static str,
    },
}

impl ViolationKind {
    /// The stable code, such as `origin-path`, for status conditions and filters.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::OriginNull => "origin-null",
            Self::OriginNotAscii => "origin-not-ascii",
            Self::OriginWhitespace => "origin-whitespace",
            Self::ListInOneEntry => "list-in-one-entry",
            Self::OriginRegularExpression => "origin-regular-expression",
            Self::OriginScheme => "origin-scheme",
            Self::OriginInvalidScheme => "origin-invalid-scheme",
            Self::OriginOpaqueScheme => "origin-opaque-scheme",
            Self::OriginOtherScheme => "origin-other-scheme",
            Self::OriginUserInfo => "origin-user-info",
            Self::OriginPath => "origin-path",
            Self::OriginQuery => "origin-query",
            Self::OriginHost => "origin-host",
            Self::OriginEmptyLabel => "origin-empty-label",
            Self::OriginHostTooLong => "origin-host-too-long",
            Self::OriginHostCharacter => "origin-host-character",
            Self::OriginIpv4 => "origin-ipv4",
            Self::OriginIpv6 => "origin-ipv6",
            Self::OriginPort => "origin-port",
            Self::OriginWildcard => "origin-wildcard",
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
            Self::UnknownField => "unknown-field",
            Self::WrongType { .. } => "wrong-type",
            Self::Missing => "missing",
            Self::RepeatedFilter => "repeated-filter",
            Self::FilterType { .. } => "filter-type",
            Self::NotTogether { .. } => "not-together",
            Self::InvalidValue { .. } => "invalid-value",
        }
    }

    /// The sentence. One that begins with a verb has the value for its subject.
    fn sentence(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Empty => "is empty",
            Self::OriginNull => "can't be allowed: every sandboxed frame and local file sends it",
            Self::OriginNotAscii => "is not ASCII; use Punycode",
            Self::OriginWhitespace => "has white space, or a character that is invisible",
            Self::ListInOneEntry => "is a list in one string; make each element an entry of its own",
            Self::OriginRegularExpression => "is a regular expression; the only wildcard is *",
            Self::OriginScheme => "has no scheme",
            Self::OriginInvalidScheme => "does not begin with a scheme such as https://",
            Self::OriginOpaqueScheme => "can't be allowed: pages of this scheme send the origin null",
            Self::OriginOtherScheme => "has a scheme other than http and https, which a manifest can't allow",
            Self::OriginUserInfo => ": an origin has no user name and no password",
            Self::OriginPath => ": an origin has no path",
            Self::OriginQuery => ": an origin has no query and no fragment",
            Self::OriginHost => "has no host",
            Self::OriginEmptyLabel => "has two dots in a row, or one at an end",
            Self::OriginHostTooLong => "is too long: a host has at most 253 bytes, and 63 between two dots",
            Self::OriginHostCharacter => ": a host has letters, digits, - and _ between its dots, and nothing else",
            Self::OriginIpv4 => "ends in a number but is not an IPv4 address such as 192.0.2.1",
            Self::OriginIpv6 => ": an IPv6 address stands in brackets and in its shortest form, such as [2001:db8::1]",
            Self::OriginPort => ": a port is a number from 1 to 65535 without leading zeros, or *",
            Self::OriginWildcard => {
                ": a * stands at the start of a host, as in *.example.com, for the whole host, or for the port"
            }
            Self::OriginWildcardScheme => ": a wildcard needs the scheme http or https",
            Self::Method => "is not a method",
            Self::MethodNotInCrd => "is not one of GET, HEAD, POST, PUT, DELETE, CONNECT, OPTIONS, TRACE, PATCH and *",
            Self::HeaderName => "is not a header name",
            Self::WildcardNotAlone => "stands beside other entries; it stands alone or not at all",
            Self::Duplicate => "is written twice",
            Self::TooManyEntries { limit } => return format!("has more than {limit} entries").into(),
            Self::TooLong { limit } => return format!("is longer than {limit} bytes").into(),
            Self::MaxAgeRange => "is not a number of seconds from 1 to 2147483647",
            Self::AnyOriginWithCredentials => {
                "lets every site act and read with its visitors' credentials; list the origins, or drop credentials"
            }
            Self::DeniedLint { lint } => return lint.sentence(),
            Self::UnknownField => "is not a field of this resource",
            Self::WrongType { expected } | Self::InvalidValue { expected } => {
                return format!("is not {expected}").into();
            }
            Self::FilterType { belongs_to } => return format!("belongs to a filter of type {belongs_to}").into(),
            Self::NotTogether { with } => return format!("can't be used together with {with}").into(),
            Self::Missing => "is missing",
            Self::RepeatedFilter => "is a second filter of a type that may stand here once",
        })
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(position) = &self.position {
            write!(f, "{}:{}:{}: ", Shown(position.file()), position.line(), position.column())?;
        }
        // An empty value needs no showing.
        let value = self.value.as_ref().filter(|_| !matches!(self.kind, ViolationKind::Empty));
        let mut separator = "";
        if !self.path.as_str().is_empty() {
            Shown(self.path.as_str()).fmt(f)?;
            separator = if value.is_some() { ": " } else { " " };
        }
        if let Some(value) = value {
            write!(f, "{separator}\"{}\"", Shown(value))?;
            separator = " ";
        }
        let sentence = self.kind.sentence();
        f.write_str(if sentence.starts_with(": ") { "" } else { separator })?;
        f.write_str(&sentence)?;
        if let Some(suggestion) = &self.suggestion {
            let (before, after) = match self.kind {
                // The sentence has said what to write.
                ViolationKind::OriginNotAscii => (": \"", "\""),
                // As an order where it is sure, as a question where it is a guess.
                ViolationKind::OriginScheme => ("; write \"", "\""),
                // A number, a truth or a list is written without quotes.
                ViolationKind::WrongType { .. } => ("; did you mean ", "?"),
                _ => ("; did you mean \"", "\"?"),
            };
            write!(f, "{before}{}{after}", Shown(suggestion))?;
        }
        #[cfg(feature = "manifest")]
        if f.alternate()
            && let Some(excerpt) = &self.excerpt
        {
            write!(f, "\n{excerpt}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Violation {}

/// Everything that is wrong with a policy or a manifest, at least one thing, in the order of the fields.
///
/// Its `Display` has a line for each violation, up to 4 KiB in all; then it says how many more there are. So has its
/// `Debug`: a program that ends by `unwrap` or by an error from `main` says what to write as well.
#[derive(Clone, PartialEq, Eq)]
pub struct Violations(Vec<Violation>);

impl Violations {
    /// `Ok` where there is nothing wrong.
    pub(crate) fn check(violations: Vec<Violation>) -> Result<(), Self> {
        if violations.is_empty() { Ok(()) } else { Err(Self(violations)) }
    }

    /// `Ok` where no lint is as severe as `severity`, or more.
    pub(crate) fn of_lints(lints: &[Lint], severity: Severity) -> Result<(), Self> {
        let denied = lints.iter().filter(|lint| lint.severity() >= severity);
        let violations = denied.map(|lint| {
            let kind = ViolationKind::DeniedLint { lint: lint.kind().clone() };
            let value = lint.value().map(str::to_owned);
            Violation { value, ..Violation::new(lint.path().clone(), kind) }
        });
        Self::check(violations.collect())
    }

    /// The violations, one by one.
    pub fn iter(&self) -> std::slice::Iter<'_, Violation> {
        self.0.iter()
    }
}

/// A single one.
impl From<Violation> for Violations {
    fn from(violation: Violation) -> Self {
        Self(vec![violation])
    }
}

impl<'a> IntoIterator for &'a Violations {
    type Item = &'a Violation;
    type IntoIter = std::slice::Iter<'a, Violation>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Violations {
    type Item = Violation;
    type IntoIter = std::vec::IntoIter<Violation>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_lines(f, &self.0)
    }
}

/// For people, like `Display`: the text of a panic is what many of them see.
impl fmt::Debug for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Violations {}
