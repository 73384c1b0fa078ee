//! Where the policies come from: files, which are read again when they change, or an API server. In: the command line. Out:
//! a resolver, and what operators may know of it.

use std::{fmt::Write, io};

use tower_cors::{manifest::LoadedRoutes, resolver::Reloadable};

use crate::{
    arguments::{ClusterArguments, Sources},
    reload,
};

/// Where the policies come from.
#[derive(Clone)]
pub(crate) enum Source {
    Files,
    #[cfg(feature = "kubernetes")]
    Cluster(tower_cors::kubernetes::ClusterHandle),
}

/// What must live as long as the gateway serves.
pub(crate) struct Watching(#[expect(dead_code, reason = "it ends the watch when it is dropped")] Option<reload::Watch>);

/// Starts to serve files.
pub(crate) fn of_files(sources: Sources, routes: LoadedRoutes) -> (Source, Reloadable<LoadedRoutes>, Watching) {
    let routes = Reloadable::new(routes);
    let watch = reload::watch(sources, routes.handle());
    (Source::Files, routes, Watching(Some(watch)))
}

/// Starts to follow an API server.
#[cfg(feature = "kubernetes")]
pub(crate) async fn of_cluster(
    arguments: ClusterArguments,
    global_policy_namespace: Option<String>,
) -> io::Result<(Source, Reloadable<LoadedRoutes>, Watching)> {
    let (routes, handle) = crate::cluster::follow(arguments, global_policy_namespace).await?;
    Ok((Source::Cluster(handle), routes, Watching(None)))
}

/// Says that it can't.
#[cfg(not(feature = "kubernetes"))]
pub(crate) async fn of_cluster(
    _: ClusterArguments,
    _: Option<String>,
) -> io::Result<(Source, Reloadable<LoadedRoutes>, Watching)> {
    let how = "build it with `--features kubernetes,k8s-openapi-latest`";
    Err(io::Error::other(format!("--kubernetes: this gateway was built without the feature kubernetes; {how}")))
}

impl Source {
    /// Whether every object that there is serves.
    pub(crate) fn is_ready(&self) -> bool {
        match self {
            Self::Files => true,
            #[cfg(feature = "kubernetes")]
            Self::Cluster(handle) => handle.status().is_synced,
        }
    }

    /// What there is, in the text format of Prometheus.
    pub(crate) fn metrics(&self) -> String {
        let mut text = String::new();
        let _ = writeln!(text, "# TYPE tower_cors_synced gauge\ntower_cors_synced {}", u8::from(self.is_ready()));
        match self {
            Self::Files => {}
            #[cfg(feature = "kubernetes")]
            Self::Cluster(handle) => crate::cluster::write_metrics(&handle.status(), &mut text),
        }
        text
    }
}
