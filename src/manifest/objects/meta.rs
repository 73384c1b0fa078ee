//! The metadata that all objects share. Rules 7.2, 7.6.

use std::time::SystemTime;

use super::{
    grammar,
    model::{InheritedPriority, Labels, Meta},
};
use crate::manifest::{
    finding::ViolationKind,
    reader::{Field, Object, Report},
};

/// The namespace of an object that names none.
pub(crate) const DEFAULT_NAMESPACE: &str = "default";

const INHERITED_PRIORITY: &str = "kgateway.dev/inherited-policy-priority";

/// Reads the metadata of an object.
pub(crate) fn read(object: &Object<'_>, report: &mut Report<'_>) -> Option<Meta> {
    let metadata = object.require("metadata", report)?.object(report)?;
    let name = metadata.require("name", report);
    let position = report.position(name.as_ref().map_or(metadata.place(), |name| name.node.place));
    let name = name.and_then(|name| name.text_as(grammar::OBJECT_NAME, report));
    let namespace = metadata.text_as("namespace", grammar::NAMESPACE, report);
    let created = metadata.get("creationTimestamp", report).and_then(|field| created(&field, report));
    let generation = metadata.named("generation").find_map(|(_, node)| node.as_integer()).unwrap_or_default();
    let inherited_priority = inherited_priority(&metadata, report);
    let labels = labels(&metadata, "labels", report);
    Some(Meta {
        namespace: namespace.unwrap_or(DEFAULT_NAMESPACE).to_owned(),
        name: name?.to_owned(),
        created,
        generation,
        inherited_priority,
        labels,
        position,
    })
}

/// Labels by name, as `metadata.labels` and `matchLabels` have them.
pub(crate) fn labels(object: &Object<'_>, field: &str, report: &mut Report<'_>) -> Labels {
    let Some(labels) = object.get(field, report).and_then(|labels| labels.object(report)) else {
        return Labels::default();
    };
    let entries =
        labels.fields().filter_map(|(name, _, value)| Some((name.to_owned(), value.text(report)?.to_owned())));
    entries.collect()
}

/// The value of an annotation, where it is a text.
pub(crate) fn annotation<'a>(object: &Object<'a>, name: &str) -> Option<&'a str> {
    let (_, metadata) = object.named("metadata").next()?;
    metadata.field("annotations")?.field(name)?.as_text()
}

fn inherited_priority(metadata: &Object<'_>, report: &mut Report<'_>) -> Option<InheritedPriority> {
    let annotations = metadata.get("annotations", report)?.object(report)?;
    let field = annotations.get(INHERITED_PRIORITY, report)?;
    match field.text(report)? {
        "ShallowMergePreferChild" => Some(InheritedPriority::ShallowMergePreferChild),
        "ShallowMergePreferParent" => Some(InheritedPriority::ShallowMergePreferParent),
        "DeepMergePreferChild" => Some(InheritedPriority::DeepMergePreferChild),
        "DeepMergePreferParent" => Some(InheritedPriority::DeepMergePreferParent),
        _ => {
            let expected = "ShallowMergePreferChild, ShallowMergePreferParent, DeepMergePreferChild or \
                            DeepMergePreferParent";
            report.violate(&field, ViolationKind::InvalidValue { expected });
            None
        }
    }
}

fn created(field: &Field<'_>, report: &mut Report<'_>) -> Option<SystemTime> {
    let created = field.text(report)?.parse::<jiff::Timestamp>();
    if created.is_err() {
        report.violate(field, ViolationKind::InvalidValue { expected: "a time such as 2026-01-31T12:00:00Z" });
    }
    created.ok().map(SystemTime::from)
}
