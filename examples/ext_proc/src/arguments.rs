//! The command line.

use std::{ffi::OsString, path::PathBuf};

use lexopt::prelude::*;
use tower_cors::decision::{Options, UnmatchedPreflight};

pub(crate) const USAGE: &str = "\
usage: ext-proc-example [OPTION ...] --manifests FILE.yaml ...
       ext-proc-example [OPTION ...] --kubernetes

  --listen ADDRESS:PORT            where Envoy finds it; port 0 picks one [127.0.0.1:9001]
  --manifests FILE.yaml ...        manifests with the policies, read again when a file changes
  --kubernetes                     follow the API server of the kubeconfig, or of the pod that this runs in
  --namespace NAME                 with --kubernetes: read this namespace alone
  --controller-name NAME           with --kubernetes: only Gateways whose GatewayClass has this controllerName count
  --global-policy-namespace NAME   its policies select their targets in every namespace
  --forward-unmatched-preflights   let the upstream answer preflights of origins that are not allowed
  --guard-websocket-upgrades       answer 403 to WebSocket upgrades of origins that are not allowed
  --enforce                        answer 403 to cross-origin requests of origins that are not allowed
  --help                           print this";

/// What to do.
#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) listen: String,
    pub(crate) source: Source,
    pub(crate) global_policy_namespace: Option<String>,
    pub(crate) options: Options,
}

/// Where the policies come from.
#[derive(Debug)]
pub(crate) enum Source {
    Files(Vec<PathBuf>),
    Cluster { namespace: Option<String>, controller_name: Option<String> },
}

/// Reads the command line, which begins with the program's name. None where help is wanted.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Option<Arguments>, lexopt::Error> {
    let mut parser = lexopt::Parser::from_iter(arguments);
    let (mut listen, mut files, mut follows) = ("127.0.0.1:9001".to_owned(), Vec::new(), false);
    let (mut namespace, mut controller_name, mut global_policy_namespace) = (None, None, None);
    let mut options = Options::new();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("listen") => listen = parser.value()?.string()?,
            Long("manifests") => files.extend(parser.values()?.map(PathBuf::from)),
            Long("kubernetes") => follows = true,
            Long("namespace") => namespace = Some(parser.value()?.string()?),
            Long("controller-name") => controller_name = Some(parser.value()?.string()?),
            Long("global-policy-namespace") => global_policy_namespace = Some(parser.value()?.string()?),
            Long("forward-unmatched-preflights") => {
                options = options.unmatched_preflight(UnmatchedPreflight::Forward);
            }
            Long("guard-websocket-upgrades") => options = options.guard_websocket_upgrades(true),
            Long("enforce") => options = options.enforce(true),
            Long("help") | Short('h') => return Ok(None),
            _ => return Err(argument.unexpected()),
        }
    }
    let source = match follows {
        true if !files.is_empty() => return Err("policies come from --manifests or from --kubernetes".into()),
        true => Source::Cluster { namespace, controller_name },
        false if namespace.is_some() || controller_name.is_some() => {
            return Err("--namespace and --controller-name need --kubernetes".into());
        }
        false if files.is_empty() => return Err("neither --manifests nor --kubernetes is given".into()),
        false => Source::Files(files),
    };
    Ok(Some(Arguments { listen, source, global_policy_namespace, options }))
}
