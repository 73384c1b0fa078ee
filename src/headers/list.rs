//! Comma-separated lists (RFC 9110, section 5.6.1), and how much of one is read. Rules 4.7 to 4.9.

use std::iter;

use http::{HeaderValue, header::GetAll};

use super::token::{TCHARS, is_token};

/// The longest list of requested headers, and the longest requested method, that is read: 8 KiB (4.7, 4.9).
pub(crate) const MAX_LIST_BYTES: usize = 8 * 1024;
/// The most names of a list of requested headers that are read (4.9).
pub(crate) const MAX_LIST_NAMES: usize = 256;

/// The elements of a comma-separated list, trimmed; empty ones are left out (RFC 9110, section 5.6.1).
pub(crate) fn elements(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|&byte| byte == b',').map(<[u8]>::trim_ascii).filter(|element| !element.is_empty())
}

/// The elements of a list that are tokens other than `*`. A browser's list takes one look at each byte.
fn names(mut list: &[u8]) -> impl Iterator<Item = &[u8]> {
    iter::from_fn(move || {
        while !list.is_empty() {
            let end = list.iter().position(|&byte| !TCHARS[usize::from(byte)]).unwrap_or(list.len());
            // In a browser's list the comma follows at once.
            let (name, end) = match list.get(end) {
                Some(b',') | None => (&list[..end], end),
                Some(_) => token_between_spaces(list),
            };
            list = list.get(end + 1..).unwrap_or_default();
            if !name.is_empty() && name != b"*" {
                return Some(name);
            }
        }
        None
    })
}

/// The first element of a list, empty unless it is a token with nothing but spaces around it, and where it ends.
#[cold]
fn token_between_spaces(list: &[u8]) -> (&[u8], usize) {
    let end = list.iter().position(|&byte| byte == b',').unwrap_or(list.len());
    let token = list[..end].trim_ascii();
    (if is_token(token) { token } else { b"" }, end)
}

/// The list of requested headers, which several lines may spell, longer than 4.9 permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ListTooLong;

/// The names that `lines` list, joined with `", "`; none where they name nothing.
///
/// Invalid names and `*` are dropped: what is echoed into a response is made of valid tokens only (4.8).
pub(crate) fn join_names(lines: GetAll<'_, HeaderValue>) -> Result<Option<HeaderValue>, ListTooLong> {
    let bytes = lines.iter().map(HeaderValue::len).sum::<usize>();
    if bytes > MAX_LIST_BYTES {
        return Err(ListTooLong);
    }
    if bytes == 0 {
        return Ok(None);
    }
    // Shorter lists have no room for so many. Longer ones are rare: to count first costs them a second reading, and takes
    // what is refused from 28,588 instructions to 11,067 (8 KiB of `a,`).
    let can_be_too_many = bytes + lines.iter().count() > 2 * MAX_LIST_NAMES;
    if can_be_too_many && lines.iter().flat_map(|line| names(line.as_bytes())).nth(MAX_LIST_NAMES).is_some() {
        return Err(ListTooLong);
    }
    // Each comma may become a comma and a space, and each line but the first gains both.
    let mut joined = Vec::with_capacity(bytes + 2 * MAX_LIST_NAMES.min(bytes));
    for line in lines.iter() {
        for name in names(line.as_bytes()) {
            if !joined.is_empty() {
                joined.extend_from_slice(b", ");
            }
            joined.extend_from_slice(name);
        }
    }
    // Tokens, commas and spaces always make a header value.
    Ok(if joined.is_empty() { None } else { HeaderValue::try_from(joined).ok() })
}
