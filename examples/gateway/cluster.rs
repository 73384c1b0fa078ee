//! An API server as the source of policies. In: the command line. Out: a resolver that follows it; stderr says what changes,
//! a line each.

use std::{fmt::Write, io, time::UNIX_EPOCH};

use futures::StreamExt;
use http::{Response, StatusCode, header};
use http_body_util::{Either, Full};
use hyper::body::Bytes;
use kube::{
    Client, Config,
    client::ClientBuilder,
    config::{KubeConfigOptions, Kubeconfig},
};
use tower::util::MapResponseLayer;
use tower_cors::{
    kubernetes::{Cluster, ClusterHandle, ClusterStatus},
    manifest::LoadedRoutes,
    resolver::Reloadable,
};

use crate::arguments::ClusterArguments;

/// Starts to follow, in the background.
pub(crate) async fn follow(
    arguments: ClusterArguments,
    global_policy_namespace: Option<String>,
) -> io::Result<(Reloadable<LoadedRoutes>, ClusterHandle)> {
    let client = client(&arguments).await?;
    let mut cluster = Cluster::new(client).write_status(arguments.write_status);
    if let Some(namespace) = arguments.namespace {
        cluster = cluster.namespace(namespace);
    }
    if let Some(controller) = arguments.controller_name {
        cluster = cluster.controller_name(controller);
    }
    if let Some(namespace) = global_policy_namespace {
        cluster = cluster.global_policy_namespace(namespace);
    }
    let (routes, handle, follow) = cluster.follow();
    let events = handle.events();
    tokio::spawn(async move {
        let mut events = std::pin::pin!(events);
        while let Some(event) = events.next().await {
            eprintln!("{event}");
        }
    });
    tokio::spawn(async move { eprintln!("gateway: {}; the last policies serve on", follow.await) });
    Ok((routes, handle))
}

/// As kubectl finds it; in a pod without a kubeconfig by the service account.
async fn client(arguments: &ClusterArguments) -> io::Result<Client> {
    let options = KubeConfigOptions { context: arguments.context.clone(), ..KubeConfigOptions::default() };
    let mut config = match &arguments.kubeconfig {
        Some(path) => {
            let read = Kubeconfig::read_from(path).map_err(io::Error::other)?;
            Config::from_custom_kubeconfig(read, &options).await.map_err(io::Error::other)?
        }
        None if arguments.context.is_some() => Config::from_kubeconfig(&options).await.map_err(io::Error::other)?,
        None => Config::infer().await.map_err(io::Error::other)?,
    };
    // The pauses between tries are those of `Cluster`: kube's own would grow beyond a minute before anybody is told.
    config.default_retry = false;
    let builder = ClientBuilder::try_from(config).map_err(io::Error::other)?;
    Ok(builder.with_layer(&MapResponseLayer::new(with_retry_after)).build())
}

/// Puts `Retry-After` where `Cluster` finds it. A server that has too much to do says it in a header, beside a text.
fn with_retry_after<B>(response: Response<B>) -> Response<Either<B, Full<Bytes>>> {
    let (head, body) = response.into_parts();
    let seconds = head.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse::<u32>().ok());
    let is_busy = matches!(head.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    let body = match seconds.filter(|_| is_busy) {
        Some(seconds) => {
            let message = format!("{}; asked to wait for {seconds} s", head.status);
            let details = serde_json::json!({"retryAfterSeconds": seconds});
            let status = serde_json::json!({
                "apiVersion": "v1", "kind": "Status", "status": "Failure", "reason": "TooManyRequests",
                "message": message, "code": head.status.as_u16(), "details": details,
            });
            Either::Right(Full::from(status.to_string()))
        }
        None => Either::Left(body),
    };
    Response::from_parts(head, body)
}

/// What is known of the cluster, in the text format of Prometheus.
pub(crate) fn write_metrics(status: &ClusterStatus, text: &mut String) {
    text.push_str("# TYPE tower_cors_objects gauge\n");
    for (kind, count) in &status.objects {
        let _ = writeln!(text, "tower_cors_objects{{kind=\"{kind}\"}} {count}");
    }
    let mut refused: Vec<_> = status.violations.iter().map(|violation| violation.position().file()).collect();
    refused.dedup();
    let last_swap = status.last_swap.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let values = [
        ("refused_objects", "gauge", refused.len().to_string()),
        ("unavailable_kinds", "gauge", status.unavailable.len().to_string()),
        ("swaps_total", "counter", status.swaps.to_string()),
        ("last_swap_timestamp_seconds", "gauge", last_swap.map_or(0.0, |time| time.as_secs_f64()).to_string()),
    ];
    for (name, kind, value) in values {
        let _ = writeln!(text, "# TYPE tower_cors_{name} {kind}\ntower_cors_{name} {value}");
    }
    let digest = status.digest;
    let _ = writeln!(text, "# TYPE tower_cors_table_info gauge\ntower_cors_table_info{{digest=\"{digest:016x}\"}} 1");
}
