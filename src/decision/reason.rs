//! Why a decision is as it is: one word a case, for people, logs and metrics.

use std::fmt;

/// Why a request was decided as it was.
///
/// Its `Display` is a sentence, [`code`](Self::code) a stable label for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// No policy applies, or CORS is disabled (5.7).
    NoPolicy,
    /// The request has no `Origin`, so it is not a CORS request.
    NoOrigin,
    /// The policy allows the origin.
    OriginAllowed,
    /// The policy allows the origin, but the preflight announced more header names than are echoed (4.9).
    TooManyHeaders,
    /// A function of the policy allows the origin, which its list does not (2.19).
    AllowedByFunction,
    /// No pattern of the policy allows the origin.
    OriginNotAllowed,
    /// No pattern of the policy allows the origin, and its function does not either (2.19).
    NotAllowedByFunction,
    /// No pattern of the policy allows the origin, and its function failed: by an error, or by a panic (2.19).
    FunctionFailed,
    /// The origin is not one that a browser sends, so no pattern can allow it (3.4).
    MalformedOrigin,
    /// The origin is `null`: a sandboxed frame, a local file, or a redirect between origins (3.7).
    NullOrigin,
    /// The request has several `Origin` lines (3.5).
    SeveralOrigins,
    /// The policy allows the origin, but not the method that a preflight announces, so the browser blocks the request.
    MethodNotAllowed,
    /// The policy allows the origin and the method, but not every header name that a preflight announces, so the
    /// browser blocks the request.
    HeaderNotAllowed,
    /// The policy has `*`, but a preflight announces a method or a header name that no `*` covers: one that is no
    /// token, or that is itself `*` (4.7, 4.8).
    NotCoveredByWildcard,
    /// The request needed a preflight, and the policy of the rule that it reaches does not allow it: the consent came
    /// from another rule, or there was none (8.3).
    NoConsent,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 15] = [
        Self::NoPolicy,
        Self::NoOrigin,
        Self::OriginAllowed,
        Self::TooManyHeaders,
        Self::AllowedByFunction,
        Self::OriginNotAllowed,
        Self::NotAllowedByFunction,
        Self::FunctionFailed,
        Self::MalformedOrigin,
        Self::NullOrigin,
        Self::SeveralOrigins,
        Self::MethodNotAllowed,
        Self::HeaderNotAllowed,
        Self::NotCoveredByWildcard,
        Self::NoConsent,
    ];

    /// A stable label, such as `origin-not-allowed`.
    pub fn code(self) -> &'static str {
        match self {
            Self::NoPolicy => "no-policy",
            Self::NoOrigin => "no-origin",
            Self::OriginAllowed => "origin-allowed",
            Self::TooManyHeaders => "too-many-headers",
            Self::AllowedByFunction => "allowed-by-function",
            Self::OriginNotAllowed => "origin-not-allowed",
            Self::NotAllowedByFunction => "not-allowed-by-function",
            Self::FunctionFailed => "function-failed",
            Self::MalformedOrigin => "malformed-origin",
            Self::NullOrigin => "null-origin",
            Self::SeveralOrigins => "several-origins",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::HeaderNotAllowed => "header-not-allowed",
            Self::NotCoveredByWildcard => "not-covered-by-wildcard",
            Self::NoConsent => "no-consent",
        }
    }

    /// Whether the policy refuses the origin.
    pub fn is_denial(self) -> bool {
        matches!(
            self,
            Self::OriginNotAllowed
                | Self::NotAllowedByFunction
                | Self::FunctionFailed
                | Self::MalformedOrigin
                | Self::NullOrigin
                | Self::SeveralOrigins
        )
    }

    /// Whether a browser blocks on account of this: the origin is refused, or what a preflight announces is.
    pub fn is_blocking(self) -> bool {
        let is_refused = matches!(
            self,
            Self::TooManyHeaders
                | Self::MethodNotAllowed
                | Self::HeaderNotAllowed
                | Self::NotCoveredByWildcard
                | Self::NoConsent
        );
        is_refused || self.is_denial()
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoPolicy => "no policy applies to the request",
            Self::NoOrigin => "the request has no Origin header, so it is not a CORS request",
            Self::OriginAllowed => "the policy allows the origin",
            Self::TooManyHeaders => {
                "the policy allows the origin, but the preflight announces more than 256 header names or 8 KiB of them"
            }
            Self::AllowedByFunction => "a function of the policy allows the origin",
            Self::OriginNotAllowed => "no pattern of the policy allows the origin",
            Self::NotAllowedByFunction => {
                "no pattern of the policy allows the origin, and its function does not either"
            }
            Self::FunctionFailed => "no pattern of the policy allows the origin, and its function failed",
            Self::MalformedOrigin => "the Origin header is not an origin as browsers write it",
            Self::NullOrigin => "the origin is null, which only a policy for any origin without credentials allows",
            Self::SeveralOrigins => "the request has several Origin headers",
            Self::MethodNotAllowed => "the policy allows the origin, but not the method",
            Self::HeaderNotAllowed => "the policy allows the origin, but not every header that the request has",
            Self::NotCoveredByWildcard => "the policy has *, but it does not cover what the request announces",
            Self::NoConsent => {
                "the request needed a preflight, and the policy of the rule that it reaches does not allow it"
            }
        })
    }
}
