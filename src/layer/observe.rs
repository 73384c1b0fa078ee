//! Who observes the decisions of a layer: a hook, a record in the extensions of responses, the debug mode, `tracing`; and
//! a shadow policy that is compared with the one that serves. In: a decision and what it was made of. Out: events, and a
//! report that waits for the response. Rule 5.9's report.

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

/// What a service calls of its observers.
///
/// Services hold a trait object, so that only programs that set an observer carry its code: 25 KB (`benches/size.rs`).
pub(super) trait Observer: fmt::Debug + Send + Sync {
    /// False where nothing would come of a report, whatever is decided.
    fn is_listening(&self) -> bool;

    /// False where nothing would come of a report of this decision, so that the service makes none.
    fn is_concerned(&self, head: &CorsRequest<'_>, resolution: &Resolution<'_>, decision: &Decision) -> bool;

    /// Reports a decision, and gives what is left to report once the response is there.
    fn observe(self: Arc<Self>, observed: &Observed<'_>) -> Box<Report>;

    /// Adds to the head of an answer what was asked for. Gives the text for its body, where it should have one.
    fn complete(
        &self,
        report: Report,
        status: StatusCode,
        headers: &mut HeaderMap,
        extensions: &mut Extensions,
    ) -> Option<String>;

    /// Reports that a layer nearer to the handler had decided a response already (5.9), and leaves the record of the
    /// decision that holds.
    fn conclude(&self, report: Report, already_decided: bool, extensions: &mut Extensions);
}

/// A decision, and what it was made of.
pub(super) struct Observed<'a> {
    pub(super) head: &'a CorsRequest<'a>,
    pub(super) options: &'a Options,
    pub(super) resolution: &'a Resolution<'a>,
    pub(super) decision: &'a Decision,
    /// Whether another layer is known to stand within this one (5.9).
    pub(super) has_inner_layer: bool,
}

/// What is left to report of a decision once the response is there.
pub(super) struct Report {
    observer: Arc<dyn Observer>,
    recorded: Option<Recorded>,
    debug: Option<String>,
    route: Option<Box<str>>,
    reason: Reason,
}

impl Report {
    /// Completes an answer.
    #[cold]
    pub(super) fn complete<B, M: AnswerBody<B>>(self, response: &mut Response<M::Body>) {
        let observer = Arc::clone(&self.observer);
        let status = response.status();
        let mut headers = mem::take(response.headers_mut());
        let text = observer.complete(self, status, &mut headers, response.extensions_mut());
        *response.headers_mut() = headers;
        if let Some(body) = text.and_then(M::text) {
            *response.body_mut() = body;
            describe(response.headers_mut());
        }
    }

    /// Reports on a response that the inner service gave.
    #[cold]
    pub(super) fn conclude(self, already_decided: bool, extensions: &mut Extensions) {
        Arc::clone(&self.observer).conclude(self, already_decided, extensions);
    }
}

pub(super) type Hook = Arc<dyn Fn(&Event<'_>) + Send + Sync>;
pub(super) type Label = Arc<dyn for<'a> Fn(&CorsRequest<'a>) -> Option<&'a str> + Send + Sync>;

/// The observers that a layer was given.
#[derive(Clone, Default)]
pub(super) struct Observers {
    pub(super) hook: Option<Hook>,
    pub(super) label: Option<Label>,
    pub(super) shadow: Option<Arc<dyn PolicyResolver + Send + Sync>>,
    pub(super) record: bool,
    pub(super) debug: bool,
}

impl Observer for Observers {
    /// True if a hook, a record or the debug mode is set. A route label or a shadow policy alone observes nothing.
    fn is_listening(&self) -> bool {
        self.is_told_everything() || trace::is_enabled()
    }

    fn is_concerned(&self, head: &CorsRequest<'_>, resolution: &Resolution<'_>, decision: &Decision) -> bool {
        // A label or a shadow policy can add to what is logged.
        self.is_told_everything()
            || (self.label.is_some() || self.shadow.is_some()) && trace::is_enabled()
            || trace::is_logged(head, resolution, decision)
    }

    fn observe(self: Arc<Self>, observed: &Observed<'_>) -> Box<Report> {
        let Observed { head, resolution, decision, .. } = *observed;
        let review = Review::new(head, resolution, decision);
        let (outcome, reason) = (review.outcome(), review.reason());
        let route = self.label.as_ref().and_then(|label| label(head));
        let event =
            Event { outcome, reason, route, difference: self.difference(observed, &review), review: Some(&review) };
        if let Some(hook) = &self.hook {
            hook(&event);
        }
        trace::decided(&event);
        if observed.has_inner_layer {
            self.already_decided(reason, route);
        }
        let is_answer = matches!(decision, Decision::Answer(_));
        let is_explained = self.debug && is_answer && !review.is_allowed();
        Box::new(Report {
            recorded: self.record.then_some(Recorded { outcome, reason }),
            debug: is_explained.then(|| match observed.has_inner_layer {
                true => format!("{review}; {INNER_LAYER}"),
                false => review.to_string(),
            }),
            route: route.map(Into::into).filter(|_| !is_answer),
            reason,
            observer: self,
        })
    }

    fn complete(
        &self,
        report: Report,
        status: StatusCode,
        headers: &mut HeaderMap,
        extensions: &mut Extensions,
    ) -> Option<String> {
        if let Some(recorded) = report.recorded {
            extensions.insert(recorded);
        }
        let message = report.debug?;
        if let Ok(value) = HeaderValue::try_from(in_ascii(&message)) {
            let _ = headers.try_insert(DEBUG.clone(), value);
        }
        // A 204 has no body, and one that comes nevertheless breaks the connection.
        (status != StatusCode::NO_CONTENT).then(|| format!("CORS: {message}\n"))
    }

    fn conclude(&self, report: Report, already_decided: bool, extensions: &mut Extensions) {
        if already_decided {
            self.already_decided(report.reason, report.route.as_deref());
        }
        let Some(recorded) = report.recorded else { return };
        match already_decided {
            false => drop(extensions.insert(recorded)),
            true => drop(extensions.get_or_insert_with(|| Recorded { outcome: Outcome::AlreadyDecided, ..recorded })),
        }
    }
}

/// What the debug mode adds where another layer would have answered a preflight as well (5.9).
const INNER_LAYER: &str = "another CORS layer stands within this one and is never asked about preflights; remove one";

impl Observers {
    fn is_told_everything(&self) -> bool {
        self.hook.is_some() || self.record || self.debug
    }

    /// How the shadow policy differs, where there is one. Nothing that it decides is applied.
    fn difference(&self, observed: &Observed<'_>, served: &Review<'_>) -> Option<Difference> {
        let resolution = self.shadow.as_ref()?.resolve(observed.head);
        let decision = decide(observed.head, &resolution, observed.options);
        Difference::between(served, &Review::new(observed.head, &resolution, &decision))
    }

    /// 5.9: the doubling is reported.
    fn already_decided(&self, reason: Reason, route: Option<&str>) {
        trace::doubled(route);
        if let Some(hook) = &self.hook {
            hook(&Event { outcome: Outcome::AlreadyDecided, reason, route, difference: None, review: None });
        }
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
        f.debug_struct("Observers")
            .field("hook", &self.hook.is_some())
            .field("label", &self.label.is_some())
            .field("shadow", &self.shadow.is_some())
            .field("record", &self.record)
            .field("debug", &self.debug)
            .finish()
    }
}
