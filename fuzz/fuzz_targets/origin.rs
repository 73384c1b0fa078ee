//! The pattern parser and the matcher against a slow reference, which is written from rules 2.4 to 2.7 and 3.1 to 3.4
//! on strings. In: a pattern, a newline, the bytes of an `Origin` header.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tower_cors::{
    CorsPolicy,
    origin::{Origin, OriginPattern},
};

fuzz_target!(|input: &[u8]| {
    let end = input.iter().position(|&byte| byte == b'\n').unwrap_or(input.len());
    let (pattern, origin) = (&input[..end], input.get(end + 1..).unwrap_or_default());

    let parsed_origin = Origin::parse(origin);
    let reference_origin = std::str::from_utf8(origin).ok().and_then(|origin| Parts::read(origin, false));
    assert_eq!(parsed_origin.is_some(), reference_origin.is_some(), "origin {:?}", origin.escape_ascii().to_string());

    let Ok(pattern) = std::str::from_utf8(pattern) else { return };
    let reference_pattern = reference_pattern(pattern);
    let parsed_pattern = OriginPattern::parse(pattern);
    assert_eq!(parsed_pattern.is_ok(), reference_pattern.is_some(), "pattern {pattern:?}: {parsed_pattern:?}");
    let compiled = CorsPolicy::new().allow_origins([pattern]).compile();
    assert_eq!(compiled.is_ok(), pattern == "*" || parsed_pattern.is_ok(), "policy {pattern:?}");
    let (Ok(parsed_pattern), Some(reference_pattern), Ok(compiled)) = (parsed_pattern, reference_pattern, compiled)
    else {
        return;
    };

    // The canonical form means the same.
    let canonical = parsed_pattern.to_string();
    let again = OriginPattern::parse(&canonical).unwrap();
    assert_eq!(again.to_string(), canonical);

    // Chance hardly ever writes an origin near the pattern, so these are tried beside the one of the input.
    let Parts { scheme, host, port } = &reference_pattern;
    let host = host.trim_start_matches('*').trim_start_matches('.');
    let near = ["", "x", "x.", "x.y.", "."].map(|before| format!("{scheme}://{before}{host}"));
    let near = near.iter().flat_map(|origin| ["", ".x", "x", "/", ":*", ":1"].map(|after| format!("{origin}{after}")));
    let near: Vec<_> = near.map(|origin| origin.replace(":*", &format!(":{port}")).into_bytes()).collect();
    for origin in near.iter().map(Vec::as_slice).chain([origin]) {
        let parsed = Origin::parse(origin);
        let reference = std::str::from_utf8(origin).ok().and_then(|origin| Parts::read(origin, false));
        let expected = reference.is_some_and(|origin| reference_pattern.stands_for(&origin));
        let shown = origin.escape_ascii();
        assert_eq!(parsed.is_some_and(|origin| parsed_pattern.matches(&origin)), expected, "{pattern:?} {shown}");
        assert_eq!(parsed.is_some_and(|origin| again.matches(&origin)), expected, "{canonical:?} {shown}");
        assert_eq!(compiled.allows_origin(origin), expected, "policy {pattern:?} {shown}");
        if let Some(parsed) = parsed.filter(|_| expected) {
            assert!(compiled.allows_origin(parsed.as_str()), "{pattern:?} {shown}, as a browser writes it");
        }
    }
});

/// An origin, or a pattern of some: scheme, host, effective port.
struct Parts {
    scheme: String,
    host: String,
    port: String,
}

impl Parts {
    /// 3.4; a pattern may have a `*` for its host, its first label or its port.
    fn read(text: &str, pattern: bool) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let is_scheme = scheme.starts_with(|first: char| first.is_ascii_lowercase())
            && scheme.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c));
        let host_end = rest.find(']').map_or_else(|| rest.find(':').unwrap_or(rest.len()), |end| end + 1);
        let (host, port) = rest.split_at(host_end);
        let is_shell = ["", "."].contains(&rest) && !["http", "https"].contains(&scheme) && !is_opaque(scheme);
        let port = match port.strip_prefix(':') {
            None if port.is_empty() => own_port(scheme).to_owned(),
            None => return None,
            Some("*") if pattern => "*".to_owned(),
            Some(port) => {
                port.parse::<u16>().ok().filter(|number| *number > 0 && number.to_string() == port)?.to_string()
            }
        };
        let is_host = match host.strip_prefix("*.") {
            // 2.6
            _ if is_shell || (pattern && host == "*") => true,
            Some(parent) if pattern => is_name(parent) && !ends_in_number(parent),
            _ => is_ipv6(host) || (is_name(host) && (!ends_in_number(host) || is_ipv4(host))),
        };
        (is_scheme && is_host && host.len() <= 253).then(|| Self {
            scheme: scheme.to_owned(),
            host: host.to_owned(),
            port,
        })
    }

    /// 3.1 to 3.3
    fn stands_for(&self, origin: &Self) -> bool {
        let host = match self.host.strip_prefix('*') {
            Some(parent) => origin.host.ends_with(parent) && origin.host != parent,
            None => origin.host == self.host,
        };
        host && self.scheme == origin.scheme && (self.port == "*" || self.port == origin.port)
    }
}

/// 2.4 to 2.7
fn reference_pattern(text: &str) -> Option<Parts> {
    let parts = Parts::read(&text.to_ascii_lowercase(), true)?;
    let is_web = ["http", "https"].contains(&parts.scheme.as_str());
    let is_exact = !parts.host.contains('*') && parts.port != "*";
    let fits_dns = parts.host.starts_with('[') || parts.host.split('.').all(|label| label.len() <= 63);
    (!is_opaque(&parts.scheme) && (is_web || is_exact) && fits_dns).then_some(parts)
}

/// 2.7
fn is_opaque(scheme: &str) -> bool {
    ["file", "data", "blob", "about", "javascript"].contains(&scheme)
}

fn own_port(scheme: &str) -> &'static str {
    match scheme {
        "https" => "443",
        "http" => "80",
        _ => "",
    }
}

fn is_name(host: &str) -> bool {
    let is_label_char = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
    host.split('.').all(|label| !label.is_empty() && label.chars().all(is_label_char))
}

/// The URL standard's "ends in a number checker".
fn ends_in_number(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default();
    let is_hex = |digits: &str| digits.chars().all(|c| c.is_ascii_hexdigit());
    last.chars().all(|c| c.is_ascii_digit()) || last.strip_prefix("0x").is_some_and(is_hex)
}

fn is_ipv4(host: &str) -> bool {
    host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.to_string() == host)
}

/// An IPv6 address as the URL standard prints it: of all ways to leave out a run of zeros, the first longest.
fn is_ipv6(host: &str) -> bool {
    let Some(inner) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) else { return false };
    let Ok(address) = inner.parse::<std::net::Ipv6Addr>() else { return false };
    let groups = address.segments().map(|group| format!("{group:x}"));
    let mut printed = groups.join(":");
    'found: for length in (2..=8).rev() {
        for start in 0..=8 - length {
            if groups[start..start + length].iter().all(|group| group == "0") {
                printed = format!("{}::{}", groups[..start].join(":"), groups[start + length..].join(":"));
                break 'found;
            }
        }
    }
    printed == inner
}
