//! Membership in `Vary`. Rule 6.3.

use http::{HeaderMap, header};

use super::list::elements;

/// Whether the response varies on `name` already: a member with that name, in any case, or `*` (6.3).
pub(crate) fn varies_on(headers: &HeaderMap, name: &str) -> bool {
    headers
        .get_all(header::VARY)
        .iter()
        .flat_map(|line| elements(line.as_bytes()))
        .any(|member| member == b"*" || member.eq_ignore_ascii_case(name.as_bytes()))
}
