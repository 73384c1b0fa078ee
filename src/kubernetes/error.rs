//! What ends the following of a cluster.

/// The client can never work: no request can be made with it. Whatever a server says or fails to say, rights that are missing
/// among it, is no such error: it may change, and is told by [`ClusterEvent`](super::ClusterEvent) meanwhile.
#[derive(Debug, thiserror::Error)]
#[error("no request can be made to the API server: {0}")]
pub struct ClusterError(#[source] pub(super) Box<dyn std::error::Error + Send + Sync>);
