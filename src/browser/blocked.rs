//! Why a browser keeps a response from a script: the step of Fetch that failed, and the one text of each.

use std::{error::Error, fmt};

use http::{HeaderName, Method, StatusCode};

use crate::escape::Escaped;

/// The step of Fetch that ended in a network error. To the script, all of them look alike.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Blocked {
    /// The CORS-preflight fetch: the request itself was never sent.
    Preflight(PreflightFailure),
    /// The CORS check of the response: the server did what the request asked for, and the script can't read how it
    /// went.
    CorsCheck(CorsCheckFailure),
}

/// What is wrong with the answer to a preflight.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PreflightFailure {
    /// The CORS check fails.
    #[error(transparent)]
    CorsCheck(CorsCheckFailure),
    /// The status is not one from 200 to 299.
    #[error("the status is {}, not one from 200 to 299", .0.as_u16())]
    Status(StatusCode),
    /// `Access-Control-Allow-Methods` is no list of methods.
    #[error("Access-Control-Allow-Methods is not a list of methods")]
    MalformedAllowMethods,
    /// `Access-Control-Allow-Headers` is no list of header names.
    #[error("Access-Control-Allow-Headers is not a list of header names")]
    MalformedAllowHeaders,
    /// The method is not among the allowed ones, which are compared with their case.
    #[error("the method {} is not allowed", Escaped(.0.as_str()))]
    Method(Method),
    /// The header is not among the allowed ones; a `*` covers neither `Authorization` nor a request with credentials.
    #[error("the header {} is not allowed", Escaped(.0.as_str()))]
    Header(HeaderName),
}

/// What is wrong with `Access-Control-Allow-Origin` or `Access-Control-Allow-Credentials`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CorsCheckFailure {
    /// There is no `Access-Control-Allow-Origin`.
    #[error("there is no Access-Control-Allow-Origin")]
    NoAllowOrigin,
    /// There are several, in one line or in more.
    #[error("Access-Control-Allow-Origin has several values")]
    SeveralAllowOrigins,
    /// It is this, and not the page's origin.
    // Escaped and cut, since the value is the server's to choose.
    #[error("Access-Control-Allow-Origin is \"{}\", not the page's origin", Escaped(.0))]
    OtherAllowOrigin(String),
    /// It is `*`, which does not count for a request with credentials.
    #[error("Access-Control-Allow-Origin is *, which does not count for a request with credentials")]
    WildcardWithCredentials,
    /// The request has credentials, and there is no `Access-Control-Allow-Credentials`.
    #[error("the request has credentials, and there is no Access-Control-Allow-Credentials")]
    NoAllowCredentials,
    /// The request has credentials, and `Access-Control-Allow-Credentials` is not exactly `true`.
    #[error("the request has credentials, and Access-Control-Allow-Credentials is not \"true\"")]
    AllowCredentialsNotTrue,
}

impl Blocked {
    /// A stable label, such as `preflight-method`, for filters and programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::CorsCheck(failure) => failure.code(),
            Self::Preflight(failure) => match failure {
                PreflightFailure::CorsCheck(failure) => failure.preflight_code(),
                PreflightFailure::Status(_) => "preflight-status",
                PreflightFailure::MalformedAllowMethods => "preflight-malformed-allow-methods",
                PreflightFailure::MalformedAllowHeaders => "preflight-malformed-allow-headers",
                PreflightFailure::Method(_) => "preflight-method",
                PreflightFailure::Header(_) => "preflight-header",
            },
        }
    }

    /// Every [`code`](Self::code).
    #[cfg(feature = "manifest")]
    pub(crate) fn codes() -> impl Iterator<Item = &'static str> {
        let checks = || {
            [
                CorsCheckFailure::NoAllowOrigin,
                CorsCheckFailure::SeveralAllowOrigins,
                CorsCheckFailure::OtherAllowOrigin(String::new()),
                CorsCheckFailure::WildcardWithCredentials,
                CorsCheckFailure::NoAllowCredentials,
                CorsCheckFailure::AllowCredentialsNotTrue,
            ]
        };
        let preflights = [
            PreflightFailure::Status(StatusCode::OK),
            PreflightFailure::MalformedAllowMethods,
            PreflightFailure::MalformedAllowHeaders,
            PreflightFailure::Method(Method::GET),
            PreflightFailure::Header(http::header::ACCEPT),
        ];
        let preflights = checks().map(PreflightFailure::CorsCheck).into_iter().chain(preflights).map(Self::Preflight);
        preflights.chain(checks().map(Self::CorsCheck)).map(|blocked| blocked.code())
    }

    /// The name that Fetch gives to the step.
    pub fn step(&self) -> &'static str {
        match self {
            Self::Preflight(_) => "CORS-preflight fetch",
            Self::CorsCheck(_) => "CORS check",
        }
    }
}

impl CorsCheckFailure {
    fn code(&self) -> &'static str {
        self.preflight_code().trim_start_matches("preflight-")
    }

    fn preflight_code(&self) -> &'static str {
        match self {
            Self::NoAllowOrigin => "preflight-no-allow-origin",
            Self::SeveralAllowOrigins => "preflight-several-allow-origins",
            Self::OtherAllowOrigin(_) => "preflight-other-allow-origin",
            Self::WildcardWithCredentials => "preflight-wildcard-with-credentials",
            Self::NoAllowCredentials => "preflight-no-allow-credentials",
            Self::AllowCredentialsNotTrue => "preflight-allow-credentials-not-true",
        }
    }
}

impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.step())?;
        match self {
            Self::Preflight(failure) => failure.fmt(f),
            Self::CorsCheck(failure) => failure.fmt(f),
        }
    }
}

impl Error for Blocked {}
