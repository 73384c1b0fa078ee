//! An API server as the source of policies: its objects, on every replica, as they change. In: a [`kube::Client`]. Out: a
//! reloadable resolver for a [`CorsLayer`](crate::CorsLayer), a future that keeps it up to date, and a handle that says what
//! is there. Section 10.
//!
//! Behind the feature `kubernetes`. The application chooses a version of Kubernetes by a feature of
//! [`k8s-openapi`](https://docs.rs/k8s-openapi) 0.29, or by the feature `k8s-openapi-latest` of this crate.
//!
//! # Examples
//!
//! ```no_run
//! use tower_cors::{CorsLayer, kubernetes::Cluster};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! // In a pod, its service account; elsewhere the kubeconfig of `kubectl`.
//! let client = kube::Client::try_default().await?;
//! let (resolver, handle, follow) = Cluster::new(client).namespace("web").follow();
//! tokio::spawn(follow);
//! let layer = CorsLayer::with_resolver(resolver);
//! // Until then no response has CORS headers.
//! handle.synced().await;
//! println!("{} objects are wrong", handle.status().violations.len());
//! # Ok(())
//! # }
//! ```

mod cluster;
mod error;
mod event;
mod follow;
mod kinds;
mod status;
mod watch;
mod write;

pub use cluster::{Cluster, ClusterHandle};
pub use error::ClusterError;
pub use event::ClusterEvent;
pub use status::ClusterStatus;
