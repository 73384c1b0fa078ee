//! What became of a case, for a person and for a program. In: the case, and the explanation of its request. Out: whether
//! it ended as expected, and if not, why: what the browser and the policy say, and where in the manifests that stands.

use std::fmt;

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::Case;
use crate::{
    browser::Credentials,
    escape::Escaped,
    explain::{Ending, Explanation, display::shown},
    manifest::{LoadedRoutes, Position},
    policy::{PolicyField, Source},
};

/// What became of a case.
///
/// Its `Display` is a line, and for a case that failed the lines that say why. A program gets its fields with the
/// [`Explanation`] by `Serialize`.
#[derive(Clone, Debug)]
pub struct CaseResult {
    name: String,
    position: Position,
    expected: String,
    ending: Ending,
    /// The headers that the script was expected to see and does not.
    hidden: Vec<String>,
    passed: bool,
    why: Vec<String>,
    explanation: Explanation,
}

impl CaseResult {
    pub(super) fn new(case: &Case, explanation: Explanation, routes: &LoadedRoutes) -> Self {
        let ending = explanation.ending();
        let readable = explanation.verdict().ok();
        let hidden = case.exposes.iter().filter(|name| readable.is_some_and(|readable| !readable.shows(name)));
        let hidden: Vec<_> = hidden.map(ToString::to_string).collect();
        let is_met = case.expected.is_met_by(ending);
        let passed = is_met && hidden.is_empty();
        let field = if is_met { PolicyField::ExposeHeaders } else { decisive(ending) };
        Self {
            name: case.name.clone().unwrap_or_else(|| described(&explanation)),
            position: case.position.clone(),
            expected: case.expected.to_string(),
            ending,
            hidden,
            passed,
            why: if passed { Vec::new() } else { why(&explanation, field, routes) },
            explanation,
        }
    }

    /// The name of the case, or else what is asked by whom.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the case stands.
    pub fn position(&self) -> &Position {
        &self.position
    }

    /// Whether it ends as expected.
    pub fn passed(&self) -> bool {
        self.passed
    }

    /// How it ends.
    pub fn ending(&self) -> Ending {
        self.ending
    }

    /// The names of the headers that the script was expected to see, and does not.
    pub fn hidden_headers(&self) -> &[String] {
        &self.hidden
    }

    /// What happens, in detail.
    pub fn explanation(&self) -> &Explanation {
        &self.explanation
    }

    /// What is expected and what happens, where these differ.
    fn difference(&self) -> Option<[String; 2]> {
        match (self.passed, self.hidden.is_empty()) {
            (true, _) => None,
            (false, true) => Some([self.expected.clone(), self.ending.to_string()]),
            (false, false) => {
                let names = self.hidden.join(", ");
                Some([format!("{}, and the script sees {names}", self.expected), format!("{names} is hidden from it")])
            }
        }
    }
}

/// The field that decided most about how a request ends.
fn decisive(ending: Ending) -> PolicyField {
    match ending {
        Ending::Blocked { code, .. } if code.contains("credentials") => PolicyField::AllowCredentials,
        Ending::Blocked { code: "preflight-method", .. } => PolicyField::AllowMethods,
        Ending::Blocked { code: "preflight-header", .. } => PolicyField::AllowHeaders,
        _ => PolicyField::AllowOrigins,
    }
}

fn described(explanation: &Explanation) -> String {
    let request = explanation.request();
    let with = if request.credentials_mode() == Credentials::Include { " with credentials" } else { "" };
    let page = String::from_utf8_lossy(request.origin().as_bytes());
    format!("{} {} from {page}{with}", request.method(), explanation.uri())
}

/// Why a request ends as it does, with the places of the settings.
fn why(explanation: &Explanation, field: PolicyField, routes: &LoadedRoutes) -> Vec<String> {
    let mut lines: Vec<_> =
        explanation.verdict().err().map(|blocked| format!("browser: {blocked}")).into_iter().collect();
    let Some(step) = explanation.actual().or(explanation.preflight()) else { return lines };
    lines.push(format!("decision: {}", step.decision()));
    if let Some(route) = step.route() {
        let place = routes.rule_position(route.kind(), route.namespace(), route.name(), route.rule());
        lines.push(format!("route: {route}{}", at(place)));
    }
    let policy = step.policy();
    let sources: Vec<&Source> =
        policy.and_then(|policy| policy.provenance()).into_iter().flat_map(|known| known.of(field)).collect();
    if let Some(value) = policy.and_then(|policy| shown(policy.policy(), field)) {
        lines.push(format!("{field}: {}", Escaped(&value)));
        for source in sources {
            lines.push(format!("{field}: from {source}{}", at(routes.position_of(source, Some(field)))));
        }
        return lines;
    }
    if policy.is_some() {
        lines.push(format!("{field}: not set"));
    }
    for (index, setting) in step.settings().iter().enumerate() {
        let source = Source::new(index, setting.label(), setting.path().clone());
        lines.push(format!("setting: {source}{}", at(routes.position_of(&source, None))));
    }
    lines
}

fn at(position: Option<Position>) -> String {
    position.map(|position| format!(", {position}")).unwrap_or_default()
}

impl fmt::Display for CaseResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.passed { "ok" } else { "FAILED" };
        write!(f, "{word}: {}: {}", self.position, Escaped(&self.name))?;
        if let Some([expected, happens]) = self.difference() {
            write!(f, "\n  expected: {expected}\n  happens: {happens}")?;
        }
        self.why.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}

/// As `name`, `file`, `line`, `column`, `passed`, `expected`, `ending`, `hidden`, `why` and `explanation`.
impl Serialize for CaseResult {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(10))?;
        map.serialize_entry("name", &self.name)?;
        map.serialize_entry("file", self.position.file())?;
        map.serialize_entry("line", &self.position.line())?;
        map.serialize_entry("column", &self.position.column())?;
        map.serialize_entry("passed", &self.passed)?;
        map.serialize_entry("expected", &self.expected)?;
        map.serialize_entry("ending", &self.ending.to_string())?;
        map.serialize_entry("hidden", &self.hidden)?;
        map.serialize_entry("why", &self.why)?;
        map.serialize_entry("explanation", &self.explanation)?;
        map.end()
    }
}
