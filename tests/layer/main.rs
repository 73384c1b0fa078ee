//! The layer and the decision that it carries out: by the rows of `tests/rules`, among services of every kind, in axum,
//! and what it reports.

/// The rows as data, for the runner and for the count of the rules.
#[path = "../rules/row.rs"]
#[allow(dead_code, reason = "the rows of manifests have their engines in tests/manifests and tests/gateway")]
mod row;
/// Each rule of `docs/semantics.md` is carried by a row or by a test.
mod rule_coverage;
/// The rows of `tests/rules/*.toml`, run through the layer.
mod rules;
/// The same through a server, over sockets.
mod rules_over_a_socket;
/// The files of the rows, and their policies.
#[path = "../rules/tables.rs"]
mod tables;

/// The decision without tower.
mod decision;
/// The example `decision_only`, over sockets.
mod decision_only;
/// What holds for every policy, request and inner response.
mod invariants;
/// What other CORS layers got wrong.
mod regressions;

/// What a request may allocate.
mod allocations;
/// Errors of an inner service as readable responses.
mod answered_errors;
/// The types that layers have, and the setters that people look for.
mod names;
/// Origins that functions of the application allow.
mod origin_functions;
/// Policies that are swapped while requests are in flight.
#[cfg(feature = "reload")]
mod reload;
/// Resolvers as people write them.
mod resolvers;
/// Among services: what the layer passes through, wraps, and where it stands.
mod services;
/// Two layers on one request.
mod two_layers;
/// What varies on the origin.
mod varying_on_origin;

/// Decisions as `tracing` events.
#[cfg(feature = "tracing")]
mod events;
/// Hooks, extensions, the debug header, a second policy.
mod saying;
/// Lints, on a log or a terminal.
mod warnings;

/// The examples for axum.
#[cfg(feature = "axum")]
mod axum_examples;
/// Policies by the route that axum has matched.
#[cfg(feature = "axum")]
mod axum_matched_path;
/// Each place in an axum router, and what it leaves out.
#[cfg(feature = "axum")]
mod axum_placement;
