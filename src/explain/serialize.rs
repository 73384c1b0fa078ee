//! How the parts of an explanation are written for a program, behind the feature `serde`: names in camel case, as those of
//! a policy are, and the stable codes of reasons and of the browser's verdict.

use std::{collections::BTreeMap, fmt::Display};

use http::{HeaderMap, HeaderValue, StatusCode};
use serde::{Serializer, ser::SerializeMap};

use super::Behind;
use crate::{
    browser::{Blocked, Credentials, Readable, ScriptRequest},
    compile::CompiledPolicy,
    decision::Reason,
    merge::{Setting, SettingKind},
    policy::{PolicyField, Source},
};

pub(super) fn text<S: Serializer>(value: &impl Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

pub(super) fn code<S: Serializer>(reason: &Reason, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(reason.code())
}

pub(super) fn behind<S: Serializer>(behind: &Behind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match behind {
        Behind::Backend => "backend",
        Behind::NoRoute => "no-route",
        Behind::NoBackend => "no-backend",
    })
}

pub(super) fn status<S: Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

/// The fields of a request, which stand beside those of its explanation.
pub(super) fn request<S: Serializer>(request: &ScriptRequest, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(3))?;
    map.serialize_entry("method", request.method().as_str())?;
    map.serialize_entry("origin", &lossy(request.origin()))?;
    map.serialize_entry("credentials", &(request.credentials_mode() == Credentials::Include))?;
    map.end()
}

/// The fields of a verdict; no code where the response is readable.
pub(super) fn verdict<S: Serializer>(verdict: &Result<Readable, Blocked>, serializer: S) -> Result<S::Ok, S::Error> {
    let blocked = verdict.as_ref().err();
    let mut map = serializer.serialize_map(Some(4))?;
    map.serialize_entry("readable", &blocked.is_none())?;
    map.serialize_entry("step", &blocked.map(Blocked::step))?;
    map.serialize_entry("code", &blocked.map(Blocked::code))?;
    map.serialize_entry("message", &blocked.map(ToString::to_string))?;
    map.end()
}

/// A policy and, beside it, its provenance.
pub(super) fn policy<S: Serializer>(policy: &Option<CompiledPolicy>, serializer: S) -> Result<S::Ok, S::Error> {
    let known = policy.as_ref().and_then(CompiledPolicy::provenance);
    let sources = |field| known.into_iter().flat_map(move |known| known.of(field)).map(Source::to_string);
    let fields = PolicyField::ALL.map(|field| (field.name(), sources(field).collect::<Vec<_>>()));
    let provenance = fields.into_iter().filter(|(_, sources)| !sources.is_empty()).collect::<BTreeMap<_, _>>();
    let mut map = serializer.serialize_map(Some(2))?;
    map.serialize_entry("policy", &policy.as_ref().map(CompiledPolicy::policy))?;
    map.serialize_entry("provenance", &provenance)?;
    map.end()
}

pub(super) fn settings<S: Serializer>(settings: &[Setting], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(settings.iter().map(|setting| {
        let kind = match setting.kind() {
            SettingKind::Policy(_) => "policy",
            SettingKind::Disabled => "disabled",
            SettingKind::Ceiling(_) => "ceiling",
        };
        BTreeMap::from([("label", setting.label()), ("path", setting.path().as_str()), ("kind", kind)])
    }))
}

/// Headers as pairs, since a name may stand twice.
pub(super) fn headers<S: Serializer>(headers: &HeaderMap, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(headers.iter().map(|(name, value)| [name.to_string(), lossy(value)]))
}

fn lossy(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}
