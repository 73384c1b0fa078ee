//! Objects that a program has in memory. In: what serializes as an API server writes it. Out: the typed object, and what is
//! wrong with it, which closes it in part. Rules 2.2, 10.3.

use serde::Serialize;
use serde_json::Value;

use super::{
    error::ObjectError,
    finding::{Lint, Violation},
    objects::{self, AnyObject, Identity, Resources},
    reader::{self, Report},
};
use crate::compile::Compiler;

/// An object, and which one it is.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) json: Value,
    pub(crate) identity: Identity,
}

/// What was read of an object.
#[derive(Debug)]
pub(crate) struct ReadObject {
    /// None where its kind is not read, or where it has no name.
    pub(crate) object: Option<AnyObject>,
    pub(crate) lints: Box<[Lint]>,
    pub(crate) violations: Box<[Violation]>,
    /// How many violations were not kept.
    pub(crate) more: usize,
}

impl Object {
    pub(crate) fn new(object: &impl Serialize) -> Result<Self, ObjectError> {
        let json = serde_json::to_value(object).map_err(ObjectError::NotSerialized)?;
        let identity = Identity::of(&json).ok_or(ObjectError::NoName)?;
        Ok(Self { json, identity })
    }

    pub(crate) fn read(&self, compiler: &Compiler) -> Result<ReadObject, ObjectError> {
        let name = self.identity.describe();
        let Some(node) = reader::of_json(&self.json) else { return Err(ObjectError::TooDeep { object: name }) };
        let (mut resources, mut report) = (Resources::default(), Report::new(&name.into(), compiler));
        objects::read(&node, &mut resources, &mut report);
        let (violations, more, lints) = report.into_found();
        match more {
            0 => objects::close_invalid(&mut resources, violations.iter().map(|violation| violation.path())),
            // What the others are about is not known any more.
            _ => objects::close_all(&mut resources),
        }
        Ok(ReadObject { object: resources.into_first(), lints: lints.into(), violations: violations.into(), more })
    }
}
