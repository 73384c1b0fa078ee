//! A whole manifest in the place of the settings: its rules, to choose one to try, and the table that a request goes through.

use std::sync::Arc;

use http::{HeaderValue, Request, Uri};
use serde::Serialize;
use tower_cors::{
    CompiledPolicy,
    explain::Explanation,
    manifest::{LoadedRoutes, Manifests},
    request::CorsRequest,
    route::MatchedRule,
};

use super::{report::Asked, scenario::GivenManifest};

/// What the file is called in messages, and in a file of cases.
pub(crate) const FILE: &str = "manifest.yaml";
/// The most rules that are listed, and the most hosts that a request for a rule is looked for on.
const MAX_RULES: usize = 200;
const MAX_HOSTS: usize = 16;

/// A manifest, read.
pub(crate) struct Manifest {
    routes: Option<Arc<LoadedRoutes>>,
    uri: Option<Uri>,
    page: String,
    pub(crate) view: ManifestView,
}

/// What the page shows of it.
#[derive(Debug, Serialize)]
pub(crate) struct ManifestView {
    problems: Vec<String>,
    lints: Vec<String>,
    rules: Vec<RuleView>,
    /// The rule that the URL reaches, among these.
    reached: Option<usize>,
    #[serde(rename = "urlProblem")]
    url_problem: Option<&'static str>,
}

/// A rule, and a request that reaches it.
#[derive(Debug, Serialize)]
struct RuleView {
    name: String,
    matched: Option<String>,
    #[serde(rename = "hasPolicy")]
    has_policy: bool,
    /// The method that it asks for, where it asks for one.
    method: Option<String>,
    url: Option<String>,
    page: String,
}

impl Manifest {
    /// Reads a manifest; `method` is that of the request, which may decide between rules.
    pub(crate) fn new(given: &GivenManifest, method: &str) -> Self {
        let uri = given.url.parse::<Uri>().ok().filter(|uri| uri.scheme().is_some() && uri.authority().is_some());
        let (routes, problems) = match Manifests::new().read(FILE, &given.text).build() {
            Ok(routes) => (Some(Arc::new(routes)), Vec::new()),
            Err(errors) => (None, errors.iter().map(ToString::to_string).collect()),
        };
        let url_problem = uri.is_none().then_some("not of the form https://HOST/PATH");
        let mut view = ManifestView { problems, lints: Vec::new(), rules: Vec::new(), reached: None, url_problem };
        if let Some(routes) = &routes {
            view.lints = routes.lints().iter().map(|lint| format!("{}: {lint}", lint.severity())).collect();
            let rules: Vec<_> = routes.table().rules().take(MAX_RULES).collect();
            view.rules = rules.iter().map(|rule| RuleView::new(rule, routes)).collect();
            let reached = uri.as_ref().and_then(|uri| place(routes, method, &uri.to_string()));
            view.reached = reached.and_then(|at| rules.iter().position(|rule| (rule.route(), rule.rule()) == at));
        }
        Self { routes, uri, page: given.page.clone(), view }
    }

    /// The routes, the URL under them, and the origin that the page stands for; none where something is wrong.
    pub(crate) fn served(&self) -> Option<(Arc<LoadedRoutes>, Uri, HeaderValue)> {
        Some((Arc::clone(self.routes.as_ref()?), self.uri.clone()?, HeaderValue::from_str(&self.page).ok()?))
    }

    /// What is to be expected: as `gateway test` has it, but for a frame without an origin of its own, which stands for
    /// itself.
    pub(crate) fn explain(&self, asked: &Asked) -> Option<Explanation> {
        let (routes, uri, _) = self.served()?;
        let page = if asked.origin == "null" { &asked.origin } else { &self.page };
        let asked = Asked { origin: page.clone(), ..asked.clone() };
        Some(Explanation::of_routes(asked.script_request().ok()?, uri, &routes, &Default::default()))
    }

    /// The policy of what a request with this method reaches.
    pub(crate) fn policy(&self, method: &str) -> Option<CompiledPolicy> {
        let (routes, uri, _) = self.served()?;
        let request = Request::builder().method(method).uri(uri).body(()).ok()?;
        let found = routes.table().find(&CorsRequest::of(&request))?;
        found.policy().cloned()
    }
}

/// The route and the rule that a request reaches.
fn place(routes: &LoadedRoutes, method: &str, url: &str) -> Option<(usize, usize)> {
    let request = Request::builder().method(method).uri(url).body(()).ok()?;
    let found = routes.table().find(&CorsRequest::of(&request))?;
    Some((found.route(), found.rule()))
}

impl RuleView {
    fn new(rule: &MatchedRule<'_>, routes: &LoadedRoutes) -> Self {
        let matched = routes.matched(rule).map(ToString::to_string);
        let text = matched.clone().unwrap_or_default();
        let path = text.strip_prefix("path prefix ").or_else(|| text.strip_prefix("path "));
        let path = path.unwrap_or("/").split(',').next().filter(|path| path.starts_with('/')).unwrap_or("/");
        let method = text.split(", ").find_map(|part| part.strip_prefix("method ")).map(str::to_owned);
        let asked = method.as_deref().unwrap_or("GET");
        let hosts = routes.table().hostnames();
        let hosts = hosts.iter().take(MAX_HOSTS).map(|host| match host.strip_prefix("*.") {
            Some(parent) => format!("app.{parent}"),
            None => host.replace('*', "api.example"),
        });
        let mut urls = hosts.map(|host| format!("https://{host}{path}"));
        let page = rule.policy().and_then(an_origin).unwrap_or_else(|| "https://app.example".to_owned());
        Self {
            name: format!("{}/{} rule {}", rule.namespace(), rule.name(), rule.rule()),
            matched,
            has_policy: rule.policy().is_some(),
            url: urls.find(|url| place(routes, asked, url) == Some((rule.route(), rule.rule()))),
            page,
            method,
        }
    }
}

/// An origin that a policy allows.
fn an_origin(policy: &CompiledPolicy) -> Option<String> {
    let origins = policy.policy().allow_origins.iter().flatten();
    let mut origins = origins.map(|origin| origin.trim_end_matches('/').replace('*', "app"));
    origins.find(|origin| policy.allows_origin(origin) && origin != "app")
}
