//! What a request is to CORS: none of its business, a preflight, or an actual request with an origin. In: the head of
//! a request, borrowed. Out: a [`CorsRequest`], the only place that knows what a preflight is (section 1 of
//! the [rules](crate::guide::semantics), and 3.5, 4.7, 5.8).

use std::cell::Cell;

use http::{
    Extensions, HeaderMap, HeaderName, HeaderValue, Method, Uri,
    header::{self, GetAll},
};

use crate::{
    headers::{self, ListTooLong},
    origin::{Origin, default_port, host_and_port},
    policy::{OriginAnswer, OriginAnswers},
};

/// The head of a request as CORS sees it: borrowed, and read only as far as it has been asked.
///
/// # Examples
///
/// ```
/// use tower_cors::request::CorsRequest;
///
/// let preflight = http::Request::options("/")
///     .header("origin", "https://app.example")
///     .header("access-control-request-method", "PUT")
///     .body(())?;
/// let request = CorsRequest::of(&preflight);
/// assert!(request.is_preflight());
/// assert_eq!(request.announced_method(), Some("PUT"));
/// # Ok::<_, http::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct CorsRequest<'a> {
    method: &'a Method,
    headers: &'a HeaderMap,
    uri: Option<&'a Uri>,
    extensions: Option<&'a Extensions>,
    origin: RequestOrigin<'a>,
    preflight: bool,
    /// Whether somebody asked for the origin, or for what depends on it (6.1).
    is_origin_observed: Cell<bool>,
    /// What functions have said of the origin (2.19).
    origin_answers: OriginAnswers,
}

/// What was asked about a request.
pub(crate) struct Asked {
    is_origin_observed: bool,
    answers: Vec<(u64, OriginAnswer)>,
}

/// What the `Origin` header of a request holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestOrigin<'a> {
    /// No `Origin`: not a CORS request.
    Absent,
    /// One line, whatever it says.
    One(&'a HeaderValue),
    /// Two or more lines, which no browser sends.
    Several,
}

impl<'a> CorsRequest<'a> {
    /// Reads a method and headers, for callers that have no `http::Request`.
    ///
    /// Without a URI, [`is_cross_origin`](Self::is_cross_origin) has only the `Host` header to compare with, and a
    /// resolver that looks at paths finds none.
    #[inline(always)]
    pub fn new(method: &'a Method, headers: &'a HeaderMap) -> Self {
        // Fetch sends at most one Origin line; two mean an intermediary or an attacker, so neither is trusted (3.5).
        let origin = match headers.get(header::ORIGIN) {
            None => RequestOrigin::Absent,
            // `get_all` costs a second look-up, and only a map with more values than names can hold a second line.
            Some(_) if headers.len() != headers.keys_len() && has_several(headers, &header::ORIGIN) => {
                RequestOrigin::Several
            }
            Some(origin) => RequestOrigin::One(origin),
        };
        let preflight = *method == Method::OPTIONS && origin != RequestOrigin::Absent && announces_method(headers);
        Self {
            method,
            headers,
            uri: None,
            extensions: None,
            origin,
            preflight,
            is_origin_observed: Cell::new(false),
            origin_answers: OriginAnswers::default(),
        }
    }

    /// Reads the head of a request.
    #[inline(always)]
    pub fn of<B>(request: &'a http::Request<B>) -> Self {
        Self {
            uri: Some(request.uri()),
            extensions: Some(request.extensions()),
            ..Self::new(request.method(), request.headers())
        }
    }

    /// Whether this is a preflight: `OPTIONS` with an `Origin` and a non-empty `Access-Control-Request-Method`.
    pub fn is_preflight(&self) -> bool {
        self.preflight
    }

    /// The `Origin` header.
    ///
    /// A resolver that asks for it has chosen by the origin, so the layer lets every response vary on it (6.1).
    pub fn origin(&self) -> RequestOrigin<'a> {
        self.is_origin_observed.set(true);
        self.origin
    }

    /// The `Origin` header as a well-formed origin, where it is one (3.4). It counts as asking for the origin.
    pub fn parsed_origin(&self) -> Option<Origin<'a>> {
        self.is_origin_observed.set(true);
        self.origin_parsed()
    }

    /// Whether somebody asked for the origin since the request was read (6.1).
    #[inline]
    pub(crate) fn is_origin_observed(&self) -> bool {
        self.is_origin_observed.get()
    }

    /// What was asked about the request so far, to be known when it is read again.
    pub(crate) fn into_asked(self) -> Asked {
        Asked { is_origin_observed: self.is_origin_observed.get(), answers: self.origin_answers.into_list() }
    }

    /// The same request, of which this was asked before.
    pub(crate) fn with_asked(mut self, asked: Asked) -> Self {
        self.is_origin_observed = Cell::new(asked.is_origin_observed);
        self.origin_answers = OriginAnswers::of_list(asked.answers);
        self
    }

    /// What functions have said of the origin.
    #[inline]
    pub(crate) fn origin_answers(&self) -> &OriginAnswers {
        &self.origin_answers
    }

    /// The `Origin` header, for those whose answers vary on it anyway.
    #[inline]
    pub(crate) fn origin_line(&self) -> RequestOrigin<'a> {
        self.origin
    }

    pub(crate) fn origin_parsed(&self) -> Option<Origin<'a>> {
        match self.origin {
            RequestOrigin::One(origin) => Origin::parse(origin.as_bytes()),
            RequestOrigin::Absent | RequestOrigin::Several => None,
        }
    }

    /// The method of the request itself, so `OPTIONS` for a preflight.
    pub fn method(&self) -> &'a Method {
        self.method
    }

    /// The headers of the request.
    pub fn headers(&self) -> &'a HeaderMap {
        self.headers
    }

    /// The target of the request, where the caller gave one. A router may have rewritten it; see [`path`](Self::path).
    pub fn uri(&self) -> Option<&'a Uri> {
        self.uri
    }

    /// The path of the request, where the caller gave a target.
    ///
    /// A nested router of axum takes its prefix away from the URI. With the feature `axum` this is the path that the
    /// client sent; without it, and within other routers that rewrite the URI, it is what is left.
    pub fn path(&self) -> Option<&'a str> {
        #[cfg(feature = "axum")]
        if let Some(original) = self.extensions.and_then(|found| found.get::<::axum::extract::OriginalUri>()) {
            return Some(original.path());
        }
        self.uri.map(Uri::path)
    }

    /// The extensions of the request, where the caller gave any.
    pub fn extensions(&self) -> Option<&'a Extensions> {
        self.extensions
    }

    /// The method that a preflight announces: the one `Access-Control-Request-Method`, if it is a token.
    ///
    /// Several lines announce no method, nor does one of more than 8 KiB.
    pub fn announced_method(&self) -> Option<&'a str> {
        self.announced_method_line()?.to_str().ok()
    }

    /// The line itself, to be echoed where the policy says `*` (4.7).
    pub(crate) fn announced_method_line(&self) -> Option<&'a HeaderValue> {
        let mut lines = self.headers.get_all(header::ACCESS_CONTROL_REQUEST_METHOD).iter();
        let line = lines.next()?;
        let is_method = line.len() <= headers::MAX_LIST_BYTES && headers::is_token(line.as_bytes());
        (is_method && lines.next().is_none()).then_some(line)
    }

    /// The header names that a preflight announces, in the order of its `Access-Control-Request-Headers` lines.
    ///
    /// Empty elements are left out; nothing else is checked.
    pub fn announced_headers(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.announced_lines().iter().flat_map(|line| headers::elements(line.as_bytes()))
    }

    /// The headers that a script may only have set with consent: those that are not safelisted with their value.
    pub(crate) fn headers_not_safelisted(&self) -> impl Iterator<Item = (&'a HeaderName, &'a HeaderValue)> + use<'a> {
        self.headers
            .iter()
            .filter(|(name, value)| !headers::is_safelisted_request_header(name.as_str(), value.as_bytes()))
    }

    /// The announced names as one normalised value (4.8), or that there are too many of them (4.9).
    pub(crate) fn announced_list(&self) -> Result<Option<HeaderValue>, ListTooLong> {
        headers::join_names(self.announced_lines())
    }

    /// How long the `Access-Control-Request-Headers` lines are together.
    #[cfg(feature = "route")]
    pub(crate) fn announced_bytes(&self) -> usize {
        self.announced_lines().iter().map(HeaderValue::len).sum()
    }

    fn announced_lines(&self) -> GetAll<'a, HeaderValue> {
        self.headers.get_all(header::ACCESS_CONTROL_REQUEST_HEADERS)
    }

    /// Whether a preflight asks for access to a private network.
    pub(crate) fn asks_for_private_network(&self) -> bool {
        self.headers.get(&headers::REQUEST_PRIVATE_NETWORK).is_some_and(|value| value == "true")
    }

    /// The host that the request is for, with its port: that of the URI (`:authority`), else the `Host` header's.
    ///
    /// Several `Host` lines are no host.
    pub fn authority(&self) -> Option<&'a str> {
        if let Some(authority) = self.uri.and_then(Uri::authority) {
            return Some(authority.as_str());
        }
        let mut lines = self.headers.get_all(header::HOST).iter();
        let host = lines.next()?.to_str().ok()?;
        lines.next().is_none().then_some(host)
    }

    /// Whether a page of another origin sent this request (5.8): told by `Sec-Fetch-Site` where the browser sends it,
    /// else by comparing the `Origin` with the host. A request without `Origin` is not cross-origin.
    ///
    /// It counts as asking for the origin.
    pub fn is_cross_origin(&self) -> bool {
        self.is_origin_observed.set(true);
        self.is_from_another_origin()
    }

    pub(crate) fn is_from_another_origin(&self) -> bool {
        let origin = match self.origin {
            RequestOrigin::Absent => return false,
            RequestOrigin::Several => return true,
            RequestOrigin::One(origin) => origin,
        };
        let mut sites = self.headers.get_all(&headers::SEC_FETCH_SITE).iter();
        match (sites.next().map(HeaderValue::as_bytes), sites.next()) {
            (Some(b"same-origin" | b"none"), None) => false,
            (Some(b"cross-site" | b"same-site"), None) => true,
            _ => !self.is_for_host_of(origin),
        }
    }

    fn is_for_host_of(&self, origin: &HeaderValue) -> bool {
        let (Some(origin), Some(authority)) = (Origin::parse(origin.as_bytes()), self.authority()) else {
            return false;
        };
        let (host, port) = match host_and_port(authority) {
            (host, Some(port)) => (host, parse_port(port)),
            // The scheme that the client used is not known here, so a missing port is the origin's default.
            (host, None) => (host, default_port(origin.scheme().as_bytes())),
        };
        host.eq_ignore_ascii_case(origin.host()) && port.is_some() && port == origin.port()
    }

    /// Whether the request opens a WebSocket: `Upgrade: websocket` in HTTP/1.1, an extended `CONNECT` in HTTP/2.
    ///
    /// A `CONNECT` with an `Origin` is taken for one, since no browser sends it for anything else (RFC 8441).
    pub fn is_websocket_upgrade(&self) -> bool {
        if *self.method == Method::CONNECT {
            return true;
        }
        self.headers
            .get_all(header::UPGRADE)
            .iter()
            .flat_map(|line| headers::elements(line.as_bytes()))
            .any(|protocol| protocol.eq_ignore_ascii_case(b"websocket"))
    }
}

/// Whether a request is a preflight, for layers that must let preflights pass (authentication, rate limits) and can't
/// be put inside the CORS layer.
///
/// A preflight carries no token, and the CORS layer inside answers it; where no policy applies, and under
/// [`UnmatchedPreflight::Forward`](crate::decision::UnmatchedPreflight::Forward), a handler does. What the outer layer
/// refuses carries no CORS headers, so a page sees a network error in place of its 401. Inside is better.
///
/// # Examples
///
/// ```
/// use axum::{
///     Router,
///     body::Body,
///     extract::Request,
///     http::{StatusCode, header},
///     middleware::{Next, from_fn},
///     response::Response,
///     routing::put,
/// };
/// use tower::ServiceExt;
/// use tower_cors::{CorsLayer, CorsPolicy, request::is_preflight};
///
/// async fn authenticate(request: Request, next: Next) -> Result<Response, StatusCode> {
///     match is_preflight(&request)
///         || request.headers().contains_key(header::AUTHORIZATION)
///     {
///         true => Ok(next.run(request).await),
///         false => Err(StatusCode::UNAUTHORIZED),
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let policy =
///     CorsPolicy::new().allow_origins(["https://app.example"]).allow_methods(["PUT"]);
/// let app: Router = Router::new()
///     .route("/", put(async || "written"))
///     .layer(CorsLayer::new(policy)?)
///     .layer(from_fn(authenticate));
///
/// let preflight = Request::options("/")
///     .header("origin", "https://app.example")
///     .header("access-control-request-method", "PUT")
///     .body(Body::empty())?;
/// assert_eq!(app.clone().oneshot(preflight).await?.status(), StatusCode::OK);
///
/// // An OPTIONS request that announces no method is an actual request.
/// let options =
///     Request::options("/").header("origin", "https://app.example").body(Body::empty())?;
/// assert_eq!(app.oneshot(options).await?.status(), StatusCode::UNAUTHORIZED);
/// # Ok(())
/// # }
/// ```
pub fn is_preflight<B>(request: &http::Request<B>) -> bool {
    CorsRequest::of(request).is_preflight()
}

/// A port in digits alone (RFC 3986, section 3.2.3); `u16::from_str` would take `+443` as well.
fn parse_port(port: &str) -> Option<u16> {
    port.bytes().all(|byte| byte.is_ascii_digit()).then(|| port.parse().ok()).flatten()
}

fn has_several(headers: &HeaderMap, name: &HeaderName) -> bool {
    headers.get_all(name).iter().nth(1).is_some()
}

/// Whether an `Access-Control-Request-Method` says anything.
#[inline]
fn announces_method(headers: &HeaderMap) -> bool {
    // The first byte settles nearly every request.
    headers.get(header::ACCESS_CONTROL_REQUEST_METHOD).is_some_and(|first| {
        first.as_bytes().first().is_some_and(|byte| !byte.is_ascii_whitespace()) || any_line_announces(headers)
    })
}

#[cold]
fn any_line_announces(headers: &HeaderMap) -> bool {
    let says_something = |line: &HeaderValue| line.as_bytes().iter().any(|byte| !byte.is_ascii_whitespace());
    headers.get_all(header::ACCESS_CONTROL_REQUEST_METHOD).iter().any(says_something)
}
