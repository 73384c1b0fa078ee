//! Who observes the decisions of a layer: a hook, a record in the extensions of responses, the debug mode, `tracing`; and
//! a shadow policy that is compared with the one that serves. Without observers a request pays for one look at one
//! pointer. Rule 5.9's report.

use std::{fmt, mem, sync::Arc};

use http::{
    Extensions, HeaderName, HeaderValue, Response, StatusCode,
    header::{CONTENT_TYPE, HeaderMap},
};

use super::{AnswerBody, Difference, Event, Recorded, trace};
use crate::{
    decision::{Decision, Options, Outcome, Reason, Resolution, Review, decide},
    request::CorsRequest,
    resolver::PolicyResolver,
};

/// The header of the debug mode.
static DEBUG: HeaderName = HeaderName::from_static("tower-cors-debug");

/// Shared by all clones of a service, behind one `Arc`: cloning a service is one atomic increment.
#[derive(Debug)]
pub(super) struct Shared<R> {
    pub(super) resolver: Arc<R>,
    pub(super) options: Options,
    pub(super) observers: Observers,
}

impl<R> Shared<R> {
    pub(super) fn new(resolver: R) -> Self {
        Self { resolver: Arc::new(resolver), options: Options::new(), observers: Observers::default() }
    }

    /// Whether a decision is observed.
    #[inline]
    pub(super) fn is_observed(&self) -> bool {
        self.observers.is_any() || trace::is_enabled()
    }

    /// Reports a decision to the observers, and gives what is left to report once the response is there.
    #[inline]
    pub(super) fn observe(
        &self,
        head: &CorsRequest<'_>,
        resolution: &Resolution<'_>,
        decision: &Decision,
    ) -> Option<Box<dyn PendingReport>> {
        let observe = self.observers.observe.filter(|_| self.is_observed())?;
        Some(observe(&self.observers, head, &self.options, resolution, decision))
    }
}

impl<R> Clone for Shared<R> {
    fn clone(&self) -> Self {
        Self { resolver: Arc::clone(&self.resolver), options: self.options, observers: self.observers.clone() }
    }
}

type Hook = Arc<dyn Fn(&Event<'_>) + Send + Sync>;
type Label = Arc<dyn for<'a> Fn(&CorsRequest<'a>) -> Option<&'a str> + Send + Sync>;
type Observe = fn(&Observers, &CorsRequest<'_>, &Options, &Resolution<'_>, &Decision) -> Box<dyn PendingReport>;

/// Who observes decisions.
#[derive(Clone)]
pub(super) struct Observers {
    /// None where there are none, so that most layers clone and drop no more than that.
    settings: Option<Arc<Settings>>,
    /// [`Observers::report`], where a setting needs it: 20 KB of code that other programs do without, since nothing else
    /// names it.
    observe: Option<Observe>,
}

#[derive(Clone, Default)]
struct Settings {
    hook: Option<Hook>,
    label: Option<Label>,
    shadow: Option<Arc<dyn PolicyResolver + Send + Sync>>,
    record: bool,
    debug: bool,
}

impl Default for Observers {
    fn default() -> Self {
        let observe: Option<Observe> = if trace::IS_COMPILED { Some(Self::report) } else { None };
        Self { settings: None, observe }
    }
}

impl Observers {
    pub(super) fn set_hook(&mut self, hook: Hook) {
        self.settings_mut().hook = Some(hook);
        self.observe = Some(Self::report);
    }

    pub(super) fn set_label(&mut self, label: Label) {
        self.settings_mut().label = Some(label);
    }

    pub(super) fn set_shadow(&mut self, shadow: Arc<dyn PolicyResolver + Send + Sync>) {
        self.settings_mut().shadow = Some(shadow);
    }

    pub(super) fn set_record(&mut self, record: bool) {
        self.settings_mut().record = record;
        self.observe = Some(Self::report);
    }

    pub(super) fn set_debug(&mut self, debug: bool) {
        self.settings_mut().debug = debug;
        self.observe = Some(Self::report);
    }

    fn settings_mut(&mut self) -> &mut Settings {
        Arc::make_mut(self.settings.get_or_insert_default())
    }

    /// True if a hook, a record or the debug mode is set. A route label or a shadow policy alone observes nothing.
    #[inline]
    fn is_any(&self) -> bool {
        self.settings.as_ref().is_some_and(|settings| settings.hook.is_some() || settings.record || settings.debug)
    }

    #[cold]
    #[inline(never)]
    fn report(
        &self,
        head: &CorsRequest<'_>,
        options: &Options,
        resolution: &Resolution<'_>,
        decision: &Decision,
    ) -> Box<dyn PendingReport> {
        let nothing = Settings::default();
        let settings = self.settings.as_deref().unwrap_or(&nothing);
        let review = Review::new(head, resolution, decision);
        let difference =
            settings.shadow.as_ref().and_then(|shadow| difference(shadow.as_ref(), head, options, &review));
        let (outcome, reason) = (review.outcome(), review.reason());
        let route = settings.label.as_ref().and_then(|label| label(head));
        let event = Event { outcome, reason, route, difference, review: Some(&review) };
        if let Some(hook) = &settings.hook {
            hook(&event);
        }
        trace::decided(&event);
        let is_answer = matches!(decision, Decision::Answer(_));
        Box::new(Remaining {
            recorded: settings.record.then_some(Recorded { outcome, reason }),
            debug: (settings.debug && is_answer && !review.is_allowed()).then(|| review.to_string()),
            hook: settings.hook.clone().filter(|_| !is_answer),
            route: route.map(Into::into).filter(|_| !is_answer),
            reason,
        })
    }
}

/// How a second policy differs. Nothing that it decides is applied.
fn difference(
    shadow: &dyn PolicyResolver,
    head: &CorsRequest<'_>,
    options: &Options,
    served: &Review<'_>,
) -> Option<Difference> {
    let resolution = shadow.resolve(head);
    let decision = decide(head, &resolution, options);
    Difference::between(served, &Review::new(head, &resolution, &decision))
}

/// What is left to report once the response is there. An object, so that only [`Observers::report`] names what it does.
pub(super) trait PendingReport: Send + Sync {
    /// Adds to the head of an answer what was asked for. Gives the text for its body, where it should have one.
    fn complete(
        self: Box<Self>,
        status: StatusCode,
        headers: &mut HeaderMap,
        extensions: &mut Extensions,
    ) -> Option<String>;

    /// Reports that a layer nearer to the handler had decided a response already (5.9), and leaves the record of the
    /// decision that holds.
    fn conclude(self: Box<Self>, already_decided: bool, extensions: &mut Extensions);
}

struct Remaining {
    recorded: Option<Recorded>,
    debug: Option<String>,
    hook: Option<Hook>,
    route: Option<Box<str>>,
    reason: Reason,
}

impl PendingReport for Remaining {
    fn complete(
        self: Box<Self>,
        status: StatusCode,
        headers: &mut HeaderMap,
        extensions: &mut Extensions,
    ) -> Option<String> {
        if let Some(recorded) = self.recorded {
            extensions.insert(recorded);
        }
        let message = self.debug?;
        if let Ok(value) = HeaderValue::try_from(in_ascii(&message)) {
            let _ = headers.try_insert(DEBUG.clone(), value);
        }
        // A 204 has no body, and one that comes nevertheless breaks the connection.
        (status != StatusCode::NO_CONTENT).then(|| format!("CORS: {message}\n"))
    }

    fn conclude(self: Box<Self>, already_decided: bool, extensions: &mut Extensions) {
        if already_decided {
            let route = self.route.as_deref();
            trace::doubled(route);
            if let Some(hook) = &self.hook {
                let outcome = Outcome::AlreadyDecided;
                hook(&Event { outcome, reason: self.reason, route, difference: None, review: None });
            }
        }
        let Some(recorded) = self.recorded else { return };
        match already_decided {
            false => drop(extensions.insert(recorded)),
            true => drop(extensions.get_or_insert_with(|| Recorded { outcome: Outcome::AlreadyDecided, ..recorded })),
        }
    }
}

/// Completes an answer by what is left to report.
#[cold]
pub(super) fn complete<B, M: AnswerBody<B>>(
    report: Box<dyn PendingReport>,
    response: &mut Response<M::Body>,
    body: &M,
) {
    let status = response.status();
    let mut headers = mem::take(response.headers_mut());
    let text = report.complete(status, &mut headers, response.extensions_mut());
    *response.headers_mut() = headers;
    if let Some(body) = text.and_then(|text| body.text(text)) {
        *response.body_mut() = body;
        describe(response.headers_mut());
    }
}

/// A header holds no more than ASCII safely.
fn in_ascii(message: &str) -> String {
    let mut ascii = String::with_capacity(message.len());
    for character in message.chars() {
        match character {
            '…' => ascii.push_str("..."),
            _ if character.is_ascii() => ascii.push(character),
            _ => ascii.extend(character.escape_default()),
        }
    }
    ascii
}

fn describe(headers: &mut HeaderMap) {
    let _ = headers.try_insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    let _ = headers.try_insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.settings, f)
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("hook", &self.hook.is_some())
            .field("label", &self.label.is_some())
            .field("shadow", &self.shadow.is_some())
            .field("record", &self.record)
            .field("debug", &self.debug)
            .finish()
    }
}
