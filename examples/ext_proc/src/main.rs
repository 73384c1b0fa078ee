//! An external processor for Envoy: it answers preflights, and sets and removes the CORS headers of responses, by the
//! policies of Kubernetes manifests in files or in a cluster. It is made of `decide` and of what a decision gives, and of a
//! service of tonic around them; no layer of tower takes part. `docs/envoy.md` has the configuration of Envoy.
//!
//! ```text
//! cargo run --package ext-proc-example -- --manifests examples/manifests/trafficpolicy-cors.yaml
//! ```

mod arguments;
mod cluster;
mod files;
mod processor;
mod protocol;
mod service;

use std::{error::Error, process::ExitCode, sync::Arc};

use tokio::net::TcpListener;
use tonic::transport::{Server, server::TcpIncoming};

use arguments::{Arguments, Source, USAGE};
use files::Files;
use processor::Processor;
use service::ExternalProcessor;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match arguments::parse(std::env::args_os()) {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("ext-proc-example: {error}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match serve(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let Arguments { listen, source, global_policy_namespace, options } = arguments;
    let (routes, _watcher) = match source {
        Source::Files(paths) => {
            let (routes, watcher) = Files { paths, global_policy_namespace }.follow()?;
            (routes, Some(watcher))
        }
        Source::Cluster { namespace, controller_name } => {
            (cluster::follow(namespace, controller_name, global_policy_namespace).await?, None)
        }
    };
    let listener = TcpListener::bind(listen).await?;
    println!("listening on {}", listener.local_addr()?);
    let processor = ExternalProcessor(Arc::new(Processor::new(routes, options)));
    // The messages are small, and Envoy waits for each.
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    Server::builder().add_service(processor).serve_with_incoming(incoming).await?;
    Ok(())
}
