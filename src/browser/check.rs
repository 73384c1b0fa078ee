//! What a browser makes of the answers. In: a status and headers. Out: go on, read these headers, or the check that
//! failed. Fetch, sections "CORS-preflight fetch" (step 7), "CORS check", and "main fetch" (CORS-exposed header-name
//! list) with "CORS filtered response".

use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
        ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, AUTHORIZATION,
    },
};

use super::{Blocked, CorsCheckFailure, Credentials, PreflightFailure, ScriptRequest};
use crate::headers;

/// A response that the script may read: its status, its body, and these headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readable {
    shown: Vec<HeaderName>,
    hidden: Vec<HeaderName>,
    expose_list_is_invalid: bool,
}

impl Readable {
    /// The names of the response's headers that the script sees, in the order of the response.
    pub fn headers(&self) -> &[HeaderName] {
        &self.shown
    }

    /// The names of the response's headers that the script does not see, in the order of the response.
    pub fn hidden_headers(&self) -> &[HeaderName] {
        &self.hidden
    }

    /// Whether the script sees the header `name`, which the response must have for that.
    pub fn shows(&self, name: &HeaderName) -> bool {
        self.shown.contains(name)
    }

    /// Whether `Access-Control-Expose-Headers` is no list of names, so that it exposes nothing (Fetch, CORS-exposed
    /// header-name list). The response can be read all the same.
    pub fn expose_list_is_invalid(&self) -> bool {
        self.expose_list_is_invalid
    }
}

impl ScriptRequest {
    /// Judges the answer to the preflight; `Ok` where the browser then sends the request itself.
    ///
    /// # Errors
    ///
    /// The first check that fails, in the order of Fetch: always a [`Blocked::Preflight`].
    pub fn check_preflight(&self, status: StatusCode, headers: &HeaderMap) -> Result<(), Blocked> {
        self.preflight(status, headers).map_err(Blocked::Preflight)
    }

    /// Judges the response to the request itself. Its status does not matter: a script may read any.
    ///
    /// # Errors
    ///
    /// The part of the CORS check that fails: always a [`Blocked::CorsCheck`].
    pub fn check_response(&self, headers: &HeaderMap) -> Result<Readable, Blocked> {
        self.cors_check(headers).map_err(Blocked::CorsCheck)?;
        Ok(self.filter(headers))
    }

    /// CORS-preflight fetch, step 7.
    fn preflight(&self, status: StatusCode, headers: &HeaderMap) -> Result<(), PreflightFailure> {
        self.cors_check(headers).map_err(PreflightFailure::CorsCheck)?;
        if !status.is_success() {
            return Err(PreflightFailure::Status(status));
        }
        let methods = list_values(headers, &ACCESS_CONTROL_ALLOW_METHODS);
        let methods = methods.map_err(|Malformed| PreflightFailure::MalformedAllowMethods)?;
        let names = list_values(headers, &ACCESS_CONTROL_ALLOW_HEADERS);
        let names = names.map_err(|Malformed| PreflightFailure::MalformedAllowHeaders)?;

        // A method is compared with its case. It may be spelled `*` itself, which is in the list then.
        let method = self.method.as_str();
        let method_is_allowed = methods.contains(&method.as_bytes())
            || headers::is_safelisted_method(method)
            || self.wildcard_counts_in(&methods);
        if !method_is_allowed {
            return Err(PreflightFailure::Method(self.method.clone()));
        }
        let unsafe_names = self.unsafe_header_names();
        let is_listed = |name: &HeaderName| names.iter().any(|item| is_name(name, item));
        // The one "CORS non-wildcard request-header name"; Fetch looks for it before the others.
        if unsafe_names.contains(&AUTHORIZATION) && !is_listed(&AUTHORIZATION) {
            return Err(PreflightFailure::Header(AUTHORIZATION));
        }
        let any_name = self.wildcard_counts_in(&names);
        match unsafe_names.into_iter().find(|name| !is_listed(name) && !any_name) {
            Some(name) => Err(PreflightFailure::Header(name)),
            None => Ok(()),
        }
    }

    fn cors_check(&self, headers: &HeaderMap) -> Result<(), CorsCheckFailure> {
        let includes_credentials = self.credentials == Credentials::Include;
        let Some(origin) = combined(headers, &ACCESS_CONTROL_ALLOW_ORIGIN) else {
            return Err(CorsCheckFailure::NoAllowOrigin);
        };
        if !includes_credentials && origin == b"*" {
            return Ok(());
        }
        if origin != self.origin.as_bytes() {
            return Err(match origin.as_slice() {
                b"*" => CorsCheckFailure::WildcardWithCredentials,
                // No origin has a comma, so this is a list, be it of one line or of several.
                several if several.contains(&b',') => CorsCheckFailure::SeveralAllowOrigins,
                other => CorsCheckFailure::OtherAllowOrigin(String::from_utf8_lossy(other).into_owned()),
            });
        }
        if !includes_credentials {
            return Ok(());
        }
        match combined(headers, &ACCESS_CONTROL_ALLOW_CREDENTIALS).as_deref() {
            Some(b"true") => Ok(()),
            Some(_) => Err(CorsCheckFailure::AllowCredentialsNotTrue),
            None => Err(CorsCheckFailure::NoAllowCredentials),
        }
    }

    /// Main fetch's CORS-exposed header-name list, then the CORS filtered response.
    fn filter(&self, headers: &HeaderMap) -> Readable {
        let exposed = list_values(headers, &ACCESS_CONTROL_EXPOSE_HEADERS);
        let expose_list_is_invalid = exposed.is_err();
        let exposed = exposed.unwrap_or_default();
        let every_name = self.wildcard_counts_in(&exposed);
        let is_shown = |name: &HeaderName| {
            let is_exposed = || every_name || exposed.iter().any(|item| is_name(name, item));
            headers::is_safelisted_response_header(name.as_str())
                || (!headers::is_forbidden_response_header(name.as_str()) && is_exposed())
        };
        let (shown, hidden) = headers.keys().cloned().partition(is_shown);
        Readable { shown, hidden, expose_list_is_invalid }
    }

    /// Whether `*` stands in a list and means everything: with credentials it means only what is called `*`.
    fn wildcard_counts_in(&self, list: &[&[u8]]) -> bool {
        self.credentials == Credentials::Omit && list.contains(&&b"*"[..])
    }
}

/// Fetch's "getting" of a header from a header list: the values of all its lines, joined by a comma and a space.
fn combined(headers: &HeaderMap, name: &HeaderName) -> Option<Vec<u8>> {
    let mut lines = headers.get_all(name).iter().map(trimmed);
    let mut value = lines.next()?.to_vec();
    for line in lines {
        value.extend_from_slice(b", ");
        value.extend_from_slice(line);
    }
    Some(value)
}

/// A header value as it arrives: the space around it belongs to no value (RFC 9110, section 5.5).
fn trimmed(value: &HeaderValue) -> &[u8] {
    value.as_bytes().trim_ascii()
}

/// A list with an element that is no token.
#[derive(Debug)]
struct Malformed;

/// Fetch's "extracting header list values", for lists of tokens. A header that is absent, which Fetch tells apart as
/// null, allows and exposes as little as an empty one.
fn list_values<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Vec<&'a [u8]>, Malformed> {
    let elements = headers.get_all(name).iter().flat_map(|line| headers::elements(line.as_bytes()));
    elements.map(|element| if headers::is_token(element) { Ok(element) } else { Err(Malformed) }).collect()
}

/// Whether an element of a list means the header `name`, in any case.
fn is_name(name: &HeaderName, element: &[u8]) -> bool {
    name.as_str().as_bytes().eq_ignore_ascii_case(element)
}
