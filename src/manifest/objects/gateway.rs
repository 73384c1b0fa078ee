//! `Gateway`: its listeners with their names and hostnames. Ports and protocols don't matter here. Rule 8.4.

use std::collections::HashSet;

use super::{
    grammar, meta,
    model::{Gateway, Listener},
};
use crate::{
    finding::ViolationKind,
    manifest::reader::{Object, Report},
    route::Hostname,
};

/// Reads a gateway.
pub(crate) fn read(object: &Object<'_>, report: &mut Report<'_>) -> Option<Gateway> {
    let meta = meta::read(object, report);
    let spec = object.get("spec", report).and_then(|spec| spec.object(report));
    let listeners = spec.and_then(|spec| spec.get("listeners", report));
    let listeners = listeners.map(|listeners| listeners.objects(64, report)).unwrap_or_default();
    let mut read = Vec::with_capacity(listeners.len());
    let mut names = HashSet::new();
    for listener in listeners {
        let Some(name) = listener.require("name", report) else { continue };
        let Some(text) = name.text_as(grammar::SECTION_NAME, report) else { continue };
        if !names.insert(text) {
            report.violate(&name, ViolationKind::Duplicate);
        }
        let hostname = hostname(&listener, report);
        port(&listener, report);
        read.push(Listener { name: text.to_owned(), hostname });
    }
    Some(Gateway { meta: meta?, listeners: read })
}

/// The hostname of a listener; an empty one is the same as none.
fn hostname(listener: &Object<'_>, report: &mut Report<'_>) -> Hostname {
    let (expected, is_valid) = grammar::HOSTNAME;
    let field = listener.get("hostname", report);
    let text =
        field.and_then(|field| field.text_as((expected, |text: &str| text.is_empty() || is_valid(text)), report));
    text.and_then(|text| Hostname::parse(text).ok()).unwrap_or_default()
}

/// The port of a reference or a listener.
pub(crate) fn port(object: &Object<'_>, report: &mut Report<'_>) -> Option<u16> {
    let port = object.get("port", report)?.integer("a port from 1 to 65535", 1..=65_535, report)?;
    u16::try_from(port).ok()
}
