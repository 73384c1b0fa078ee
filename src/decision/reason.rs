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
    /// No pattern of the policy allows the origin; nor does one ever allow what is not a well-formed origin (3.4), which
    /// [`Origin::parse`](crate::origin::Origin::parse) tells.
    OriginNotAllowed,
    /// The origin is `null`: a sandboxed frame, a local file, or a redirect between origins (3.7).
    NullOrigin,
    /// The request has several `Origin` lines (3.5).
    SeveralOrigins,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 7] = [
        Self::NoPolicy,
        Self::NoOrigin,
        Self::OriginAllowed,
        Self::TooManyHeaders,
        Self::OriginNotAllowed,
        Self::NullOrigin,
        Self::SeveralOrigins,
    ];

    /// A stable label, such as `origin-not-allowed`.
    pub fn code(self) -> &'static str {
        match self {
            Self::NoPolicy => "no-policy",
            Self::NoOrigin => "no-origin",
            Self::OriginAllowed => "origin-allowed",
            Self::TooManyHeaders => "too-many-headers",
            Self::OriginNotAllowed => "origin-not-allowed",
            Self::NullOrigin => "null-origin",
            Self::SeveralOrigins => "several-origins",
        }
    }

    /// Whether the policy refuses the origin.
    pub fn is_denial(self) -> bool {
        matches!(self, Self::OriginNotAllowed | Self::NullOrigin | Self::SeveralOrigins)
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
            Self::OriginNotAllowed => "no pattern of the policy allows the origin",
            Self::NullOrigin => "the origin is null, which only a policy for any origin without credentials allows",
            Self::SeveralOrigins => "the request has several Origin headers",
        })
    }
}
