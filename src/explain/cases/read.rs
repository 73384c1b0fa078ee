//! A file of cases, field by field. In: its document. Out: the cases, and in the report everything that is wrong with it.
//! What no browser would do is an error: a header that no script can set, an origin that no page has.

use std::path::PathBuf;

use http::{HeaderName, HeaderValue, Method, Uri};

use super::{Case, Cases, Expected};
use crate::{
    browser::{Blocked, Credentials, ScriptRequest},
    compile::nearest::edit_distance,
    decision::Reason,
    finding::{self, LintKind},
    headers,
    manifest::{
        ViolationKind,
        reader::{Field, Node, Object, Report, Value},
        suggest_field_name,
    },
    origin::{Origin, OriginPattern},
    policy::FieldPath,
    route::Listener,
};

/// The most cases, manifests or headers of a list.
const MAX_ITEMS: usize = 100_000;
/// How many letters may differ in a reason that is suggested.
const MAX_EDITS: usize = 8;

const FIELDS: [&str; 3] = ["manifests", "globalPolicyNamespace", "cases"];
const FIELDS_OF_CASE: [&str; 8] = ["name", "page", "fetch", "headers", "credentials", "listener", "expect", "exposes"];

/// What `page` and `fetch` are called elsewhere.
const OTHER_NAMES: [(&str, &str); 6] = [
    ("from", "page"),
    ("origin", "page"),
    ("method", "fetch"),
    ("request", "fetch"),
    ("uri", "fetch"),
    ("url", "fetch"),
];

pub(super) fn read(documents: &[Node<'_>], report: &mut Report<'_>) -> Option<Cases> {
    let nothing =
        Node { value: Value::Map(Box::default()), place: crate::manifest::reader::Place { line: 1, column: 1 } };
    let document = documents.first().unwrap_or(&nothing);
    for other in documents.iter().skip(1) {
        let field = Field::new(other, FieldPath::root());
        report.violate(&field, ViolationKind::NotTogether { with: "the document before it" });
    }
    let object = Field::new(document, FieldPath::root()).object(report)?;
    check_fields(&object, &FIELDS, "a file of cases", report);
    let manifests = object.require("manifests", report).map(|field| texts(&field, report)).unwrap_or_default();
    let namespace = object.get("globalPolicyNamespace", report).and_then(|field| field.text(report));
    let list = object.require("cases", report);
    let cases = list.map(|field| filled(&field, report)).unwrap_or_default();
    let cases: Vec<_> = cases.into_iter().filter_map(|case| read_case(&case.object(report)?, report)).collect();
    Some(Cases {
        manifests: manifests.into_iter().map(|(_, path)| PathBuf::from(path)).collect(),
        global_policy_namespace: namespace.map(str::to_owned),
        cases,
    })
}

fn read_case(object: &Object<'_>, report: &mut Report<'_>) -> Option<Case> {
    check_fields(object, &FIELDS_OF_CASE, "a case", report);
    let name = object.get("name", report).and_then(|field| field.text(report));
    let page = read_page(object, report);
    let fetch = object.require("fetch", report).and_then(|field| read_fetch(&field, report));
    let headers = object.get("headers", report).map(|field| read_headers(field, report)).unwrap_or_default();
    let credentials = object.get("credentials", report).is_some_and(|field| read_bool(&field, report));
    let listener = object.get("listener", report).and_then(|field| read_listener(&field, report));
    let expected = object.require("expect", report).and_then(|field| read_expected(&field, report));
    let exposes = object.get("exposes", report);
    if let (Some(field), Some(Expected::Blocked(_) | Expected::Refused | Expected::NotServed)) = (&exposes, expected) {
        report.violate(field, ViolationKind::NotTogether { with: "an expectation other than readable" });
    }
    let exposes = exposes.map(|field| read_names(&field, report)).unwrap_or_default();
    let ((method, uri), page) = (fetch?, page?);
    if is_own_page(&page, &uri) {
        let field = object.get("page", report)?;
        report.violate(&field, ViolationKind::InvalidValue { expected: "another origin than the URL's" });
    }
    let credentials = if credentials { Credentials::Include } else { Credentials::Omit };
    let request = ScriptRequest::new(page, method).credentials(credentials);
    Some(Case {
        name: name.map(str::to_owned),
        position: report.position(object.place()),
        request: headers.into_iter().fold(request, |request, (name, value)| request.header(name, value)),
        uri,
        listener,
        expected: expected?,
        exposes,
    })
}

fn check_fields(object: &Object<'_>, known: &[&str], of: &'static str, report: &mut Report<'_>) {
    for (name, place, field) in object.fields() {
        if !known.contains(&name) {
            let other = OTHER_NAMES.iter().find(|(other, meant)| *other == name && known.contains(meant));
            let meant = other.map(|(_, meant)| (*meant).to_owned()).or_else(|| suggest_field_name(name, known));
            report.violate_key(field.path, ViolationKind::NotAField { of }, place, meant);
        }
    }
}

/// The items of a list that must have some.
fn filled<'a>(field: &Field<'a>, report: &mut Report<'_>) -> Vec<Field<'a>> {
    if let Value::Text(text) = &field.node.value {
        report.violate_with(field, ViolationKind::WrongType { expected: "a list" }, Some(format!("[{}]", &**text)));
        return Vec::new();
    }
    let items = field.items(MAX_ITEMS, report);
    if items.is_empty() && matches!(field.node.value, Value::List(_)) {
        report.violate(field, finding::ViolationKind::Empty);
    }
    items
}

fn texts<'a>(field: &Field<'a>, report: &mut Report<'_>) -> Vec<(Field<'a>, &'a str)> {
    let items = filled(field, report);
    items.into_iter().filter_map(|item| item.text(report).map(|text| (item, text))).collect()
}

/// An origin as a browser sends one: `null`, or without a path, in lower case.
fn read_page(object: &Object<'_>, report: &mut Report<'_>) -> Option<HeaderValue> {
    // To YAML, `null` is no text.
    if let Some((_, Node { value: Value::Null, .. })) = object.named("page").next() {
        return Some(HeaderValue::from_static("null"));
    }
    let field = object.require("page", report)?;
    let text = field.text(report)?;
    let origin = Origin::parse(text.as_bytes());
    if text == "null" || origin.is_some_and(|origin| origin.as_str() == text && !text.ends_with('/')) {
        return HeaderValue::from_str(text).ok();
    }
    let meant = OriginPattern::parse(text).or_else(|_| OriginPattern::parse(&format!("https://{text}")));
    let meant = meant.ok().filter(OriginPattern::is_exact).map(|meant| meant.to_string());
    let expected = "an origin as a browser sends it, such as https://app.example, or null";
    report.violate_with(&field, ViolationKind::InvalidValue { expected }, meant);
    None
}

fn read_fetch(field: &Field<'_>, report: &mut Report<'_>) -> Option<(Method, Uri)> {
    let text = field.text(report)?;
    let words: Vec<_> = text.split_ascii_whitespace().collect();
    let read = match words.as_slice() {
        [method, url] => Method::from_bytes(method.as_bytes()).ok().zip(absolute(url)),
        _ => None,
    };
    let Some((method, uri)) = read else {
        let meant = match words.as_slice() {
            [url] => absolute(url).map(|_| format!("GET {url}")),
            _ => None,
        };
        let expected = "a method and a URL, such as PUT https://api.example/v1";
        report.violate_with(field, ViolationKind::InvalidValue { expected }, meant);
        return None;
    };
    if headers::is_forbidden_method(method.as_str()) {
        report.violate(field, finding::ViolationKind::DeniedLint { lint: LintKind::ForbiddenMethod });
    }
    Some((method, uri))
}

/// A URL that pages fetch; none for anything else.
fn absolute(url: &str) -> Option<Uri> {
    let uri: Uri = url.parse().ok()?;
    let is_of_web = matches!(uri.scheme_str(), Some("http" | "https"));
    let has_host = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    (is_of_web && has_host && uri.host().is_some_and(|host| !host.is_empty())).then_some(uri)
}

/// Whether a page has the origin of what it fetches, and so needs no permission.
fn is_own_page(page: &HeaderValue, uri: &Uri) -> bool {
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return false };
    let own = OriginPattern::parse(&format!("{scheme}://{authority}"));
    own.is_ok_and(|own| own.to_string().as_bytes() == page.as_bytes())
}

fn read_headers(field: Field<'_>, report: &mut Report<'_>) -> Vec<(HeaderName, HeaderValue)> {
    let Some(object) = field.object(report) else { return Vec::new() };
    let mut read = Vec::new();
    for (name, place, field) in object.fields() {
        let Ok(header) = name.parse::<HeaderName>() else {
            report.violate_key(field.path, finding::ViolationKind::HeaderName, place, None);
            continue;
        };
        if headers::is_forbidden_request_header(header.as_str()) {
            let kind = finding::ViolationKind::DeniedLint { lint: LintKind::ForbiddenRequestHeader };
            report.violate_key(field.path, kind, place, None);
            continue;
        }
        let value = match &field.node.value {
            Value::List(_) | Value::Map(_) | Value::Null => None,
            // A number is the text of its digits.
            scalar => HeaderValue::from_str(&scalar.clone().shown()).ok(),
        };
        match value {
            Some(value) => read.push((header, value)),
            None => report.violate(&field, ViolationKind::InvalidValue { expected: "the value of a header" }),
        }
    }
    read
}

fn read_bool(field: &Field<'_>, report: &mut Report<'_>) -> bool {
    let meant = match &field.node.value {
        Value::Bool(value) => return *value,
        // What a script says to `fetch`.
        Value::Text(text) if &**text == "include" => Some("true"),
        Value::Text(text) if matches!(&**text, "omit" | "same-origin") => Some("false"),
        _ => None,
    };
    report.violate_with(field, ViolationKind::WrongType { expected: "true or false" }, meant.map(str::to_owned));
    false
}

fn read_listener(field: &Field<'_>, report: &mut Report<'_>) -> Option<Listener> {
    let text = field.text(report)?;
    match text.split('/').collect::<Vec<_>>().as_slice() {
        [namespace, gateway, listener] => Some(Listener::of_gateway(*namespace, *gateway, *listener)),
        [namespace, "ListenerSet", set, listener] => Some(Listener::of_listener_set(*namespace, *set, *listener)),
        _ => {
            let expected = "NAMESPACE/GATEWAY/LISTENER or NAMESPACE/ListenerSet/SET/LISTENER";
            report.violate(field, ViolationKind::InvalidValue { expected });
            None
        }
    }
}

/// `readable`, `blocked`, `refused (403)` or `not-served`; `blocked` with a reason is a text or a map, since a colon within
/// a text needs quotes in YAML.
fn read_expected(field: &Field<'_>, report: &mut Report<'_>) -> Option<Expected> {
    if let Value::Map(_) = &field.node.value {
        let object = field.clone().object(report)?;
        check_fields(&object, &["blocked"], "an expectation", report);
        let reason = object.require("blocked", report)?;
        let text = reason.text(report)?;
        return read_reason(&reason, text, report);
    }
    let expected = "readable, blocked, blocked: REASON, refused (403) or not-served";
    if let Value::Integer(403) = field.node.value {
        let meant = Some(Expected::Refused.to_string());
        report.violate_with(field, ViolationKind::InvalidValue { expected }, meant);
        return None;
    }
    let text = field.text(report)?;
    if let Some(reason) = text.strip_prefix("blocked:") {
        return read_reason(field, reason.trim(), report);
    }
    let known = [Expected::Readable, Expected::Blocked(None), Expected::Refused, Expected::NotServed];
    if let Some(expected) = known.into_iter().find(|expected| expected.to_string() == text) {
        return Some(expected);
    }
    let names = known.map(|expected| expected.to_string());
    let near = names.into_iter().filter_map(|name| {
        let distance = if name.starts_with(text) { Some(0) } else { edit_distance(text, &name, 3) };
        Some((distance?, name))
    });
    let meant = near.min_by_key(|(distance, _)| *distance).map(|(_, name)| name);
    report.violate_with(field, ViolationKind::InvalidValue { expected }, meant);
    None
}

fn read_reason(field: &Field<'_>, text: &str, report: &mut Report<'_>) -> Option<Expected> {
    // A reason that does not block is none.
    let decided = Reason::ALL.into_iter().filter(|reason| reason.is_blocking() && *reason != Reason::NoConsent);
    let known: Vec<_> = Blocked::codes().chain(decided.map(Reason::code)).chain([Reason::NoPolicy.code()]).collect();
    if let Some(reason) = known.iter().find(|reason| **reason == text) {
        return Some(Expected::Blocked(Some(reason)));
    }
    let mut near: Vec<_> = known.into_iter().filter_map(|reason| Some((distance(text, reason)?, reason))).collect();
    near.sort_unstable();
    let near = near.into_iter().take(3).map(|(_, reason)| reason).collect();
    report.violate(field, ViolationKind::UnknownReason { near });
    None
}

/// How far a reason is from what was written: one that holds a word of it is nearer than one that is spelled like it.
fn distance(text: &str, reason: &str) -> Option<usize> {
    let is_contained = !text.is_empty() && (reason.contains(text) || text.contains(reason));
    if is_contained { Some(0) } else { edit_distance(text, reason, MAX_EDITS) }
}

fn read_names(field: &Field<'_>, report: &mut Report<'_>) -> Vec<HeaderName> {
    let mut names = Vec::new();
    for (item, text) in texts(field, report) {
        match text.parse::<HeaderName>() {
            Ok(name) if headers::is_forbidden_response_header(name.as_str()) => {
                let lint = LintKind::ForbiddenResponseHeader;
                report.violate(&item, finding::ViolationKind::DeniedLint { lint });
            }
            Ok(name) => names.push(name),
            Err(_) => report.violate(&item, finding::ViolationKind::HeaderName),
        }
    }
    names
}
