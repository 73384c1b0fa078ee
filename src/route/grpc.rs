//! Matches of `GRPCRoute`, which are matches of the path `/SERVICE/METHOD` and the method `POST`; and which requests are
//! gRPC's. Rule 8.7.

use http::{HeaderValue, Method, header};

use super::{PathMatch, PatternError, RouteMatch, path::Kind, pattern::Pattern};
use crate::request::CorsRequest;

/// How many characters of the service and of the method a match names: more come first (8.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GrpcOrder {
    pub(super) service: usize,
    pub(super) method: usize,
}

impl RouteMatch {
    /// The match of a `GRPCRoute`: a method of a service, every method of a service, a method of every service, or
    /// every call. A header of the match is added by [`header`](Self::header).
    ///
    /// Where an HTTP match and a gRPC match fit one request, a `POST` with a content type of gRPC goes to the gRPC one,
    /// and every other request to the HTTP one (8.7).
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_cors::route::{Route, RouteMatch, RouteTable, Rule};
    ///
    /// let echo = RouteMatch::grpc(Some("echo.Echo"), Some("Say"));
    /// let table =
    ///     RouteTable::new([Route::new("shop", "echo").rule(Rule::new().matching(echo))]);
    /// let call = http::Request::post("/echo.Echo/Say")
    ///     .header("content-type", "application/grpc-web")
    ///     .body(())?;
    /// assert!(table.find(&tower_cors::request::CorsRequest::of(&call)).is_some());
    /// # Ok::<_, http::Error>(())
    /// ```
    pub fn grpc(service: Option<&str>, method: Option<&str>) -> Self {
        let path = match (service, method) {
            (Some(service), Some(method)) => Kind::Exact(format!("/{service}/{method}").into()),
            (Some(service), None) => Kind::Prefix(format!("/{service}").into()),
            // A method's name compiles whatever it is, since it is escaped.
            (None, Some(method)) => match Pattern::parse(&format!("/[^/]+/{}", regex::escape(method))) {
                Ok(pattern) => Kind::Pattern(pattern),
                Err(_) => Kind::Exact("".into()),
            },
            (None, None) => Kind::Prefix("".into()),
        };
        Self::of_grpc(PathMatch(path), service, method)
    }

    /// The same by regular expressions in the syntax of the `regex` crate, each of which the whole name must match.
    ///
    /// # Errors
    ///
    /// An expression that is not valid, or takes more than 1 MiB of memory.
    pub fn grpc_expression(service: Option<&str>, method: Option<&str>) -> Result<Self, PatternError> {
        let part = |text: Option<&str>| -> Result<String, PatternError> {
            let Some(text) = text else { return Ok("[^/]+".to_owned()) };
            // Each alone first, so that an expression can't reach over the slash by its parentheses.
            Pattern::parse(text)?;
            Ok(format!("(?:{text})"))
        };
        let pattern = Pattern::parse(&format!("/{}/{}", part(service)?, part(method)?))?;
        Ok(Self::of_grpc(PathMatch(Kind::Pattern(pattern)), service, method))
    }

    fn of_grpc(path: PathMatch, service: Option<&str>, method: Option<&str>) -> Self {
        let characters = |text: Option<&str>| text.map_or(0, |text| text.chars().count());
        let order = GrpcOrder { service: characters(service), method: characters(method) };
        Self { path, method: Some(Method::POST), grpc: Some(order), ..Self::default() }
    }
}

/// Whether a request is a call of gRPC, as far as it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IsGrpc {
    No,
    /// Its preflight does not show the content type.
    Perhaps,
    Yes,
}

impl IsGrpc {
    /// What an actual request is.
    pub(super) fn of_actual(request: &CorsRequest<'_>) -> Self {
        let mut lines = request.headers().get_all(header::CONTENT_TYPE).iter();
        let is_call = *request.method() == Method::POST && lines.next().is_some_and(is_grpc_type);
        if is_call { Self::Yes } else { Self::No }
    }
}

/// `application/grpc`, `application/grpc-web` and their `+` forms, with or without parameters.
fn is_grpc_type(value: &HeaderValue) -> bool {
    let essence = value.as_bytes().split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
    let essence = essence.to_ascii_lowercase();
    let Some(rest) = essence.strip_prefix(b"application/grpc") else { return false };
    let rest = rest.strip_prefix(b"-web").unwrap_or(rest);
    rest.is_empty() || rest.starts_with(b"+")
}
