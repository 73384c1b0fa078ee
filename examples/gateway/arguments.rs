//! The command line.

use std::{ffi::OsString, path::PathBuf};

use http::{Uri, uri::Authority};
use lexopt::prelude::*;

pub(crate) const USAGE: &str = "\
usage: gateway [OPTION ...] [MANIFEST.yaml ...]

  --listen ADDRESS:PORT            where to listen; port 0 picks one [127.0.0.1:8080]
  --upstream http://HOST:PORT      where requests go; without it, an echo answers
  --forward-unmatched-preflights   let the upstream answer preflights of origins that are not allowed
  --check                          print what is wrong with the manifests, and exit with 0 or 1
  --help                           print this

Without a manifest, a sample for the host cors.example is served.";

/// What to do.
pub(crate) enum Command {
    Run(Arguments),
    Help,
}

/// How to do it.
pub(crate) struct Arguments {
    pub(crate) listen: String,
    pub(crate) upstream: Option<Authority>,
    pub(crate) check: bool,
    pub(crate) forward_unmatched_preflights: bool,
    pub(crate) manifests: Vec<PathBuf>,
}

/// Reads the command line, which begins with the program's name.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, lexopt::Error> {
    let mut parser = lexopt::Parser::from_iter(arguments);
    let mut read = Arguments {
        listen: "127.0.0.1:8080".to_owned(),
        upstream: None,
        check: false,
        forward_unmatched_preflights: false,
        manifests: Vec::new(),
    };
    while let Some(argument) = parser.next()? {
        match argument {
            Long("listen") => read.listen = parser.value()?.string()?,
            Long("upstream") => read.upstream = Some(authority(&parser.value()?.string()?)?),
            Long("check") => read.check = true,
            Long("forward-unmatched-preflights") => read.forward_unmatched_preflights = true,
            Long("help") | Short('h') => return Ok(Command::Help),
            Value(path) => read.manifests.push(path.into()),
            _ => return Err(argument.unexpected()),
        }
    }
    Ok(Command::Run(read))
}

fn authority(url: &str) -> Result<Authority, String> {
    let refused = || format!("--upstream: \"{url}\" is not of the form http://HOST:PORT");
    let uri: Uri = url.parse().map_err(|_| refused())?;
    let is_plain = uri.scheme_str() == Some("http") && uri.path() == "/" && uri.query().is_none();
    uri.authority().filter(|authority| is_plain && !authority.as_str().contains('@')).cloned().ok_or_else(refused)
}
