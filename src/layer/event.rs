//! What a layer tells about a decision: the event that a hook gets, and the record that a response carries. Labels of a
//! few values each, so that a metric made of them stays small whatever clients send.

use crate::decision::{Outcome, Reason, Review};

/// A decision, as [`CorsLayer::on_decision`](super::CorsLayer::on_decision) hears of it.
///
/// [`outcome`](Self::outcome), [`reason`](Self::reason), [`route`](Self::route) and [`difference`](Self::difference) are
/// for metrics. What [`review`](Self::review) gives comes from the request, so it is for people, not for labels.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    pub(super) outcome: Outcome,
    pub(super) reason: Reason,
    pub(super) route: Option<&'a str>,
    pub(super) difference: Option<Difference>,
    pub(super) review: Option<&'a Review<'a>>,
}

impl<'a> Event<'a> {
    /// What became of the request.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Why.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// The label of the route, where [`CorsLayer::route_label`](super::CorsLayer::route_label) gives one.
    pub fn route(&self) -> Option<&'a str> {
        self.route
    }

    /// Where the policy of [`CorsLayer::shadow`](super::CorsLayer::shadow) would have decided otherwise, and how.
    pub fn difference(&self) -> Option<Difference> {
        self.difference
    }

    /// The decision down to the method and the header name, for messages; none for
    /// [`Outcome::AlreadyDecided`], which shows only when the request is gone.
    pub fn review(&self) -> Option<&'a Review<'a>> {
        self.review
    }
}

/// How the policy beside the one that serves would have decided, where a page would notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Difference {
    /// It would deny what is allowed now, for this reason.
    WouldDeny(Reason),
    /// It would allow what is denied now.
    WouldAllow,
}

impl Difference {
    /// A stable label: `would-deny` or `would-allow`.
    pub fn code(self) -> &'static str {
        match self {
            Self::WouldDeny(_) => "would-deny",
            Self::WouldAllow => "would-allow",
        }
    }

    /// How `shadow` differs from `served`, if it does.
    pub(super) fn between(served: &Review<'_>, shadow: &Review<'_>) -> Option<Self> {
        match (served.is_allowed(), shadow.is_allowed()) {
            (true, false) => Some(Self::WouldDeny(shadow.reason())),
            (false, true) => Some(Self::WouldAllow),
            _ => None,
        }
    }
}

/// The decision, in the extensions of a response; see
/// [`CorsLayer::record_decision`](super::CorsLayer::record_decision).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Recorded {
    pub(super) outcome: Outcome,
    pub(super) reason: Reason,
}

impl Recorded {
    /// What became of the request.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Why.
    pub fn reason(&self) -> Reason {
        self.reason
    }
}
