//! The tower code: a layer, its service, its future. It moves requests and responses, and takes no CORS decision:
//! `decision` does. The [rules](crate::guide::semantics) 5.7 and 5.9 show here.
#![doc = include_str!("../docs/saying.md")]

mod asynchronous;
mod body;
mod errors;
mod event;
mod future;
#[allow(clippy::module_inception, reason = "the file holds the type that the room is named after")]
mod layer;
mod nested;
mod observe;
mod service;
mod shared;
mod trace;
mod warning;

pub use asynchronous::AsyncResponseFuture;
pub use body::{AnswerBody, CorsBody, DefaultBody, WrapBody};
pub use errors::{AnswerErrors, AnswerErrorsFuture, AnswerErrorsLayer};
pub use event::{Difference, Event, Recorded};
pub use future::ResponseFuture;
pub use layer::CorsLayer;
pub use service::Cors;
