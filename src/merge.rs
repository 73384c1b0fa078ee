//! The effective policy of a request, merged from the settings that apply to it. In: a stack of [`Setting`]s, the most
//! specific first, and [`MergeOptions`]. Out: an [`Effective`] policy that knows where each field came from, to be
//! compiled. [`merge`] is pure and total; it runs when policies are built or reloaded, never per request.
//! The [rules](crate::guide::semantics) 7.1, 7.3 to 7.5, 7.7 to 7.11.
//!
//! # Examples
//!
//! ```
//! use tower_cors::{
//!     CorsPolicy,
//!     merge::{Effective, MergeOptions, MergeStrategy, Setting, merge},
//!     policy::PolicyField,
//! };
//!
//! let route = CorsPolicy::new()
//!     .allow_origins(["https://app.example"])
//!     .expose_headers(["X-Route"]);
//! let gateway = CorsPolicy::new().allow_methods(["PUT"]).expose_headers(["X-Gateway"]);
//! let stack =
//!     [Setting::policy("the route", route), Setting::policy("the gateway", gateway)];
//!
//! // Each field from the first setting that sets it; the exposed names of both.
//! let options = MergeOptions::new(MergeStrategy::Inherit)
//!     .field(PolicyField::ExposeHeaders, MergeStrategy::Union);
//! let Effective::Policy(effective) = merge(&stack, &options) else {
//!     unreachable!("nothing is disabled")
//! };
//! assert_eq!(
//!     effective.policy().expose_headers.as_deref().unwrap(),
//!     ["X-Route", "X-Gateway"]
//! );
//! assert_eq!(
//!     effective.provenance().to_string(),
//!     "allowOrigins: the route\nallowMethods: the gateway\n\
//!      exposeHeaders: the route and the gateway",
//! );
//! ```

mod ceiling;
mod effective;
mod error;
mod fields;
mod overrides;
mod setting;

pub use ceiling::Ceiling;
pub use effective::{Effective, EffectivePolicy};
pub use error::{MergeError, OverrideError, OverrideErrors};
pub use overrides::{Base, Overrides};
pub use setting::{Setting, SettingKind};

use crate::policy::PolicyField;

/// How the settings of a stack become one policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MergeStrategy {
    /// The first setting, whole: what it does not set stays unset (7.3).
    Replace,
    /// Field by field, the first setting that sets the field (7.4).
    Inherit,
    /// Lists united, the preferred setting's entries first; other fields as with [`Inherit`](Self::Inherit) (7.5).
    ///
    /// No entry is repeated: origins that are written differently and mean the same count as one, and so do names that
    /// differ in case; the preferred spelling stays. A `*` swallows the rest.
    Union,
}

/// Which end of a stack comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Preference {
    /// The most specific setting, such as a route's before its gateway's.
    #[default]
    Child,
    /// The least specific setting, such as a gateway's before its routes'.
    Parent,
}

/// How a stack is merged: a strategy, perhaps another one for some fields, and a preference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MergeOptions {
    strategy: MergeStrategy,
    fields: [Option<MergeStrategy>; PolicyField::ALL.len()],
    preference: Preference,
}

impl MergeOptions {
    /// One strategy for every field, the most specific setting preferred.
    pub fn new(strategy: MergeStrategy) -> Self {
        Self { strategy, fields: [None; PolicyField::ALL.len()], preference: Preference::Child }
    }

    /// Sets which end of the stack comes first. The default is [`Preference::Child`].
    #[must_use]
    pub fn preference(mut self, preference: Preference) -> Self {
        self.preference = preference;
        self
    }

    /// Sets another strategy for one field.
    #[must_use]
    pub fn field(mut self, field: PolicyField, strategy: MergeStrategy) -> Self {
        for (of, chosen) in PolicyField::ALL.into_iter().zip(&mut self.fields) {
            if of == field {
                *chosen = Some(strategy);
            }
        }
        self
    }

    /// The strategy for a field.
    pub fn strategy(&self, field: PolicyField) -> MergeStrategy {
        let chosen = PolicyField::ALL.into_iter().zip(self.fields).find(|(of, _)| *of == field);
        chosen.and_then(|(_, chosen)| chosen).unwrap_or(self.strategy)
    }
}

/// Merges a stack, the most specific setting first, into the policy that is in effect.
///
/// Nothing is checked here; [`Effective::compile`] does that. Settings that come after a disabled one count no more:
/// where the disabled one is the first, there is no CORS. Ceilings bind wherever they stand.
///
/// # Examples
///
/// ```
/// use tower_cors::{
///     CorsPolicy,
///     compile::Compiler,
///     merge::{Effective, MergeOptions, MergeStrategy, Setting, merge},
/// };
///
/// let team = CorsPolicy::new().allow_methods(["PUT"]);
/// let base = CorsPolicy::new().allow_origins(["https://app.example"]);
/// let stack = [Setting::policy("the team", team), Setting::policy("the base", base)];
/// let options = MergeOptions::new(MergeStrategy::Inherit);
/// let compiled = merge(&stack, &options).compile(&Compiler::new())?.unwrap();
/// assert!(compiled.allows_origin("https://app.example") && compiled.allows_method("PUT"));
///
/// let stack = [Setting::disabled("the team"), stack[1].clone()];
/// assert!(matches!(merge(&stack, &options), Effective::Disabled(_)));
/// # Ok::<_, tower_cors::merge::MergeError>(())
/// ```
pub fn merge(stack: &[Setting], options: &MergeOptions) -> Effective {
    let mut order: Vec<_> = stack.iter().enumerate().collect();
    if options.preference == Preference::Parent {
        order.reverse();
    }
    let mut policies = Vec::with_capacity(order.len());
    for (index, setting) in order {
        match setting.kind() {
            SettingKind::Policy(policy) => policies.push(fields::Layered { policy, setting, index }),
            // 7.9. One that is preferred to others but not the first cuts those others off: what it disables, nobody
            // inherits, and cutting off never widens the result.
            SettingKind::Disabled if policies.is_empty() => return Effective::Disabled(setting.source(index)),
            SettingKind::Disabled => break,
            SettingKind::Ceiling(_) => {}
        }
    }
    if policies.is_empty() {
        return Effective::Nothing;
    }
    let mut effective = fields::merge_fields(&policies, options);
    for (index, setting) in stack.iter().enumerate() {
        if let SettingKind::Ceiling(ceiling) = setting.kind() {
            effective.narrow(ceiling, || setting.source(index));
        }
    }
    Effective::Policy(effective)
}
