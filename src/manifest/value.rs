//! Objects that a program has in memory. In: what serializes as an API server writes it. Out: the typed object, and what is
//! wrong with it, which closes it in part. Rules 2.2, 10.3.

use serde::Serialize;
use serde_json::Value;

use super::{
    error::ObjectError,
    finding::{Lint, Violation},
    objects::{self, Identity, Resources},
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
    /// This object alone; nothing where its kind is not read.
    pub(crate) resources: Resources,
    pub(crate) lints: Vec<Lint>,
    pub(crate) violations: Vec<Violation>,
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
        let Report { lints, violations, .. } = report;
        objects::close_invalid(&mut resources, violations.iter().map(|violation| violation.path()));
        resources.shrink_to_fit();
        Ok(ReadObject { resources, lints, violations })
    }
}
