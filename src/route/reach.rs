//! Whether a request reaches a match, and whether the request that a preflight stands for may or must. In: the head of
//! a request, of which each part is read once for all the matches that it is compared with. Rule 8.2.

use std::{borrow::Cow, cell::OnceCell, collections::HashMap};

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};

use super::{ValueMatch, grpc::IsGrpc, order::Conditions, preflight::announced::Announced};
use crate::{
    compile::CompiledPolicy,
    request::{CorsRequest, RequestOrigin},
};

/// A longer query is read into a map, so that its length does not multiply with the number of matches.
const MAX_SCANNED_QUERY: usize = 128;

/// How a request stands to a match whose hostname and path it meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    Never,
    /// A preflight does not show everything that decides.
    May,
    Must,
}

/// A request that is compared with matches.
#[derive(Debug)]
pub(super) struct Sought<'r> {
    pub(super) request: &'r CorsRequest<'r>,
    /// The method of the request; of a preflight the one that it announces. Several lines announce none.
    method: Option<&'r str>,
    /// Whether it is a call of gRPC (8.7).
    pub(super) is_grpc: IsGrpc,
    announced: OnceCell<Announced>,
    query: OnceCell<HashMap<&'r str, &'r str>>,
}

impl<'r> Sought<'r> {
    #[inline]
    pub(super) fn new(request: &'r CorsRequest<'r>) -> Self {
        let method = match request.is_preflight() {
            true => request.announced_method(),
            false => Some(request.method().as_str()),
        };
        Self { request, method, is_grpc: IsGrpc::No, announced: OnceCell::new(), query: OnceCell::new() }
    }

    /// Finds out whether the request is a call of gRPC: a preflight announces that by `content-type`.
    pub(super) fn look_for_grpc(mut self) -> Self {
        self.is_grpc = match self.request.is_preflight() {
            true if self.method == Some("POST") && self.announced().contains(&header::CONTENT_TYPE) => IsGrpc::Perhaps,
            true => IsGrpc::No,
            false => IsGrpc::of_actual(self.request),
        };
        self
    }

    /// Whether the preflight of an actual request left open whether it is a call of gRPC.
    pub(super) fn was_perhaps_grpc(&self) -> bool {
        self.has_method(&Method::POST)
            && self.request.headers_not_safelisted().any(|(name, _)| *name == header::CONTENT_TYPE)
    }

    pub(super) fn path(&self) -> &'r str {
        self.request.path().unwrap_or_default()
    }

    /// How the request stands to a match.
    #[inline]
    pub(super) fn reach(&self, conditions: &Conditions) -> Reach {
        let meets_method = conditions.method.as_ref().is_none_or(|method| self.has_method(method));
        if !meets_method || !self.meets_query(&conditions.query) {
            return Reach::Never;
        }
        let mut reach = Reach::Must;
        for condition in &conditions.headers {
            if self.is_unknown(&condition.name, condition.is_sent_unannounced) {
                // 8.2: the value is not known before the request itself is sent.
                reach = Reach::May;
            } else if !meets_header(self.request.headers(), &condition.name, &condition.value) {
                return Reach::Never;
            }
        }
        reach
    }

    /// Whether a preflight does not tell which value a header has, if any, in the request that it stands for.
    pub(super) fn is_unknown(&self, name: &HeaderName, is_sent_unannounced: bool) -> bool {
        self.request.is_preflight() && (is_sent_unannounced || self.announced().contains(name))
    }

    #[inline]
    pub(super) fn has_method(&self, method: &Method) -> bool {
        self.method == Some(method.as_str())
    }

    /// Of a repeated parameter the first value counts.
    pub(super) fn meets_query(&self, conditions: &[(String, ValueMatch)]) -> bool {
        if conditions.is_empty() {
            return true;
        }
        let query = self.request.uri().and_then(Uri::query).unwrap_or_default();
        let mut parameters = query.split('&').map(|parameter| parameter.split_once('=').unwrap_or((parameter, "")));
        if query.len() <= MAX_SCANNED_QUERY {
            return conditions.iter().all(|(name, value)| {
                parameters
                    .clone()
                    .find(|(found, _)| found == name)
                    .is_some_and(|(_, found)| value.matches(found.as_bytes()))
            });
        }
        let first_values = self.query.get_or_init(|| {
            let mut values = HashMap::new();
            parameters.by_ref().for_each(|(name, value)| _ = values.entry(name).or_insert(value));
            values
        });
        conditions
            .iter()
            .all(|(name, value)| first_values.get(name.as_str()).is_some_and(|found| value.matches(found.as_bytes())))
    }

    /// 8.2: whether `policy` allows everything that the preflight announces.
    pub(super) fn is_allowed_by(&self, policy: &CompiledPolicy) -> bool {
        let allows_origin = match self.request.origin_line() {
            RequestOrigin::One(origin) => {
                policy.judge_origin(origin.as_bytes(), self.request.origin_answers()).is_allowed()
            }
            _ => false,
        };
        allows_origin
            && self.method.is_some_and(|method| policy.allows_method(method))
            && self.announced().are_allowed_by(policy)
    }

    fn announced(&self) -> &Announced {
        self.announced.get_or_init(|| Announced::of(self.request))
    }
}

fn meets_header(headers: &HeaderMap, name: &HeaderName, value: &ValueMatch) -> bool {
    header_value(headers, name).is_some_and(|found| value.matches(&found))
}

/// The value of a header; RFC 9110, section 5.3: several lines are one list.
pub(super) fn header_value<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Cow<'a, [u8]>> {
    let mut lines = headers.get_all(name).iter().map(HeaderValue::as_bytes);
    let first = lines.next()?;
    let Some(second) = lines.next() else { return Some(Cow::Borrowed(first)) };
    let mut joined = [first, second].join(&b',');
    for line in lines {
        joined.push(b',');
        joined.extend_from_slice(line);
    }
    Some(Cow::Owned(joined))
}
