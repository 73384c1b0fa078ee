//! What a layer says beside serving: to a hook, in the extensions of responses, in the answers of the debug mode, about
//! a second policy. Where nobody asked for any of it, a request pays for one look at one pointer. Rule 5.9's report.

use std::{fmt, mem, sync::Arc};

use http::{
    Extensions, HeaderName, HeaderValue, Response, StatusCode,
    header::{CONTENT_TYPE, HeaderMap},
};

use super::{AnswerBody, Difference, Event, Recorded, trace};
use crate::{
    decision::{Decision, Options, Outcome, Reason, Review, decide},
    request::CorsRequest,
    resolver::{PolicyResolver, Resolution},
};

/// The header of the debug mode.
static DEBUG: HeaderName = HeaderName::from_static("tower-cors-debug");

/// What the clones of a service share. One count for all of it keeps them cheap.
#[derive(Debug)]
pub(super) struct Shared<R> {
    pub(super) resolver: Arc<R>,
    pub(super) options: Options,
    pub(super) telling: Telling,
}

impl<R> Shared<R> {
    pub(super) fn new(resolver: R) -> Self {
        Self { resolver: Arc::new(resolver), options: Options::new(), telling: Telling::default() }
    }

    /// Whether anybody listens.
    #[inline]
    pub(super) fn is_heard(&self) -> bool {
        self.telling.is_asked() || trace::is_enabled()
    }

    /// Tells who listens what was decided, and leaves what is to be said once the response is there.
    #[inline]
    pub(super) fn tell(
        &self,
        head: &CorsRequest<'_>,
        resolution: &Resolution<'_>,
        decision: &Decision,
    ) -> Option<Box<dyn Told>> {
        let speak = self.telling.speak.filter(|_| self.is_heard())?;
        Some(speak(&self.telling, head, &self.options, resolution, decision))
    }
}

impl<R> Clone for Shared<R> {
    fn clone(&self) -> Self {
        Self { resolver: Arc::clone(&self.resolver), options: self.options, telling: self.telling.clone() }
    }
}

type Hook = Arc<dyn Fn(&Event<'_>) + Send + Sync>;
type Label = Arc<dyn for<'a> Fn(&CorsRequest<'a>) -> Option<&'a str> + Send + Sync>;
type Speak = fn(&Telling, &CorsRequest<'_>, &Options, &Resolution<'_>, &Decision) -> Box<dyn Told>;

/// What to say, and to whom.
#[derive(Clone)]
pub(super) struct Telling {
    /// None where nobody asked for anything, so that most layers clone and drop no more than that.
    wishes: Option<Arc<Wishes>>,
    /// [`Telling::tell`], where somebody asked for it: 20 KB of code that a program which asks for nothing does without,
    /// since nothing else names it.
    speak: Option<Speak>,
}

#[derive(Clone, Default)]
struct Wishes {
    hook: Option<Hook>,
    label: Option<Label>,
    shadow: Option<Arc<dyn PolicyResolver + Send + Sync>>,
    record: bool,
    debug: bool,
}

impl Default for Telling {
    fn default() -> Self {
        let speak: Option<Speak> = if trace::IS_COMPILED { Some(Self::tell) } else { None };
        Self { wishes: None, speak }
    }
}

impl Telling {
    pub(super) fn set_hook(&mut self, hook: Hook) {
        self.wishes_mut().hook = Some(hook);
        self.speak = Some(Self::tell);
    }

    pub(super) fn set_label(&mut self, label: Label) {
        self.wishes_mut().label = Some(label);
    }

    pub(super) fn set_shadow(&mut self, shadow: Arc<dyn PolicyResolver + Send + Sync>) {
        self.wishes_mut().shadow = Some(shadow);
    }

    pub(super) fn set_record(&mut self, record: bool) {
        self.wishes_mut().record = record;
        self.speak = Some(Self::tell);
    }

    pub(super) fn set_debug(&mut self, debug: bool) {
        self.wishes_mut().debug = debug;
        self.speak = Some(Self::tell);
    }

    fn wishes_mut(&mut self) -> &mut Wishes {
        Arc::make_mut(self.wishes.get_or_insert_default())
    }

    /// Whether anybody is to be told, whatever happens. A label and a shadow only add to what is told.
    #[inline]
    fn is_asked(&self) -> bool {
        self.wishes.as_ref().is_some_and(|wishes| wishes.hook.is_some() || wishes.record || wishes.debug)
    }

    #[cold]
    #[inline(never)]
    fn tell(
        &self,
        head: &CorsRequest<'_>,
        options: &Options,
        resolution: &Resolution<'_>,
        decision: &Decision,
    ) -> Box<dyn Told> {
        let nothing = Wishes::default();
        let wishes = self.wishes.as_deref().unwrap_or(&nothing);
        let review = Review::new(&head.held(resolution.hold()), resolution.policy(), decision);
        let difference = wishes.shadow.as_ref().and_then(|shadow| difference(shadow.as_ref(), head, options, &review));
        let (outcome, reason) = (review.outcome(), review.reason());
        let route = wishes.label.as_ref().and_then(|label| label(head));
        let event = Event { outcome, reason, route, difference, review: Some(&review) };
        if let Some(hook) = &wishes.hook {
            hook(&event);
        }
        trace::decided(&event);
        let is_answer = matches!(decision, Decision::Answer(_));
        Box::new(Remaining {
            recorded: wishes.record.then_some(Recorded { outcome, reason }),
            debug: (wishes.debug && is_answer && !review.is_allowed()).then(|| review.to_string()),
            hook: wishes.hook.clone().filter(|_| !is_answer),
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
    let head = head.held(resolution.hold());
    let decision = decide(&head, resolution.policy(), options);
    Difference::between(served, &Review::new(&head, resolution.policy(), &decision))
}

/// What is left to say once the response is there. An object, so that only [`Telling::tell`] names what it does.
pub(super) trait Told: Send + Sync {
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

impl Told for Remaining {
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

/// Completes an answer by what is left to say.
#[cold]
pub(super) fn complete<B, M: AnswerBody<B>>(told: Box<dyn Told>, response: &mut Response<M::Body>, body: &M) {
    let status = response.status();
    let mut headers = mem::take(response.headers_mut());
    let text = told.complete(status, &mut headers, response.extensions_mut());
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

impl fmt::Debug for Telling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.wishes, f)
    }
}

impl fmt::Debug for Wishes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wishes")
            .field("hook", &self.hook.is_some())
            .field("label", &self.label.is_some())
            .field("shadow", &self.shadow.is_some())
            .field("record", &self.record)
            .field("debug", &self.debug)
            .finish()
    }
}
