//! One setting, as it is written, into a policy and what the library has to say about it. All of the checking is the
//! library's; here it is laid out for a page: which field it is about, and the whole text with a suggestion in place.

use serde::Serialize;
use serde_json::Value;
use tower_cors::{
    CorsPolicy, Lint, Profile,
    compile::Compiler,
    finding::{self, Finding, Violation, ViolationKind},
    manifest::{self, ManifestError, Manifests},
    merge::Ceiling,
    policy::{FieldPath, PolicyField},
};

use super::scenario::{Kind, Written};

/// A setting, read.
#[derive(Debug, Serialize)]
pub(crate) struct Reading {
    pub(crate) kind: Kind,
    /// The text; printed anew where the form was edited.
    pub(crate) yaml: String,
    /// The text of the policy alone, where it was written within something: a manifest, or `cors:`.
    pub(crate) unwrapped: Option<String>,
    /// None where the text is no policy at all.
    pub(crate) policy: Option<CorsPolicy>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) lints: Vec<LintNote>,
}

/// One violation, or text that is no YAML.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Problem {
    /// Such as `allowOrigins[1]`; empty for the policy as a whole.
    pub(crate) path: String,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) suggestion: Option<String>,
    /// The whole YAML with the suggestion in place.
    pub(crate) fixed: Option<String>,
}

/// One lint.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct LintNote {
    pub(crate) path: String,
    pub(crate) code: &'static str,
    pub(crate) severity: String,
    pub(crate) message: String,
    /// What docs/lints.md says about it.
    pub(crate) about: &'static str,
}

const LINTS: &str = include_str!("../../docs/lints.md");

/// The manifest that a text is put into, so that what is of the wrong type is reported as it is in a real one.
const MANIFEST: &str = "\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: playground}
spec:
  rules:
  - filters:
    - type: CORS
      cors:
";
const PATH_IN_MANIFEST: &str = "spec.rules[0].filters[0].cors";
const INDENT: &str = "        ";

impl Reading {
    pub(crate) fn new(written: &Written, profile: Profile) -> Self {
        let yaml = match &written.policy {
            Some(form) => print_fields(form),
            None => written.yaml.clone(),
        };
        let kind = written.kind;
        let unwrapped = unwrap(&yaml);
        let text = unwrapped.as_ref().unwrap_or(&yaml);
        let policy = parse(text);
        let (problems, lints) = match &policy {
            Some(policy) => check(policy, kind, profile),
            None => (problems_of_text(text), Vec::new()),
        };
        Self { kind, yaml, unwrapped, policy, problems, lints }
    }

    /// Whether it keeps the whole from being used.
    pub(crate) fn is_broken(&self) -> bool {
        matches!(self.kind, Kind::Policy | Kind::Ceiling) && !self.problems.is_empty()
    }
}

/// A policy as the page shows it.
pub(crate) fn print(policy: &CorsPolicy) -> String {
    serde_json::to_value(policy).map(|tree| print_fields(&tree)).unwrap_or_default()
}

/// The compiler of a profile: that of manifests comes with the limits of the CRD.
pub(crate) fn compiler(profile: Profile) -> Compiler {
    let compiler = Compiler::new().profile(profile);
    if profile == Profile::GatewayApi { compiler.crd_limits() } else { compiler }
}

fn parse(yaml: &str) -> Option<CorsPolicy> {
    // An empty text is no YAML document, and a policy that sets nothing.
    let is_blank = yaml.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'));
    if is_blank {
        return Some(CorsPolicy::default());
    }
    // A text in the place of a number or of a truth is refused here as in a manifest.
    let tree = serde_saphyr::from_str::<Value>(yaml).ok()?;
    serde_json::from_value(tree).ok()
}

/// The text below the first `cors:` of a manifest, of a filter, or by itself.
fn unwrap(yaml: &str) -> Option<String> {
    let documents = serde_saphyr::from_multiple::<Value>(yaml).ok()?;
    let is_policy = |document: &Value| PolicyField::ALL.iter().any(|field| document.get(field.name()).is_some());
    if documents.iter().any(is_policy) {
        return None;
    }
    let cors = documents.iter().find_map(find_cors)?;
    Some(block_of_cors(yaml).unwrap_or_else(|| format!("{cors:#}\n")))
}

fn find_cors(value: &Value) -> Option<&Value> {
    match value {
        Value::Object(fields) => {
            fields.get("cors").filter(|cors| cors.is_object()).or_else(|| fields.values().find_map(find_cors))
        }
        Value::Array(items) => items.iter().find_map(find_cors),
        _ => None,
    }
}

/// The lines below `cors:`, with their comments, moved to the left; none where the block stands on its line.
fn block_of_cors(yaml: &str) -> Option<String> {
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '-']).len();
    let is_blank = |line: &&str| line.trim().is_empty();
    let mut lines = yaml.lines().skip_while(|line| line.trim_start_matches([' ', '-']).trim_end() != "cors:");
    let outer = indent(lines.next()?);
    let within = |line: &&str| line.trim().is_empty() || line.len() - line.trim_start().len() > outer;
    let block: Vec<_> = lines.take_while(within).collect();
    let inner = block.iter().find(|line| !is_blank(line)).map(|line| line.len() - line.trim_start().len())?;
    Some(block.iter().map(|line| format!("{}\n", line.get(inner..).unwrap_or_default())).collect())
}

/// Fields as YAML, in the order of the Gateway API. What the form holds may be of any type, and is printed as it is.
fn print_fields(fields: &Value) -> String {
    let mut yaml = String::new();
    for field in PolicyField::ALL {
        match fields.get(field.name()) {
            None => {}
            Some(Value::Array(entries)) if !entries.is_empty() => {
                yaml.extend([field.name(), ":\n"]);
                entries.iter().for_each(|entry| yaml.extend(["- ", &print_scalar(entry), "\n"]));
            }
            Some(value) => yaml.extend([field.name(), ": ", &print_scalar(value), "\n"]),
        }
    }
    yaml
}

pub(crate) fn print_scalar(value: &Value) -> String {
    match value {
        // Plain where it is read back as it was; anything else stands as in JSON, which is YAML as well.
        Value::String(text) if serde_saphyr::from_str::<Value>(text).is_ok_and(|read| read == *value) => text.clone(),
        other => other.to_string(),
    }
}

fn check(policy: &CorsPolicy, kind: Kind, profile: Profile) -> (Vec<Problem>, Vec<LintNote>) {
    let problems = |violations: tower_cors::Violations| {
        violations.iter().map(|violation| Problem::of_policy(violation, policy)).collect()
    };
    match kind {
        Kind::Ceiling => match Ceiling::new(policy.clone()) {
            Ok(_) => (Vec::new(), Vec::new()),
            Err(violations) => (problems(violations), Vec::new()),
        },
        Kind::Off | Kind::Policy | Kind::Disabled => match compiler(profile).compile(policy.clone()) {
            Ok(compiled) => (Vec::new(), compiled.lints().iter().map(LintNote::new).collect()),
            Err(violations) => (problems(violations), Vec::new()),
        },
    }
}

/// What is wrong with a text that is no policy.
fn problems_of_text(yaml: &str) -> Vec<Problem> {
    let indented: Vec<_> = yaml.lines().map(|line| format!("{INDENT}{line}\n")).collect();
    let errors = match Manifests::new().read("policy.yaml", &format!("{MANIFEST}{}", indented.concat())).build() {
        Ok(_) => return vec![Problem::of_syntax("is not a list of fields")],
        Err(errors) => errors,
    };
    let problem = |error: &ManifestError| match error {
        ManifestError::Violation(violation) => Problem::of_text(violation, yaml),
        ManifestError::Syntax { position, message, .. } => Problem::of_syntax(&format!(
            "line {}, column {}: {message}",
            position.line().saturating_sub(MANIFEST.lines().count() as u64),
            position.column().saturating_sub(INDENT.len() as u64)
        )),
        other => Problem::of_syntax(&other.to_string()),
    };
    errors.iter().map(problem).collect()
}

impl Problem {
    pub(crate) fn of_policy(violation: &Violation, policy: &CorsPolicy) -> Self {
        let fixed = match (violation.suggestion(), violation.kind()) {
            (Some(meant), _) => corrected(policy, violation.path(), &[meant]),
            // What is certain needs no suggestion.
            (None, ViolationKind::Duplicate | ViolationKind::Empty | ViolationKind::OriginSelf) => {
                corrected(policy, violation.path(), &[])
            }
            (None, ViolationKind::ListInOneEntry) => {
                let entries = violation.value().unwrap_or_default().split([',', ';', ' ']).map(str::trim);
                let entries: Vec<_> = entries.filter(|entry| !entry.is_empty()).collect();
                corrected(policy, violation.path(), &entries)
            }
            _ => None,
        };
        Self::new(violation, violation.path().to_string(), fixed)
    }

    fn of_text(violation: &manifest::Violation, yaml: &str) -> Self {
        let path = violation.path().as_str();
        let path = path.strip_prefix(PATH_IN_MANIFEST).unwrap_or(path).trim_start_matches('.').to_owned();
        let fixed = violation.suggestion().and_then(|meant| replaced(yaml, violation, &path, meant));
        Self::new(violation, path, fixed)
    }

    fn of_syntax(message: &str) -> Self {
        Self { path: String::new(), code: "syntax", message: message.to_owned(), suggestion: None, fixed: None }
    }

    fn new<K: finding::Kind>(violation: &Finding<K>, path: String, fixed: Option<String>) -> Self {
        Self {
            path,
            code: violation.code(),
            message: without_path(&violation.to_string(), violation.path()),
            suggestion: violation.suggestion().map(str::to_owned),
            fixed,
        }
    }
}

impl LintNote {
    pub(crate) fn new(lint: &Lint) -> Self {
        Self {
            path: lint.path().to_string(),
            code: lint.code(),
            severity: lint.severity().to_string(),
            message: without_path(&lint.to_string(), lint.path()),
            about: about(lint.code()),
        }
    }
}

/// The section of docs/lints.md on a lint.
fn about(code: &str) -> &'static str {
    let mut sections = LINTS.split("\n### `").skip(1);
    let section = sections.find_map(|section| section.strip_prefix(code)?.strip_prefix('`'));
    section.map(|section| section.split("\n#").next().unwrap_or_default().trim()).unwrap_or_default()
}

/// A message that stands beside the field it is about, which it then need not name.
fn without_path(message: &str, path: &FieldPath) -> String {
    let rest = match path.as_str() {
        "" => message,
        path => message.split_once(path).map_or(message, |(_, rest)| rest),
    };
    rest.trim_start_matches(':').trim_start().to_owned()
}

/// The policy with `meant` in the place of the entry or the field at `path`, as YAML.
fn corrected(policy: &CorsPolicy, path: &FieldPath, meant: &[&str]) -> Option<String> {
    let mut tree = serde_json::to_value(policy).ok()?;
    match path.as_str().split_once('[') {
        Some((field, index)) => {
            let index: usize = index.trim_end_matches(']').parse().ok()?;
            let entries = tree.get_mut(field)?.as_array_mut()?;
            if index >= entries.len() {
                return None;
            }
            entries.splice(index..=index, meant.iter().map(|text| Value::from(*text)));
        }
        None => {
            let [meant] = meant else { return None };
            *tree.get_mut(path.as_str())? = meant.parse::<u64>().map_or_else(|_| Value::from(*meant), Value::from);
        }
    }
    Some(print(&serde_json::from_value(tree).ok()?))
}

/// The text with `meant` in the place of what a violation is about: the value, or the name of the field.
fn replaced(yaml: &str, violation: &manifest::Violation, path: &str, meant: &str) -> Option<String> {
    let position = violation.position();
    let above = MANIFEST.lines().count();
    let line = usize::try_from(position.line()).ok()?.checked_sub(above + 1)?;
    let column = usize::try_from(position.column()).ok()?.checked_sub(INDENT.len() + 1)?;
    let mut lines: Vec<_> = yaml.lines().map(str::to_owned).collect();
    let text = lines.get_mut(line)?;
    let start = text.char_indices().nth(column)?.0;
    let rest = text.get(start..)?;
    let wrong = violation.value().unwrap_or_else(|| path.rsplit('.').next().unwrap_or(path));
    let written = [format!("\"{wrong}\""), format!("'{wrong}'"), wrong.to_owned()];
    let length = written.iter().find(|written| rest.starts_with(written.as_str()))?.len();
    text.replace_range(start..start + length, meant);
    Some(lines.join("\n") + "\n")
}
