//! Kubernetes manifests as text and as typed objects. What the running gateway makes of them is in `tests/gateway`.

/// The filters of the crate `gateway-api` as policies.
#[cfg(all(feature = "gateway-api", feature = "manifest"))]
mod gateway_api;
/// Files that are made to hurt.
#[cfg(feature = "manifest")]
mod hostile;
/// What is read, what is passed over, what is refused and how it is put.
#[cfg(feature = "manifest")]
mod reading;
