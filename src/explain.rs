//! Why a browser can read a response, or can't: the route that matched, the settings, the effective policy with its
//! provenance, the decision with its reason, the headers, and the browser's verdict. In: a script's request and a
//! resolver. Out: an [`Explanation`], for a person ([`Display`](std::fmt::Display)) or a program (feature `serde`).
//! It arranges what the other modules say, and decides nothing.
//!
//! # Examples
//!
//! ```
//! use http::{HeaderValue, Method, Uri};
//! use tower_cors::{
//!     CorsPolicy, browser::ScriptRequest, decision::Options, explain::Explanation,
//! };
//!
//! let policy = CorsPolicy::new().allow_origins(["https://app.example"]).compile()?;
//! let request =
//!     ScriptRequest::new(HeaderValue::from_static("https://app.example"), Method::PUT);
//! let uri = Uri::from_static("http://api.example/users/1");
//! let explanation = Explanation::new(request, uri, &policy, &Options::new());
//! let blocked = explanation.verdict().unwrap_err();
//! assert_eq!(blocked.to_string(), "CORS-preflight fetch: the method PUT is not allowed");
//! # Ok::<_, tower_cors::Violations>(())
//! ```

#[cfg(feature = "manifest")]
mod cases;
#[cfg(feature = "manifest")]
mod diff;
mod display;
mod ending;
#[cfg(feature = "serde")]
mod serialize;

#[cfg(feature = "manifest")]
pub use cases::{CaseResult, Cases};
#[cfg(feature = "manifest")]
pub use diff::{PolicyChange, PolicyDiff};
pub use ending::Ending;

use http::{HeaderMap, Method, Request, StatusCode, Uri};
#[cfg(feature = "serde")]
use serde::Serialize;

use crate::{
    browser::{Blocked, Readable, ScriptRequest},
    compile::CompiledPolicy,
    decision::{Decision, Options, Outcome, Reason, Review, decide},
    merge::Setting,
    request::CorsRequest,
    resolver::{PolicyResolver, resolve_observed},
};

/// What happens to a request that a script makes to another origin, and why.
///
/// The backend is taken to answer with 200 and without CORS headers of its own; where no route takes the request, the
/// gateway is, with 404.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(Serialize))]
pub struct Explanation {
    #[cfg_attr(feature = "serde", serde(flatten, serialize_with = "serialize::request"))]
    request: ScriptRequest,
    #[cfg_attr(feature = "serde", serde(rename = "url", serialize_with = "serialize::text"))]
    uri: Uri,
    preflight: Option<Step>,
    #[cfg_attr(feature = "serde", serde(rename = "request"))]
    actual: Option<Step>,
    #[cfg_attr(feature = "serde", serde(rename = "browser", serialize_with = "serialize::verdict"))]
    verdict: Result<Readable, Blocked>,
}

/// One request of the browser, and its answer.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(Serialize))]
pub struct Step {
    #[cfg_attr(feature = "serde", serde(serialize_with = "serialize::text"))]
    method: Method,
    route: Option<MatchedRoute>,
    #[cfg_attr(feature = "serde", serde(serialize_with = "serialize::settings"))]
    settings: Vec<Setting>,
    #[cfg_attr(feature = "serde", serde(flatten, serialize_with = "serialize::policy"))]
    policy: Option<CompiledPolicy>,
    #[cfg_attr(feature = "serde", serde(serialize_with = "serialize::text"))]
    outcome: Outcome,
    #[cfg_attr(feature = "serde", serde(serialize_with = "serialize::code"))]
    reason: Reason,
    message: String,
    #[cfg_attr(feature = "serde", serde(rename = "answeredByLayer"))]
    is_answered: bool,
    #[cfg_attr(feature = "serde", serde(serialize_with = "serialize::behind"))]
    behind: Behind,
    #[cfg_attr(feature = "serde", serde(serialize_with = "serialize::status"))]
    status: StatusCode,
    #[cfg_attr(feature = "serde", serde(serialize_with = "serialize::headers"))]
    headers: HeaderMap,
}

/// Who answers what the layer does not answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Behind {
    /// The backend, which is taken to answer with 200.
    #[default]
    Backend,
    /// The gateway, with 404: no route takes the request (8.5).
    NoRoute,
    /// The gateway, with 500: the rule delegates to nothing (8.8).
    NoBackend,
}

impl Behind {
    fn status(self) -> StatusCode {
        match self {
            Self::Backend => StatusCode::OK,
            Self::NoRoute => StatusCode::NOT_FOUND,
            Self::NoBackend => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// The rule that a request reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(Serialize))]
pub struct MatchedRoute {
    kind: &'static str,
    namespace: String,
    name: String,
    rule: usize,
    matched: Option<String>,
    #[cfg_attr(feature = "serde", serde(rename = "requiresConsent"))]
    requires_consent: bool,
    #[cfg_attr(feature = "serde", serde(rename = "delegatedBy", skip_serializing_if = "Vec::is_empty"))]
    delegated_by: Vec<String>,
}

/// What comes with a request and its answer beside what the script sends.
#[derive(Default)]
struct Beside {
    /// What the server knows of the connection.
    extensions: http::Extensions,
    /// The headers that the backend answers with.
    answered: HeaderMap,
}

/// What is known of a request beside the policy.
#[derive(Default)]
struct Found {
    route: Option<MatchedRoute>,
    settings: Vec<Setting>,
    behind: Behind,
}

impl Explanation {
    /// Explains a request for `uri`, which has a host, under the policies of `resolver`.
    pub fn new(request: ScriptRequest, uri: Uri, resolver: &impl PolicyResolver, options: &Options) -> Self {
        Self::explain(request, uri, resolver, options, &Beside::default(), |_| Found::default())
    }

    /// Explains a request for `uri` under a table of routes, naming the rule that it reaches.
    #[cfg(feature = "route")]
    pub fn of_table(request: ScriptRequest, uri: Uri, table: &crate::route::RouteTable, options: &Options) -> Self {
        Self::explain(request, uri, table, options, &Beside::default(), |head| {
            let Some(found) = table.find(head) else { return Found::unrouted() };
            let route = MatchedRoute::new(&found, None, table.requires_consent(head));
            Found { route: Some(route), ..Found::default() }
        })
    }

    /// Explains a request for `uri` under manifests, naming the rule that it reaches, what the rule asks for, and the
    /// settings that apply.
    #[cfg(feature = "manifest")]
    pub fn of_routes(
        request: ScriptRequest,
        uri: Uri,
        routes: &crate::manifest::LoadedRoutes,
        options: &Options,
    ) -> Self {
        Self::of_routes_beside(request, uri, (routes, &routes.stacks()), options, &Beside::default())
    }

    #[cfg(feature = "manifest")]
    fn of_routes_beside(
        request: ScriptRequest,
        uri: Uri,
        (routes, stacks): (&crate::manifest::LoadedRoutes, &crate::manifest::Stacks<'_>),
        options: &Options,
        beside: &Beside,
    ) -> Self {
        Self::explain(request, uri, routes, options, beside, |head| {
            let Some(found) = routes.table().find(head) else { return Found::unrouted() };
            let matched = routes.matched(&found).map(ToString::to_string);
            let route = MatchedRoute::new(&found, matched, routes.table().requires_consent(head));
            Found {
                route: Some(MatchedRoute {
                    kind: routes.kind(&found),
                    delegated_by: routes.delegated_by(&found),
                    ..route
                }),
                settings: stacks.of(&found),
                behind: if routes.leads_nowhere(&found) { Behind::NoBackend } else { Behind::Backend },
            }
        })
    }

    fn explain(
        request: ScriptRequest,
        uri: Uri,
        resolver: &impl PolicyResolver,
        options: &Options,
        beside: &Beside,
        find: impl Fn(&CorsRequest<'_>) -> Found,
    ) -> Self {
        let ask = |method: Method, headers: HeaderMap| {
            let mut sent = Request::new(());
            *sent.method_mut() = method;
            *sent.uri_mut() = uri.clone();
            *sent.headers_mut() = headers;
            *sent.extensions_mut() = beside.extensions.clone();
            Step::take(&sent, resolver, options, &beside.answered, &find)
        };
        let preflight = request.needs_preflight().then(|| ask(Method::OPTIONS, request.preflight_headers()));
        let consent = preflight.as_ref().map_or(Ok(()), |step| request.check_preflight(step.status, &step.headers));
        let (actual, verdict) = match consent {
            // The browser never sends the request itself then.
            Err(blocked) => (None, Err(blocked)),
            Ok(()) => {
                let mut step = ask(request.method().clone(), request.request_headers());
                let verdict = request.check_response(&step.headers);
                beside.answered.keys().for_each(|name| _ = step.headers.remove(name));
                (Some(step), verdict)
            }
        };
        Self { request, uri, preflight, actual, verdict }
    }

    /// The request that is explained.
    pub fn request(&self) -> &ScriptRequest {
        &self.request
    }

    /// What the request is for.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The preflight, where the browser sends one.
    pub fn preflight(&self) -> Option<&Step> {
        self.preflight.as_ref()
    }

    /// The request itself, where the browser sends it.
    pub fn actual(&self) -> Option<&Step> {
        self.actual.as_ref()
    }

    /// Whether no route takes the request, or its preflight where it is not sent.
    pub fn is_unrouted(&self) -> bool {
        let last = self.actual.as_ref().or(self.preflight.as_ref());
        last.is_some_and(|step| step.behind == Behind::NoRoute)
    }

    /// What the script gets.
    ///
    /// # Errors
    ///
    /// The step of Fetch that fails.
    pub fn verdict(&self) -> Result<&Readable, &Blocked> {
        self.verdict.as_ref()
    }
}

impl Found {
    #[cfg(feature = "route")]
    fn unrouted() -> Self {
        Self { behind: Behind::NoRoute, ..Self::default() }
    }
}

impl Step {
    fn take(
        sent: &Request<()>,
        resolver: &impl PolicyResolver,
        options: &Options,
        answered: &HeaderMap,
        find: impl Fn(&CorsRequest<'_>) -> Found,
    ) -> Self {
        let (head, method) = (CorsRequest::of(sent), sent.method().clone());
        let Found { route, settings, behind } = find(&head);
        let (decision, policy, outcome, reason, message) = resolve_observed(resolver, &head, |resolution| {
            let decision = decide(&head, resolution, options);
            let review = Review::new(&head, resolution, &decision);
            let (outcome, reason, message) = (review.outcome(), review.reason(), review.to_string());
            (decision, resolution.policy().cloned(), outcome, reason, message)
        });
        let (mut status, mut headers) = (behind.status(), HeaderMap::new());
        let is_answered = matches!(decision, Decision::Answer(_));
        match decision {
            Decision::PassThrough => {}
            Decision::Answer(answer) => {
                status = answer.status();
                answer.write_to(&mut headers);
            }
            Decision::Continue(plan) => {
                headers.clone_from(answered);
                plan.apply(status, &mut headers);
            }
        }
        Self { method, route, settings, policy, outcome, reason, message, is_answered, behind, status, headers }
    }

    /// The method that was sent.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The rule that it reached, where routes were asked and one matched.
    pub fn route(&self) -> Option<&MatchedRoute> {
        self.route.as_ref()
    }

    /// The settings that apply, in the order in which they count.
    pub fn settings(&self) -> &[Setting] {
        &self.settings
    }

    /// The policy that is in effect, with its [provenance](CompiledPolicy::provenance) where it was merged.
    pub fn policy(&self) -> Option<&CompiledPolicy> {
        self.policy.as_ref()
    }

    /// What became of it.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Why it was decided so, in a sentence, with what would allow it where something would.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Why it was decided so.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// Whether the layer answers, so that the backend is not called.
    pub fn is_answered(&self) -> bool {
        self.is_answered
    }

    /// Who answers where the layer does not.
    pub fn behind(&self) -> Behind {
        self.behind
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers that the layer sets.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }
}

impl MatchedRoute {
    #[cfg(feature = "route")]
    fn new(found: &crate::route::MatchedRule<'_>, matched: Option<String>, requires_consent: bool) -> Self {
        let (namespace, name) = (found.namespace().to_owned(), found.name().to_owned());
        Self {
            kind: "HTTPRoute",
            namespace,
            name,
            rule: found.rule(),
            matched,
            requires_consent,
            delegated_by: Vec::new(),
        }
    }

    /// The kind of the route: `HTTPRoute`, or `GRPCRoute` where manifests say so.
    pub fn kind(&self) -> &str {
        self.kind
    }

    /// The rules that the request came through by delegation, the nearest first, such as `HTTPRoute infra/parent rule 0`.
    pub fn delegated_by(&self) -> &[String] {
        &self.delegated_by
    }

    /// The namespace of the route.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The name of the route.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The index of the rule (from 0) in its route.
    pub fn rule(&self) -> usize {
        self.rule
    }

    /// What the request met, such as `path prefix /users, method PUT`; none where the rule asks for nothing, or where
    /// only a table is known.
    pub fn matched(&self) -> Option<&str> {
        self.matched.as_deref()
    }

    /// Whether the rule is a candidate beside others for the preflight, so that the request needs the consent of this
    /// very rule (8.3).
    pub fn requires_consent(&self) -> bool {
        self.requires_consent
    }
}
