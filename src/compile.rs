//! Compiling is validating. In: a [`CorsPolicy`] and a [`Profile`]. Out: a [`CompiledPolicy`] with its lints, or every
//! violation at once. This is the only validator there is; "check" means compile and drop.
//! The [rules](crate::guide::semantics) 2.2 to 2.15.

mod check;
mod compiled;
mod judgement;
pub(crate) mod nearest;
mod suggest;
mod values;

#[cfg(feature = "manifest")]
pub(crate) use check::{CRD_MAX_AGE, CRD_MAX_ENTRIES};
pub use compiled::CompiledPolicy;
pub(crate) use judgement::Judgement;
pub(crate) use values::{Expose, List, Values};

use std::sync::Arc;

use crate::{
    finding::{Severity, Violations},
    policy::{CorsPolicy, FieldPath, OriginFunction, Provenance, RustPolicy},
};

/// What a policy is held to where the Gateway API and the security advisories of the field disagree (2.13).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Profile {
    /// Any origin together with credentials is a violation. The default for policies built in Rust.
    #[default]
    Strict,
    /// It is a lint of the highest severity, as conformance requires. The default for manifests.
    GatewayApi,
}

/// How policies are compiled: the profile, where the policy stands, and which limits hold.
///
/// [`CorsPolicy::compile`] is the short form of `Compiler::new().compile(policy)`.
///
/// # Examples
///
/// ```
/// use tower_cors::{CorsPolicy, compile::Compiler};
///
/// let policy =
///     CorsPolicy::new().allow_origins(["app.example", "https://app.example/login"]);
/// let violations = Compiler::new().at("spec.cors".into()).compile(policy).unwrap_err();
/// assert_eq!(
///     violations.to_string(),
///     "spec.cors.allowOrigins[0]: \"app.example\" has no scheme; \
///      write \"https://app.example\"\n\
///      spec.cors.allowOrigins[1]: \"https://app.example/login\": an origin has no path; \
///      did you mean \"https://app.example\"?",
/// );
/// ```
#[derive(Clone, Debug, Default)]
pub struct Compiler {
    profile: Profile,
    path: FieldPath,
    crd_limits: bool,
    any_origin_with_credentials: bool,
    deny: Option<Severity>,
    /// What knows more public suffixes than the top-level domains.
    is_public_suffix: Option<fn(&str) -> bool>,
}

impl Compiler {
    /// A compiler for policies built in Rust: [`Profile::Strict`], no size limits.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the profile.
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// Sets where the policy stands, which is what the paths of violations and lints begin with.
    pub fn at(mut self, path: FieldPath) -> Self {
        self.path = path;
        self
    }

    /// Enforces what the Gateway API's CRD does as well (2.12): 64 origins of at most 253 bytes, the nine methods and
    /// `*`, 64 header names of at most 256 bytes, a max-age from 1 to 2147483647 seconds, `http` and `https` only.
    pub fn crd_limits(mut self) -> Self {
        self.crd_limits = true;
        self
    }

    /// Accepts any origin (`*`, `https://*`) together with credentials under [`Profile::Strict`] as well.
    ///
    /// Every site on the internet can then act in the name of whoever visits it, and read what comes back. A lint of
    /// the highest severity remains.
    pub fn dangerously_allow_any_origin_with_credentials(mut self) -> Self {
        self.any_origin_with_credentials = true;
        self
    }

    /// Refuses policies with a lint of this severity, or of a higher one.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_cors::{CorsPolicy, compile::Compiler, finding::Severity};
    ///
    /// let policy = CorsPolicy::new().allow_origins(["https://app.example/"]);
    /// assert!(Compiler::new().deny(Severity::Warning).compile(policy.clone()).is_ok());
    /// assert!(Compiler::new().deny(Severity::Info).compile(policy).is_err());
    /// ```
    pub fn deny(mut self, severity: Severity) -> Self {
        self.deny = Some(severity);
        self
    }

    /// Looks for wildcards directly under a public suffix, such as `https://*.github.io`, and not just under a top-level
    /// domain. Behind the feature `psl`.
    ///
    /// It is asked for here, so that another crate of the program that enables the feature changes no outcome of
    /// [`deny`](Self::deny).
    #[cfg(feature = "psl")]
    pub fn public_suffixes(mut self) -> Self {
        self.is_public_suffix =
            Some(|host| psl::suffix(host.as_bytes()).is_some_and(|suffix| suffix.is_known() && suffix == host));
        self
    }

    /// Compiles a policy.
    ///
    /// # Errors
    ///
    /// Every violation at once, in the order of the fields.
    pub fn compile(&self, policy: impl Into<RustPolicy>) -> Result<CompiledPolicy, Violations> {
        let policy = policy.into();
        let checked = self.check(&policy, policy.function().is_some())?;
        Ok(CompiledPolicy::new(Arc::new(policy), self.profile, checked, None, Vec::new()))
    }

    /// The lints of a policy that is not to be served as it is.
    #[cfg(feature = "manifest")]
    pub(crate) fn lints(&self, policy: &CorsPolicy) -> Result<Vec<crate::finding::Lint>, Violations> {
        self.check(policy, false).map(|checked| checked.lints)
    }

    /// Compiles a merged policy, which keeps its provenance, and the bounds of its ceilings for a function of a layer.
    pub(crate) fn compile_merged(
        &self,
        policy: Arc<RustPolicy>,
        provenance: &Provenance,
        bounds: Vec<OriginFunction>,
    ) -> Result<CompiledPolicy, Violations> {
        let checked = self.check(&policy, policy.function().is_some())?;
        Ok(CompiledPolicy::new(policy, self.profile, checked, Some(provenance.clone()), bounds))
    }

    fn check(&self, policy: &CorsPolicy, has_function: bool) -> Result<check::Checked, Violations> {
        let denied = self.deny;
        let checked = check::check(policy, has_function, self)?;
        if let Some(severity) = denied {
            Violations::of_lints(&checked.lints, severity)?;
        }
        Ok(checked)
    }
}

impl CorsPolicy {
    /// Validates the policy and computes everything that a request will need.
    ///
    /// [`Compiler`] has the settings: profile, path, limits.
    ///
    /// # Errors
    ///
    /// Every violation at once, in the order of the fields.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_cors::CorsPolicy;
    ///
    /// let policy = CorsPolicy::new().allow_origins(["https://app.example"]).compile()?;
    /// assert!(policy.allows_origin("https://app.example:443"));
    /// # Ok::<_, tower_cors::Violations>(())
    /// ```
    pub fn compile(self) -> Result<CompiledPolicy, Violations> {
        Compiler::new().compile(self)
    }
}

impl RustPolicy {
    /// Validates the policy and computes everything that a request will need; see [`CorsPolicy::compile`].
    ///
    /// # Errors
    ///
    /// Every violation at once, in the order of the fields.
    pub fn compile(self) -> Result<CompiledPolicy, Violations> {
        Compiler::new().compile(self)
    }
}
