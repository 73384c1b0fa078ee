//! What is probably not meant in valid manifests, beside what is so in any policy: kinds, codes, severities, and the one
//! text of each. Rules 7.1, 7.2, 7.10, 8.3.

use std::fmt;

use thiserror::Error;

use crate::{
    escape::Escaped,
    finding::{self, Kind, Severity},
};

/// What a lint of manifests can be about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum LintKind {
    /// What a lint of any policy can be about.
    #[error(transparent)]
    Policy(#[from] finding::LintKind),
    /// A rule that is chosen, or not, by headers that a preflight only announces (8.3).
    #[error(
        "is chosen by headers that a preflight only announces, so a request needs the consent of the policy that it \
             really reaches"
    )]
    AmbiguousPreflight,
    /// Such a rule that has no policy, so that no request can be refused by it (8.3).
    #[error("has no policy, and another rule can answer the preflights of requests that reach it; give it a policy")]
    UnenforceableRule,
    /// A field that the kind of the object does not have (2.16).
    #[error("is not a field of this resource")]
    UnknownField,
    /// An object that is not read has CORS settings (2.17).
    #[error("is not read: CORS settings of a {kind} would go into {goes_to}")]
    CorsNotRead {
        /// The kind of the object.
        kind: &'static str,
        /// Where the settings would go.
        goes_to: &'static str,
    },
    /// A rule with a policy that no request can reach, since another rule takes all that it matches (2.18).
    #[error("is never reached: {} takes every request that it matches", Escaped(.by))]
    UnreachableRule {
        /// The rule that takes the requests.
        by: String,
    },
    /// A rule for which too many policies would have to be made, by its listeners and backends and those of the rules before
    /// it (7.1).
    #[error(
        "is served without CORS, since it and the rules before it have more than {limit} policies, by their listeners and \
         backends"
    )]
    TooManyPolicies {
        /// How many are kept.
        limit: usize,
    },
    /// A route that more selectors of policies may select than it is compared with, so that its rules are served without CORS
    /// (7.12).
    #[error(
        "may be selected by more than {limit} selectors of policies with other labels, so it is served without CORS"
    )]
    TooManySelectors {
        /// With how many it is compared.
        limit: usize,
    },
    /// A route whose regular expressions would make those of the whole table too large, so that its rules with expressions
    /// match nothing.
    #[error("has regular expressions for which the table has no room, so its rules with expressions match nothing")]
    TooManyExpressions,
    /// A reference to a parent that no listener takes (8.4).
    #[error("is not attached: {}", Escaped(.reason))]
    NotAttached {
        /// Which listener refuses the route, and why.
        reason: String,
    },
    /// A rule delegates to nothing that takes its requests (8.8).
    #[error("delegates to nothing: {}", Escaped(.reason))]
    DelegatesToNothing {
        /// Why.
        reason: String,
    },
    /// A delegated route has hostnames; those of the topmost route that delegates to it count (8.8).
    #[error("has hostnames that don't count: the route is delegated to, and the hostnames of that route count")]
    IgnoredHostnames,
    /// A reference to an object that is not in the manifests.
    #[error("is not in the manifests; {} names it", Escaped(.by))]
    ReferenceNotFound {
        /// What names it, such as `HTTPRoute web/api`.
        by: String,
    },
    /// A policy that an older one at the same place keeps from counting (7.2).
    #[error("has no effect at {}, where {} comes first", Escaped(.place), Escaped(.winner))]
    LosesToOlder {
        /// The older one, such as `TrafficPolicy web/base`.
        winner: String,
        /// Where both stand, such as `HTTPRoute web/api`.
        place: String,
    },
    /// A policy with a `cors` field that applies to no route.
    #[error(fmt = attaches_to_nothing)]
    AttachesToNothing {
        /// What it targets, such as `Gateway web/public`; empty where it targets nothing.
        target: String,
    },
    /// A rule whose settings are valid each by itself and make no valid policy together (7.10).
    #[error("is served without CORS, since its settings make no valid policy: {reason}")]
    InvalidWhole {
        /// What is wrong, with the settings it is about.
        reason: String,
    },
    /// A CORS filter of one of several backends, which counts only where the chosen backend is known (7.1).
    #[error("counts only for requests whose chosen backend is known, since the rule has several backends")]
    BackendFilter,
    /// An object with the kind, namespace and name of an earlier one, which it replaces.
    #[error("is the name of an earlier object of this kind, which is left out")]
    ReplacesEarlier,
    /// More than twenty lints of one code on one object, of which this is the first.
    #[error("{lint} (and {} more lints {} on this object)", .number - 1, .lint.code())]
    Many {
        /// The first of them.
        lint: Box<LintKind>,
        /// How many there are.
        number: usize,
    },
    /// An object that is passed over, and is nearly one that is read.
    #[error("is not read; what is read is {meant}")]
    NotRead {
        /// What is read, such as `HTTPRoute of gateway.networking.k8s.io/v1`.
        meant: String,
    },
}

fn attaches_to_nothing(target: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match target {
        "" => f.write_str("has no target, and no route names it"),
        target => write!(f, "applies to no route: none belongs to {}", Escaped(target)),
    }
}

impl Kind for LintKind {
    fn code(&self) -> &'static str {
        match self {
            Self::Policy(kind) => kind.code(),
            Self::AmbiguousPreflight => "ambiguous-preflight",
            Self::UnenforceableRule => "unenforceable-rule",
            Self::UnknownField => "unknown-field",
            Self::CorsNotRead { .. } => "cors-not-read",
            Self::UnreachableRule { .. } => "unreachable-rule",
            Self::TooManyPolicies { .. } => "too-many-policies",
            Self::TooManySelectors { .. } => "too-many-selectors",
            Self::TooManyExpressions => "too-many-expressions",
            Self::NotAttached { .. } => "not-attached",
            Self::DelegatesToNothing { .. } => "delegates-to-nothing",
            Self::IgnoredHostnames => "ignored-hostnames",
            Self::ReferenceNotFound { .. } => "reference-not-found",
            Self::LosesToOlder { .. } => "loses-to-older",
            Self::AttachesToNothing { .. } => "attaches-to-nothing",
            Self::InvalidWhole { .. } => "invalid-whole",
            Self::BackendFilter => "backend-filter",
            Self::ReplacesEarlier => "replaces-earlier",
            Self::NotRead { .. } => "not-read",
            Self::Many { lint, .. } => lint.code(),
        }
    }

    fn severity(&self) -> Severity {
        match self {
            Self::Policy(kind) => kind.severity(),
            Self::InvalidWhole { .. }
            | Self::TooManyPolicies { .. }
            | Self::TooManySelectors { .. }
            | Self::TooManyExpressions => Severity::Critical,
            Self::AmbiguousPreflight => Severity::Info,
            Self::Many { lint, .. } => lint.severity(),
            _ => Severity::Warning,
        }
    }
}
