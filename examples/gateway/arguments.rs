//! The command line.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use http::{HeaderName, HeaderValue, Method, Uri, uri::Authority};
use lexopt::prelude::*;
use tower_cors::{
    browser::{Credentials, ScriptRequest},
    finding::Severity,
    origin::{Origin, OriginPattern},
    route::Listener,
};

pub(crate) const USAGE: &str = "\
usage: gateway [OPTION ...] [MANIFEST.yaml ...]
       gateway explain --method METHOD --url URL --origin ORIGIN [OPTION ...] [--manifest MANIFEST.yaml ...]
       gateway test [--json] [--junit FILE] CASES.yaml ...
       gateway diff [--json] [--deny-wider] OLD NEW [CASES.yaml]

  A manifest is a file, or a folder whose files are read.

  --listen [NAMESPACE/PARENT/LISTENER=]ADDRESS:PORT
                                   where to listen, as a listener of a Gateway where one is named; may be repeated;
                                   port 0 picks one [127.0.0.1:8080]
  --upstream http://HOST:PORT      where requests go; without it, an echo answers
  --forward-unmatched-preflights   let the upstream answer preflights of origins that are not allowed
  --guard-websocket-upgrades       answer 403 to WebSocket upgrades of origins that are not allowed
  --global-policy-namespace NAME   its policies select their targets in every namespace
  --admin ADDRESS:PORT             where /readyz and /metrics are answered
  --head-timeout SECONDS           for the first bytes and the head of a request [30]
  --idle-body-timeout SECONDS      for the next part of a request's body [60]
  --upstream-timeout SECONDS       for the head of the upstream's response [60]
  --keep-alive SECONDS             between pings of an HTTP/2 connection [20]
  --max-connections NUMBER         more wait until one ends [1024]
  --check                          print what is wrong with the manifests, and exit with 0 or 1
  --deny SEVERITY                  with --check: exit with 1 for lints of info, warning or critical, or above, too
  --json                           with --check: print JSON
  --help                           print this

  In place of manifests in files, those of an API server:
  --kubernetes                     follow the API server of the kubeconfig, or of the pod that this runs in
  --kubeconfig FILE                the kubeconfig [$KUBECONFIG, or .kube/config in the home directory]
  --context NAME                   the context in it [its current one]
  --namespace NAME                 read this namespace alone
  --controller-name NAME           only Gateways whose GatewayClass has this controllerName count
  --write-status                   write the status of routes and policies in that name

  explain prints what happens to a script's request, and why:
  --header NAME:VALUE              a header that the script sets; may be repeated
  --credentials                    the request has credentials
  --json                           print JSON
  It exits with 0 where the script can read the response, with 1 where the browser blocks it, and with 2 where no route
  takes the request or nothing can be explained.

  test runs what pages are expected to get (docs/testing.md):
  --json                           print JSON
  --junit FILE                     also write a report in JUnit's XML
  It exits with 0 where every case ends as expected, with 1 where one does not, and with 2 where a file can't be read.

  diff prints which effective policies two states of manifests differ in, and of which cases the end:
  --json                           print JSON
  --deny-wider                     exit with 1 where something is allowed that was not
  It exits with 2 where a file can't be read.

Without a manifest, a sample for the host cors.example is served.";

/// What to do.
pub(crate) enum Command {
    Run(Box<Arguments>),
    Explain(Box<Explain>),
    Test(Test),
    Diff(Diff),
    Help,
}

/// What to explain.
pub(crate) struct Explain {
    pub(crate) request: ScriptRequest,
    pub(crate) uri: Uri,
    pub(crate) json: bool,
    pub(crate) sources: Sources,
}

/// Which cases to run, and how to say what came of them.
#[derive(Default)]
pub(crate) struct Test {
    pub(crate) files: Vec<PathBuf>,
    pub(crate) json: bool,
    pub(crate) junit: Option<PathBuf>,
}

/// What to compare.
pub(crate) struct Diff {
    pub(crate) old: PathBuf,
    pub(crate) new: PathBuf,
    pub(crate) cases: Option<PathBuf>,
    pub(crate) global_policy_namespace: Option<String>,
    pub(crate) json: bool,
    pub(crate) deny_wider: bool,
}

/// How to do it.
pub(crate) struct Arguments {
    pub(crate) listen: Vec<Listen>,
    pub(crate) upstream: Option<Authority>,
    pub(crate) check: bool,
    /// The least severity of lints that `check` refuses.
    pub(crate) deny: Option<Severity>,
    /// Whether `check` prints JSON.
    pub(crate) json: bool,
    pub(crate) forward_unmatched_preflights: bool,
    pub(crate) guard_websocket_upgrades: bool,
    pub(crate) limits: Limits,
    pub(crate) sources: Sources,
    /// The API server, in place of files.
    pub(crate) cluster: Option<ClusterArguments>,
    pub(crate) admin: Option<String>,
}

/// Which API server is followed, and how.
#[derive(Clone, Default)]
pub(crate) struct ClusterArguments {
    pub(crate) kubeconfig: Option<PathBuf>,
    pub(crate) context: Option<String>,
    pub(crate) namespace: Option<String>,
    pub(crate) controller_name: Option<String>,
    pub(crate) write_status: bool,
}

/// The manifests.
#[derive(Clone, Default)]
pub(crate) struct Sources {
    pub(crate) files: Vec<PathBuf>,
    pub(crate) global_policy_namespace: Option<String>,
}

/// Where to listen.
pub(crate) struct Listen {
    pub(crate) address: String,
    /// The listener of the manifests that this is.
    pub(crate) listener: Option<Listener>,
}

/// How long anything may take, and how many connections there may be.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) head: Duration,
    pub(crate) idle_body: Duration,
    pub(crate) upstream: Duration,
    pub(crate) keep_alive: Duration,
    pub(crate) connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(30),
            idle_body: Duration::from_secs(60),
            upstream: Duration::from_secs(60),
            keep_alive: Duration::from_secs(20),
            connections: 1024,
        }
    }
}

/// Reads the command line, which begins with the program's name.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, lexopt::Error> {
    let mut parser = lexopt::Parser::from_iter(arguments);
    let mut read = Arguments {
        listen: Vec::new(),
        upstream: None,
        check: false,
        deny: None,
        json: false,
        forward_unmatched_preflights: false,
        guard_websocket_upgrades: false,
        limits: Limits::default(),
        sources: Sources::default(),
        cluster: None,
        admin: None,
    };
    let (mut follows, mut cluster) = (false, ClusterArguments::default());
    let mut of_cluster = None;
    let mut is_first = true;
    while let Some(argument) = parser.next()? {
        match argument {
            Long("listen") => read.listen.push(parser.value()?.parse_with(listen)?),
            Long("upstream") => read.upstream = Some(authority(&parser.value()?.string()?)?),
            Long("check") => read.check = true,
            Long("json") => read.json = true,
            Long("deny") => read.deny = Some(parser.value()?.parse_with(severity)?),
            Long("forward-unmatched-preflights") => read.forward_unmatched_preflights = true,
            Long("guard-websocket-upgrades") => read.guard_websocket_upgrades = true,
            Long("global-policy-namespace") => read.sources.global_policy_namespace = Some(parser.value()?.string()?),
            Long("head-timeout") => read.limits.head = parser.value()?.parse_with(seconds)?,
            Long("idle-body-timeout") => read.limits.idle_body = parser.value()?.parse_with(seconds)?,
            Long("upstream-timeout") => read.limits.upstream = parser.value()?.parse_with(seconds)?,
            Long("keep-alive") => read.limits.keep_alive = parser.value()?.parse_with(seconds)?,
            Long("max-connections") => read.limits.connections = parser.value()?.parse_with(connections)?,
            Long("admin") => read.admin = Some(parser.value()?.string()?),
            Long("kubernetes") => follows = true,
            Long("kubeconfig") => {
                of_cluster = Some("--kubeconfig");
                cluster.kubeconfig = Some(parser.value()?.into());
            }
            Long("context") => {
                of_cluster = Some("--context");
                cluster.context = Some(parser.value()?.string()?);
            }
            Long("namespace") => {
                of_cluster = Some("--namespace");
                cluster.namespace = Some(parser.value()?.string()?);
            }
            Long("controller-name") => {
                of_cluster = Some("--controller-name");
                cluster.controller_name = Some(parser.value()?.string()?);
            }
            Long("write-status") => {
                of_cluster = Some("--write-status");
                cluster.write_status = true;
            }
            Long("help") | Short('h') => return Ok(Command::Help),
            Value(word) if word == "explain" && is_first => return explain(parser),
            Value(word) if word == "test" && is_first => return test(parser),
            Value(word) if word == "diff" && is_first => return diff(parser),
            Value(path) => read.sources.files.push(path.into()),
            _ => return Err(argument.unexpected()),
        }
        is_first = false;
    }
    match of_cluster {
        Some(option) if !follows => return Err(format!("{option} needs --kubernetes").into()),
        _ if follows && !read.sources.files.is_empty() => {
            return Err("manifests come from files or from --kubernetes".into());
        }
        _ if follows && read.check => return Err("--check reads files".into()),
        _ if cluster.write_status && cluster.controller_name.is_none() => {
            return Err("--write-status needs --controller-name".into());
        }
        _ => read.cluster = follows.then_some(cluster),
    }
    if read.check && read.sources.files.is_empty() {
        return Err("--check needs a manifest".into());
    }
    if read.deny.is_some() && !read.check {
        return Err("--deny goes with --check".into());
    }
    if read.json && !read.check {
        return Err("--json goes with --check, explain, test or diff".into());
    }
    if read.listen.is_empty() {
        read.listen.push(Listen { address: "127.0.0.1:8080".to_owned(), listener: None });
    }
    Ok(Command::Run(Box::new(read)))
}

fn explain(mut parser: lexopt::Parser) -> Result<Command, lexopt::Error> {
    let (mut method, mut url, mut origin) = (Method::GET, None, None);
    let (mut headers, mut credentials, mut json, mut sources) =
        (Vec::new(), Credentials::Omit, false, Sources::default());
    while let Some(argument) = parser.next()? {
        match argument {
            Long("method") => method = parser.value()?.parse()?,
            Long("url") => url = Some(parser.value()?.parse_with(absolute)?),
            Long("origin") => origin = Some(parser.value()?.parse_with(page_origin)?),
            Long("header") => headers.push(parser.value()?.parse_with(header)?),
            Long("credentials") => credentials = Credentials::Include,
            Long("json") => json = true,
            Long("manifest") => sources.files.push(parser.value()?.into()),
            Long("global-policy-namespace") => sources.global_policy_namespace = Some(parser.value()?.string()?),
            Long("help") | Short('h') => return Ok(Command::Help),
            Value(path) => sources.files.push(path.into()),
            _ => return Err(argument.unexpected()),
        }
    }
    let origin = origin.ok_or("explain needs --origin")?;
    let request = ScriptRequest::new(origin, method).credentials(credentials);
    let request = headers.into_iter().fold(request, |request, (name, value)| request.header(name, value));
    let uri = url.ok_or("explain needs --url")?;
    Ok(Command::Explain(Box::new(Explain { request, uri, json, sources })))
}

fn test(mut parser: lexopt::Parser) -> Result<Command, lexopt::Error> {
    let mut read = Test::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("json") => read.json = true,
            Long("junit") => read.junit = Some(parser.value()?.into()),
            Long("help") | Short('h') => return Ok(Command::Help),
            Value(path) => read.files.push(path.into()),
            _ => return Err(argument.unexpected()),
        }
    }
    if read.files.is_empty() { Err("test needs a file of cases".into()) } else { Ok(Command::Test(read)) }
}

fn diff(mut parser: lexopt::Parser) -> Result<Command, lexopt::Error> {
    let (mut paths, mut json, mut deny_wider, mut global_policy_namespace) = (Vec::new(), false, false, None);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("json") => json = true,
            Long("deny-wider") => deny_wider = true,
            Long("global-policy-namespace") => global_policy_namespace = Some(parser.value()?.string()?),
            Long("help") | Short('h') => return Ok(Command::Help),
            Value(path) => paths.push(PathBuf::from(path)),
            _ => return Err(argument.unexpected()),
        }
    }
    let mut paths = paths.into_iter();
    let (Some(old), Some(new), cases, None) = (paths.next(), paths.next(), paths.next(), paths.next()) else {
        return Err("diff needs OLD and NEW, and takes one file of cases".into());
    };
    Ok(Command::Diff(Diff { old, new, cases, global_policy_namespace, json, deny_wider }))
}

/// An origin as a browser sends one: `null`, or without a path, in lower case.
fn page_origin(text: &str) -> Result<HeaderValue, String> {
    let value = text.parse::<HeaderValue>().map_err(|error| format!("{error}"))?;
    let origin = Origin::parse(text.as_bytes());
    if text == "null" || origin.is_some_and(|origin| origin.as_str() == text && !text.ends_with('/')) {
        return Ok(value);
    }
    let meant = OriginPattern::parse(text).or_else(|_| OriginPattern::parse(&format!("https://{text}")));
    let meant = meant.ok().filter(OriginPattern::is_exact);
    let meant = meant.map(|meant| format!("; did you mean \"{meant}\"?")).unwrap_or_default();
    Err(format!("no browser sends this; an origin is like https://app.example, without a slash at its end{meant}"))
}

fn listen(text: &str) -> Result<Listen, String> {
    let Some((name, address)) = text.rsplit_once('=') else {
        return Ok(Listen { address: text.to_owned(), listener: None });
    };
    match name.split('/').collect::<Vec<_>>().as_slice() {
        [namespace, gateway, listener] if [namespace, gateway, listener].iter().all(|part| !part.is_empty()) => {
            let listener = Listener::of_gateway(*namespace, *gateway, *listener);
            Ok(Listen { address: address.to_owned(), listener: Some(listener) })
        }
        [namespace, "ListenerSet", set, listener] => {
            let listener = Listener::of_listener_set(*namespace, *set, *listener);
            Ok(Listen { address: address.to_owned(), listener: Some(listener) })
        }
        _ => Err("not of the form NAMESPACE/PARENT/LISTENER=ADDRESS:PORT".to_owned()),
    }
}

fn severity(text: &str) -> Result<Severity, &'static str> {
    let severities = [Severity::Info, Severity::Warning, Severity::Critical];
    severities.into_iter().find(|severity| severity.to_string() == text).ok_or("not info, warning or critical")
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err("not a number of seconds above 0".to_owned()),
    }
}

fn connections(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=1_000_000).contains(number));
    number.ok_or_else(|| "not a number from 1 to 1000000".to_owned())
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
