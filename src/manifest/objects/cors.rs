//! A `cors` block: six fields, each typed, each with its place, checked at once. In: a map of YAML. Out: a [`Cors`], and
//! in the report everything that is wrong with it. Rules 2.1, 2.2, 2.12, 2.13.

use std::{collections::HashSet, sync::Arc};

use super::{
    model::{Cors, CorsPlaces, CorsSetting, Effect},
    suggest,
};
use crate::{
    compile::{CRD_MAX_AGE, CRD_MAX_ENTRIES},
    finding,
    manifest::{
        finding::ViolationKind,
        reader::{Field, Node, Object, Place, Report, Value},
    },
    policy::{CorsPolicy, FieldPath, PolicyField},
};

/// The CORS filter of a rule or a backend.
pub(crate) fn read_filter(field: Field<'_>, report: &mut Report<'_>) -> Option<CorsSetting> {
    let object = field.object(report)?;
    Some(CorsSetting { cors: Arc::new(Block::new(&object).read(false, report)), effect: Effect::Applies })
}

/// `spec.cors` of a traffic policy, which can also disable CORS.
pub(crate) fn read_setting(field: Field<'_>, report: &mut Report<'_>) -> Option<CorsSetting> {
    let object = field.object(report)?;
    let disable = object.get("disable", report);
    let cors = Arc::new(Block::new(&object).read(true, report));
    if let Some(disable) = disable {
        if let Value::Bool(true) = disable.node.value {
            report.violate_with(&disable, ViolationKind::WrongType { expected: "a map" }, Some("{}".to_owned()));
            return None;
        }
        disable.object(report)?;
        return Some(CorsSetting { cors, effect: Effect::Disables });
    }
    Some(CorsSetting { cors, effect: Effect::Applies })
}

/// A block while it is read.
struct Block<'a> {
    object: &'a Object<'a>,
    policy: CorsPolicy,
    /// The key and the value of each field that is known.
    fields: Vec<(PolicyField, Place, &'a Node<'a>)>,
}

impl<'a> Block<'a> {
    fn new(object: &'a Object<'a>) -> Self {
        Self { object, policy: CorsPolicy::new(), fields: Vec::new() }
    }

    fn read(mut self, can_disable: bool, report: &mut Report<'_>) -> Cors {
        let first = report.violations().len();
        let mut seen = HashSet::new();
        for (name, place, field) in self.object.fields() {
            if !seen.insert(name) {
                report.violate_key(field.path, finding::ViolationKind::Duplicate, place, None);
                continue;
            }
            match PolicyField::ALL.into_iter().find(|known| known.name() == name) {
                Some(known) => self.read_field(known, place, &field, report),
                None if name == "disable" && can_disable => {}
                // 2.1
                None => {
                    let mut known = PolicyField::ALL.map(PolicyField::name).to_vec();
                    known.extend(can_disable.then_some("disable"));
                    let meant = suggest::field_name(name, &known);
                    report.violate_key(field.path, ViolationKind::UnknownField, place, meant);
                }
            }
        }
        self.check(first, report)
    }

    fn read_field(&mut self, known: PolicyField, place: Place, field: &Field<'a>, report: &mut Report<'_>) {
        self.fields.push((known, place, field.node));
        if matches!(field.node.value, Value::Null) {
            return;
        }
        match known {
            PolicyField::AllowOrigins => self.policy.allow_origins = read_strings(field, report),
            PolicyField::AllowMethods => self.policy.allow_methods = read_strings(field, report),
            PolicyField::AllowHeaders => self.policy.allow_headers = read_strings(field, report),
            PolicyField::ExposeHeaders => self.policy.expose_headers = read_strings(field, report),
            PolicyField::AllowCredentials => self.policy.allow_credentials = read_bool(field, report),
            PolicyField::MaxAge => self.policy.max_age = read_age(field, report),
        }
    }

    fn check(self, first: usize, report: &mut Report<'_>) -> Cors {
        let path = self.object.path().clone();
        let compiler = report.compiler.clone().at(path.clone());
        let mut lints = Vec::new();
        match compiler.lints(&self.policy) {
            Ok(found) => {
                for lint in found {
                    lints.push(lint.kind().clone());
                    let place = self.place_of(lint.path());
                    report.lint(lint, place);
                }
            }
            Err(violations) => {
                // What is of the wrong type has been reported already, and only stands in for a value here.
                let known: HashSet<_> =
                    report.violations().iter().skip(first).map(|known| known.path().clone()).collect();
                for violation in violations.into_iter().filter(|violation| !known.contains(violation.path())) {
                    let place = self.place_of(violation.path());
                    report.add(violation, place);
                }
            }
        }
        let fields = self.fields.iter().map(|(field, key, _)| (*field, key.line, key.column));
        let places = CorsPlaces { block: report.position(self.object.place()), fields: fields.collect() };
        Cors { policy: Arc::new(self.policy.into()), path, lints, places: Some(places) }
    }

    /// Where the entry or the field at `path` stands, or else the block.
    fn place_of(&self, path: &FieldPath) -> Place {
        let below = path.as_str().strip_prefix(self.object.path().as_str()).unwrap_or_default();
        let (name, index) = below.split_once('[').unwrap_or((below, ""));
        let name = name.trim_start_matches('.');
        let Some((_, key, node)) = self.fields.iter().find(|(known, ..)| known.name() == name) else {
            return self.object.place();
        };
        let index = index.trim_end_matches(']').parse().ok();
        let entry = index.and_then(|index: usize| match &node.value {
            Value::List(items) => items.get(index),
            _ => None,
        });
        entry.map_or(*key, |entry| entry.place)
    }
}

fn read_strings(field: &Field<'_>, report: &mut Report<'_>) -> Option<Vec<String>> {
    let Value::List(items) = &field.node.value else {
        let meant = match &field.node.value {
            Value::Text(text) => suggest::list(text),
            value => suggest::exact(value).and_then(suggest::list),
        };
        report.violate_with(field, ViolationKind::WrongType { expected: "a list of strings" }, meant);
        return None;
    };
    // One more than may stand there, for the violation. An entry of another type keeps its place in the list, so that the
    // others keep their numbers.
    let entries = items.iter().take(CRD_MAX_ENTRIES + 1).enumerate().map(|(at, node)| match &node.value {
        Value::Text(text) => text.to_string(),
        _ if at >= CRD_MAX_ENTRIES => String::new(),
        _ => {
            let entry = Field::new(node, field.path.index(at));
            let meant = suggest::exact(&node.value).map(str::to_owned);
            report.violate_with(&entry, ViolationKind::WrongType { expected: "a string" }, meant);
            String::new()
        }
    });
    Some(entries.collect())
}

fn read_bool(field: &Field<'_>, report: &mut Report<'_>) -> Option<bool> {
    let meant = match &field.node.value {
        Value::Bool(value) => return Some(*value),
        Value::Text(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => Some("true".to_owned()),
            "false" | "no" | "off" => Some("false".to_owned()),
            _ => None,
        },
        _ => None,
    };
    report.violate_with(field, ViolationKind::WrongType { expected: "true or false" }, meant);
    None
}

fn read_age(field: &Field<'_>, report: &mut Report<'_>) -> Option<u64> {
    let (kind, meant) = match &field.node.value {
        Value::Integer(age) => match u64::try_from(*age) {
            Ok(age) => return Some(age),
            Err(_) => (finding::ViolationKind::MaxAgeRange.into(), None),
        },
        Value::LongInteger(_) => (finding::ViolationKind::MaxAgeRange.into(), None),
        Value::Float(age) if age.fract() == 0.0 && (1.0..=2_147_483_647.0).contains(age) => {
            (ViolationKind::WrongType { expected: "a whole number of seconds" }, Some(format!("{age:.0}")))
        }
        Value::Text(text) => match suggest::seconds(text) {
            // A number of seconds that is none of the range is no suggestion.
            Some(age) if !CRD_MAX_AGE.contains(&age) => (finding::ViolationKind::MaxAgeRange.into(), None),
            meant => {
                let meant = meant.map(|age| age.to_string());
                (ViolationKind::WrongType { expected: "a whole number of seconds" }, meant)
            }
        },
        _ => (ViolationKind::WrongType { expected: "a whole number of seconds" }, None),
    };
    report.violate_with(field, kind, meant);
    None
}
