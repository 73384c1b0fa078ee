//! What a browser sends. In: a script's request. Out: whether a preflight goes first, and its headers. Fetch, sections
//! "CORS-unsafe request-header names", "HTTP fetch" and "CORS-preflight fetch".

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use crate::headers;

/// Fetch's credentials mode, as far as requests to another origin tell its values apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Credentials {
    /// `omit`, or `same-origin`, the default of `fetch()`: no cookies, no client certificate, no HTTP authentication.
    #[default]
    Omit,
    /// `include`, or `XMLHttpRequest`'s `withCredentials`.
    Include,
}

/// A request that a script makes to another origin, in the mode `cors`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptRequest {
    pub(super) origin: HeaderValue,
    pub(super) method: Method,
    pub(super) credentials: Credentials,
    headers: Vec<(HeaderName, HeaderValue)>,
    announced: Vec<HeaderName>,
}

impl ScriptRequest {
    /// A request of a page, without credentials and without headers that the script set.
    ///
    /// `origin` is the page's origin as the browser serialises it: `https://app.example`, or `null` for an opaque one.
    /// It is taken as it is, and compared byte for byte.
    ///
    /// `method` is normalised as Fetch does: `get` becomes `GET`, and `patch` stays `patch`.
    pub fn new(origin: HeaderValue, method: Method) -> Self {
        Self {
            origin,
            method: normalize(method),
            credentials: Credentials::Omit,
            headers: Vec::new(),
            announced: Vec::new(),
        }
    }

    /// Sets the credentials mode.
    #[must_use]
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = credentials;
        self
    }

    /// Adds a header that the script sets. Whether it needs a preflight depends on its value, and on the sum of all.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Adds names of headers that are known to need a preflight, whatever their values are.
    #[must_use]
    pub fn unsafe_headers(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.announced.extend(names);
        self
    }

    /// The page's origin, which is the value of the `Origin` header.
    pub fn origin(&self) -> &HeaderValue {
        &self.origin
    }

    /// The method, normalised.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The credentials mode.
    pub fn credentials_mode(&self) -> Credentials {
        self.credentials
    }

    /// The names of the headers that need permission, sorted, without repeats.
    pub fn unsafe_header_names(&self) -> Vec<HeaderName> {
        let headers = self.headers.iter().map(|(name, value)| (name, value));
        let mut names = unsafe_request_header_names(headers);
        names.extend(self.announced.iter().cloned());
        sorted_set(names)
    }

    /// Whether the browser asks first: the method is none of `GET`, `HEAD` and `POST`, or a header needs permission.
    pub fn needs_preflight(&self) -> bool {
        !headers::is_safelisted_method(self.method.as_str()) || !self.unsafe_header_names().is_empty()
    }

    /// The value of the preflight's `Access-Control-Request-Headers`; none where no header needs permission.
    pub fn announced_headers(&self) -> Option<HeaderValue> {
        let names = self.unsafe_header_names();
        if names.is_empty() {
            return None;
        }
        // Without a space after the comma, which Fetch notes as deliberate (CORS-preflight fetch, step 5).
        let list = names.iter().map(HeaderName::as_str).collect::<Vec<_>>().join(",");
        HeaderValue::try_from(list).ok()
    }

    /// The headers of the preflight that Fetch prescribes (CORS-preflight fetch, steps 2 to 5), and `Origin`.
    pub fn preflight_headers(&self) -> HeaderMap {
        let mut map = HeaderMap::new();
        map.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
        map.insert(header::ORIGIN, self.origin.clone());
        if let Ok(method) = HeaderValue::from_str(self.method.as_str()) {
            map.insert(header::ACCESS_CONTROL_REQUEST_METHOD, method);
        }
        if let Some(names) = self.announced_headers() {
            map.insert(header::ACCESS_CONTROL_REQUEST_HEADERS, names);
        }
        map
    }

    /// The headers of the request itself: those that [`header`](Self::header) added, and `Origin`.
    pub fn request_headers(&self) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in &self.headers {
            map.append(name, value.clone());
        }
        map.insert(header::ORIGIN, self.origin.clone());
        map
    }
}

/// The names of those headers that a script can't send without permission, sorted, without repeats (Fetch,
/// CORS-unsafe request-header names).
///
/// A header is unsafe for its name, for its value, or since the values of the safe ones make more than 1,024 bytes.
/// The pairs are those of the script: a header that it set twice is two pairs.
///
/// # Examples
///
/// ```
/// use http::{
///     HeaderValue,
///     header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE},
/// };
/// use tower_cors::browser::unsafe_request_header_names;
///
/// let json = HeaderValue::from_static("application/json");
/// let text = HeaderValue::from_static("text/plain;charset=utf-8");
/// assert_eq!(
///     unsafe_request_header_names([(&CONTENT_TYPE, &json), (&AUTHORIZATION, &text)]),
///     [AUTHORIZATION, CONTENT_TYPE]
/// );
/// assert_eq!(
///     unsafe_request_header_names([(&CONTENT_TYPE, &text), (&ACCEPT, &json)]).len(),
///     0
/// );
/// ```
pub fn unsafe_request_header_names<'a>(
    headers: impl IntoIterator<Item = (&'a HeaderName, &'a HeaderValue)>,
) -> Vec<HeaderName> {
    let (mut names, mut safe_names, mut safe_bytes) = (Vec::new(), Vec::new(), 0_usize);
    for (name, value) in headers {
        // Fetch strips the space around a value before it looks at it ("normalize" a header value).
        let value = value.as_bytes().trim_ascii();
        if headers::is_safelisted_request_header(name.as_str(), value) {
            safe_names.push(name.clone());
            safe_bytes += value.len();
        } else {
            names.push(name.clone());
        }
    }
    if safe_bytes > MAX_SAFE_BYTES {
        names.append(&mut safe_names);
    }
    sorted_set(names)
}

/// The most bytes that the values of safelisted headers have together.
const MAX_SAFE_BYTES: usize = 1024;

/// Fetch's "convert header names to a sorted-lowercase set"; a [`HeaderName`] is lower-case already.
fn sorted_set(mut names: Vec<HeaderName>) -> Vec<HeaderName> {
    names.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
    names.dedup();
    names
}

/// Fetch, "normalize a method". Only these six are: `patch` is a method of its own, which servers refuse.
fn normalize(method: Method) -> Method {
    [Method::DELETE, Method::GET, Method::HEAD, Method::OPTIONS, Method::POST, Method::PUT]
        .into_iter()
        .find(|known| known.as_str().eq_ignore_ascii_case(method.as_str()))
        .unwrap_or(method)
}
