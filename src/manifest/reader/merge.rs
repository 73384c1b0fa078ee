//! The merge keys of YAML 1.1: `<<: {..}`, or a list of maps, whose fields a map has where it has none of its own by that
//! name. In: a document. Out: the same without them, in linear time, however deep they stand in one another.

use std::collections::HashSet;

use super::{
    place::Place,
    syntax::{self, SyntaxError},
    yaml::{Key, Node, Value},
};

type Fields<'a> = Box<[(Key<'a>, Node<'a>)]>;

/// How many fields a map may have that merges others.
const MAX_FIELDS: usize = 10_000;

/// Takes the fields of what is merged over into the maps that merge it.
pub(crate) fn expand(node: &mut Node<'_>) -> Result<(), SyntaxError> {
    match &mut node.value {
        Value::List(items) => items.iter_mut().try_for_each(expand),
        Value::Map(fields) => {
            if fields.iter().any(|(key, _)| key.is_merge()) {
                *fields = merged(std::mem::take(fields))?;
            }
            fields.iter_mut().try_for_each(|(_, value)| expand(value))
        }
        _ => Ok(()),
    }
}

/// The fields of a map, then those of what it merges, and of what that merges, each name's first alone. What is merged is
/// walked once, by the outermost map: each level by itself would copy all that is below it.
fn merged(fields: Fields<'_>) -> Result<Fields<'_>, SyntaxError> {
    let mut kept = Vec::with_capacity(fields.len());
    let mut sources = Vec::new();
    for (key, value) in fields {
        if key.is_merge() {
            sources.push(value);
        } else {
            kept.push((key, value));
        }
    }
    let mut names: HashSet<Box<str>> = kept.iter().filter_map(|(key, _)| key.name.as_deref().map(Box::from)).collect();
    // The last one comes next.
    sources.reverse();
    while let Some(Node { value, place }) = sources.pop() {
        match value {
            Value::Map(fields) if kept.len() + fields.len() > MAX_FIELDS => return Err(too_many(place)),
            Value::List(maps) if maps.len() > MAX_FIELDS => return Err(too_many(place)),
            Value::Map(fields) => {
                let mut merged = Vec::new();
                for (key, value) in fields {
                    match &key.name {
                        _ if key.is_merge() => merged.push(value),
                        Some(name) if !names.insert((**name).into()) => {}
                        _ => kept.push((key, value)),
                    }
                }
                sources.extend(merged.into_iter().rev());
            }
            Value::List(maps) => sources.extend(maps.into_iter().rev()),
            Value::Null => {}
            _ => return Err(SyntaxError { place, sentence: "<< takes a map, or a list of maps".into() }),
        }
    }
    Ok(kept.into())
}

fn too_many(place: Place) -> SyntaxError {
    SyntaxError { place, sentence: syntax::TOO_MANY_MERGED.into() }
}
