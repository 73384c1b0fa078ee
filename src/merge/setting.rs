//! What a stack is made of: a policy, "disabled" or a ceiling, and where each came from. Rules 7.1, 7.8, 7.9.

use std::sync::Arc;

use super::Ceiling;
use crate::policy::{FieldPath, RustPolicy, Source};

/// One setting of a stack.
///
/// The label is for people: it stands in messages and in the [provenance](crate::policy::Provenance) of what is merged.
///
/// # Examples
///
/// ```
/// use tower_cors::{CorsPolicy, merge::Setting};
///
/// let policy = CorsPolicy::new().allow_origins(["https://app.example"]);
/// let setting = Setting::policy("HTTPRoute httpbin/httpbin-cors rule 0", policy)
///     .at("spec.rules[0].filters[0].cors".into());
/// assert_eq!(setting.label(), "HTTPRoute httpbin/httpbin-cors rule 0");
/// ```
#[derive(Clone, Debug)]
pub struct Setting {
    label: Arc<str>,
    path: FieldPath,
    kind: SettingKind,
}

/// What a setting says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SettingKind {
    /// These fields are set.
    Policy(RustPolicy),
    /// There is no CORS, and nothing that is less preferred counts (7.9).
    Disabled,
    /// The result is narrowed to this, wherever in the stack it stands (7.8).
    Ceiling(Ceiling),
}

impl Setting {
    /// A policy.
    pub fn policy(label: impl Into<Arc<str>>, policy: impl Into<RustPolicy>) -> Self {
        Self::new(label, SettingKind::Policy(policy.into()))
    }

    /// CORS is disabled.
    pub fn disabled(label: impl Into<Arc<str>>) -> Self {
        Self::new(label, SettingKind::Disabled)
    }

    /// A ceiling, which the other settings of the stack can only narrow.
    pub fn ceiling(label: impl Into<Arc<str>>, ceiling: Ceiling) -> Self {
        Self::new(label, SettingKind::Ceiling(ceiling))
    }

    fn new(label: impl Into<Arc<str>>, kind: SettingKind) -> Self {
        Self { label: label.into(), path: FieldPath::root(), kind }
    }

    /// Sets where the setting stands in the object that the label names.
    #[must_use]
    pub fn at(mut self, path: FieldPath) -> Self {
        self.path = path;
        self
    }

    /// What the setting is known by.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Where it stands.
    pub fn path(&self) -> &FieldPath {
        &self.path
    }

    /// What it says.
    pub fn kind(&self) -> &SettingKind {
        &self.kind
    }

    /// The setting as the source of a field, at `index` in the stack.
    pub(super) fn source(&self, index: usize) -> Source {
        Source::new(index, Arc::clone(&self.label), self.path.clone())
    }
}
