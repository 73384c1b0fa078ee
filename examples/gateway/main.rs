//! A small reverse proxy that serves the CORS policies of Kubernetes manifests: routes and policies from YAML, a
//! `CorsLayer` over the route table, and an upstream behind it.
//!
//! ```text
//! gateway [--listen [NAMESPACE/PARENT/LISTENER=]127.0.0.1:8080] [--upstream http://HOST:PORT] [--check] [MANIFEST.yaml ...]
//! gateway test CASES.yaml ...
//! gateway diff OLD NEW [CASES.yaml]
//! ```

mod admin;
mod arguments;
#[cfg(feature = "kubernetes")]
mod cluster;
mod diff;
mod echo;
mod hops;
mod junit;
mod messages;
mod proxy;
mod reload;
mod serve;
mod source;
mod target;
mod test;
mod upgrade;
mod workers;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use tower::Layer;
use tower_cors::{
    CorsLayer,
    decision::{Options, UnmatchedPreflight},
    explain::Explanation,
    manifest::{LoadedRoutes, ManifestErrors, Manifests},
};

use arguments::{Arguments, Command, Explain, Sources};
use workers::Workers;

/// What is served where no manifest is named.
const SAMPLE_NAME: &str = "examples/manifests/trafficpolicy-cors.yaml";
const SAMPLE: &str = include_str!("../manifests/trafficpolicy-cors.yaml");

fn main() -> ExitCode {
    let arguments = match arguments::parse(std::env::args_os()) {
        Ok(Command::Run(arguments)) => *arguments,
        Ok(Command::Explain(question)) => return explain(*question),
        Ok(Command::Test(arguments)) => return test::run(&arguments),
        Ok(Command::Diff(arguments)) => return diff::run(&arguments),
        Ok(Command::Help) => {
            say(arguments::USAGE);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("gateway: {error}\n\n{}", arguments::USAGE);
            return ExitCode::from(2);
        }
    };
    if arguments.cluster.is_some() {
        return ended(serve(arguments, None));
    }
    let loaded = load(&arguments.sources);
    if arguments.check {
        return messages::report(&loaded, arguments.deny, arguments.json);
    }
    let routes = match loaded {
        Ok(routes) => routes,
        Err(errors) => {
            eprintln!("{errors:#}");
            return ExitCode::FAILURE;
        }
    };
    messages::greet(&arguments.sources, &routes);
    ended(serve(arguments, Some(routes)))
}

fn ended(served: io::Result<()>) -> ExitCode {
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gateway: {error}");
            ExitCode::FAILURE
        }
    }
}

/// `explain`: what happens to a request, on stdout.
fn explain(question: Explain) -> ExitCode {
    let Explain { request, uri, json, sources } = question;
    let routes = match load(&sources) {
        Ok(routes) => routes,
        Err(errors) => {
            eprintln!("{errors:#}");
            return ExitCode::from(2);
        }
    };
    let explanation = Explanation::of_routes(request, uri, &routes, &Options::new());
    if !json {
        say(&explanation.to_string());
    } else if let Err(code) = say_json(&explanation) {
        return code;
    }
    match explanation.verdict() {
        _ if explanation.is_unrouted() => ExitCode::from(2),
        Ok(_) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn load(sources: &Sources) -> Result<LoadedRoutes, ManifestErrors> {
    let mut manifests = Manifests::new();
    if let Some(namespace) = &sources.global_policy_namespace {
        manifests = manifests.global_policy_namespace(namespace);
    }
    if sources.files.is_empty() {
        return manifests.read(SAMPLE_NAME, SAMPLE).build();
    }
    sources.files.iter().fold(manifests, |manifests, file| manifests.load(file)).build()
}

/// Writes JSON to stdout.
fn say_json(value: &impl serde::Serialize) -> Result<(), ExitCode> {
    let text = serde_json::to_string_pretty(value).map_err(|error| {
        eprintln!("gateway: {error}");
        ExitCode::from(2)
    })?;
    say(&text);
    Ok(())
}

/// Writes a line to stdout at once. Nobody may be reading there, which is no reason to stop.
fn say(line: &str) {
    let mut stdout = io::stdout();
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}

#[tokio::main(flavor = "current_thread")]
async fn serve(arguments: Arguments, routes: Option<LoadedRoutes>) -> io::Result<()> {
    let sockets = serve::listen(&arguments.listen).await?;
    let (source, routes, _watching) = match (arguments.cluster, routes) {
        (Some(cluster), _) => source::of_cluster(cluster, arguments.sources.global_policy_namespace).await?,
        (None, routes) => source::of_files(arguments.sources, routes.unwrap_or_else(LoadedRoutes::closed)),
    };
    let handle = routes.handle();
    // What a cluster has is not known yet.
    let loaded = matches!(source, source::Source::Files).then(|| handle.current());
    let unmatched = match arguments.forward_unmatched_preflights {
        true => UnmatchedPreflight::Forward,
        false => UnmatchedPreflight::Answer,
    };
    let mut cors = CorsLayer::with_resolver(routes)
        .unmatched_preflight(unmatched)
        .guard_websocket_upgrades(arguments.guard_websocket_upgrades);
    let admin = match &arguments.admin {
        Some(address) => {
            let decisions = admin::Decisions::default();
            let counted = decisions.clone();
            cors = cors.on_decision(move |event| counted.count(event));
            Some(admin::serve(address, source, decisions, arguments.limits).await?)
        }
        None => None,
    };
    let workers =
        Workers::start(|| cors.layer(proxy::Proxy::new(handle.clone(), arguments.upstream.clone(), arguments.limits)))?;
    messages::say_where(sockets.iter().map(|(_, address)| address), loaded.as_deref());
    if let Some(address) = admin {
        say(&format!("admin on http://{address}"));
    }
    let sockets = sockets.into_iter().map(|(socket, _)| socket).collect();
    serve::serve(sockets, workers, handle, arguments.limits).await;
    Ok(())
}
