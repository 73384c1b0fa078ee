//! What the benches share: the scenarios that they measure, and the committed table of their counts.

pub mod counts;
mod scenarios;

pub use scenarios::*;
