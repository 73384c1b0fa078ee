//! Whether a request meets a match, and whether the request that a preflight stands for may or must. Rule 8.2.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::{ValueMatch, order::Conditions};
use crate::{
    compile::CompiledPolicy,
    request::{CorsRequest, RequestOrigin},
};

/// How a request stands to a match whose hostname and path it meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    Never,
    /// A preflight does not show everything that decides.
    May,
    Must,
}

/// How `request` stands to a match.
#[inline]
pub(super) fn reach(conditions: &Conditions, request: &CorsRequest<'_>) -> Reach {
    if let Some(method) = &conditions.method
        && !has_method(request, method)
    {
        return Reach::Never;
    }
    let query = || request.uri().and_then(|uri| uri.query()).unwrap_or_default();
    if !conditions.query.iter().all(|(name, value)| meets_query(query(), name, value)) {
        return Reach::Never;
    }
    let mut reach = Reach::Must;
    for (name, value) in &conditions.headers {
        if request.is_preflight() && request.may_stand_for(name) {
            // 8.2: the value is not known before the request itself is sent.
            reach = Reach::May;
        } else if !meets_header(request.headers(), name, value) {
            return Reach::Never;
        }
    }
    reach
}

/// 8.2: a preflight has the method that it announces; several lines announce none.
fn has_method(request: &CorsRequest<'_>, method: &Method) -> bool {
    if request.is_preflight() {
        request.announced_method() == Some(method.as_str())
    } else {
        request.method() == method
    }
}

fn meets_query(query: &str, name: &str, value: &ValueMatch) -> bool {
    let mut parameters = query.split('&').map(|parameter| parameter.split_once('=').unwrap_or((parameter, "")));
    parameters.find(|(found, _)| *found == name).is_some_and(|(_, found)| value.matches(found.as_bytes()))
}

fn meets_header(headers: &HeaderMap, name: &HeaderName, value: &ValueMatch) -> bool {
    header_value(headers, name).is_some_and(|found| value.matches(&found))
}

/// The value of a header; RFC 9110, section 5.3: several lines are one list.
pub(super) fn header_value<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Cow<'a, [u8]>> {
    let mut lines = headers.get_all(name).iter().map(HeaderValue::as_bytes);
    let first = Cow::Borrowed(lines.next()?);
    Some(lines.fold(first, |joined, line| {
        let mut joined = joined.into_owned();
        joined.push(b',');
        joined.extend_from_slice(line);
        Cow::Owned(joined)
    }))
}

/// 8.2: whether `policy` allows everything that a preflight asks for.
pub(super) fn allows_all(policy: &CompiledPolicy, preflight: &CorsRequest<'_>) -> bool {
    let allows_origin = match preflight.origin() {
        RequestOrigin::One(origin) => policy.allows_origin(origin.as_bytes()),
        _ => false,
    };
    allows_origin
        && preflight.announced_method().is_some_and(|method| policy.allows_method(method))
        && preflight.announced_headers().all(|name| {
            // A name that is no text is no token either, and only `*` admits it.
            policy.allows_header(std::str::from_utf8(name).unwrap_or_default())
        })
}
