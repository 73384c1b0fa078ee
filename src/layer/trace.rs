//! Decisions as `tracing` events, behind the feature of that name. In: an event and its request. Out: a line at debug
//! level, at info where a browser blocks, at warn for two layers on one request and for lints. Without the feature it is
//! nothing.
//!
//! Fields are named as OpenTelemetry names them, and by `cors.` where it has no name. What comes from the request is
//! escaped and cut at 256 bytes, so that nobody forges the lines of a log.

#[cfg(feature = "tracing")]
pub(super) use with_tracing::{IS_COMPILED, decided, doubled, is_enabled, is_logged, lint, observer};
#[cfg(not(feature = "tracing"))]
pub(super) use without_tracing::{IS_COMPILED, decided, doubled, is_enabled, is_logged, lint, observer};

#[cfg(not(feature = "tracing"))]
mod without_tracing {
    use std::sync::Arc;

    use super::super::{Event, observe::Observer};
    use crate::{
        decision::{Decision, Resolution},
        finding::Lint,
        request::CorsRequest,
    };

    pub(in super::super) const IS_COMPILED: bool = false;

    pub(in super::super) fn observer() -> Option<Arc<dyn Observer>> {
        None
    }

    #[inline(always)]
    pub(in super::super) fn is_enabled() -> bool {
        false
    }

    #[inline(always)]
    pub(in super::super) fn is_logged(_: &CorsRequest<'_>, _: &Resolution<'_>, _: &Decision) -> bool {
        false
    }

    pub(in super::super) fn decided(_: &Event<'_>) {}

    pub(in super::super) fn doubled(_: Option<&str>) {}

    pub(in super::super) fn lint(_: &Lint) {}
}

#[cfg(feature = "tracing")]
mod with_tracing {
    use std::sync::Arc;

    use tracing::{
        Level,
        level_filters::{LevelFilter, STATIC_MAX_LEVEL},
    };

    use super::super::{
        Event,
        observe::{Observer, Observers},
    };
    use crate::{
        decision::{Decision, Outcome, Resolution, cut, is_blocked},
        escape::Escaped,
        finding::Lint,
        request::{CorsRequest, RequestOrigin},
    };

    pub(in super::super) const IS_COMPILED: bool = true;

    /// What observes a layer that was given no observer.
    pub(in super::super) fn observer() -> Option<Arc<dyn Observer>> {
        Some(Arc::new(Observers::default()))
    }

    /// Whether anybody may listen. Denials are at info, so who hears of anything hears of that level. It compares levels
    /// alone: to ask the subscriber takes 80 instructions, and most requests are not logged.
    #[inline]
    pub(in super::super) fn is_enabled() -> bool {
        Level::INFO <= STATIC_MAX_LEVEL && Level::INFO <= LevelFilter::current()
    }

    /// Whether anybody listens to this decision: all of them are at debug or above, denials at info.
    #[inline]
    pub(in super::super) fn is_logged(
        request: &CorsRequest<'_>,
        resolution: &Resolution<'_>,
        decision: &Decision,
    ) -> bool {
        tracing::enabled!(target: "tower_cors", Level::DEBUG)
            || is_blocked(request, resolution, decision) && tracing::enabled!(target: "tower_cors", Level::INFO)
    }

    pub(in super::super) fn decided(event: &Event<'_>) {
        let Some(review) = event.review else { return };
        let request = review.request();
        let method = shown(request.method().as_str().as_bytes());
        let path = request.path().map(|path| shown(path.as_bytes()));
        let announced = if request.is_preflight() { request.announced_method() } else { None };
        let announced = announced.map(|method| shown(method.as_bytes()));
        let origin = match request.origin() {
            RequestOrigin::One(origin) => Some(shown(origin.as_bytes())),
            RequestOrigin::Absent | RequestOrigin::Several => None,
        };
        let header = review.header_name().map(shown);
        let failure = review.failure().map(|failure| shown(failure.as_bytes()));
        // The two levels need two places in the code, and the same fields.
        macro_rules! event {
            ($level:expr) => {
                tracing::event!(
                    target: "tower_cors",
                    $level,
                    http.request.method = method,
                    http.route = event.route,
                    url.path = path,
                    cors.outcome = event.outcome.code(),
                    cors.reason = event.reason.code(),
                    cors.origin = origin,
                    cors.announced_method = announced,
                    cors.header = header,
                    cors.failure = failure,
                    cors.shadow = event.difference.map(|difference| difference.code()),
                    "{}",
                    event.reason
                )
            };
        }
        if event.reason.is_blocking() || event.outcome == Outcome::Refused || event.difference.is_some() {
            event!(Level::INFO);
        } else {
            event!(Level::DEBUG);
        }
    }

    pub(in super::super) fn doubled(route: Option<&str>) {
        tracing::event!(
            target: "tower_cors",
            Level::WARN,
            http.route = route,
            cors.outcome = Outcome::AlreadyDecided.code(),
            "two CORS layers stand on one request; the one nearest to the handler decided its response"
        );
    }

    pub(in super::super) fn lint(lint: &Lint) {
        tracing::event!(
            target: "tower_cors",
            Level::WARN,
            cors.lint = lint.code(),
            cors.severity = %lint.severity(),
            "{lint}"
        );
    }

    fn shown(bytes: &[u8]) -> String {
        Escaped(&String::from_utf8_lossy(cut(bytes))).to_string()
    }
}
