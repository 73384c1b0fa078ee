//! Objects by name, as references and messages have them.

use crate::{
    escape::Escaped,
    manifest::objects::{Backend, Kind, Meta, ParentRef, Route, TargetRef, TrafficPolicy},
};

/// The name of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ObjectName<'a> {
    pub(crate) kind: Kind,
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
}

/// What a policy applies to: an object, or a section of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Target<'a> {
    pub(crate) name: ObjectName<'a>,
    /// A listener of a parent, or a rule of a route.
    pub(crate) section: Option<&'a str>,
}

impl<'a> ObjectName<'a> {
    pub(crate) fn of(kind: Kind, meta: &'a Meta) -> Self {
        Self { kind, namespace: &meta.namespace, name: &meta.name }
    }

    /// The parent that a reference names, where it is of a kind that is read.
    pub(crate) fn of_parent(reference: &'a ParentRef) -> Option<Self> {
        let kind = Kind::of_reference(&reference.group, &reference.kind)?;
        Some(Self { kind, namespace: &reference.namespace, name: &reference.name })
    }

    /// The object as a target.
    pub(crate) fn whole(self) -> Target<'a> {
        Target { name: self, section: None }
    }

    /// A section of the object as a target.
    pub(crate) fn section(self, section: &'a str) -> Target<'a> {
        Target { name: self, section: Some(section) }
    }

    /// As messages call it, such as `HTTPRoute web/api`.
    pub(crate) fn describe(&self) -> String {
        format!("{} {}", self.kind.name(), full_name(self.namespace, self.name))
    }
}

impl<'a> Target<'a> {
    /// What `reference` of `policy` names: an object in the namespace of the policy.
    pub(crate) fn of(policy: &'a TrafficPolicy, reference: &'a TargetRef) -> Option<Self> {
        let kind = Kind::of_reference(&reference.group, &reference.kind).filter(|kind| kind.is_target())?;
        let name = ObjectName { kind, namespace: &policy.meta.namespace, name: &reference.name };
        Some(Self { name, section: reference.section.as_deref() })
    }

    /// As messages call it, such as `Gateway web/public listener https`.
    pub(crate) fn describe(&self) -> String {
        let section = if matches!(self.name.kind, Kind::Gateway | Kind::ListenerSet) { "listener" } else { "rule" };
        match self.section {
            Some(name) => format!("{} {section} {}", self.name.describe(), Escaped(name)),
            None => self.name.describe(),
        }
    }
}

/// What messages call the object that has a setting. Most settings are never named, so the text is made when it is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Label<'a> {
    /// A rule by its index.
    Rule(&'a Route, usize),
    /// A backend of a rule.
    Backend(&'a Route, usize, &'a Backend),
    Policy(&'a TrafficPolicy),
}

impl Label<'_> {
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Rule(route, rule) => rule_name(route, *rule),
            Self::Backend(route, rule, Backend { reference, .. }) => {
                format!("{} backend {}", rule_name(route, *rule), full_name(&reference.namespace, &reference.name))
            }
            Self::Policy(policy) => policy_name(policy),
        }
    }
}

/// A rule as messages call it, such as `HTTPRoute web/api rule 0`.
pub(crate) fn rule_name(route: &Route, rule: usize) -> String {
    format!("{} rule {rule}", ObjectName::of(route.kind, &route.meta).describe())
}

/// A policy as messages call it, such as `TrafficPolicy web/base`.
pub(crate) fn policy_name(policy: &TrafficPolicy) -> String {
    ObjectName::of(policy.kind, &policy.meta).describe()
}

pub(crate) fn full_name(namespace: &str, name: &str) -> String {
    format!("{}/{}", Escaped(namespace), Escaped(name))
}
