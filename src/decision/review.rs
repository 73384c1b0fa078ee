//! A closer look at a decision, for who listens: a hook, a log, a person. The decision itself leaves the announced method
//! and names to the browser (4.7, 4.8); here they are held against the policy too. In: the request, its policy and the
//! decision. Out: a [`Review`], whose work is bounded and done only when it is asked for.

use std::{borrow::Cow, fmt, sync::Arc};

use super::{Decision, Outcome, Reason, Resolution, consent::MissingConsent};
use crate::{
    compile::{CompiledPolicy, List},
    escape::Escaped,
    headers,
    request::{CorsRequest, RequestOrigin},
};

/// What became of a request and why, down to the method or the header name.
///
/// [`reason`](Self::reason) and [`outcome`](Self::outcome) are labels of a few values each. What else it gives comes
/// from the request, so it makes no label: a client could make up as many values as it likes.
///
/// Its `Display` is a sentence or two, with what comes from the request escaped and cut at 256 bytes.
///
/// # Examples
///
/// ```
/// use tower_cors::{
///     CorsPolicy, Reason,
///     decision::{Options, Review, decide},
///     request::CorsRequest,
/// };
///
/// let policy = CorsPolicy::new().allow_origins(["https://app.example"]).compile()?;
/// let preflight = http::Request::options("/")
///     .header("origin", "https://app.example")
///     .header("access-control-request-method", "PUT")
///     .body(())?;
/// let request = CorsRequest::of(&preflight);
/// let resolution = (&policy).into();
/// let decision = decide(&request, &resolution, &Options::new());
///
/// let review = Review::new(&request, &resolution, &decision);
/// assert_eq!((review.reason(), review.method()), (Reason::MethodNotAllowed, Some("PUT")));
/// assert_eq!(review.advice().as_deref(), Some("add \"PUT\" to allowMethods"));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Review<'a> {
    request: CorsRequest<'a>,
    policy: Option<&'a CompiledPolicy>,
    missing: Option<MissingConsent<'a>>,
    outcome: Outcome,
    reason: Reason,
    failure: Option<Arc<str>>,
}

impl<'a> Review<'a> {
    /// Reviews what was decided about `request` under `resolution`.
    pub fn new(request: &CorsRequest<'a>, resolution: &'a Resolution<'_>, decision: &Decision) -> Self {
        let (outcome, reason) = (Outcome::of(decision, request), decision.reason());
        let policy = resolution.policy();
        let missing = match (reason, policy, request.origin_line()) {
            (Reason::NoConsent, Some(policy), RequestOrigin::One(origin)) if resolution.requires_consent() => {
                let judgement = resolution.judge_origin(policy, origin.as_bytes(), request.origin_answers());
                resolution.missing_consent(request, policy, judgement.is_allowed())
            }
            (Reason::NoConsent, ..) => Some(MissingConsent::Origin),
            _ => None,
        };
        let failure = resolution.origin_failure().or_else(|| request.origin_answers().failure());
        let review = Self { request: request.clone(), policy, missing, outcome, reason, failure };
        Self { reason: review.refined(), ..review }
    }

    /// What became of the request.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Why.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// Whether a page can go on: the layer gave its permission, and no browser finds something missing in it.
    pub fn is_allowed(&self) -> bool {
        self.outcome.is_allowed() && !self.reason.is_blocking()
    }

    /// The request.
    pub fn request(&self) -> &CorsRequest<'a> {
        &self.request
    }

    /// The method that the reason is about, where it is about one that can be read.
    pub fn method(&self) -> Option<&'a str> {
        self.refused_method().flatten()
    }

    /// The header name that the reason is about, where it is about one: the first that the policy does not allow.
    ///
    /// It is as the request has it, and need not be a valid name.
    pub fn header_name(&self) -> Option<&'a [u8]> {
        self.header().map(|(_, name)| name)
    }

    /// Where [`header_name`](Self::header_name) stands among the announced names, from 0.
    pub fn header_index(&self) -> Option<usize> {
        self.header().and_then(|(index, _)| index)
    }

    /// The error of a function that was asked about the origin and failed, or the message of its panic (2.19).
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// The entry of `allowOrigins` nearest to a refused origin; see [`CompiledPolicy::nearest_origin`].
    pub fn nearest_origin(&self) -> Option<&'a str> {
        match (self.reason, self.request.origin_line()) {
            (Reason::OriginNotAllowed | Reason::NotAllowedByFunction, RequestOrigin::One(origin)) => {
                self.policy?.nearest_origin(origin.as_bytes())
            }
            _ => None,
        }
    }

    /// What would allow the request, in a few words; none where it is allowed, or where nothing in a policy would.
    pub fn advice(&self) -> Option<Cow<'static, str>> {
        match self.reason {
            Reason::OriginNotAllowed | Reason::NotAllowedByFunction => {
                let origin = self.request.origin_parsed()?;
                let nearest =
                    self.nearest_origin().map(|nearest| format!("; the nearest entry is \"{}\"", Escaped(nearest)));
                Some(
                    format!("add \"{}\" to allowOrigins{}", Escaped(origin.as_str()), nearest.unwrap_or_default())
                        .into(),
                )
            }
            Reason::NullOrigin => Some("serve the page from an origin of its own; no list can name null".into()),
            Reason::TooManyHeaders => Some("list the names in allowHeaders in the place of *".into()),
            Reason::MethodNotAllowed => Some(format!("add \"{}\" to allowMethods", Escaped(self.method()?)).into()),
            Reason::NoConsent => match self.missing? {
                MissingConsent::Origin => {
                    Some(format!("add \"{}\" to allowOrigins", Escaped(self.request.origin_parsed()?.as_str())).into())
                }
                MissingConsent::Method => Some(format!("add \"{}\" to allowMethods", Escaped(self.method()?)).into()),
                MissingConsent::Header(name) => {
                    Some(format!("add \"{}\" to allowHeaders", Escaped(name.as_str())).into())
                }
            },
            Reason::HeaderNotAllowed => {
                let name = String::from_utf8_lossy(cut(self.header_name()?));
                Some(format!("add \"{}\" to allowHeaders", Escaped(&name)).into())
            }
            _ => None,
        }
    }

    fn refined(&self) -> Reason {
        let Some(policy) = self.policy else { return self.reason };
        match self.reason {
            Reason::OriginNotAllowed | Reason::NotAllowedByFunction if self.request.origin_parsed().is_none() => {
                Reason::MalformedOrigin
            }
            Reason::OriginAllowed | Reason::AllowedByFunction if self.refused_method().is_some() => {
                match &policy.values().methods {
                    List::Any => Reason::NotCoveredByWildcard,
                    _ => Reason::MethodNotAllowed,
                }
            }
            Reason::OriginAllowed | Reason::AllowedByFunction if self.refused_header().is_some() => {
                match &policy.values().headers {
                    List::Any => Reason::NotCoveredByWildcard,
                    _ => Reason::HeaderNotAllowed,
                }
            }
            reason => reason,
        }
    }

    /// The method that the policy does not allow, if there is one; it is none itself where it can't be read.
    fn refused_method(&self) -> Option<Option<&'a str>> {
        if self.missing == Some(MissingConsent::Method) {
            return Some(Some(self.request.method().as_str()));
        }
        let policy = self.policy.filter(|_| self.outcome == Outcome::PreflightAllowed)?;
        refused_method(policy, &self.request)
    }

    /// The header name that the policy does not allow, and its place among the announced ones.
    fn header(&self) -> Option<(Option<usize>, &'a [u8])> {
        match (self.reason, self.missing) {
            (Reason::NoConsent, Some(MissingConsent::Header(name))) => Some((None, name.as_str().as_bytes())),
            (Reason::HeaderNotAllowed, _) => self.refused_header(),
            (Reason::NotCoveredByWildcard, _) if self.refused_method().is_none() => self.refused_header(),
            _ => None,
        }
    }

    fn refused_header(&self) -> Option<(Option<usize>, &'a [u8])> {
        let policy = self.policy.filter(|_| self.outcome == Outcome::PreflightAllowed)?;
        refused_header(policy, &self.request).map(|(index, name)| (Some(index), name))
    }
}

/// Whether a browser blocks, or the layer refuses, so that [`Review::reason`] is a blocking one; without a review.
#[cfg(feature = "tracing")]
pub(crate) fn is_blocked(request: &CorsRequest<'_>, resolution: &Resolution<'_>, decision: &Decision) -> bool {
    let is_preflight_allowed = matches!(decision, Decision::Answer(answer) if answer.allowed.is_some());
    let is_not_covered = |policy: &CompiledPolicy| {
        refused_method(policy, request).is_some() || refused_header(policy, request).is_some()
    };
    decision.reason().is_blocking() || is_preflight_allowed && resolution.policy().is_some_and(is_not_covered)
}

/// The announced method, where the policy does not allow it; none where it can't be read.
fn refused_method<'r>(policy: &CompiledPolicy, request: &CorsRequest<'r>) -> Option<Option<&'r str>> {
    let method = request.announced_method();
    let is_allowed = method.is_some_and(|method| policy.allows_method(method));
    (!is_allowed).then_some(method)
}

/// The first announced name that the policy does not allow and its place, of those that 4.9 would read.
fn refused_header<'r>(policy: &CompiledPolicy, request: &CorsRequest<'r>) -> Option<(usize, &'r [u8])> {
    let is_allowed =
        |name: &[u8]| headers::is_token(name) && std::str::from_utf8(name).is_ok_and(|name| policy.allows_header(name));
    let mut names = request.announced_headers().take(headers::MAX_LIST_NAMES).enumerate();
    names.find(|(_, name)| !is_allowed(name))
}

impl fmt::Display for Review<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.reason)?;
        let about = match self.reason {
            Reason::OriginNotAllowed
            | Reason::NotAllowedByFunction
            | Reason::FunctionFailed
            | Reason::MalformedOrigin => match self.request.origin_line() {
                RequestOrigin::One(origin) => Some(origin.as_bytes()),
                _ => None,
            },
            _ => self.method().map(str::as_bytes).or_else(|| self.header_name()),
        };
        if let Some(about) = about {
            write!(f, ": \"{}\"", Escaped(&String::from_utf8_lossy(cut(about))))?;
        }
        if let Some(failure) = &self.failure {
            write!(f, "; the error of the function: \"{}\"", Escaped(failure))?;
        }
        match self.advice() {
            Some(advice) => write!(f, "; {advice}"),
            None => Ok(()),
        }
    }
}

/// As much as a message can show of bytes from outside, so that nothing long is copied to be cut.
pub(crate) fn cut(bytes: &[u8]) -> &[u8] {
    bytes.get(..1024).unwrap_or(bytes)
}
