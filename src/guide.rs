//! The pages of `docs/`, whose examples are tests this way. There is no code here.

#[doc = include_str!("../docs/semantics.md")]
#[allow(clippy::doc_lazy_continuation, reason = "the text is normative, and stays as it is agreed on")]
pub mod semantics {}

#[doc = include_str!("../docs/defaults.md")]
pub mod defaults {}

#[doc = include_str!("../docs/merging.md")]
pub mod merging {}

// Its examples need the feature.
#[cfg_attr(feature = "manifest", doc = include_str!("../docs/manifests.md"))]
#[cfg_attr(not(feature = "manifest"), doc = "This page is there with the feature `manifest`.")]
pub mod manifests {}

// As above.
#[cfg_attr(feature = "manifest", doc = include_str!("../docs/testing.md"))]
#[cfg_attr(not(feature = "manifest"), doc = "This page is there with the feature `manifest`.")]
pub mod testing {}

#[doc = include_str!("../docs/kubernetes.md")]
pub mod kubernetes {}

// Its examples need both features.
#[cfg_attr(all(feature = "axum", feature = "reload"), doc = include_str!("../docs/resolvers.md"))]
#[cfg_attr(
    not(all(feature = "axum", feature = "reload")),
    doc = "This page is there with the features `axum` and `reload`."
)]
pub mod resolvers {}

#[doc = include_str!("../docs/frameworks.md")]
pub mod frameworks {}

#[doc = include_str!("../docs/envoy.md")]
pub mod envoy {}

#[doc = include_str!("../docs/lints.md")]
pub mod lints {}

#[doc = include_str!("../docs/saying.md")]
pub mod saying {}

#[doc = include_str!("../docs/troubleshooting.md")]
pub mod troubleshooting {}

#[doc = include_str!("../docs/migrating.md")]
pub mod migrating {}
