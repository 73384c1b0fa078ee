//! What a resolver answers: the policy that applies to a request, none, or none that allows anything; whether the
//! choice depended on the origin; and what 8.3 needs to know of the other rules. Rules 2.19, 5.7, 6.1, 7.10, 8.3.

use std::sync::{Arc, LazyLock};

use super::{
    Candidates,
    consent::{FindCandidates, LookForConsent, MissingConsent, missing_consent},
};
use crate::{
    compile::{CompiledPolicy, Judgement},
    policy::{CorsPolicy, OriginAnswer, OriginAnswers},
    request::CorsRequest,
};

/// What a resolver answers for a request, and what [`decide`](super::decide) decides under.
///
/// A policy converts into one, an `Option` of one too: `None` means that no policy applies.
///
/// # Examples
///
/// ```
/// use tower_cors::{CorsPolicy, decision::Resolution};
///
/// let policy = CorsPolicy::new().allow_origins(["https://app.example"]).compile()?;
/// assert_eq!(Resolution::from(&policy).policy(), Some(&policy));
/// assert!(Resolution::none().policy().is_none());
/// // Nothing is allowed, and the inner service's own CORS headers are removed.
/// assert!(Resolution::closed().is_closed());
/// # Ok::<_, tower_cors::Violations>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Resolution<'a> {
    policy: Option<&'a CompiledPolicy>,
    consent: Option<Consent<Table<'a>>>,
    is_closed: bool,
    varies_on_origin: bool,
    /// What is not borrowed, in one place: most resolutions own nothing, and to find that out costs a request one look.
    owned: Option<Owned>,
}

/// What a resolution brings along, or shares with others.
#[derive(Clone, Debug, Default)]
struct Owned {
    policy: Option<CompiledPolicy>,
    consent: Option<Consent<SharedTable>>,
    /// What a function beside the policy said of the origin of the request (2.19).
    origin_answer: Option<OriginAnswer>,
}

/// The consent that is required (8.3): where the candidates beside the chosen rule are found, and what looks there. That is
/// a pointer, so that only programs that require consent carry its code (`benches/size.rs`).
#[derive(Clone, Copy, Debug)]
struct Consent<T> {
    table: T,
    look: LookForConsent,
}

impl<T> Consent<T> {
    fn of(table: T) -> Self {
        Self { table, look: missing_consent }
    }
}

#[derive(Clone, Copy, Debug)]
enum Table<'a> {
    Of(&'a Arc<Candidates>),
    #[cfg(feature = "route")]
    FoundBy(&'a Arc<dyn FindCandidates>),
}

/// The same, shared.
#[derive(Clone, Debug)]
enum SharedTable {
    Of(Arc<Candidates>),
    #[cfg(feature = "route")]
    FoundBy(Arc<dyn FindCandidates>),
}

impl Consent<Table<'_>> {
    fn to_owned(self) -> Consent<SharedTable> {
        let table = match self.table {
            Table::Of(candidates) => SharedTable::Of(Arc::clone(candidates)),
            #[cfg(feature = "route")]
            Table::FoundBy(table) => SharedTable::FoundBy(Arc::clone(table)),
        };
        Consent { table, look: self.look }
    }
}

impl Consent<SharedTable> {
    fn as_borrowed(&self) -> Consent<Table<'_>> {
        let table = match &self.table {
            SharedTable::Of(candidates) => Table::Of(candidates),
            #[cfg(feature = "route")]
            SharedTable::FoundBy(table) => Table::FoundBy(table),
        };
        Consent { table, look: self.look }
    }
}

/// The policy that allows nothing, for [`Resolution::closed`].
static CLOSED: LazyLock<Option<CompiledPolicy>> = LazyLock::new(|| CorsPolicy::new().compile().ok());

impl<'a> Resolution<'a> {
    /// No policy applies: the request passes untouched, preflights included (5.7).
    pub fn none() -> Self {
        Self::default()
    }

    /// The policy that was meant could not be found or made, so nothing is allowed: preflights are denied, and the
    /// inner service's own CORS headers are removed, whatever the options say (7.10).
    pub fn closed() -> Self {
        Self { is_closed: true, ..Self::default() }
    }

    /// Says that the policy was chosen by the origin of the request, so that every response names `Origin` in `Vary`,
    /// that of an open policy too, and that of no policy (6.1).
    ///
    /// The layer finds out by itself where the resolver asked [`CorsRequest`](crate::request::CorsRequest) for the
    /// origin. A resolver that read it from the headers or from elsewhere calls this.
    #[must_use]
    pub fn vary_on_origin(mut self) -> Self {
        self.varies_on_origin = true;
        self
    }

    #[inline]
    pub(crate) fn vary_on_origin_if(mut self, is_origin_observed: bool) -> Self {
        self.varies_on_origin |= is_origin_observed;
        self
    }

    /// Requires the consent of this very policy (8.3): a cross-origin request that needed a preflight is answered with
    /// 403 where the policy does not allow its origin, its method, or a header that needed the preflight.
    ///
    /// For resolvers that choose by the method or by a header, which a preflight only announces: `candidates` are the
    /// policies that may answer the same preflight, so that no page uses the consent of one to send what another
    /// applies to.
    #[must_use]
    pub fn require_consent(mut self, candidates: &'a Arc<Candidates>) -> Self {
        self.consent = Some(Consent::of(Table::Of(candidates)));
        self
    }

    #[cfg(feature = "route")]
    pub(crate) fn require_consent_of(mut self, table: &'a Arc<dyn FindCandidates>) -> Self {
        self.consent = Some(Consent::of(Table::FoundBy(table)));
        self
    }

    /// The policy that applies, where one does.
    #[inline]
    pub fn policy(&self) -> Option<&CompiledPolicy> {
        match self.policy {
            None if self.is_closed => CLOSED.as_ref(),
            None => self.owned.as_ref()?.policy.as_ref(),
            borrowed => borrowed,
        }
    }

    /// Whether this is [`closed`](Self::closed).
    #[inline]
    pub fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Whether the answer varies on the origin whatever the policy says.
    #[inline]
    pub(crate) fn varies_on_origin(&self) -> bool {
        self.varies_on_origin
    }

    /// What is missing to the consent of `policy`, the chosen one, where consent is required (8.3).
    #[inline]
    pub(super) fn missing_consent<'r>(
        &self,
        request: &CorsRequest<'r>,
        policy: &CompiledPolicy,
        is_origin_allowed: bool,
    ) -> Option<MissingConsent<'r>> {
        let Consent { table, look } = self.borrowed_consent()?;
        let table: &dyn FindCandidates = match table {
            Table::Of(candidates) => &**candidates,
            #[cfg(feature = "route")]
            Table::FoundBy(table) => &**table,
        };
        look(request, table, policy, is_origin_allowed)
    }

    /// Whether consent is required.
    pub(super) fn requires_consent(&self) -> bool {
        self.borrowed_consent().is_some()
    }

    #[inline]
    fn borrowed_consent(&self) -> Option<Consent<Table<'_>>> {
        match self.consent {
            None => self.owned.as_ref()?.consent.as_ref().map(Consent::as_borrowed),
            borrowed => borrowed,
        }
    }

    #[inline]
    fn origin_answer(&self) -> Option<&OriginAnswer> {
        self.owned.as_ref()?.origin_answer.as_ref()
    }

    /// Adds what a function beside the policy said of the origin, which the policy does not allow by itself (2.19).
    pub(crate) fn with_origin_answer(mut self, answer: OriginAnswer) -> Self {
        self.owned.get_or_insert_default().origin_answer = Some(answer);
        self
    }

    /// The error of the function beside the policy, if it failed.
    pub(super) fn origin_failure(&self) -> Option<Arc<str>> {
        match self.origin_answer() {
            Some(OriginAnswer::Failed(error)) => Some(Arc::clone(error)),
            _ => None,
        }
    }

    /// What the policy, and a function beside it, say of an origin, of which `answers` are known.
    #[inline]
    pub(super) fn judge_origin(&self, policy: &CompiledPolicy, origin: &[u8], answers: &OriginAnswers) -> Judgement {
        match self.origin_answer() {
            Some(answer) if !policy.lists_origin(origin) => answer.into(),
            _ => policy.judge_origin(origin, answers),
        }
    }

    /// The same answer, borrowed from this one.
    pub fn as_borrowed(&self) -> Resolution<'_> {
        let answer = self.origin_answer().cloned();
        Resolution {
            policy: self.policy.or_else(|| self.owned.as_ref()?.policy.as_ref()),
            consent: self.borrowed_consent(),
            is_closed: self.is_closed,
            varies_on_origin: self.varies_on_origin,
            owned: answer.map(|answer| Owned { origin_answer: Some(answer), ..Owned::default() }),
        }
    }

    /// The same answer, sharing what it borrowed: for a resolver whose answer outlives what it came from.
    pub fn into_owned(self) -> Resolution<'static> {
        let mut owned = self.owned.unwrap_or_default();
        owned.policy = self.policy.cloned().or(owned.policy);
        owned.consent = self.consent.map(Consent::to_owned).or(owned.consent);
        Resolution {
            policy: None,
            consent: None,
            is_closed: self.is_closed,
            varies_on_origin: self.varies_on_origin,
            owned: Some(owned),
        }
    }
}

impl<'a> From<&'a CompiledPolicy> for Resolution<'a> {
    #[inline]
    fn from(policy: &'a CompiledPolicy) -> Self {
        Self { policy: Some(policy), ..Self::default() }
    }
}

impl From<CompiledPolicy> for Resolution<'_> {
    fn from(policy: CompiledPolicy) -> Self {
        Self { owned: Some(Owned { policy: Some(policy), ..Owned::default() }), ..Self::default() }
    }
}

impl<'a> From<Option<&'a CompiledPolicy>> for Resolution<'a> {
    #[inline]
    fn from(policy: Option<&'a CompiledPolicy>) -> Self {
        policy.map_or_else(Self::none, Self::from)
    }
}

impl From<Option<CompiledPolicy>> for Resolution<'_> {
    fn from(policy: Option<CompiledPolicy>) -> Self {
        policy.map_or_else(Self::none, Self::from)
    }
}

impl<'a> From<&'a Option<CompiledPolicy>> for Resolution<'a> {
    #[inline]
    fn from(policy: &'a Option<CompiledPolicy>) -> Self {
        policy.as_ref().into()
    }
}
