//! The settings of a scenario into the policy that is in effect, with where each field came from.

use serde::Serialize;
use serde_json::Value;
use tower_cors::{
    CompiledPolicy, CorsPolicy,
    merge::{Ceiling, Effective, Setting, merge},
    policy::{PolicyField, Provenance, Source},
};

use super::{
    reading::{LintNote, Problem, Reading, compiler},
    scenario::{Kind, Scenario},
};

/// What the settings are called, the most specific first.
pub(crate) const LABELS: [&str; 2] = ["the route", "the gateway"];

/// What the settings come to.
pub(crate) enum Whole {
    /// A setting is invalid by itself.
    Broken,
    /// Each setting is valid, and what they make is not.
    Invalid(Vec<Problem>),
    /// No policy applies: there is none, or CORS is disabled by the one that is named.
    None(Option<String>),
    Policy(CompiledPolicy),
}

/// What the page shows of it.
#[derive(Debug, Serialize)]
pub(crate) struct EffectiveView {
    /// `broken`, `invalid`, `none` or `policy`.
    pub(crate) is: &'static str,
    #[serde(rename = "disabledBy")]
    pub(crate) disabled_by: Option<String>,
    pub(crate) fields: Vec<FieldView>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) lints: Vec<LintNote>,
}

/// A field, where it came from, and what narrowed it.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct FieldView {
    pub(crate) field: &'static str,
    /// None where it is unset.
    pub(crate) value: Option<Value>,
    pub(crate) from: Vec<String>,
    #[serde(rename = "narrowedBy")]
    pub(crate) narrowed_by: Vec<String>,
}

impl Whole {
    pub(crate) fn new(scenario: &Scenario, readings: &[Reading]) -> Self {
        if readings.iter().any(Reading::is_broken) {
            return Self::Broken;
        }
        let stack: Vec<_> = LABELS.into_iter().zip(readings).filter_map(|(label, read)| setting(label, read)).collect();
        match merge(&stack, &scenario.merge_options()) {
            Effective::Policy(effective) => {
                let policy = effective.policy().clone();
                match effective.compile(&compiler(scenario.profile.profile())) {
                    Ok(compiled) => Self::Policy(compiled),
                    Err(error) => {
                        // The message of the whole names the settings that don't go together.
                        let messages = error.to_string();
                        let problems = error.violations().iter().zip(messages.lines()).map(|(violation, message)| {
                            Problem { message: message.to_owned(), ..Problem::of_policy(violation, &policy) }
                        });
                        Self::Invalid(problems.collect())
                    }
                }
            }
            Effective::Disabled(source) => Self::None(Some(source.label().to_owned())),
            _ => Self::None(None),
        }
    }

    /// What a layer is given; none where there is nothing to serve.
    pub(crate) fn resolver(&self) -> Option<Option<CompiledPolicy>> {
        match self {
            Self::Broken | Self::Invalid(_) => None,
            Self::None(_) => Some(None),
            Self::Policy(policy) => Some(Some(policy.clone())),
        }
    }

    pub(crate) fn policy(&self) -> Option<&CompiledPolicy> {
        if let Self::Policy(policy) = self { Some(policy) } else { None }
    }

    pub(crate) fn view(self, readings: &[Reading]) -> EffectiveView {
        let mut view =
            EffectiveView { is: "broken", disabled_by: None, fields: vec![], problems: vec![], lints: vec![] };
        match self {
            Self::Broken => {}
            Self::Invalid(problems) => (view.is, view.problems) = ("invalid", problems),
            Self::None(label) => (view.is, view.disabled_by) = ("none", label),
            Self::Policy(policy) => {
                view.is = "policy";
                view.fields = fields(policy.policy(), policy.provenance());
                // Those of single settings stand beside these; what only the whole shows is left.
                let known = |lint: &LintNote| readings.iter().flat_map(|read| &read.lints).any(|known| known == lint);
                view.lints = policy.lints().iter().map(LintNote::new).filter(|lint| !known(lint)).collect();
            }
        }
        view
    }
}

fn setting(label: &'static str, read: &Reading) -> Option<Setting> {
    let policy = || read.policy.clone().unwrap_or_default();
    match read.kind {
        Kind::Off => None,
        Kind::Disabled => Some(Setting::disabled(label)),
        Kind::Policy => Some(Setting::policy(label, policy())),
        Kind::Ceiling => Ceiling::new(policy()).ok().map(|ceiling| Setting::ceiling(label, ceiling)),
    }
}

fn fields(policy: &CorsPolicy, provenance: Option<&Provenance>) -> Vec<FieldView> {
    // By the names that the policy is written with, so that no field can be forgotten here.
    let values = serde_json::to_value(policy).unwrap_or_default();
    let labels = |sources: &mut dyn Iterator<Item = &Source>| sources.map(|source| source.label().to_owned()).collect();
    let view = |field: PolicyField| FieldView {
        field: field.name(),
        value: values.get(field.name()).cloned(),
        from: labels(&mut provenance.into_iter().flat_map(|known| known.of(field))),
        narrowed_by: labels(&mut provenance.into_iter().flat_map(|known| known.narrowed_by(field))),
    };
    PolicyField::ALL.into_iter().map(view).collect()
}
