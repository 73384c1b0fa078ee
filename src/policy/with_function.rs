//! A policy and a function that allows origins beside its own. In: the plain policy, which serialises and has literals.
//! Out: what compiling and merging take. Rule 2.19.

use std::ops::{Deref, DerefMut};

use super::{CorsPolicy, IntoOrigins, OriginFunction, Preset};

/// A policy, and the function that allows origins beside those it lists; see [`CorsPolicy::allow_origin_if`].
///
/// A [`CorsPolicy`] converts into one without a function. It dereferences to its policy, so that its fields are read and
/// set as those of the policy are.
///
/// # Examples
///
/// ```
/// use tower_cors::{CorsPolicy, policy::PolicyWithFunction};
///
/// let policy = CorsPolicy::new().allow_methods(["PUT"]);
/// let partners: PolicyWithFunction =
///     policy.allow_origin_if(|origin| origin.host().ends_with(".partner.example"));
/// assert_eq!(partners.allow_methods.as_deref().unwrap(), ["PUT"]);
/// assert!(partners.compile()?.allows_origin("https://a.partner.example"));
/// # Ok::<_, tower_cors::Violations>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PolicyWithFunction {
    policy: CorsPolicy,
    pub(crate) allow_origin_if: Option<OriginFunction>,
}

impl PolicyWithFunction {
    pub(crate) fn new(policy: CorsPolicy, allow_origin_if: Option<OriginFunction>) -> Self {
        Self { policy, allow_origin_if }
    }

    pub(crate) fn into_plain(self) -> CorsPolicy {
        self.policy
    }

    /// The function, where there is one.
    pub fn function(&self) -> Option<&OriginFunction> {
        self.allow_origin_if.as_ref()
    }
}

/// The setters of the policy.
impl PolicyWithFunction {
    fn change(self, change: impl FnOnce(CorsPolicy) -> CorsPolicy) -> Self {
        Self { policy: change(self.policy), ..self }
    }

    /// See [`CorsPolicy::allow_origins`].
    #[must_use]
    pub fn allow_origins<K: ?Sized>(self, origins: impl IntoOrigins<K>) -> Self {
        self.change(|policy| policy.allow_origins(origins))
    }

    /// See [`CorsPolicy::allow_credentials`].
    #[must_use]
    pub fn allow_credentials(self, allow: bool) -> Self {
        self.change(|policy| policy.allow_credentials(allow))
    }

    /// See [`CorsPolicy::allow_methods`].
    #[must_use]
    pub fn allow_methods<I: IntoIterator<Item: AsRef<str>>>(self, methods: I) -> Self {
        self.change(|policy| policy.allow_methods(methods))
    }

    /// See [`CorsPolicy::allow_headers`].
    #[must_use]
    pub fn allow_headers<I: IntoIterator<Item: AsRef<str>>>(self, names: I) -> Self {
        self.change(|policy| policy.allow_headers(names))
    }

    /// See [`CorsPolicy::expose_headers`].
    #[must_use]
    pub fn expose_headers<I: IntoIterator<Item: AsRef<str>>>(self, names: I) -> Self {
        self.change(|policy| policy.expose_headers(names))
    }

    /// See [`CorsPolicy::max_age`], in seconds.
    #[must_use]
    pub fn max_age(self, seconds: u64) -> Self {
        self.change(|policy| policy.max_age(seconds))
    }

    /// See [`CorsPolicy::preset`].
    #[must_use]
    pub fn preset(self, preset: Preset) -> Self {
        self.change(|policy| policy.preset(preset))
    }
}

impl From<CorsPolicy> for PolicyWithFunction {
    fn from(policy: CorsPolicy) -> Self {
        Self::new(policy, None)
    }
}

impl Deref for PolicyWithFunction {
    type Target = CorsPolicy;

    fn deref(&self) -> &CorsPolicy {
        &self.policy
    }
}

impl DerefMut for PolicyWithFunction {
    fn deref_mut(&mut self) -> &mut CorsPolicy {
        &mut self.policy
    }
}
