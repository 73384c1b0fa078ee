//! The policy: as data, what is wrong with it and how that is put, which origins it matches, and how settings merge.

/// Setters, lists, the two written forms, violations as text.
mod data;

/// Each code of a violation and of a lint is documented, and something reaches it.
#[cfg(feature = "manifest")]
mod codes;
/// Broken policies and manifests, each with its messages as a snapshot.
#[cfg(feature = "manifest")]
mod corpus;
/// Violations and lints are kinds of one type.
mod findings;
/// What holds for every message about a mistake.
mod messages;
/// Manifests in which one rule has more policies than are kept.
#[cfg(feature = "manifest")]
#[path = "../rules/too_many_policies.rs"]
mod too_many_policies;

/// Origins against a slow matcher, written from section 3.
mod origin_matching;
/// Policies beside tower-http's layer, with the known differences.
mod second_opinion;
/// Origins with a host that is a dot or empty.
mod shell_origins;

/// The lists of each preset, and the protocol that it is for.
mod presets;

/// Stacks of settings and the policy that comes of them.
mod merging;
/// Properties of merging over arbitrary stacks.
mod merging_properties;
/// Stacks for the tests of merging.
mod stack;
