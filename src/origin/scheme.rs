//! Schemes: where one ends, those of the web, and those whose pages have no origin. Rules 2.4, 2.6, 2.7.

/// Whether a scheme in lower case is one of those that may have wildcards and that manifests may name (2.4).
pub(super) fn is_web(scheme: &[u8]) -> bool {
    matches!(scheme, b"http" | b"https")
}

/// Whether pages of a scheme, in any case, send the origin `null` (HTML, origin; 2.7).
pub(super) fn is_opaque(scheme: &[u8]) -> bool {
    const OPAQUE: [&[u8]; 5] = [b"file", b"data", b"blob", b"about", b"javascript"];
    OPAQUE.iter().any(|opaque| scheme.eq_ignore_ascii_case(opaque))
}
