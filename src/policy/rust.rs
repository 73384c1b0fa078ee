//! A policy built in Rust: the plain data, and what only Rust can say of it. In: a plain policy, which serialises and has
//! literals. Out: what compiling and merging take. Rule 2.19.

use std::{
    hash::{Hash, Hasher},
    ops::{Deref, DerefMut},
};

use super::{CorsPolicy, IntoOrigins, OriginFunction, Preset};

/// A policy with what plain data can't hold: a function that allows origins beside those it lists, which
/// [`CorsPolicy::allow_origin_if`] adds, and the presets of [`CorsPolicy::preset`], whose names its setters keep.
///
/// A [`CorsPolicy`] converts into one without either, and whatever takes a policy takes both. It dereferences to its
/// policy, so that its fields are read and set as those of the policy are. Two are equal where their policies and their
/// functions are.
///
/// # Examples
///
/// ```
/// use tower_cors::{CorsPolicy, policy::RustPolicy};
///
/// let policy = CorsPolicy::new().allow_methods(["PUT"]);
/// let partners: RustPolicy =
///     policy.allow_origin_if(|origin| origin.host().ends_with(".partner.example"));
/// assert_eq!(partners.allow_methods.as_deref().unwrap(), ["PUT"]);
/// assert!(partners.compile()?.allows_origin("https://a.partner.example"));
/// # Ok::<_, tower_cors::Violations>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct RustPolicy {
    /// With the names of the presets.
    policy: CorsPolicy,
    pub(crate) allow_origin_if: Option<OriginFunction>,
    presets: Vec<Preset>,
}

impl RustPolicy {
    pub(crate) fn new(policy: CorsPolicy, allow_origin_if: Option<OriginFunction>) -> Self {
        Self { policy, allow_origin_if, presets: Vec::new() }
    }

    pub(crate) fn into_plain(self) -> CorsPolicy {
        self.policy
    }

    /// The function, where there is one.
    pub fn function(&self) -> Option<&OriginFunction> {
        self.allow_origin_if.as_ref()
    }
}

/// The setters of the policy. Those that replace a list keep what a preset needs of it, so that their order does not matter.
impl RustPolicy {
    fn change(self, change: impl FnOnce(CorsPolicy) -> CorsPolicy) -> Self {
        Self { policy: change(self.policy), ..self }
    }

    /// Changes a list that a preset may have added to.
    fn replace(self, change: impl FnOnce(CorsPolicy) -> CorsPolicy) -> Self {
        let policy = self.presets.iter().fold(change(self.policy), |policy, preset| policy.with_preset(*preset));
        Self { policy, ..self }
    }

    /// See [`CorsPolicy::allow_origins`].
    #[must_use]
    pub fn allow_origins<K: ?Sized>(self, origins: impl IntoOrigins<K>) -> Self {
        self.change(|policy| policy.allow_origins(origins))
    }

    /// See [`CorsPolicy::extend_allow_origins`].
    #[must_use]
    pub fn extend_allow_origins<K: ?Sized>(self, origins: impl IntoOrigins<K>) -> Self {
        self.change(|policy| policy.extend_allow_origins(origins))
    }

    /// See [`CorsPolicy::allow_credentials`].
    #[must_use]
    pub fn allow_credentials(self, allow: bool) -> Self {
        self.change(|policy| policy.allow_credentials(allow))
    }

    /// See [`CorsPolicy::allow_methods`].
    #[must_use]
    pub fn allow_methods<I: IntoIterator<Item: AsRef<str>>>(self, methods: I) -> Self {
        self.replace(|policy| policy.allow_methods(methods))
    }

    /// See [`CorsPolicy::extend_allow_methods`].
    #[must_use]
    pub fn extend_allow_methods<I: IntoIterator<Item: AsRef<str>>>(self, methods: I) -> Self {
        self.change(|policy| policy.extend_allow_methods(methods))
    }

    /// See [`CorsPolicy::allow_headers`].
    #[must_use]
    pub fn allow_headers<I: IntoIterator<Item: AsRef<str>>>(self, names: I) -> Self {
        self.replace(|policy| policy.allow_headers(names))
    }

    /// See [`CorsPolicy::extend_allow_headers`].
    #[must_use]
    pub fn extend_allow_headers<I: IntoIterator<Item: AsRef<str>>>(self, names: I) -> Self {
        self.change(|policy| policy.extend_allow_headers(names))
    }

    /// See [`CorsPolicy::expose_headers`].
    #[must_use]
    pub fn expose_headers<I: IntoIterator<Item: AsRef<str>>>(self, names: I) -> Self {
        self.replace(|policy| policy.expose_headers(names))
    }

    /// See [`CorsPolicy::extend_expose_headers`].
    #[must_use]
    pub fn extend_expose_headers<I: IntoIterator<Item: AsRef<str>>>(self, names: I) -> Self {
        self.change(|policy| policy.extend_expose_headers(names))
    }

    /// See [`CorsPolicy::max_age`], in seconds.
    #[must_use]
    pub fn max_age(self, seconds: u64) -> Self {
        self.change(|policy| policy.max_age(seconds))
    }

    /// See [`CorsPolicy::preset`].
    #[must_use]
    pub fn preset(mut self, preset: Preset) -> Self {
        self.presets.push(preset);
        self.change(|policy| policy.with_preset(preset))
    }
}

impl PartialEq for RustPolicy {
    fn eq(&self, other: &Self) -> bool {
        (&self.policy, &self.allow_origin_if) == (&other.policy, &other.allow_origin_if)
    }
}

impl Eq for RustPolicy {}

impl Hash for RustPolicy {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.policy, &self.allow_origin_if).hash(state);
    }
}

/// Without a function, which plain data has no place for.
impl PartialEq<CorsPolicy> for RustPolicy {
    fn eq(&self, other: &CorsPolicy) -> bool {
        self.allow_origin_if.is_none() && self.policy == *other
    }
}

impl From<CorsPolicy> for RustPolicy {
    fn from(policy: CorsPolicy) -> Self {
        Self::new(policy, None)
    }
}

impl Deref for RustPolicy {
    type Target = CorsPolicy;

    fn deref(&self) -> &CorsPolicy {
        &self.policy
    }
}

impl DerefMut for RustPolicy {
    fn deref_mut(&mut self) -> &mut CorsPolicy {
        &mut self.policy
    }
}
