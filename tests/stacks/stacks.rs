//! The layer in the stacks that people put it into: each compiles as its users write it, lets a page of an allowed origin
//! read, answers its preflight, and lets no other page in.

/// The policy, the requests of a page, and what holds for their answers.
mod page;

/// axum in each placement, and what is built on it: aide, utoipa-axum, axum-server; bodies of reqwest that pass through it.
mod axum_stacks;
/// Frameworks with services of their own, but for those of `docs/frameworks.md`: warp, jsonrpsee.
mod frameworks;
/// tonic with tonic-web, and its timeouts.
mod tonic_stack;
/// tower's own layers around the layer and within it.
mod tower_stacks;
