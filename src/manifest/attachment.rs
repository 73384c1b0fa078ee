//! What is attached to what, and the policies that result. In: objects. Out: [`LoadedRoutes`]: a route table whose rules have
//! their policies, and lints on what only shows when everything is known. Rules 7.1 to 7.12, 8.3, 8.4, 8.6 to 8.8.

mod build;
mod changes;
mod conditions;
mod effective;
mod graph;
mod in_effect;
mod limits;
mod listeners;
mod loaded;
mod names;
mod scope;
mod settings;
mod targets;
mod unattached;

pub(crate) use build::{build, keep_latest};
pub use changes::Change;
pub(crate) use conditions::statuses;
pub use conditions::{Condition, ObjectStatus, StatusEntry, StatusReference};
pub(crate) use effective::Outcomes;
pub(crate) use in_effect::InEffect;
pub use loaded::LoadedRoutes;
pub(crate) use loaded::Stacks;
pub(crate) use scope::Scope;
