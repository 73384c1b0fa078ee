//! What was probably meant. In: an entry that is refused. Out: an entry that is accepted, where one can be guessed.
//!
//! Every program carries this file and few ever run it, so it keeps to searches that compile to little.

use std::net::{IpAddr, Ipv6Addr};

use crate::{
    finding::{HostError, ViolationKind},
    headers::{self, METHODS},
    host::Ipv6Host,
    origin::{OriginPattern, split_scheme},
    policy::list::ANY,
};

const QUOTES: &str = "'\"`<>[]";

/// Whether a regular expression stands in the place of an origin.
fn is_regular_expression(text: &str) -> bool {
    // A label that is just `*` is a misplaced wildcard; a dot and a star anywhere else repeat something.
    let bytes = text.as_bytes();
    let reads_as_one = |(at, &byte): (usize, &u8)| match (byte, &bytes[at + 1..]) {
        (b'.', [b'*', after @ ..]) => {
            at == 0 || bytes[at - 1] == b'/' || !matches!(after, [] | [b'.' | b':' | b'/', ..])
        }
        (b'\\', [b'.' | b'/' | b'-' | b'd' | b'w', ..]) | (b'?', [b':', b'/', b'/', ..]) => true,
        (b'.' | b']', [b'+', ..]) | (b'(' | b'|', _) => true,
        _ => false,
    };
    text.starts_with('^') || text.ends_with('$') || bytes.iter().enumerate().any(reads_as_one)
}

/// What is wrong with an entry of `allowOrigins` that was refused for `kind`, where its author had something else in mind
/// than an origin.
#[cold]
pub(super) fn kind_of_origin(text: &str, kind: ViolationKind) -> ViolationKind {
    let is_word = |words: &[&str]| headers::one_of(trimmed(text, QUOTES, QUOTES), words);
    match kind {
        _ if text.as_bytes().windows(2).any(|pair| pair == b"{{" || pair == b"${") => ViolationKind::OriginTemplate,
        _ if is_word(&["self", "same-origin"]) => ViolationKind::OriginSelf,
        _ if is_word(&["any", "all"]) => ViolationKind::OriginWord,
        _ if is_regular_expression(text) => ViolationKind::OriginRegularExpression,
        kind => kind,
    }
}

/// The origin that was probably meant by `text`, which was refused for `kind`.
#[cold]
pub(super) fn origin(text: &str, kind: &ViolationKind) -> Option<String> {
    if is_network(text) {
        return None;
    }
    let guess = match kind {
        ViolationKind::OriginWord => return Some(ANY.to_owned()),
        ViolationKind::OriginScheme => with_scheme(text),
        ViolationKind::OriginRegularExpression => without_expression(text),
        ViolationKind::OriginWhitespace => text.chars().filter(char::is_ascii_graphic).collect(),
        ViolationKind::OriginPath if has_two_schemes(text) => with_scheme(text),
        ViolationKind::OriginPath | ViolationKind::OriginQuery | ViolationKind::OriginUserInfo => only_origin(text),
        // Quotes and brackets around the whole.
        ViolationKind::OriginInvalidScheme | ViolationKind::Host(HostError::Character) => {
            trimmed(text, QUOTES, QUOTES).to_owned()
        }
        ViolationKind::OriginPort => {
            let (start, port) = text.split_at(text.bytes().rposition(|byte| byte == b':')? + 1);
            if port.is_empty() { trimmed(start, "", ":").to_owned() } else { [start, trimmed(port, "0+", "")].concat() }
        }
        ViolationKind::Host(HostError::EmptyLabel | HostError::LeadingDot | HostError::TrailingDot) => {
            rewritten(trimmed(text, "", "."), &[("://.", "://*."), ("..", ".")])
        }
        ViolationKind::Host(HostError::Wildcard) => {
            let (scheme, rest) = split_scheme(text)?;
            let scheme = if scheme.contains('*') { "https" } else { scheme };
            let labels = trimmed(rest, "*.", "");
            format!("{scheme}://{}{labels}", if labels.len() < rest.len() { "*." } else { "" })
        }
        ViolationKind::Host(HostError::Ipv6) => {
            let (scheme, rest) = split_scheme(text)?;
            // In brackets, with what follows them; or all of it.
            let rest = trimmed(rest, "[", "");
            let (address, port) = rest.split_at(rest.find(']').unwrap_or(rest.len()));
            let address = address.parse::<Ipv6Addr>().ok()?;
            format!("{scheme}://{}{}", Ipv6Host(address), trimmed(port, "]", ""))
        }
        _ => return None,
    };
    let pattern = OriginPattern::parse(&guess).ok()?;
    // Every site is too much to guess, and no host at all is not what a dot too many means.
    let has_host = pattern.host().is_some_and(|host| !host.is_empty());
    let is_about_dots =
        matches!(kind, ViolationKind::Host(HostError::EmptyLabel | HostError::LeadingDot | HostError::TrailingDot));
    (has_host || !is_about_dots).then(|| pattern.to_string())
}

/// Whether a network was written, such as `10.0.0.0/8`. Its first address is not what was meant.
fn is_network(text: &str) -> bool {
    let rest = split_scheme(text).map_or(text, |(_, rest)| rest);
    let Some((address, length)) = rest.split_once('/') else { return false };
    let address = trimmed(address, "[", "]");
    !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit()) && address.parse::<IpAddr>().is_ok()
}

/// The header name that was probably meant: without a value, without quotes and white space around it.
#[cold]
pub(super) fn header_name(text: &str) -> Option<String> {
    let (name, _) = text.split_once(':').unwrap_or((text, ""));
    let name = rewritten(trimmed(name, " \t\"'", " \t\"'"), &[(" ", "-"), ("_", "-")]);
    (name != text && headers::is_token(name.as_bytes())).then_some(name)
}

/// The method that was probably meant: without quotes and white space around it, in upper case, with a letter or two
/// corrected.
#[cold]
pub(super) fn method(text: &str) -> Option<String> {
    let plain = trimmed(text, " \t\r\n'\"[]", " \t\r\n'\"[]").to_ascii_uppercase();
    if matches!(plain.as_str(), "ALL" | "ANY") {
        return Some(ANY.to_owned());
    }
    let known = METHODS.contains(&plain.as_str()).then_some(plain.as_str());
    let meant = known.or_else(|| METHODS.into_iter().find(|known| is_near(plain.as_bytes(), known.as_bytes())))?;
    (meant != text).then(|| meant.to_owned())
}

/// Whether two texts are the same but for one letter, or for two that have changed places.
#[inline(never)]
fn is_near(left: &[u8], right: &[u8]) -> bool {
    let start = left.iter().zip(right).take_while(|(left, right)| left == right).count();
    let (left, right) = (&left[start..], &right[start..]);
    let end = left.iter().rev().zip(right.iter().rev()).take_while(|(left, right)| left == right).count();
    match (&left[..left.len() - end], &right[..right.len() - end]) {
        ([_] | [], [_] | []) => true,
        ([first, second], [other, another]) => first == another && second == other,
        _ => false,
    }
}

/// The origin with the web's scheme in the place of one that no page's origin has: of a WebSocket, of files that are
/// fetched, or mistyped.
#[cold]
pub(super) fn web_origin(pattern: &OriginPattern) -> Option<String> {
    let scheme = pattern.scheme();
    let meant = match scheme {
        "ws" => "http",
        "wss" | "ftp" => "https",
        _ => ["https", "http"].into_iter().find(|web| is_near(scheme.as_bytes(), web.as_bytes()))?,
    };
    let origin = pattern.to_string();
    Some([meant, origin.get(scheme.len()..)?].concat())
}

#[inline(never)]
fn with_scheme(text: &str) -> String {
    let mut rest = text;
    let leads = ["https:", "http:", "https/", "http/", "/", "\\", ":"];
    while let Some(shorter) = leads.iter().find_map(|lead| rest.strip_prefix(lead)) {
        rest = shorter;
    }
    let is_local = rest.starts_with("localhost") || rest.starts_with("127.") || rest.starts_with("[::1]");
    let was_http = text.starts_with("http:") || text.starts_with("http/");
    only_origin(&format!("{}://{rest}", if is_local || was_http { "http" } else { "https" }))
}

/// Cuts the path, the query, the fragment and the user info.
#[inline(never)]
fn only_origin(text: &str) -> String {
    let Some((scheme, rest)) = split_scheme(text) else { return text.to_owned() };
    let end = rest.bytes().position(|byte| b"/?#\\".contains(&byte)).unwrap_or(rest.len());
    let start = rest[..end].bytes().rposition(|byte| byte == b'@').map_or(0, |at| at + 1);
    format!("{scheme}://{}", &rest[start..end])
}

/// Reads the commonest expressions back: anchors, an escaped dot, something repeated in the place of labels.
fn without_expression(text: &str) -> String {
    let plain = rewritten(trimmed(text, "^", "$"), &EXPRESSIONS);
    trimmed(&plain, "", ".").to_owned()
}

static EXPRESSIONS: [(&str, &str); 16] = [
    ("\\.", "."),
    ("\\/", "/"),
    ("(.*)", "*"),
    ("(.+)", "*"),
    ("[^.]+", "*"),
    ("[^.]*", "*"),
    (".*", "*"),
    (".+", "*"),
    ("[a-z0-9-]+", "*"),
    ("[a-z]+", "*"),
    ("[\\w-]+", "*"),
    ("\\w+", "*"),
    ("(*.)?", "*."),
    ("https?", "https"),
    ("://*", "://*."),
    ("..", "."),
];

/// Makes the replacements, one after the other.
fn rewritten(text: &str, replacements: &[(&str, &str)]) -> String {
    replacements.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// The text without the characters of `start` before it, and without those of `end` behind it, which are all ASCII.
fn trimmed<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    // The search of `str` for a character is 2 KB of code (`benches/size.rs`).
    let is_of = |set: &str, character: char| set.bytes().any(|byte| char::from(byte) == character);
    text.trim_start_matches(|first| is_of(start, first)).trim_end_matches(|last| is_of(end, last))
}

/// Two schemes, or one with too many slashes.
fn has_two_schemes(text: &str) -> bool {
    split_scheme(text).is_some_and(|(_, rest)| rest.starts_with('/') || split_scheme(rest).is_some())
}
