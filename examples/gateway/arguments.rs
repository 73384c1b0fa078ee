//! The command line.

use std::{ffi::OsString, path::PathBuf};

use http::{HeaderName, HeaderValue, Method, Uri, uri::Authority};
use lexopt::prelude::*;
use tower_cors::browser::{Credentials, ScriptRequest};

pub(crate) const USAGE: &str = "\
usage: gateway [OPTION ...] [MANIFEST.yaml ...]
       gateway explain --method METHOD --url URL --origin ORIGIN [OPTION ...] [--manifest MANIFEST.yaml ...]

  --listen ADDRESS:PORT            where to listen; port 0 picks one [127.0.0.1:8080]
  --upstream http://HOST:PORT      where requests go; without it, an echo answers
  --forward-unmatched-preflights   let the upstream answer preflights of origins that are not allowed
  --check                          print what is wrong with the manifests, and exit with 0 or 1
  --help                           print this

  explain prints what happens to a script's request, and why:
  --header NAME:VALUE              a header that the script sets; may be repeated
  --credentials                    the request has credentials
  --json                           print JSON

Without a manifest, a sample for the host cors.example is served.";

/// What to do.
pub(crate) enum Command {
    Run(Arguments),
    Explain(Box<Explain>),
    Help,
}

/// What to explain.
pub(crate) struct Explain {
    pub(crate) request: ScriptRequest,
    pub(crate) uri: Uri,
    pub(crate) json: bool,
    pub(crate) manifests: Vec<PathBuf>,
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
    let mut is_first = true;
    while let Some(argument) = parser.next()? {
        match argument {
            Long("listen") => read.listen = parser.value()?.string()?,
            Long("upstream") => read.upstream = Some(authority(&parser.value()?.string()?)?),
            Long("check") => read.check = true,
            Long("forward-unmatched-preflights") => read.forward_unmatched_preflights = true,
            Long("help") | Short('h') => return Ok(Command::Help),
            Value(word) if word == "explain" && is_first => return explain(parser),
            Value(path) => read.manifests.push(path.into()),
            _ => return Err(argument.unexpected()),
        }
        is_first = false;
    }
    Ok(Command::Run(read))
}

fn explain(mut parser: lexopt::Parser) -> Result<Command, lexopt::Error> {
    let (mut method, mut url, mut origin) = (Method::GET, None, None);
    let (mut headers, mut credentials, mut json, mut manifests) = (Vec::new(), Credentials::Omit, false, Vec::new());
    while let Some(argument) = parser.next()? {
        match argument {
            Long("method") => method = parser.value()?.parse()?,
            Long("url") => url = Some(parser.value()?.parse_with(absolute)?),
            Long("origin") => origin = Some(parser.value()?.parse::<HeaderValue>()?),
            Long("header") => headers.push(parser.value()?.parse_with(header)?),
            Long("credentials") => credentials = Credentials::Include,
            Long("json") => json = true,
            Long("manifest") => manifests.push(parser.value()?.into()),
            Long("help") | Short('h') => return Ok(Command::Help),
            Value(path) => manifests.push(path.into()),
            _ => return Err(argument.unexpected()),
        }
    }
    let origin = origin.ok_or("explain needs --origin")?;
    let request = ScriptRequest::new(origin, method).credentials(credentials);
    let request = headers.into_iter().fold(request, |request, (name, value)| request.header(name, value));
    let uri = url.ok_or("explain needs --url")?;
    Ok(Command::Explain(Box::new(Explain { request, uri, json, manifests })))
}

fn absolute(url: &str) -> Result<Uri, String> {
    let uri: Uri = url.parse().map_err(|error| format!("{error}"))?;
    let is_absolute = uri.authority().is_some() && uri.scheme().is_some();
    if is_absolute { Ok(uri) } else { Err("not of the form http://HOST/PATH".to_owned()) }
}

fn header(line: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = line.split_once(':').ok_or("not of the form NAME: VALUE")?;
    let name = name.trim().parse().map_err(|error| format!("{error}"))?;
    Ok((name, value.trim().parse().map_err(|error| format!("{error}"))?))
}

fn authority(url: &str) -> Result<Authority, String> {
    let refused = || format!("--upstream: \"{url}\" is not of the form http://HOST:PORT");
    let uri: Uri = url.parse().map_err(|_| refused())?;
    let is_plain = uri.scheme_str() == Some("http") && uri.path() == "/" && uri.query().is_none();
    uri.authority().filter(|authority| is_plain && !authority.as_str().contains('@')).cloned().ok_or_else(refused)
}
