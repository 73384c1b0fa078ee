//! A value that a program has in memory as the tree that files are read into. In: JSON. Out: the same without places.

use serde_json::Value as Json;

use super::{
    place::Place,
    syntax::MAX_DEPTH,
    yaml::{Key, Node, Text, Value},
};

/// What stands in no text has no place.
const NOWHERE: Place = Place { line: 0, column: 0 };

/// The tree of a value; none where values stand in one another deeper than in a file.
pub(crate) fn of_json(json: &Json) -> Option<Node<'_>> {
    of_json_to(MAX_DEPTH, json)
}

fn of_json_to(depth: usize, json: &Json) -> Option<Node<'_>> {
    let depth = depth.checked_sub(1)?;
    let value = match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => match number.as_i128() {
            Some(integer) => Value::from(integer),
            None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::Text(Text::Borrowed(text)),
        Json::Array(items) => Value::List(items.iter().map(|item| of_json_to(depth, item)).collect::<Option<_>>()?),
        Json::Object(fields) => {
            let field = |(name, value)| {
                let key = Key { name: Some(Text::Borrowed(String::as_str(name))), place: NOWHERE };
                Some((key, of_json_to(depth, value)?))
            };
            Value::Map(fields.iter().map(field).collect::<Option<_>>()?)
        }
    };
    Some(Node { value, place: NOWHERE })
}
