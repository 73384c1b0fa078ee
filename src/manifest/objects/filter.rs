//! Filters of rules and backends: CORS and ExtensionRef are read, others are passed over, and the CRD's rules on all of
//! them hold. Rules 2.12, 7.1.

use std::collections::HashSet;

use super::{
    cors, grammar,
    model::{ExtensionRef, Filter},
};
use crate::manifest::{
    finding::ViolationKind,
    reader::{Object, Report},
};

/// The types that may stand once in a list.
const ONCE: [&str; 5] = ["CORS", "RequestHeaderModifier", "ResponseHeaderModifier", "RequestRedirect", "URLRewrite"];

/// What was found in a list of filters.
pub(crate) struct Filters {
    pub(crate) filters: Vec<Filter>,
    /// Whether there is a `RequestRedirect`, which allows no backends.
    pub(crate) redirects: bool,
}

/// Reads the `filters` of a rule or a backend.
pub(crate) fn read_all(parent: &Object<'_>, report: &mut Report<'_>) -> Filters {
    let mut found = Filters { filters: Vec::new(), redirects: false };
    let list = parent.get("filters", report).map(|filters| filters.objects(16, report)).unwrap_or_default();
    let mut seen = HashSet::new();
    for filter in &list {
        let Some(field) = filter.require("type", report) else { continue };
        let Some(kind) = field.text(report) else { continue };
        if ONCE.contains(&kind) && seen.contains(kind) {
            report.violate(&field, ViolationKind::RepeatedFilter);
        }
        if (kind == "URLRewrite" && seen.contains("RequestRedirect"))
            || (kind == "RequestRedirect" && seen.contains("URLRewrite"))
        {
            let with = if kind == "URLRewrite" { "a RequestRedirect filter" } else { "a URLRewrite filter" };
            report.violate(&field, ViolationKind::NotTogether { with });
        }
        seen.insert(kind);
        if kind != "CORS" && kind.eq_ignore_ascii_case("CORS") {
            let expected = "CORS, which is written in capitals";
            report.violate(&field, ViolationKind::InvalidValue { expected });
            continue;
        }
        check_cors_block(filter, kind, report);
        match kind {
            "CORS" => {
                let cors = filter.require("cors", report).and_then(|cors| cors::read_filter(cors, report));
                found.filters.extend(cors.map(Filter::Cors));
            }
            "ExtensionRef" => found.filters.extend(read_extension(filter, report).map(Filter::Extension)),
            "RequestRedirect" => found.redirects = true,
            _ => {}
        }
    }
    found.filters.shrink_to_fit();
    found
}

/// A `cors` block in a filter of another type would be ignored without a message.
fn check_cors_block(filter: &Object<'_>, kind: &str, report: &mut Report<'_>) {
    if kind != "CORS"
        && let Some((place, _)) = filter.named("cors").next()
    {
        report.violate_key(filter.path().field("cors"), ViolationKind::FilterType { belongs_to: "CORS" }, place, None);
    }
}

fn read_extension(filter: &Object<'_>, report: &mut Report<'_>) -> Option<ExtensionRef> {
    let reference = filter.require("extensionRef", report)?.object(report)?;
    let group = reference.require_text("group", grammar::GROUP, report);
    let kind = reference.require_text("kind", grammar::KIND, report);
    let name = reference.require_text("name", grammar::OBJECT_NAME, report);
    let place = reference.get("name", report).map_or(reference.place(), |name| name.node.place);
    Some(ExtensionRef {
        group: group?.to_owned(),
        kind: kind?.to_owned(),
        name: name?.to_owned(),
        path: reference.path().clone(),
        position: report.position(place),
    })
}
