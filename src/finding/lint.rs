//! What is allowed but probably not meant: kinds, codes, severities, and the one text of each. A lint is no error.
//! Rules 2.5, 2.11, 2.12, 2.14 say what is one.

use thiserror::Error;

use super::{Finding, Kind, Severity};

/// Something in a valid policy that is probably not meant.
pub type Lint = Finding<LintKind>;

/// What a lint can be about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum LintKind {
    /// Any origin together with credentials, where the profile or the caller accepts it (2.13).
    #[error("lets every site act and read with its visitors' credentials; list the origins, or drop credentials")]
    AnyOriginWithCredentials,
    /// Credentials with an `http://` origin that is not loopback.
    #[error("lets whoever controls the network read with credentials, since http can be tampered with; use https")]
    CredentialsOverHttp,
    /// A wildcard directly under a public suffix.
    #[error("admits sites of strangers: anybody can register a name there")]
    WildcardUnderPublicSuffix,
    /// A trailing `/` (2.5).
    #[error("has a trailing slash that no browser sends; it is ignored")]
    TrailingSlash,
    /// An origin, method or name that means the same as an earlier one (2.11).
    #[error("means the same as an earlier entry")]
    SameAsEarlier,
    /// An origin that the grammar admits and the CRD's own pattern does not (2.12).
    #[error("is accepted here, but the pattern of the Gateway API's CRD refuses it")]
    OriginBeyondCrd,
    /// A scheme that no page's origin has, as `wss` and a mistyped `htps`.
    #[error("has a scheme that no origin of a page has")]
    SchemeOfNoPage,
    /// A method that is nearly a known one.
    #[error("is no known method")]
    MisspeltMethod,
    /// A name with a `*` in it, which is a character like any other there.
    #[error("has a * that stands for nothing but itself; list the names, or write * alone")]
    LiteralWildcard,
    /// A method that browsers never let a script use.
    #[error("is a method that browsers never let a script use")]
    ForbiddenMethod,
    /// A method in lower case that browsers send in upper case only.
    #[error("is not in upper case, as browsers send it, and the case counts; write it in upper case")]
    LowercaseMethod,
    /// A request header that browsers never let a script set.
    #[error("is a header that browsers never let a script set")]
    ForbiddenRequestHeader,
    /// A header that only responses have, among those of requests.
    #[error(
        "is a header of responses, and allowHeaders lists those of requests; remove it, or move it to exposeHeaders"
    )]
    ResponseHeader,
    /// A response header that no script ever sees.
    #[error("is a header that browsers never show to a script")]
    ForbiddenResponseHeader,
    /// A max-age beyond what any browser honours.
    #[error("is longer than any browser remembers a preflight (86400 seconds)")]
    MaxAgeBeyondBrowsers,
    /// The policy allows no origin.
    #[error("allows no origin, so no script of another origin reads a response")]
    NoOrigin,
}

impl Kind for LintKind {
    fn code(&self) -> &'static str {
        match self {
            Self::AnyOriginWithCredentials => "any-origin-with-credentials",
            Self::CredentialsOverHttp => "credentials-over-http",
            Self::WildcardUnderPublicSuffix => "wildcard-under-public-suffix",
            Self::TrailingSlash => "trailing-slash",
            Self::SameAsEarlier => "same-as-earlier",
            Self::OriginBeyondCrd => "origin-beyond-crd",
            Self::SchemeOfNoPage => "scheme-of-no-page",
            Self::MisspeltMethod => "misspelt-method",
            Self::LiteralWildcard => "literal-wildcard",
            Self::ForbiddenMethod => "forbidden-method",
            Self::LowercaseMethod => "lowercase-method",
            Self::ForbiddenRequestHeader => "forbidden-request-header",
            Self::ResponseHeader => "response-header",
            Self::ForbiddenResponseHeader => "forbidden-response-header",
            Self::MaxAgeBeyondBrowsers => "max-age-beyond-browsers",
            Self::NoOrigin => "no-origin",
        }
    }

    fn severity(&self) -> Severity {
        match self {
            // 2.13: the highest there is.
            Self::AnyOriginWithCredentials => Severity::Critical,
            Self::CredentialsOverHttp
            | Self::WildcardUnderPublicSuffix
            | Self::SchemeOfNoPage
            | Self::MisspeltMethod
            | Self::LiteralWildcard
            | Self::LowercaseMethod
            | Self::ForbiddenRequestHeader
            | Self::ResponseHeader
            | Self::ForbiddenResponseHeader
            | Self::NoOrigin => Severity::Warning,
            Self::TrailingSlash
            | Self::SameAsEarlier
            | Self::OriginBeyondCrd
            | Self::ForbiddenMethod
            | Self::MaxAgeBeyondBrowsers => Severity::Info,
        }
    }
}
