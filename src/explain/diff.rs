//! Two loads of manifests side by side: the effective policies that differ, field by field, with the settings and the lines
//! that each came from; what allows more than before; and the cases that end otherwise. In: what was loaded before and
//! after. Out: a [`PolicyDiff`]. `docs/testing.md` says what counts as wider.

mod compare;
mod display;
mod gained;

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{CaseResult, Cases, Ending};
use crate::{
    decision::Resolution,
    manifest::{InEffect, LoadedRoutes, Position},
    policy::{CorsPolicy, PolicyField},
};
use compare::{Listeners, Pair, compare, rule_of};
use gained::Gained;

/// What is different between two loads of manifests.
///
/// Wider is what can't be shown to allow at most what was allowed before: fields of a policy, and rules that take requests
/// from others or leave them to others.
///
/// # Examples
///
/// ```
/// use tower_cors::{explain::PolicyDiff, manifest::Manifests};
///
/// let load = |origins: &str| {
///     let yaml = format!("
/// apiVersion: gateway.networking.k8s.io/v1
/// kind: HTTPRoute
/// metadata: {{name: api}}
/// spec: {{rules: [{{filters: [{{type: CORS, cors: {{allowOrigins: [{origins}]}}}}]}}]}}
/// ");
///     Manifests::new().read("api.yaml", &yaml).build()
/// };
/// let (narrow, wide) =
///     (load("https://app.example")?, load("https://app.example, https://*.example")?);
/// assert!(PolicyDiff::new(&narrow, &wide, None).is_wider());
/// assert!(!PolicyDiff::new(&wide, &narrow, None).is_wider());
/// assert!(PolicyDiff::new(&wide, &wide, None).changes().is_empty());
/// # Ok::<_, tower_cors::manifest::ManifestErrors>(())
/// ```
#[derive(Clone, Debug)]
pub struct PolicyDiff {
    changes: Vec<PolicyChange>,
    unchanged: usize,
    /// Those that end otherwise, before and after.
    cases: Vec<(CaseResult, CaseResult)>,
}

/// The policy of a rule, or which requests it is for, before and after.
#[derive(Clone, Debug)]
pub struct PolicyChange {
    rule: String,
    /// The listeners that it is so for; none where every listener serves the route.
    listeners: Vec<String>,
    backend: Option<String>,
    before: Option<State>,
    after: Option<State>,
    fields: Vec<FieldChange>,
    /// Why it is wider, beside the fields.
    why: Vec<String>,
}

/// What applies to requests, and to which.
#[derive(Clone, Debug, PartialEq)]
struct State {
    position: Position,
    hostnames: Vec<String>,
    matches: Vec<String>,
    applies: Applies,
}

#[derive(Clone, Debug, PartialEq)]
enum Applies {
    Policy(CorsPolicy),
    /// The backend's own CORS headers pass (5.7).
    Nothing,
    /// Nothing is allowed, since the settings make no valid policy (7.10).
    Closed,
}

/// A field before and after, with the settings that it came from and where these stand.
#[derive(Clone, Debug, PartialEq)]
struct FieldChange {
    field: PolicyField,
    from: [Vec<(String, Option<Position>)>; 2],
    wider: Vec<String>,
}

impl PolicyDiff {
    /// Compares what was loaded before with what is loaded after, and how `cases` end under each.
    pub fn new(before: &LoadedRoutes, after: &LoadedRoutes, cases: Option<&Cases>) -> Self {
        let (old, new) = (before.in_effect(), after.in_effect());
        let (mut changes, mut unchanged) = (Vec::<PolicyChange>::new(), 0);
        for pair in compare(&old, &new, &Listeners::new(before, after)) {
            match PolicyChange::new(&pair, [before, after]) {
                None => unchanged += 1,
                // What differs alike on several listeners is said once.
                Some(change) => match changes.last_mut().filter(|last| last.is_like(&change)) {
                    Some(last) => last.listeners.extend(change.listeners),
                    None => changes.push(change),
                },
            }
        }
        let differs = |(old, new): &(CaseResult, CaseResult)| {
            old.ending() != new.ending() || old.hidden_headers() != new.hidden_headers()
        };
        let run = |cases: &Cases| cases.run(before).into_iter().zip(cases.run(after)).filter(differs).collect();
        Self { changes, unchanged, cases: cases.map(run).unwrap_or_default() }
    }

    /// What is different, in the order of the routes' names.
    pub fn changes(&self) -> &[PolicyChange] {
        &self.changes
    }

    /// The cases that end otherwise, before and after.
    pub fn cases(&self) -> &[(CaseResult, CaseResult)] {
        &self.cases
    }

    /// Whether something is wider: a change, or a case that was not readable and is.
    pub fn is_wider(&self) -> bool {
        self.changes.iter().any(PolicyChange::is_wider) || self.cases.iter().any(is_wider_case)
    }
}

fn is_wider_case((before, after): &(CaseResult, CaseResult)) -> bool {
    after.ending() == Ending::Readable
        && (before.ending() != Ending::Readable || before.hidden_headers().len() > after.hidden_headers().len())
}

impl PolicyChange {
    fn new(pair: &Pair<'_, '_>, [before, after]: [&LoadedRoutes; 2]) -> Option<Self> {
        let entry = pair.after.or(pair.before)?;
        let [was, is] = [pair.before.map(State::new), pair.after.map(State::new)];
        if let (Some(was), Some(is), true) = (&was, &is, pair.moved.is_empty()) {
            if (&was.hostnames, &was.matches, &was.applies) == (&is.hostnames, &is.matches, &is.applies) {
                return None;
            }
        }
        let no_policy = pair.gained.contains(&Gained::NoPolicy);
        let no_policy = no_policy.then(|| "no policy applies, so the backend's own CORS headers pass".to_owned());
        let sides = [(pair.before, before), (pair.after, after)];
        let field = |field: PolicyField| {
            let [was, is] = [&was, &is].map(|state| state.as_ref().and_then(|state| state.value(field)));
            let wider = pair.gained.iter().find_map(|gained| match gained {
                Gained::Field(of, entries) if *of == field => Some(entries.clone()),
                _ => None,
            });
            // 3.7: what a field allows may depend on another one.
            (was != is || wider.is_some()).then(|| FieldChange {
                field,
                from: sides.map(|(entry, routes)| entry.map(|entry| sources(entry, field, routes)).unwrap_or_default()),
                wider: wider.unwrap_or_default(),
            })
        };
        Some(Self {
            rule: rule_of(entry),
            listeners: entry.listener.iter().cloned().collect(),
            backend: entry.backend.clone(),
            fields: PolicyField::ALL.into_iter().filter_map(field).collect(),
            why: no_policy.into_iter().chain(pair.moved.iter().cloned()).collect(),
            before: was,
            after: is,
        })
    }

    fn is_like(&self, other: &Self) -> bool {
        let key = |change: &Self| (change.rule.clone(), change.backend.clone(), change.why.clone());
        key(self) == key(other)
            && (&self.before, &self.after, &self.fields) == (&other.before, &other.after, &other.fields)
    }

    /// The rule, such as `HTTPRoute web/api rule 0`: as it is called after, where it is there.
    pub fn rule(&self) -> &str {
        &self.rule
    }

    /// The listeners that it is so for, such as `Gateway web/public listener https`; none where every listener serves the
    /// route.
    pub fn listeners(&self) -> &[String] {
        &self.listeners
    }

    /// The policy before, where one applied.
    pub fn before(&self) -> Option<&CorsPolicy> {
        self.before.as_ref().and_then(State::policy)
    }

    /// The policy after, where one applies.
    pub fn after(&self) -> Option<&CorsPolicy> {
        self.after.as_ref().and_then(State::policy)
    }

    /// Whether something is allowed that was not, or that can't be shown to have been.
    pub fn is_wider(&self) -> bool {
        !self.why.is_empty() || self.fields.iter().any(|field| !field.wider.is_empty())
    }

    fn kind(&self) -> &'static str {
        match (&self.before, &self.after) {
            (None, _) => "added",
            (_, None) => "removed",
            _ => "changed",
        }
    }
}

impl State {
    fn new(entry: &InEffect<'_>) -> Self {
        let applies = match entry.resolution.policy() {
            _ if entry.resolution.is_closed() => Applies::Closed,
            Some(policy) => Applies::Policy(policy.policy().clone()),
            None => Applies::Nothing,
        };
        Self {
            position: entry.position.clone(),
            hostnames: entry.hostnames.iter().map(ToString::to_string).collect(),
            matches: entry.matches.iter().map(ToString::to_string).collect(),
            applies,
        }
    }

    fn policy(&self) -> Option<&CorsPolicy> {
        if let Applies::Policy(policy) = &self.applies { Some(policy) } else { None }
    }

    fn value(&self, field: PolicyField) -> Option<serde_json::Value> {
        serde_json::to_value(self.policy()?).ok()?.get(field.name()).cloned()
    }
}

fn sources(entry: &InEffect<'_>, field: PolicyField, routes: &LoadedRoutes) -> Vec<(String, Option<Position>)> {
    let provenance = Resolution::policy(&entry.resolution).and_then(|policy| policy.provenance());
    let sources = provenance.into_iter().flat_map(|provenance| provenance.of(field));
    sources.map(|source| (source.to_string(), routes.position_of(source, Some(field)))).collect()
}

/// As `wider`, `unchanged`, `changes` and `cases`.
impl Serialize for PolicyDiff {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let cases = self.cases.iter().map(|case| {
            serde_json::json!({
                "name": case.1.name(),
                "file": case.1.position().file(),
                "line": case.1.position().line(),
                "column": case.1.position().column(),
                "before": case.0.ending().to_string(),
                "after": case.1.ending().to_string(),
                "wider": is_wider_case(case),
            })
        });
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("wider", &self.is_wider())?;
        map.serialize_entry("unchanged", &self.unchanged)?;
        map.serialize_entry("changes", &self.changes)?;
        map.serialize_entry("cases", &cases.collect::<Vec<_>>())?;
        map.end()
    }
}

/// As `rule`, `listeners`, `backend`, `change`, `wider`, `why`, `before`, `after` and `fields`.
impl Serialize for PolicyChange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let place = |position: &Position| [position.line(), position.column()];
        let state = |state: &State| {
            let [line, column] = place(&state.position);
            let applies = match state.applies {
                Applies::Policy(_) => "policy",
                Applies::Nothing => "nothing",
                Applies::Closed => "closed",
            };
            let (file, hostnames, matches) = (state.position.file(), &state.hostnames, &state.matches);
            serde_json::json!({
                "file": file, "line": line, "column": column, "hostnames": hostnames, "matches": matches, "applies": applies,
            })
        };
        let source = |(setting, position): &(String, Option<Position>)| {
            let position = position.as_ref();
            let [line, column] = position.map(place).map_or([None, None], |place| place.map(Some));
            serde_json::json!({
                "setting": setting, "file": position.map(Position::file), "line": line, "column": column,
            })
        };
        let side = |of: Option<&State>, field: PolicyField, from: &[(String, Option<Position>)]| {
            let from: Vec<_> = from.iter().map(source).collect();
            serde_json::json!({ "value": of.and_then(|state| state.value(field)), "from": from })
        };
        let fields = self.fields.iter().map(|FieldChange { field, from: [was, is], wider }| {
            let (before, after) = (side(self.before.as_ref(), *field, was), side(self.after.as_ref(), *field, is));
            serde_json::json!({ "field": field.name(), "before": before, "after": after, "wider": wider })
        });
        let mut map = serializer.serialize_map(Some(9))?;
        map.serialize_entry("rule", &self.rule)?;
        map.serialize_entry("listeners", &self.listeners)?;
        map.serialize_entry("backend", &self.backend)?;
        map.serialize_entry("change", self.kind())?;
        map.serialize_entry("wider", &self.is_wider())?;
        map.serialize_entry("why", &self.why)?;
        map.serialize_entry("before", &self.before.as_ref().map(state))?;
        map.serialize_entry("after", &self.after.as_ref().map(state))?;
        map.serialize_entry("fields", &fields.collect::<Vec<_>>())?;
        map.end()
    }
}
