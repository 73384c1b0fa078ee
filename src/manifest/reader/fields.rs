//! Reading a tree of YAML by hand, so that everything wrong is found at once. In: a value with its field path. Out: its
//! parts, typed; what is of another type goes into the [`Report`], with its place. Rule 2.2.

use std::sync::Arc;

use super::{
    place::Place,
    yaml::{Key, Node, Value},
};
use crate::{
    compile::Compiler,
    finding::{self, Finding},
    manifest::finding::{Counted, Lint, LintKind, Position, Violation, ViolationKind},
    policy::FieldPath,
    route::ExpressionBudget,
};

/// What a text must be, in words, and the test.
pub(crate) type Grammar<T = fn(&str) -> bool> = (&'static str, T);

/// How many violations of a file are kept, and how many of one list or map of it; the others are counted.
pub(crate) const MAX_VIOLATIONS: usize = 1_000;
const MAX_OF_ONE_LIST: usize = 100;

/// What was found in one file.
pub(crate) struct Report<'a> {
    file: Arc<str>,
    /// What the policies in the file are held to.
    pub(crate) compiler: &'a Compiler,
    violations: Vec<Violation>,
    /// How many violations are kept.
    room: usize,
    /// How many violations were not kept.
    more: usize,
    /// The list or map that the last violation is about an entry of, and how many there were of it.
    last_list: (String, usize),
    lints: Counted<&'static str>,
    /// What the regular expressions of the route that is read may still take.
    pub(crate) expressions: ExpressionBudget,
}

impl<'a> Report<'a> {
    pub(crate) fn new(file: &Arc<str>, compiler: &'a Compiler) -> Self {
        Self::with_room(MAX_VIOLATIONS, file, compiler)
    }

    /// One that keeps so many violations.
    pub(crate) fn with_room(room: usize, file: &Arc<str>, compiler: &'a Compiler) -> Self {
        Self {
            room,
            file: Arc::clone(file),
            compiler,
            violations: Vec::new(),
            more: 0,
            last_list: (String::new(), 0),
            lints: Counted::default(),
            expressions: ExpressionBudget::of_route(),
        }
    }

    pub(crate) fn position(&self, place: Place) -> Position {
        Position::new(Arc::clone(&self.file), place.line.into(), place.column.into())
    }

    /// A violation at the value of a field.
    pub(crate) fn violate(&mut self, field: &Field<'_>, kind: impl Into<ViolationKind>) {
        self.violate_with(field, kind, None);
    }

    /// A violation at the value of a field, with what was probably meant.
    pub(crate) fn violate_with(
        &mut self,
        field: &Field<'_>,
        kind: impl Into<ViolationKind>,
        suggestion: Option<String>,
    ) {
        let kind = if field.node.is_template() { ViolationKind::Template } else { kind.into() };
        let violation = Finding::new(field.path.clone(), kind).with_suggestion(suggestion);
        let violation = match &field.node.value {
            Value::List(_) | Value::Map(_) | Value::Null => violation,
            Value::Text(text) => violation.with_value(&**text),
            scalar => violation.with_value(scalar.clone().shown()),
        };
        self.add(violation, field.node.place);
    }

    /// A violation at a key.
    pub(crate) fn violate_key(
        &mut self,
        path: FieldPath,
        kind: impl Into<ViolationKind>,
        place: Place,
        meant: Option<String>,
    ) {
        self.add(Finding::new(path, kind.into()).with_suggestion(meant), place);
    }

    /// A violation that was found. It is kept unless there are too many of its list or of the file.
    pub(crate) fn add(&mut self, violation: Finding<impl Into<ViolationKind>>, place: Place) {
        let path = violation.path().as_str();
        let list = path.rfind(['.', '[']).and_then(|end| path.get(..end)).unwrap_or_default();
        let (last, count) = &mut self.last_list;
        if last == list {
            *count += 1;
        } else {
            list.clone_into(last);
            *count = 1;
        }
        if *count > MAX_OF_ONE_LIST || self.violations.len() >= self.room {
            self.more += 1;
        } else {
            self.violations.push(Violation::new(violation, self.position(place)));
        }
    }

    /// The violations that were found so far, as far as they are kept.
    pub(crate) fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// A lint on the object that is read.
    pub(crate) fn lint(&mut self, lint: Finding<impl Into<LintKind>>, place: Place) {
        let lint = Lint::new(lint, self.position(place));
        self.lints.add(lint.code(), lint);
    }

    /// Ends an object: of its lints, many of one code are told as one.
    pub(crate) fn end_object(&mut self) {
        self.lints.end_groups();
        self.last_list = (String::new(), 0);
    }

    /// What was found: the violations that are kept, how many more there are, and the lints.
    pub(crate) fn into_found(self) -> (Vec<Violation>, usize, Vec<Lint>) {
        (self.violations, self.more, self.lints.into_lints())
    }
}

/// A name as it stands in paths: of a long one the beginning, since each field below it would repeat the whole.
pub(crate) fn short(name: &str) -> &str {
    const LONGEST: usize = 512;
    let end = (0..=name.len().min(LONGEST)).rev().find(|&end| name.is_char_boundary(end));
    name.get(..end.unwrap_or_default()).unwrap_or_default()
}

/// A value and its path.
#[derive(Clone, Debug)]
pub(crate) struct Field<'a> {
    pub(crate) node: &'a Node<'a>,
    pub(crate) path: FieldPath,
}

/// A map and its path.
#[derive(Clone, Debug)]
pub(crate) struct Object<'a> {
    field: Field<'a>,
    fields: &'a [(Key<'a>, Node<'a>)],
}

impl<'a> Field<'a> {
    pub(crate) fn new(node: &'a Node<'a>, path: FieldPath) -> Self {
        Self { node, path }
    }

    /// The map that the value must be.
    pub(crate) fn object(self, report: &mut Report<'_>) -> Option<Object<'a>> {
        let Value::Map(fields) = &self.node.value else {
            report.violate(&self, ViolationKind::WrongType { expected: "a map" });
            return None;
        };
        Some(Object { field: self, fields })
    }

    /// The items of the list that the value must be. Of a list over its limit the items up to the limit are read.
    pub(crate) fn items(&self, limit: usize, report: &mut Report<'_>) -> Vec<Field<'a>> {
        let Value::List(items) = &self.node.value else {
            report.violate(self, ViolationKind::WrongType { expected: "a list" });
            return Vec::new();
        };
        if items.len() > limit {
            report.violate(self, finding::ViolationKind::TooManyEntries { limit });
        }
        items.iter().take(limit).enumerate().map(|(at, node)| Field::new(node, self.path.index(at))).collect()
    }

    /// The maps in the list that the value must be.
    pub(crate) fn objects(&self, limit: usize, report: &mut Report<'_>) -> Vec<Object<'a>> {
        let items = self.items(limit, report);
        items.into_iter().filter_map(|item| item.object(report)).collect()
    }

    /// The text that the value must be.
    pub(crate) fn text(&self, report: &mut Report<'_>) -> Option<&'a str> {
        let Value::Text(text) = &self.node.value else {
            report.violate(self, ViolationKind::WrongType { expected: "a string" });
            return None;
        };
        Some(text)
    }

    /// The text that the value must be, held against a grammar.
    pub(crate) fn text_as(
        &self,
        (expected, is_valid): Grammar<impl FnOnce(&str) -> bool>,
        report: &mut Report<'_>,
    ) -> Option<&'a str> {
        let text = self.text(report)?;
        if is_valid(text) {
            return Some(text);
        }
        report.violate(self, ViolationKind::InvalidValue { expected });
        None
    }

    /// The integer in a range that the value must be.
    pub(crate) fn integer(
        &self,
        expected: &'static str,
        range: std::ops::RangeInclusive<i128>,
        report: &mut Report<'_>,
    ) -> Option<i128> {
        match &self.node.value {
            &Value::Integer(number) if range.contains(&number.into()) => return Some(number.into()),
            Value::Integer(_) | Value::LongInteger(_) => report.violate(self, ViolationKind::InvalidValue { expected }),
            _ => report.violate(self, ViolationKind::WrongType { expected }),
        }
        None
    }
}

impl<'a> Object<'a> {
    pub(crate) fn path(&self) -> &FieldPath {
        &self.field.path
    }

    pub(crate) fn place(&self) -> Place {
        self.field.node.place
    }

    /// The map itself.
    pub(crate) fn node(&self) -> &'a Node<'a> {
        self.field.node
    }

    /// Every field with a name, in the order of the file.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&'a str, Place, Field<'a>)> + use<'a, '_> {
        self.fields.iter().filter_map(|(key, node)| {
            let name = key.name.as_deref()?;
            Some((name, key.place, Field::new(node, self.path().field(short(name)))))
        })
    }

    /// The key and the value of each field with this name: one, but for a key that stands twice.
    pub(crate) fn named(&self, name: &str) -> impl Iterator<Item = (Place, &'a Node<'a>)> {
        let found = self.fields.iter().filter(move |(key, _)| key.name.as_deref() == Some(name));
        found.map(|(key, node)| (key.place, node))
    }

    /// A field. One that is null counts as absent, as it does for the API server.
    pub(crate) fn get(&self, name: &str, report: &mut Report<'_>) -> Option<Field<'a>> {
        let mut found = self.named(name);
        let (_, node) = found.next()?;
        for (place, _) in found {
            report.violate_key(self.path().field(name), finding::ViolationKind::Duplicate, place, None);
        }
        (!matches!(node.value, Value::Null)).then(|| Field::new(node, self.path().field(name)))
    }

    /// A field that must be there.
    pub(crate) fn require(&self, name: &str, report: &mut Report<'_>) -> Option<Field<'a>> {
        let field = self.get(name, report);
        if field.is_none() {
            report.violate_key(self.path().field(name), ViolationKind::Missing, self.place(), None);
        }
        field
    }

    /// A text, where the field is there, held against a grammar.
    pub(crate) fn text_as(&self, name: &str, grammar: Grammar, report: &mut Report<'_>) -> Option<&'a str> {
        self.get(name, report)?.text_as(grammar, report)
    }

    /// The text of a field that must be there, held against a grammar.
    pub(crate) fn require_text(&self, name: &str, grammar: Grammar, report: &mut Report<'_>) -> Option<&'a str> {
        self.require(name, report)?.text_as(grammar, report)
    }
}
