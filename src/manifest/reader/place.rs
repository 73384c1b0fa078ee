//! Where in a text something stands.

/// Line and column, from 1. A file has at most 32 MiB, and each value of it a place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl From<serde_saphyr::Location> for Place {
    fn from(location: serde_saphyr::Location) -> Self {
        let short = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        Self { line: short(location.line()), column: short(location.column()) }
    }
}
