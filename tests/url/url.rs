//! The crate `url` as a second opinion.

/// The origin of a URL as `url` prints it, and as this crate reads it.
mod origins;
