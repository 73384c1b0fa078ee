//! What is allowed but probably not meant: kinds, codes, severities, and the one text of each. A lint is no error.
//! Rules 2.5, 2.11, 2.12, 2.14 say what is one, and `compile` finds them.

use std::{borrow::Cow, fmt};

use crate::{
    policy::{FieldPath, Position},
    shown::Shown,
};

/// How much a lint matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Severity {
    /// Untidy, or without effect.
    Info,
    /// Probably not what was meant.
    Warning,
    /// Opens a door that hardly anybody means to open.
    Critical,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        })
    }
}

/// Something in a valid policy that is probably not meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lint {
    path: FieldPath,
    value: Option<String>,
    kind: LintKind,
    position: Option<Position>,
}

impl Lint {
    /// A lint at `path`.
    pub(crate) fn new(path: FieldPath, kind: LintKind) -> Self {
        Self { path, value: None, kind, position: None }
    }

    /// Adds the value that was found.
    pub(crate) fn with_value(mut self, value: impl Into<String>) -> Self {
        self.value = Some(value.into());
        self
    }

    /// Adds where in a file it was found.
    #[cfg(feature = "manifest")]
    pub(crate) fn with_position(mut self, position: Position) -> Self {
        self.position = Some(position);
        self
    }

    /// The field, such as `allowOrigins[1]`.
    pub fn path(&self) -> &FieldPath {
        &self.path
    }

    /// The value that was found, where the field has one.
    pub fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }

    /// Where in a file it was found, for what comes from one.
    pub fn position(&self) -> Option<&Position> {
        self.position.as_ref()
    }

    /// What was found.
    pub fn kind(&self) -> &LintKind {
        &self.kind
    }

    /// The stable code of [`kind`](Self::kind), such as `any-origin-with-credentials`.
    pub fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// How much it matters.
    pub fn severity(&self) -> Severity {
        self.kind.severity()
    }
}

/// What a lint can be about. Every kind has a stable [`code`](Self::code) and a [`severity`](Self::severity).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LintKind {
    /// Any origin together with credentials, where the profile or the caller accepts it (2.13).
    AnyOriginWithCredentials,
    /// Credentials with an `http://` origin that is not loopback.
    CredentialsOverHttp,
    /// A wildcard directly under a public suffix.
    WildcardUnderPublicSuffix,
    /// A trailing `/` (2.5).
    TrailingSlash,
    /// An origin, method or name that means the same as an earlier one (2.11).
    SameAsEarlier,
    /// An origin that the grammar admits and the CRD's own pattern does not (2.12).
    OriginBeyondCrd,
    /// A method that browsers never let a script use.
    ForbiddenMethod,
    /// A method in lower case that browsers send in upper case only.
    LowercaseMethod,
    /// A request header that browsers never let a script set.
    ForbiddenRequestHeader,
    /// A response header that no script ever sees.
    ForbiddenResponseHeader,
    /// A max-age beyond what any browser honours.
    MaxAgeBeyondBrowsers,
    /// The policy allows no origin.
    NoOrigin,
    /// A rule that is chosen, or not, by headers that a preflight only announces (8.3).
    AmbiguousPreflight,
    /// Such a rule that has no policy, so that no request can be held to it (8.3).
    UnenforceableRule,
    /// A reference to an object that is not in the manifests.
    ReferenceNotFound {
        /// What names it, such as `HTTPRoute web/api`.
        by: String,
    },
    /// A policy that an older one at the same place keeps from counting (7.2).
    LosesToOlder {
        /// The older one, such as `TrafficPolicy web/base`.
        winner: String,
        /// Where both stand, such as `HTTPRoute web/api`.
        place: String,
    },
    /// A policy with a `cors` field that applies to no route.
    AttachesToNothing {
        /// What it targets, such as `Gateway web/public`; empty where it targets nothing.
        target: String,
    },
    /// A rule whose settings are valid each by itself and make no valid policy together (7.10).
    InvalidWhole {
        /// What is wrong, with the settings it is about.
        reason: String,
    },
    /// A CORS filter of one of several backends, which counts only where the chosen backend is known (7.1).
    BackendFilter,
    /// An object with the kind, namespace and name of an earlier one, which it replaces.
    ReplacesEarlier,
    /// An object that is passed over, and is nearly one that is read.
    NotRead {
        /// What is read, such as `HTTPRoute of gateway.networking.k8s.io/v1`.
        meant: &'static str,
    },
}

impl LintKind {
    /// The stable code, such as `trailing-slash`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::AnyOriginWithCredentials => "any-origin-with-credentials",
            Self::CredentialsOverHttp => "credentials-over-http",
            Self::WildcardUnderPublicSuffix => "wildcard-under-public-suffix",
            Self::TrailingSlash => "trailing-slash",
            Self::SameAsEarlier => "same-as-earlier",
            Self::OriginBeyondCrd => "origin-beyond-crd",
            Self::ForbiddenMethod => "forbidden-method",
            Self::LowercaseMethod => "lowercase-method",
            Self::ForbiddenRequestHeader => "forbidden-request-header",
            Self::ForbiddenResponseHeader => "forbidden-response-header",
            Self::MaxAgeBeyondBrowsers => "max-age-beyond-browsers",
            Self::NoOrigin => "no-origin",
            Self::AmbiguousPreflight => "ambiguous-preflight",
            Self::UnenforceableRule => "unenforceable-rule",
            Self::ReferenceNotFound { .. } => "reference-not-found",
            Self::LosesToOlder { .. } => "loses-to-older",
            Self::AttachesToNothing { .. } => "attaches-to-nothing",
            Self::InvalidWhole { .. } => "invalid-whole",
            Self::BackendFilter => "backend-filter",
            Self::ReplacesEarlier => "replaces-earlier",
            Self::NotRead { .. } => "not-read",
        }
    }

    /// How much it matters.
    pub fn severity(&self) -> Severity {
        match self {
            // 2.13: the highest there is.
            Self::AnyOriginWithCredentials | Self::InvalidWhole { .. } => Severity::Critical,
            Self::CredentialsOverHttp
            | Self::WildcardUnderPublicSuffix
            | Self::LowercaseMethod
            | Self::ForbiddenRequestHeader
            | Self::ForbiddenResponseHeader
            | Self::NoOrigin
            | Self::UnenforceableRule
            | Self::ReferenceNotFound { .. }
            | Self::LosesToOlder { .. }
            | Self::AttachesToNothing { .. }
            | Self::BackendFilter
            | Self::ReplacesEarlier
            | Self::NotRead { .. } => Severity::Warning,
            Self::TrailingSlash
            | Self::AmbiguousPreflight
            | Self::SameAsEarlier
            | Self::OriginBeyondCrd
            | Self::ForbiddenMethod
            | Self::MaxAgeBeyondBrowsers => Severity::Info,
        }
    }

    pub(crate) fn sentence(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::AnyOriginWithCredentials => {
                "lets every site act and read with its visitors' credentials; list the origins, or drop credentials"
            }
            Self::CredentialsOverHttp => {
                "lets whoever controls the network read with credentials, since http can be tampered with; use https"
            }
            Self::WildcardUnderPublicSuffix => "admits sites of strangers: anybody can register a name there",
            Self::TrailingSlash => "has a trailing slash that no browser sends; it is ignored",
            Self::SameAsEarlier => "means the same as an earlier entry",
            Self::OriginBeyondCrd => "is accepted here, but the pattern of the Gateway API's CRD refuses it",
            Self::ForbiddenMethod => "is a method that browsers never let a script use",
            Self::LowercaseMethod => {
                "is not in upper case, as browsers send it, and the case counts; write it in upper case"
            }
            Self::ForbiddenRequestHeader => "is a header that browsers never let a script set",
            Self::ForbiddenResponseHeader => "is a header that browsers never show to a script",
            Self::MaxAgeBeyondBrowsers => "is longer than any browser remembers a preflight (86400 seconds)",
            Self::AmbiguousPreflight => {
                "is chosen by headers that a preflight only announces, so a request needs the consent of the policy that it \
                 really reaches"
            }
            Self::UnenforceableRule => {
                "has no policy, and another rule can answer the preflights of requests that reach it; give it a policy"
            }
            Self::ReferenceNotFound { by } => return format!("is not in the manifests; {} names it", Shown(by)).into(),
            Self::LosesToOlder { winner, place } => {
                return format!("has no effect at {}, where {} comes first", Shown(place), Shown(winner)).into();
            }
            Self::AttachesToNothing { target } if target.is_empty() => "has no target, and no route names it",
            Self::AttachesToNothing { target } => {
                return format!("applies to no route: none belongs to {}", Shown(target)).into();
            }
            Self::InvalidWhole { reason } => {
                return format!("is served without CORS, since its settings make no valid policy: {reason}").into();
            }
            Self::BackendFilter => {
                "counts only for requests whose chosen backend is known, since the rule has several backends"
            }
            Self::ReplacesEarlier => "is the name of an earlier object of this kind, which is left out",
            Self::NotRead { meant } => return format!("is not read; what is read is {meant}").into(),
            Self::NoOrigin => "allows no origin, so no script of another origin reads a response",
        })
    }
}

impl fmt::Display for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(position) = &self.position {
            write!(f, "{}:{}:{}: ", Shown(position.file()), position.line(), position.column())?;
        }
        write!(f, "{}", Shown(self.path.as_str()))?;
        if let Some(value) = &self.value {
            write!(f, ": \"{}\"", Shown(value))?;
        }
        write!(f, " {}", self.kind.sentence())
    }
}
