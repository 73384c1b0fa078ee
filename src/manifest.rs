//! Kubernetes manifests: YAML with Gateways, HTTPRoutes and traffic policies into a route table. In: files or texts. Out:
//! [`LoadedRoutes`], or everything that is wrong, each with its field path and its place in the file.
//! Rules 2.1, 2.2, 2.12, 2.13, 7.1, 7.2, 7.6, 7.7, 8.4.
//!
//! # Examples
//!
//! ```
//! use tower_cors::{CorsLayer, manifest::Manifests};
//!
//! let yaml = "
//! apiVersion: gateway.networking.k8s.io/v1
//! kind: HTTPRoute
//! metadata: {name: api}
//! spec:
//!   hostnames: [api.example]
//!   rules:
//!   - filters:
//!     - type: CORS
//!       cors:
//!         allowOrigins: [https://app.example]
//!         maxAge: 600
//! ";
//! let routes = Manifests::new().read("api.yaml", yaml).build()?;
//! assert!(routes.lints().is_empty());
//! let layer = CorsLayer::with_resolver(routes.into_table());
//!
//! let errors = Manifests::new().read("api.yaml", &yaml.replace("600", "10m")).build().unwrap_err();
//! let expected = "api.yaml:12:17: spec.rules[0].filters[0].cors.maxAge: \"10m\" is not a whole number of seconds; \
//!      did you mean 600?";
//! assert_eq!(errors.to_string(), expected);
//! // The alternate form adds the line.
//! assert_eq!(format!("{errors:#}"), format!("{expected}\n12 |         maxAge: 10m\n   |                 ^"));
//! # Ok::<_, tower_cors::manifest::ManifestErrors>(())
//! ```

mod attach;
mod build;
mod changes;
mod cors;
mod effective;
mod error;
mod filter;
mod finding;
mod gateway;
mod grammar;
mod http_route;
mod model;
mod object;
mod parts;
mod stray;
mod suggest;
mod syntax;
mod traffic_policy;
mod walk;
mod yaml;

pub use changes::Change;
pub use error::{ManifestError, ManifestErrors};
pub use finding::{Excerpt, Lint, LintKind, Located, Position, Violation, ViolationKind};
pub use model::BackendRef;

use std::{fs::File, io::Read, path::Path, sync::Arc};

use crate::{
    merge::Setting,
    request::CorsRequest,
    resolver::{PolicyResolver, Resolution},
    route::{MatchedRule, RouteMatch, RouteTable},
};
use attach::Attachments;
use model::Resources;
use walk::Report;

/// Manifests while they are collected.
///
/// Each text may hold many documents, in any order, with empty ones between them. Of the Gateway API's resources
/// `Gateway` and `HTTPRoute` are read, of kgateway's `TrafficPolicy`, of Gloo's `GlooTrafficPolicy`; other kinds, other
/// filters and `status` are passed over. Where two objects have one kind, namespace and name, the last one counts.
#[derive(Debug, Default)]
pub struct Manifests {
    resources: Resources,
    lints: Vec<Lint>,
    errors: Vec<ManifestError>,
}

/// The lines of a text that has something wrong with it.
struct Excerpts<'a>(Vec<&'a str>);

/// The longest line that is shown, in bytes; no person reads a longer one.
const MAX_EXCERPTED_LINE: usize = 4096;

impl<'a> Excerpts<'a> {
    fn of(text: &'a str) -> Self {
        Self(parts::lines(text).collect())
    }

    fn at(&self, position: &Position) -> Option<Excerpt> {
        let index = usize::try_from(position.line()).ok()?.checked_sub(1)?;
        // A place behind a last newline is on a line that is not there.
        let line = self.0.get(index).copied().unwrap_or_default();
        // A column is found by walking to it, which a file with everything in one line would repeat for each violation.
        (line.len() <= MAX_EXCERPTED_LINE).then(|| Excerpt::new(position.line(), line, position.column()))
    }
}

/// What manifests come to: a route table, its lints, and the backends of its rules.
#[derive(Debug)]
pub struct LoadedRoutes {
    table: RouteTable,
    lints: Vec<Lint>,
    /// By route and rule.
    backends: Vec<Vec<Vec<BackendRef>>>,
    resources: Resources,
}

impl Manifests {
    /// No manifests yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a text; `name` is what messages call it. What is wrong with it is kept for [`build`](Self::build).
    ///
    /// This waits for threads that it starts, one for a short text and up to four for a long one. Where there are none, as
    /// in a browser, values may stand in one another 16 levels deep in place of 64.
    #[must_use]
    pub fn read(mut self, name: &str, text: &str) -> Self {
        if text.len() > yaml::MAX_FILE {
            self.errors.push(ManifestError::TooLarge { file: name.to_owned() });
            return self;
        }
        let file: Arc<str> = name.into();
        let take = |documents: Vec<yaml::Node<'_>>| {
            let (mut resources, mut report) = (Resources::default(), Report::new(&file));
            documents.iter().for_each(|document| object::read(document, &mut resources, &mut report));
            (resources, report)
        };
        let parts = match yaml::read(text, take) {
            Ok(parts) => parts,
            Err(error) => {
                let yaml::Place { line, column } = error.place;
                let position = Position::new(file, line, column);
                let excerpt = Excerpts::of(text).at(&position);
                self.errors.push(ManifestError::Syntax { position, message: error.sentence.into_owned(), excerpt });
                return self;
            }
        };
        let mut violations = Vec::new();
        for (resources, report) in parts {
            self.resources.append(resources);
            self.lints.extend(report.lints);
            violations.extend(report.violations);
        }
        if !violations.is_empty() {
            let excerpts = Excerpts::of(text);
            let violations = violations.into_iter().map(|violation| {
                let excerpt = excerpts.at(violation.position());
                violation.with_excerpt(excerpt)
            });
            self.errors.extend(violations.map(ManifestError::Violation));
        }
        self
    }

    /// Reads a file. What is wrong with it, and that it can't be read, is kept for [`build`](Self::build).
    #[must_use]
    pub fn load(mut self, path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        let name = path.display().to_string();
        let mut text = String::new();
        // One byte over the limit is enough to see that the file is too large.
        let read = File::open(path).and_then(|file| file.take(yaml::MAX_FILE as u64 + 1).read_to_string(&mut text));
        match read {
            Ok(_) => self.read(&name, &text),
            Err(source) => {
                self.errors.push(ManifestError::Read { file: name, source });
                self
            }
        }
    }

    /// Attaches policies to routes and arranges these for look-up.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with any of the texts and files, at once.
    pub fn build(self) -> Result<LoadedRoutes, ManifestErrors> {
        ManifestErrors::check(self.errors)?;
        Ok(build::build(self.resources, self.lints))
    }
}

impl LoadedRoutes {
    /// The routes.
    pub fn table(&self) -> &RouteTable {
        &self.table
    }

    /// The routes, to be given to a [`CorsLayer`](crate::CorsLayer).
    pub fn into_table(self) -> RouteTable {
        self.table
    }

    /// What is allowed but probably not meant: first what single policies show, in the order of the files, then what
    /// shows when everything is known.
    pub fn lints(&self) -> &[Lint] {
        &self.lints
    }

    /// The rules that are served without CORS, since their settings make no valid policy together (7.10): each as the
    /// [lint](LintKind::InvalidWhole) that names these. A check of manifests counts them as errors.
    pub fn invalid_wholes(&self) -> impl Iterator<Item = &Lint> {
        self.lints.iter().filter(|lint| matches!(lint.kind(), LintKind::InvalidWhole { .. }))
    }

    /// The settings that apply to a request, in the order in which they count (7.1, 7.6), for a rule that
    /// [`table`](Self::table) found. Whether those after the first count is for the annotations to say (7.7); the
    /// [provenance](crate::CompiledPolicy::provenance) of the policy tells.
    pub fn stack(&self, rule: &MatchedRule<'_>) -> Vec<Setting> {
        let Some(route) = self.resources.routes.get(rule.route()) else { return Vec::new() };
        let attachments = Attachments::new(&self.resources);
        let arrivals = attach::arrivals(route, &attachments.gateways);
        let arrival = arrivals.into_iter().nth(rule.listener()).unwrap_or_else(attach::nowhere);
        let stack = attachments.stack(route, rule.rule(), rule.chosen_backend(), &arrival);
        stack.iter().map(attach::Attached::setting).collect()
    }

    /// What a request met, for a rule that [`table`](Self::table) found; none where the rule asks for nothing.
    pub fn matched(&self, rule: &MatchedRule<'_>) -> Option<&RouteMatch> {
        self.resources.routes.get(rule.route())?.rules.get(rule.rule())?.matches.get(rule.matched())
    }

    /// Where a rule sends its requests, for a rule that [`table`](Self::table) found.
    pub fn backends(&self, rule: &MatchedRule<'_>) -> &[BackendRef] {
        let rules = self.backends.get(rule.route());
        rules.and_then(|rules| rules.get(rule.rule())).map_or(&[], Vec::as_slice)
    }
}

/// As the [table](LoadedRoutes::table) resolves.
impl PolicyResolver for LoadedRoutes {
    fn resolve<'a>(&'a self, request: &CorsRequest<'_>) -> Resolution<'a> {
        self.table.resolve(request)
    }
}
