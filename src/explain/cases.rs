//! What pages are expected to get under manifests, case by case. In: a file of cases, which `docs/testing.md` describes,
//! and loaded routes. Out: for each case how it ends, and where that is not as expected, why, with the places in the
//! manifests. Each case is one [`Explanation`].

mod read;
mod result;

use std::path::{Path, PathBuf};

use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Uri};

use super::{Beside, Ending, Explanation};
use crate::{
    browser::ScriptRequest,
    decision::Options,
    manifest::{LoadedRoutes, ManifestError, ManifestErrors, Manifests, Position, Stacks, read_file, read_other},
    route::Listener,
};

pub use result::CaseResult;

/// A file of cases: manifests, and what pages are expected to get under them.
///
/// # Examples
///
/// ```
/// use tower_cors::{explain::Cases, manifest::Manifests};
///
/// let cases = "
/// manifests: [api.yaml]
/// cases:
/// - page: https://app.example
///   fetch: PUT https://api.example/v1/users
///   expect: readable
/// ";
/// let cases = Cases::read("cases.yaml", cases)?;
///
/// let routes = Manifests::new().read("api.yaml", "
/// apiVersion: gateway.networking.k8s.io/v1
/// kind: HTTPRoute
/// metadata: {name: api}
/// spec:
///   rules:
///   - filters: [{type: CORS, cors: {allowOrigins: ['https://app.example']}}]
/// ").build()?;
/// let results = cases.run(&routes);
/// assert!(!results[0].passed());
/// assert_eq!(results[0].ending().to_string(), "blocked: preflight-method");
/// # Ok::<_, tower_cors::manifest::ManifestErrors>(())
/// ```
#[derive(Clone, Debug)]
pub struct Cases {
    manifests: Vec<PathBuf>,
    global_policy_namespace: Option<String>,
    cases: Vec<Case>,
}

/// One of them.
#[derive(Clone, Debug)]
struct Case {
    name: Option<String>,
    position: Position,
    request: ScriptRequest,
    uri: Uri,
    /// Where the request arrives, which else is the first listener that its host fits.
    listener: Option<Listener>,
    expected: Expected,
    exposes: Vec<HeaderName>,
}

/// What is expected of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Readable,
    /// For this reason, where one is given.
    Blocked(Option<&'static str>),
    Refused,
    NotServed,
}

impl Cases {
    /// Reads a file of cases. Its manifests are found from the folder that it is in.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the file, each with its place; or that it can't be read.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ManifestErrors> {
        let path = path.as_ref();
        let name = path.display().to_string();
        match read_file(path) {
            Ok(text) => Self::read(&name, &text),
            Err(source) => Err(ManifestError::Read { file: name, source }.into()),
        }
    }

    /// Reads a text of cases, as [`load`](Self::load) reads the file `name`.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the text, each with its place.
    pub fn read(name: &str, text: &str) -> Result<Self, ManifestErrors> {
        let mut cases = read_other(name, text, read::read)?;
        let folder = Path::new(name).parent().unwrap_or(Path::new(""));
        cases.manifests.iter_mut().for_each(|path| *path = folder.join(&*path));
        Ok(cases)
    }

    /// The manifests that the file names, read.
    pub fn manifests(&self) -> Manifests {
        let manifests = self.manifests.iter().fold(Manifests::new(), Manifests::load);
        match &self.global_policy_namespace {
            Some(namespace) => manifests.global_policy_namespace(namespace),
            None => manifests,
        }
    }

    /// Runs every case under these routes, in the order of the file.
    pub fn run(&self, routes: &LoadedRoutes) -> Vec<CaseResult> {
        let stacks = routes.stacks();
        self.cases.iter().map(|case| case.run(routes, &stacks)).collect()
    }
}

impl Case {
    fn run(&self, routes: &LoadedRoutes, stacks: &Stacks<'_>) -> CaseResult {
        let mut beside = Beside { extensions: Extensions::new(), answered: HeaderMap::new() };
        if let Some(listener) = &self.listener {
            beside.extensions.insert(Listener::clone(listener));
        }
        // What a script is expected to see, the backend has to send.
        beside.answered.extend(self.exposes.iter().map(|name| (name.clone(), HeaderValue::from_static(""))));
        let (request, uri) = (self.request.clone(), self.uri.clone());
        let explanation = Explanation::of_routes_beside(request, uri, (routes, stacks), &Options::new(), &beside);
        CaseResult::new(self, explanation, routes)
    }
}

impl Expected {
    fn is_met_by(self, ending: Ending) -> bool {
        match (self, ending) {
            (Self::Blocked(Some(reason)), ending) => ending.is_blocked_for(reason),
            (Self::Readable, Ending::Readable)
            | (Self::Blocked(None), Ending::Blocked { .. })
            | (Self::Refused, Ending::Refused)
            | (Self::NotServed, Ending::NotServed) => true,
            _ => false,
        }
    }
}

impl std::fmt::Display for Expected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Readable => f.write_str("readable"),
            Self::Blocked(None) => f.write_str("blocked"),
            Self::Blocked(Some(reason)) => write!(f, "blocked: {reason}"),
            Self::Refused => f.write_str("refused (403)"),
            Self::NotServed => f.write_str("not-served"),
        }
    }
}
