//! From text to typed values that know where they stand. In: a file. Out: a tree of YAML, read field by field, and a
//! [`Report`] of everything that is of another type than it should be. It knows no kind of object. Rule 2.2.

mod excerpts;
mod fields;
mod json;
mod merge;
mod parts;
mod place;
mod plain;
mod syntax;
mod yaml;

pub(crate) use excerpts::Excerpts;
pub(crate) use fields::{Field, Grammar, MAX_VIOLATIONS, Object, Report, short};
pub(crate) use json::of_json;
pub(crate) use place::Place;
pub(crate) use syntax::SyntaxError;
pub(crate) use yaml::{MAX_FILE, Node, Value, read, read_whole};
