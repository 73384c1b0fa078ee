//! An API server as the source of policies. In: the command line. Out: a resolver that follows it, closed until everything is
//! known; stderr says what changes.

use std::error::Error;

use tower_cors::{manifest::LoadedRoutes, resolver::Reloadable};

/// Starts to follow, in the background.
#[cfg(feature = "kubernetes")]
pub(crate) async fn follow(
    namespace: Option<String>,
    controller_name: Option<String>,
    global_policy_namespace: Option<String>,
) -> Result<Reloadable<LoadedRoutes>, Box<dyn Error>> {
    use futures::StreamExt;
    use kube::{Client, Config};
    use tower_cors::kubernetes::Cluster;

    let mut config = Config::infer().await?;
    // The pauses between tries are those of `Cluster`.
    config.default_retry = false;
    let mut cluster = Cluster::new(Client::try_from(config)?);
    if let Some(namespace) = namespace {
        cluster = cluster.namespace(namespace);
    }
    if let Some(name) = controller_name {
        cluster = cluster.controller_name(name);
    }
    if let Some(namespace) = global_policy_namespace {
        cluster = cluster.global_policy_namespace(namespace);
    }
    let (routes, handle, follow) = cluster.follow();
    tokio::spawn(handle.events().for_each(|event| {
        eprintln!("{event}");
        std::future::ready(())
    }));
    tokio::spawn(async move { eprintln!("{}; the last policies serve on", follow.await) });
    Ok(routes)
}

/// Says that it can't.
#[cfg(not(feature = "kubernetes"))]
pub(crate) async fn follow(
    _: Option<String>,
    _: Option<String>,
    _: Option<String>,
) -> Result<Reloadable<LoadedRoutes>, Box<dyn Error>> {
    Err("--kubernetes: this program was built without it; build it with `--features kubernetes`".into())
}
