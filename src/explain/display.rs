//! An explanation for a person.

use std::fmt;

use super::{Behind, Explanation, MatchedRoute, Step};
use crate::{
    browser::Credentials,
    compile::CompiledPolicy,
    escape::Escaped,
    merge::{Setting, SettingKind},
    policy::{CorsPolicy, PolicyField},
};

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = String::from_utf8_lossy(self.request.origin().as_bytes());
        let credentials = if self.request.credentials_mode() == Credentials::Include { "with" } else { "without" };
        writeln!(
            f,
            "{} {}\n  origin: {}, {credentials} credentials",
            Escaped(self.request.method().as_str()),
            Escaped(&self.uri.to_string()),
            Escaped(&origin)
        )?;
        match &self.preflight {
            Some(step) => write!(f, "\npreflight: needed\n{step}")?,
            None => writeln!(f, "\npreflight: not needed")?,
        }
        match &self.actual {
            Some(step) => write!(f, "\nrequest: sent\n{step}")?,
            None => writeln!(f, "\nrequest: not sent")?,
        }
        match &self.verdict {
            Err(blocked) => write!(f, "\nbrowser: blocked; {blocked} [{}]", blocked.code()),
            Ok(readable) => {
                f.write_str("\nbrowser: readable")?;
                let exposed = self.actual.iter().flat_map(|step| step.headers.get("access-control-expose-headers"));
                for names in exposed {
                    write!(f, "; the script sees {}", String::from_utf8_lossy(names.as_bytes()))?;
                }
                if readable.expose_list_is_invalid() { f.write_str("; the list is not valid") } else { Ok(()) }
            }
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(route) = &self.route {
            writeln!(f, "  route: {route}")?;
            for rule in route.delegated_by() {
                writeln!(f, "  delegated by: {}", Escaped(rule))?;
            }
        }
        for (at, setting) in self.settings.iter().enumerate() {
            writeln!(f, "  setting {}: {}", at + 1, SettingLine(setting))?;
        }
        if let Some(policy) = &self.policy {
            write_policy(f, policy)?;
        }
        writeln!(f, "  decision: {}", self.decision())?;
        writeln!(f, "  status: {}", self.status.as_u16())?;
        for (name, value) in &self.headers {
            writeln!(f, "  header: {name}: {}", String::from_utf8_lossy(value.as_bytes()))?;
        }
        Ok(())
    }
}

impl Step {
    /// Who answers, and why it was decided so.
    pub(super) fn decision(&self) -> String {
        let by = match self.behind {
            _ if self.is_answered => "answered by the layer",
            Behind::Backend => "answered by the backend",
            Behind::NoRoute => "no route takes this host and path, so the gateway answers",
            Behind::NoBackend => "the route delegates to nothing, so the gateway answers",
        };
        format!("{by}; {} [{}]", self.message, self.reason.code())
    }
}

impl fmt::Display for MatchedRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{} rule {}", self.kind, Escaped(&self.namespace), Escaped(&self.name), self.rule)?;
        if let Some(matched) = &self.matched {
            write!(f, " ({})", Escaped(matched))?;
        }
        if self.requires_consent { f.write_str(", requires consent") } else { Ok(()) }
    }
}

/// A setting with its place and what it is.
struct SettingLine<'a>(&'a Setting);

impl fmt::Display for SettingLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.0.label(), self.0.path())?;
        match self.0.kind() {
            SettingKind::Policy(_) => Ok(()),
            SettingKind::Disabled => f.write_str(", disabled"),
            SettingKind::Ceiling(_) => f.write_str(", ceiling"),
        }
    }
}

fn write_policy(f: &mut fmt::Formatter<'_>, policy: &CompiledPolicy) -> fmt::Result {
    let provenance = policy.provenance();
    for field in PolicyField::ALL {
        let Some(value) = shown(policy.policy(), field) else { continue };
        write!(f, "  policy: {field}: {}", Escaped(&value))?;
        for (at, source) in provenance.into_iter().flat_map(|provenance| provenance.of(field)).enumerate() {
            write!(f, "{} {}", if at == 0 { ", from" } else { " and" }, source.label())?;
        }
        f.write_str("\n")?;
    }
    if policy.origin_function().is_some() {
        f.write_str("  policy: allowOriginIf: a function\n")?;
    }
    Ok(())
}

/// The value of a field as entries: those of a list, or the one value; none where it is unset.
#[cfg(feature = "manifest")]
pub(super) fn entries(policy: &CorsPolicy, field: PolicyField) -> Vec<String> {
    let list = match field {
        PolicyField::AllowOrigins => &policy.allow_origins,
        PolicyField::AllowMethods => &policy.allow_methods,
        PolicyField::AllowHeaders => &policy.allow_headers,
        PolicyField::ExposeHeaders => &policy.expose_headers,
        PolicyField::AllowCredentials | PolicyField::MaxAge => return shown(policy, field).into_iter().collect(),
    };
    list.clone().unwrap_or_default()
}

/// The value of a field; none where it is unset.
pub(super) fn shown(policy: &CorsPolicy, field: PolicyField) -> Option<String> {
    let list = |list: &Option<Vec<String>>| list.as_ref().map(|list| list.join(", "));
    match field {
        PolicyField::AllowOrigins => list(&policy.allow_origins),
        PolicyField::AllowCredentials => policy.allow_credentials.map(|allow| allow.to_string()),
        PolicyField::AllowMethods => list(&policy.allow_methods),
        PolicyField::AllowHeaders => list(&policy.allow_headers),
        PolicyField::ExposeHeaders => list(&policy.expose_headers),
        PolicyField::MaxAge => policy.max_age.map(|age| age.to_string()),
    }
}
