//! Schemes: where one ends, those of the web, and those whose pages have no origin. Rules 2.4, 2.6, 2.7.

use crate::headers::one_of;

/// What stands before and after the first `://`.
///
/// The search of `str` for a text of several bytes is 1.2 KB of code wherever it is compiled, so it is compiled here alone.
#[inline(never)]
pub(crate) fn split_scheme(text: &str) -> Option<(&str, &str)> {
    text.split_once("://")
}

/// Whether a scheme in lower case is one of those that may have wildcards and that manifests may name (2.4).
pub(super) fn is_web(scheme: &[u8]) -> bool {
    matches!(scheme, b"http" | b"https")
}

/// Whether pages of a scheme, in any case, send the origin `null` (HTML, origin; 2.7).
pub(super) fn is_opaque(scheme: &str) -> bool {
    one_of(scheme, &["file", "data", "blob", "about", "javascript"])
}
