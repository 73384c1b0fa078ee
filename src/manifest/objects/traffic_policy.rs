//! `TrafficPolicy` and `GlooTrafficPolicy`: their CORS setting and what they target. Rules 7.1, 7.9, 7.12.

use super::{
    cors, grammar,
    kind::Kind,
    meta,
    model::{TargetRef, TargetSelector, TrafficPolicy},
};
use crate::manifest::{
    finding::ViolationKind,
    reader::{Object, Report},
};

/// Reads a policy of either kind.
pub(crate) fn read(object: &Object<'_>, kind: Kind, report: &mut Report<'_>) -> Option<TrafficPolicy> {
    let meta = meta::read(object, report);
    let spec = object.get("spec", report).and_then(|spec| spec.object(report));
    let targets = spec.as_ref().and_then(|spec| spec.get("targetRefs", report));
    let targets = targets.map(|targets| targets.objects(16, report)).unwrap_or_default();
    let targets = targets.iter().filter_map(|target| read_target(target, report)).collect();
    let selectors = spec.as_ref().and_then(|spec| spec.get("targetSelectors", report));
    let selectors = selectors.map(|selectors| selectors.objects(16, report)).unwrap_or_default();
    let selectors = selectors.iter().filter_map(|selector| read_selector(selector, report)).collect();
    let cors = spec.and_then(|spec| spec.get("cors", report)).and_then(|cors| cors::read_setting(cors, report));
    Some(TrafficPolicy { meta: meta?, kind, targets, selectors, cors })
}

fn read_target(target: &Object<'_>, report: &mut Report<'_>) -> Option<TargetRef> {
    let name = target.require_text("name", grammar::OBJECT_NAME, report);
    let kind = target.require_text("kind", grammar::KIND, report);
    let group = target.require_text("group", grammar::GROUP, report);
    let section = target.text_as("sectionName", grammar::SECTION_NAME, report);
    check_kind(target, group, kind, report);
    Some(TargetRef {
        group: group?.to_owned(),
        kind: kind?.to_owned(),
        name: name?.to_owned(),
        section: section.map(str::to_owned),
        path: target.path().clone(),
        position: report.position(target.place()),
    })
}

fn read_selector(selector: &Object<'_>, report: &mut Report<'_>) -> Option<TargetSelector> {
    let kind = selector.require_text("kind", grammar::KIND, report);
    let group = selector.require_text("group", grammar::GROUP, report);
    let section = selector.text_as("sectionName", grammar::SECTION_NAME, report).map(str::to_owned);
    let labels = meta::labels(selector, "matchLabels", report);
    check_kind(selector, group, kind, report);
    let kind = Kind::of_reference(group?, kind?).filter(|kind| kind.is_target());
    Some(TargetSelector { kind, section, labels })
}

/// 7.12: policies target Gateways, ListenerSets and routes, and nothing else.
fn check_kind(target: &Object<'_>, group: Option<&str>, kind: Option<&str>, report: &mut Report<'_>) {
    let (Some(group), Some(kind)) = (group, kind) else { return };
    if !Kind::of_reference(group, kind).is_some_and(Kind::is_target)
        && let Some(field) = target.get("kind", report)
    {
        let expected = "Gateway, HTTPRoute, GRPCRoute or ListenerSet, of gateway.networking.k8s.io";
        report.violate(&field, ViolationKind::InvalidValue { expected });
    }
}
