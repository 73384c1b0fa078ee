//! An explanation for a program, behind the feature `serde`. Names are in camel case, as those of a policy are, and codes
//! are the stable ones of reasons and of the browser's verdict.

use std::collections::BTreeMap;

use http::HeaderMap;
use serde::{Serialize, Serializer};

use super::{Explanation, Step};
use crate::{
    browser::Credentials,
    merge::{Setting, SettingKind},
    policy::{CorsPolicy, PolicyField, Source},
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Whole<'a> {
    method: &'a str,
    url: String,
    origin: String,
    credentials: bool,
    preflight: Option<Part<'a>>,
    request: Option<Part<'a>>,
    browser: Verdict,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Part<'a> {
    method: &'a str,
    route: Option<Route<'a>>,
    settings: Vec<Entry<'a>>,
    policy: Option<&'a CorsPolicy>,
    provenance: BTreeMap<&'static str, Vec<String>>,
    answered_by_layer: bool,
    reason: &'static str,
    status: u16,
    headers: Vec<[String; 2]>,
}

#[derive(Serialize)]
struct Route<'a> {
    namespace: &'a str,
    name: &'a str,
    rule: usize,
    matched: Option<&'a str>,
    requires_consent: bool,
}

#[derive(Serialize)]
struct Entry<'a> {
    label: &'a str,
    path: &'a str,
    kind: &'static str,
}

#[derive(Serialize)]
struct Verdict {
    readable: bool,
    step: Option<&'static str>,
    code: Option<&'static str>,
    message: Option<String>,
}

impl Serialize for Explanation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let blocked = self.verdict.as_ref().err();
        let whole = Whole {
            method: self.request.method().as_str(),
            url: self.uri.to_string(),
            origin: String::from_utf8_lossy(self.request.origin().as_bytes()).into_owned(),
            credentials: self.request.credentials_mode() == Credentials::Include,
            preflight: self.preflight.as_ref().map(part),
            request: self.actual.as_ref().map(part),
            browser: Verdict {
                readable: blocked.is_none(),
                step: blocked.map(|blocked| blocked.step()),
                code: blocked.map(|blocked| blocked.code()),
                message: blocked.map(ToString::to_string),
            },
        };
        whole.serialize(serializer)
    }
}

fn part(step: &Step) -> Part<'_> {
    let policy = step.policy.as_ref();
    let provenance = policy.and_then(|policy| policy.provenance());
    let of = |field: PolicyField| {
        let sources: Vec<_> = provenance.iter().flat_map(|known| known.of(field)).map(Source::to_string).collect();
        (!sources.is_empty()).then_some((field.name(), sources))
    };
    Part {
        method: step.method.as_str(),
        route: step.route.as_ref().map(|route| Route {
            namespace: route.namespace(),
            name: route.name(),
            rule: route.rule(),
            matched: route.matched(),
            requires_consent: route.requires_consent(),
        }),
        settings: step.settings.iter().map(entry).collect(),
        policy: policy.map(|policy| policy.policy()),
        provenance: PolicyField::ALL.into_iter().filter_map(of).collect(),
        answered_by_layer: step.is_answered,
        reason: step.reason.code(),
        status: step.status.as_u16(),
        headers: lines(&step.headers),
    }
}

fn entry(setting: &Setting) -> Entry<'_> {
    let kind = match setting.kind() {
        SettingKind::Policy(_) => "policy",
        SettingKind::Disabled => "disabled",
        SettingKind::Ceiling(_) => "ceiling",
    };
    Entry { label: setting.label(), path: setting.path().as_str(), kind }
}

fn lines(headers: &HeaderMap) -> Vec<[String; 2]> {
    let line = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| [name.to_string(), line(value)]).collect()
}
