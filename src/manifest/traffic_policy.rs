//! `TrafficPolicy` and `GlooTrafficPolicy`: their CORS setting and what they target. Rules 7.1, 7.9.

use super::{
    cors, grammar,
    model::{Flavor, TargetRef, TrafficPolicy},
    object,
    walk::{Object, Report},
};

/// Reads a policy of either kind.
pub(super) fn read(object: &Object<'_>, kind: &str, report: &mut Report) -> Option<TrafficPolicy> {
    let meta = object::meta(object, report);
    let spec = object.get("spec", report).and_then(|spec| spec.object(report));
    let targets = spec.as_ref().and_then(|spec| spec.get("targetRefs", report));
    let targets = targets.map(|targets| targets.objects(16, report)).unwrap_or_default();
    let targets = targets.iter().filter_map(|target| read_target(target, report)).collect();
    let cors = spec.and_then(|spec| spec.get("cors", report)).and_then(|cors| cors::read_setting(cors, report));
    let flavor = if kind == "GlooTrafficPolicy" { Flavor::Gloo } else { Flavor::Kgateway };
    Some(TrafficPolicy { meta: meta?, flavor, targets, cors })
}

fn read_target(target: &Object<'_>, report: &mut Report) -> Option<TargetRef> {
    let (expected, is_valid) = grammar::OBJECT_NAME;
    let name = target.require("name", report).and_then(|name| name.text_as(expected, is_valid, report));
    let (expected, is_valid) = grammar::KIND;
    let kind = target.require("kind", report).and_then(|kind| kind.text_as(expected, is_valid, report));
    let (expected, is_valid) = grammar::GROUP;
    let group = target.require("group", report).and_then(|group| group.text_as(expected, is_valid, report));
    let section = target.text_as("sectionName", grammar::SECTION_NAME, report);
    Some(TargetRef {
        group: group?.to_owned(),
        kind: kind?.to_owned(),
        name: name?.to_owned(),
        section,
        path: target.path().clone(),
        position: report.position(target.place()),
    })
}
