//! `TrafficPolicy` and `GlooTrafficPolicy`: their CORS setting and what they target. Rules 7.1, 7.9.

use super::{
    cors, grammar,
    kind::Kind,
    meta,
    model::{TargetRef, TrafficPolicy},
};
use crate::manifest::reader::{Object, Report};

/// Reads a policy of either kind.
pub(crate) fn read(object: &Object<'_>, kind: Kind, report: &mut Report<'_>) -> Option<TrafficPolicy> {
    let meta = meta::read(object, report);
    let spec = object.get("spec", report).and_then(|spec| spec.object(report));
    let targets = spec.as_ref().and_then(|spec| spec.get("targetRefs", report));
    let targets = targets.map(|targets| targets.objects(16, report)).unwrap_or_default();
    let targets = targets.iter().filter_map(|target| read_target(target, report)).collect();
    let cors = spec.and_then(|spec| spec.get("cors", report)).and_then(|cors| cors::read_setting(cors, report));
    Some(TrafficPolicy { meta: meta?, kind, targets, cors })
}

fn read_target(target: &Object<'_>, report: &mut Report<'_>) -> Option<TargetRef> {
    let name = target.require_text("name", grammar::OBJECT_NAME, report);
    let kind = target.require_text("kind", grammar::KIND, report);
    let group = target.require_text("group", grammar::GROUP, report);
    let section = target.text_as("sectionName", grammar::SECTION_NAME, report);
    Some(TargetRef {
        group: group?.to_owned(),
        kind: kind?.to_owned(),
        name: name?.to_owned(),
        section: section.map(str::to_owned),
        path: target.path().clone(),
        position: report.position(target.place()),
    })
}
