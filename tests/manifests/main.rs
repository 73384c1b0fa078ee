//! Kubernetes manifests as text and as typed objects. What the running gateway makes of them is in `tests/gateway`.

/// The rows of `tests/rules/attachment.toml`.
#[cfg(feature = "manifest")]
#[path = "../rules/row.rs"]
#[allow(dead_code, reason = "the rows of policies have their engine in tests/layer")]
mod row;

/// Manifests in which one rule has more policies than are kept.
#[cfg(feature = "manifest")]
#[path = "../rules/too_many_policies.rs"]
mod too_many_policies;

/// Which settings apply to a request, row by row.
#[cfg(feature = "manifest")]
mod attachment;
mod bounds;
/// The filters of the crate `gateway-api` as policies.
#[cfg(all(feature = "gateway-api", feature = "manifest"))]
mod gateway_api;
/// What the guides of kgateway describe of delegation.
#[cfg(feature = "manifest")]
mod guides;
/// Files that are made to hurt.
#[cfg(feature = "manifest")]
mod hostile;
/// Folders of files, and where a setting stands.
#[cfg(feature = "manifest")]
mod places;
/// What is read, what is passed over, what is refused and how it is put.
#[cfg(feature = "manifest")]
mod reading;
/// Objects that come, change and go.
#[cfg(feature = "manifest")]
mod store;
/// Fields that a kind does not have, objects of others, rules that nothing reaches.
#[cfg(feature = "manifest")]
mod strict;
