//! A small reverse proxy that serves the CORS policies of Kubernetes manifests: routes and policies from YAML, a
//! `CorsLayer` over the route table, and an upstream behind it.
//!
//! ```text
//! gateway [--listen 127.0.0.1:8080] [--upstream http://HOST:PORT] [--check] [MANIFEST.yaml ...]
//! ```

mod arguments;
mod echo;
mod proxy;
mod reload;

use std::{
    io::{self, Write},
    net::SocketAddr,
    path::PathBuf,
    pin::pin,
    process::ExitCode,
    time::Duration,
};

use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::net::TcpListener;
use tower::Layer;
use tower_cors::{
    CorsLayer,
    decision::{Options, UnmatchedPreflight},
    explain::Explanation,
    manifest::{LoadedRoutes, ManifestErrors, Manifests},
    resolver::Reloadable,
};

use arguments::{Arguments, Command, Explain};

/// What is served where no manifest is named.
const SAMPLE: &str = include_str!("../manifests/trafficpolicy-cors.yaml");

/// How long requests under way may take once the gateway is told to stop.
const GRACE: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let arguments = match arguments::parse(std::env::args_os()) {
        Ok(Command::Run(arguments)) => arguments,
        Ok(Command::Explain(question)) => return explain(*question),
        Ok(Command::Help) => {
            say(arguments::USAGE);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("gateway: {error}\n\n{}", arguments::USAGE);
            return ExitCode::from(2);
        }
    };
    let loaded = load(&arguments.manifests);
    if arguments.check {
        return report(loaded);
    }
    let routes = match loaded {
        Ok(routes) => routes,
        Err(errors) => {
            eprintln!("{errors:#}");
            return ExitCode::FAILURE;
        }
    };
    for lint in routes.lints() {
        eprintln!("{}: {lint} [{}]", lint.severity(), lint.code());
    }
    match serve(arguments, routes) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gateway: {error}");
            ExitCode::FAILURE
        }
    }
}

/// `explain`: what happens to a request, on stdout.
fn explain(question: Explain) -> ExitCode {
    let Explain { request, uri, json, manifests } = question;
    let routes = match load(&manifests) {
        Ok(routes) => routes,
        Err(errors) => {
            eprintln!("{errors:#}");
            return ExitCode::FAILURE;
        }
    };
    let explanation = Explanation::of_routes(request, uri, &routes, &Options::new());
    if !json {
        say(&explanation.to_string());
        return ExitCode::SUCCESS;
    }
    match serde_json::to_string_pretty(&explanation) {
        Ok(text) => say(&text),
        Err(error) => {
            eprintln!("gateway: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn load(files: &[PathBuf]) -> Result<LoadedRoutes, ManifestErrors> {
    if files.is_empty() {
        return Manifests::new().read("sample.yaml", SAMPLE).build();
    }
    files.iter().fold(Manifests::new(), |manifests, file| manifests.load(file)).build()
}

/// `--check`: violations or lints on stdout, and the exit code.
fn report(loaded: Result<LoadedRoutes, ManifestErrors>) -> ExitCode {
    match loaded {
        Ok(routes) => {
            for lint in routes.lints() {
                say(&format!("{}: {lint} [{}]", lint.severity(), lint.code()));
            }
            let invalid = routes.invalid_wholes().count();
            if invalid > 0 {
                say(&format!("not valid, {invalid} rules are served without CORS"));
                return ExitCode::FAILURE;
            }
            say(&format!("valid, {} lints", routes.lints().len()));
            ExitCode::SUCCESS
        }
        Err(errors) => {
            for error in &errors {
                say(&format!("error: {error:#}"));
            }
            say(&format!("not valid, {} errors", errors.iter().count()));
            ExitCode::FAILURE
        }
    }
}

/// Writes a line to stdout at once. Nobody may be reading there, which is no reason to stop.
fn say(line: &str) {
    let mut stdout = io::stdout();
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}

#[tokio::main]
async fn serve(arguments: Arguments, routes: LoadedRoutes) -> io::Result<()> {
    let listener = TcpListener::bind(&arguments.listen)
        .await
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", arguments.listen)))?;
    let address: SocketAddr = listener.local_addr()?;

    let routes = Reloadable::new(routes);
    let handle = routes.handle();
    let watching = reload::watch(arguments.manifests.clone(), handle.clone());
    let unmatched = match arguments.forward_unmatched_preflights {
        true => UnmatchedPreflight::Forward,
        false => UnmatchedPreflight::Answer,
    };
    let cors = CorsLayer::with_resolver(routes).unmatched_preflight(unmatched).wrap_body();
    let service = TowerToHyperService::new(cors.layer(proxy::Proxy::new(handle, arguments.upstream)));

    let mut server = auto::Builder::new(TokioExecutor::new());
    // The timer lets hyper's own limit on the time for a request's head take effect.
    server.http1().timer(TokioTimer::new());
    let connections = GracefulShutdown::new();
    let mut stop = pin!(stop_signal());
    say(&format!("listening on http://{address}"));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => {
                // A stream's small chunks wait for no acknowledgement. A socket that can't have it is closed already.
                let _ = stream.set_nodelay(true);
                stream
            }
            Err(error) => {
                // Out of file descriptors, for instance: others have to close theirs first.
                eprintln!("accept: {error}");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let connection = server.serve_connection(TokioIo::new(stream), service.clone()).into_owned();
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                eprintln!("connection: {error}");
            }
        });
    }
    drop((listener, watching));
    eprintln!("stopping");
    // Whoever has not finished by then is cut off.
    let _ = tokio::time::timeout(GRACE, connections.shutdown()).await;
    Ok(())
}

/// Waits until the process is told to stop: Ctrl-C, or SIGTERM.
async fn stop_signal() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => _ = signal.recv().await,
            Err(_) => std::future::pending::<()>().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}
