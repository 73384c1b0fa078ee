//! A base policy and what overrides it. In: policies in Rust. Out: compiled policies, merged once, and the resolver that
//! picks one by path prefix. Rules 7.7, 7.10.

use std::sync::Arc;

use super::{Ceiling, MergeError, MergeOptions, MergeStrategy, OverrideErrors, Setting, SettingKind, merge};
use crate::{
    compile::{CompiledPolicy, Compiler},
    policy::{CorsPolicy, RustPolicy, Source},
    resolver::ByPathPrefix,
};

/// A base policy that routes put their own settings over, and how that is done.
///
/// # Examples
///
/// An override that some layer puts into the extensions of a request is merged beforehand, once:
///
/// ```
/// use tower_cors::{
///     CorsPolicy,
///     decision::Resolution,
///     merge::{Base, Setting},
/// };
///
/// let base = Base::new(
///     CorsPolicy::new().allow_origins(["https://app.example"]).allow_methods(["PUT"]),
/// );
/// let own = CorsPolicy::new().allow_methods(["DELETE"]);
/// let merged =
///     Resolution::from(base.merge_over(&Setting::policy("the admin router", own))?);
///
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(merged);
/// # Ok::<_, tower_cors::merge::MergeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Base {
    /// The base policy, and then its ceilings.
    stack: Vec<Setting>,
    options: MergeOptions,
    compiler: Compiler,
}

impl Base {
    /// A base policy that overrides inherit from: the fields that an override does not set are the base's.
    pub fn new(policy: impl Into<RustPolicy>) -> Self {
        Self {
            stack: vec![Setting::policy("the base policy", policy)],
            // 7.7: in Rust, a route's own settings inherit unless told otherwise.
            options: MergeOptions::new(MergeStrategy::Inherit),
            compiler: Compiler::new(),
        }
    }

    /// Adds a ceiling, which the base and every override can only narrow.
    #[must_use]
    pub fn ceiling(mut self, label: impl Into<Arc<str>>, ceiling: Ceiling) -> Self {
        self.stack.push(Setting::ceiling(label, ceiling));
        self
    }

    /// Sets how overrides are merged. The default is [`MergeStrategy::Inherit`], the override preferred.
    #[must_use]
    pub fn merging(mut self, options: MergeOptions) -> Self {
        self.options = options;
        self
    }

    /// Sets what the policies are compiled with. The default is [`Compiler::new`].
    #[must_use]
    pub fn compiler(mut self, compiler: Compiler) -> Self {
        self.compiler = compiler;
        self
    }

    /// Compiles the base policy by itself.
    ///
    /// # Errors
    ///
    /// The base policy is invalid, alone or under its ceilings.
    pub fn compile(&self) -> Result<Option<CompiledPolicy>, MergeError> {
        self.check(&self.stack)?;
        merge(&self.stack, &self.options).compile(&self.compiler)
    }

    /// Compiles the policy that `setting` and the base make; `None` where CORS is disabled then.
    ///
    /// # Errors
    ///
    /// A policy is invalid by itself, or the two make an invalid whole.
    pub fn merge_over(&self, setting: &Setting) -> Result<Option<CompiledPolicy>, MergeError> {
        let mut stack = Vec::with_capacity(self.stack.len() + 1);
        stack.push(setting.clone());
        stack.extend(self.stack.iter().cloned());
        self.check(&stack)?;
        merge(&stack, &self.options).compile(&self.compiler)
    }

    /// Checks each policy by itself: a merge may hide what is wrong with one, until another change uncovers it.
    fn check(&self, stack: &[Setting]) -> Result<(), MergeError> {
        for (index, setting) in stack.iter().enumerate() {
            let SettingKind::Policy(policy) = setting.kind() else { continue };
            if let Err(violations) = self.compiler.clone().at(setting.path().clone()).compile(policy.clone()) {
                let source = Source::new(index, setting.label(), setting.path().clone());
                return Err(MergeError::InvalidSetting { source, violations });
            }
        }
        Ok(())
    }
}

impl From<CorsPolicy> for Base {
    fn from(policy: CorsPolicy) -> Self {
        Self::new(policy)
    }
}

impl From<RustPolicy> for Base {
    fn from(policy: RustPolicy) -> Self {
        Self::new(policy)
    }
}

/// Builds the resolver that picks a policy by path prefix: the base policy, and others merged over it.
///
/// Prefixes match whole segments, and the longest one wins, as [`ByPathPrefix`] says. Only that one is merged over the
/// base: `/api/v1` inherits nothing from `/api`. In a nested router of axum, prefixes are those of the whole path with the
/// feature `axum`, and of what the router leaves of it without.
///
/// # Examples
///
/// ```
/// use tower_cors::{CorsLayer, CorsPolicy, merge::Overrides};
///
/// let resolver = Overrides::new(
///     CorsPolicy::new().allow_origins(["https://app.example"]).max_age(600),
/// )
/// .path_prefix("/api", CorsPolicy::new().allow_methods(["PUT", "DELETE"]))
/// .path_prefix("/public", CorsPolicy::new().allow_origins(["*"]))
/// .path_prefix_disabled("/internal")
/// .build()?;
/// let layer = CorsLayer::with_resolver(resolver);
/// # Ok::<_, tower_cors::merge::OverrideErrors>(())
/// ```
#[derive(Clone, Debug)]
pub struct Overrides {
    base: Base,
    overrides: Vec<(String, Setting)>,
}

impl Overrides {
    /// Only the base: a policy, or a [`Base`] where more has to be said.
    pub fn new(base: impl Into<Base>) -> Self {
        Self { base: base.into(), overrides: Vec::new() }
    }

    /// Puts a policy over the base for the paths under `prefix`, such as `/api`.
    #[must_use]
    pub fn path_prefix(self, prefix: impl Into<String>, policy: impl Into<RustPolicy>) -> Self {
        self.push(prefix.into(), |label| Setting::policy(label, policy))
    }

    /// Disables CORS for the paths under `prefix`: requests pass untouched, preflights included.
    #[must_use]
    pub fn path_prefix_disabled(self, prefix: impl Into<String>) -> Self {
        self.push(prefix.into(), Setting::disabled)
    }

    fn push(mut self, prefix: String, setting: impl FnOnce(String) -> Setting) -> Self {
        let setting = setting(format!("path prefix {prefix}"));
        self.overrides.push((prefix, setting));
        self
    }

    /// Merges and compiles every policy.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, at once: prefixes that do not begin with `/` or are given twice, policies that are
    /// invalid by themselves or merged.
    pub fn build(self) -> Result<ByPathPrefix, OverrideErrors> {
        let mut errors = Vec::new();
        let mut resolver = ByPathPrefix::default();
        match self.base.compile() {
            Ok(policy) => resolver = ByPathPrefix::new(policy),
            // What is wrong with the base is wrong with every override as well, so it is said once.
            Err(error) => return OverrideErrors::check(vec![error.into()]).map(|()| resolver),
        }
        for (prefix, setting) in &self.overrides {
            match self.base.merge_over(setting) {
                Ok(policy) => errors.extend(resolver.insert(prefix, policy).err().map(Into::into)),
                Err(error) => errors.push(error.into()),
            }
        }
        OverrideErrors::check(errors).map(|()| resolver)
    }
}
