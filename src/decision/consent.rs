//! Whether a request was sent with the consent of the policy that it reaches. In: the request, its policy, and what is
//! known of the rules whose policies could have answered its preflight. Out: yes, or what is missing. Rule 8.3.

use std::{
    collections::{HashMap, HashSet},
    fmt,
};

use http::{HeaderName, HeaderValue};

use crate::{compile::CompiledPolicy, headers, request::CorsRequest};

/// Rules whose policies may answer the same preflight: the header names that they are chosen by, and the names that
/// their policies allow (8.2, 8.3).
///
/// # Examples
///
/// A resolver that chooses by a header:
///
/// ```
/// use http::{HeaderName, HeaderValue};
/// use std::sync::Arc;
/// use tower_cors::{
///     CompiledPolicy, CorsPolicy, PolicyResolver,
///     decision::{Candidates, Resolution},
///     request::CorsRequest,
/// };
///
/// struct ByVersion {
///     old: CompiledPolicy,
///     new: CompiledPolicy,
///     candidates: Arc<Candidates>,
/// }
///
/// impl ByVersion {
///     fn new(old: CompiledPolicy, new: CompiledPolicy) -> Self {
///         let candidates = Candidates::new()
///             .chosen_by(HeaderName::from_static("x-version"))
///             .policy(&old)
///             .policy(&new);
///         Self { old, new, candidates: Arc::new(candidates) }
///     }
/// }
///
/// impl PolicyResolver for ByVersion {
///     fn resolve<'a>(&'a self, request: &CorsRequest<'_>) -> Resolution<'a> {
///         let is_new =
///             request.headers().get("x-version").is_some_and(|version| version == "2");
///         Resolution::from(if is_new { &self.new } else { &self.old })
///             .require_consent(&self.candidates)
///     }
/// }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Candidates {
    chosen_by: HashSet<HeaderName>,
    /// The names that are listed in `allowHeaders`, by whom.
    listed: HashMap<HeaderName, Lister>,
    /// Who allows every name.
    any_header: Option<Lister>,
}

/// Which policies list a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lister {
    One(usize),
    Several,
}

impl Candidates {
    /// No rules.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a header that rules are chosen by.
    #[must_use]
    pub fn chosen_by(mut self, name: HeaderName) -> Self {
        self.add_name(name);
        self
    }

    /// Adds the policy of a rule.
    #[must_use]
    pub fn policy(mut self, policy: &CompiledPolicy) -> Self {
        self.add_policy(policy);
        self
    }

    pub(crate) fn add_name(&mut self, name: HeaderName) {
        self.chosen_by.insert(name);
    }

    pub(crate) fn add_policy(&mut self, policy: &CompiledPolicy) {
        let lister = Lister::One(policy.id());
        for name in policy.policy().allow_headers.iter().flatten() {
            if name == "*" {
                self.any_header.get_or_insert(lister).add(lister);
            } else if let Ok(name) = HeaderName::try_from(name) {
                self.listed.entry(name).or_insert(lister).add(lister);
            }
        }
    }
}

impl Lister {
    fn add(&mut self, other: Self) {
        if *self != other {
            *self = Self::Several;
        }
    }
}

/// Knows the candidates for the preflight that a request had, or would have had.
pub(crate) trait FindCandidates: fmt::Debug + Send + Sync {
    /// Adds those candidates to `found`.
    fn find_candidates<'c>(&'c self, request: &CorsRequest<'_>, found: &mut FoundCandidates<'c>);
}

impl FindCandidates for Candidates {
    fn find_candidates<'c>(&'c self, _: &CorsRequest<'_>, found: &mut FoundCandidates<'c>) {
        found.add(self);
        found.is_ambiguous = true;
    }
}

/// The candidates for one preflight.
#[derive(Debug, Default)]
pub(crate) struct FoundCandidates<'c> {
    /// Whether they are of more than one rule: a rule alone gives the consent for itself.
    pub(crate) is_ambiguous: bool,
    // Most requests find one group at one path, which then needs no allocation.
    first: Option<&'c Candidates>,
    more: Vec<&'c Candidates>,
    /// The names that the proxies before this server add.
    pub(crate) added_by_proxies: Option<&'c HashSet<HeaderName>>,
}

impl<'c> FoundCandidates<'c> {
    pub(crate) fn add(&mut self, candidates: &'c Candidates) {
        match self.first {
            None => self.first = Some(candidates),
            Some(_) => self.more.push(candidates),
        }
    }

    fn iter(&self) -> impl Iterator<Item = &'c Candidates> {
        self.first.into_iter().chain(self.more.iter().copied())
    }

    /// Whether a header that is not safelisted shows that there was a preflight: rules are chosen by it, or a policy
    /// beside allows it and `policy` does not.
    fn counts(&self, name: &HeaderName, value: &HeaderValue, policy: &CompiledPolicy, is_origin_allowed: bool) -> bool {
        let own = Lister::One(policy.id());
        let is_listed_beside = || self.iter().filter_map(|known| known.listed.get(name)).any(|by| *by != own);
        // Browsers and proxies send these on requests without a preflight, unless a rule beside names one of them.
        let is_sent_anyway = headers::is_sent_without_preflight(name, value)
            || self.added_by_proxies.is_some_and(|names| names.contains(name));
        if is_sent_anyway && !is_listed_beside() {
            return false;
        }
        // A policy that does not allow the origin allows no header to it.
        let is_allowed = is_origin_allowed && policy.allows_header(name.as_str());
        let is_any_allowed_beside = || self.iter().filter_map(|known| known.any_header).any(|by| by != own);
        self.iter().any(|known| known.chosen_by.contains(name))
            || (!is_allowed && (is_listed_beside() || is_any_allowed_beside()))
    }
}

/// What a request needed the consent for that its policy does not give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MissingConsent<'r> {
    Origin,
    Method,
    Header(&'r HeaderName),
}

/// [`missing_consent`], as a resolution holds it.
pub(super) type LookForConsent =
    for<'r> fn(&CorsRequest<'r>, &dyn FindCandidates, &CompiledPolicy, bool) -> Option<MissingConsent<'r>>;

/// 8.3: what is missing to the consent of `policy`, where `request` is cross-origin and needed a preflight.
#[cold]
pub(super) fn missing_consent<'r>(
    request: &CorsRequest<'r>,
    table: &dyn FindCandidates,
    policy: &CompiledPolicy,
    is_origin_allowed: bool,
) -> Option<MissingConsent<'r>> {
    if !request.is_from_another_origin() {
        return None;
    }
    let mut found = FoundCandidates::default();
    table.find_candidates(request, &mut found);
    if !found.is_ambiguous {
        return None;
    }
    let method = request.method().as_str();
    let counted = || {
        let headers = request.headers_not_safelisted();
        headers.filter(|(name, value)| found.counts(name, value, policy, is_origin_allowed)).map(|(name, _)| name)
    };
    let needed_preflight = !headers::is_safelisted_method(method) || counted().next().is_some();
    if !needed_preflight {
        None
    } else if !is_origin_allowed {
        Some(MissingConsent::Origin)
    } else if !policy.allows_method(method) {
        Some(MissingConsent::Method)
    } else {
        counted().find(|name| !policy.allows_header(name.as_str())).map(MissingConsent::Header)
    }
}
