//! What was probably meant. In: an entry that is refused. Out: an entry that is accepted, where one can be guessed.

use super::punycode;
use crate::{
    headers,
    origin::{self, OriginPattern},
    violation::ViolationKind,
};

/// Whether somebody wrote a regular expression in the place of an origin.
pub(super) fn is_regular_expression(text: &str) -> bool {
    // A label that is just `*` is a misplaced wildcard; a dot and a star anywhere else repeat something.
    let repeats = text.match_indices(".*").any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + 2..]);
        before.is_empty() || before.ends_with('/') || !(after.is_empty() || after.starts_with(['.', ':', '/']))
    });
    let escapes = text.match_indices('\\').any(|(at, _)| text[at + 1..].starts_with(['.', '/', '-', 'd', 'w']));
    let is_anchored = text.starts_with('^') || text.ends_with('$');
    repeats
        || escapes
        || is_anchored
        || text.contains(['(', '|'])
        || ["?://", ".+", "]+"].iter().any(|part| text.contains(part))
}

/// The origin that was probably meant by `text`, which was refused for `kind`.
pub(super) fn origin(text: &str, kind: &ViolationKind) -> Option<String> {
    let guess = match kind {
        ViolationKind::OriginScheme => with_scheme(text),
        ViolationKind::OriginRegularExpression => without_expression(text),
        ViolationKind::OriginNotAscii => in_punycode(text)?,
        ViolationKind::OriginWhitespace => text.chars().filter(char::is_ascii_graphic).collect(),
        ViolationKind::OriginPath if text.contains("///") || text.matches("://").nth(1).is_some() => with_scheme(text),
        ViolationKind::OriginPath | ViolationKind::OriginQuery | ViolationKind::OriginUserInfo => only_origin(text),
        // Quotes and brackets around the whole.
        ViolationKind::OriginInvalidScheme | ViolationKind::OriginHostCharacter => {
            text.trim_matches(['\'', '"', '`', '<', '>', '[', ']']).to_owned()
        }
        ViolationKind::OriginPort => {
            let (start, port) = text.rsplit_once(':')?;
            let port = port.trim_start_matches(['0', '+']);
            if text.ends_with(':') { start.to_owned() } else { format!("{start}:{port}") }
        }
        ViolationKind::OriginEmptyLabel => text.replace("://.", "://*.").trim_end_matches('.').replace("..", "."),
        ViolationKind::OriginWildcard => {
            let (scheme, rest) = text.split_once("://")?;
            let scheme = if scheme.contains('*') { "https" } else { scheme };
            let labels = rest.trim_start_matches(['*', '.']);
            format!("{scheme}://{}{labels}", if labels.len() < rest.len() { "*." } else { "" })
        }
        ViolationKind::OriginIpv6 if !text.contains(['[', ']']) => {
            let (scheme, address) = text.split_once("://")?;
            format!("{scheme}://{}", origin::compressed_ipv6(&format!("[{address}]"))?)
        }
        ViolationKind::OriginIpv6 => {
            let (start, end) = (text.find('[')?, text.rfind(']')? + 1);
            format!("{}{}{}", &text[..start], origin::compressed_ipv6(text.get(start..end)?)?, &text[end..])
        }
        _ => return None,
    };
    let pattern = OriginPattern::parse(&guess).ok()?;
    // Every site is too much to guess.
    let is_too_wide = pattern.is_any_host() && *kind == ViolationKind::OriginEmptyLabel;
    (!is_too_wide).then(|| pattern.to_string())
}

/// The header name that was probably meant: without a value, without quotes and white space around it.
pub(super) fn header_name(text: &str) -> Option<String> {
    let name = text.split_once(':').map_or(text, |(name, _)| name);
    let name = name.trim().trim_matches(['"', '\'']).replace([' ', '_'], "-");
    (name != text && headers::is_token(name.as_bytes())).then_some(name)
}

fn with_scheme(text: &str) -> String {
    let mut rest = text;
    while let Some(shorter) = ["https:", "http:", "/", "\\", ":"].iter().find_map(|lead| rest.strip_prefix(lead)) {
        rest = shorter;
    }
    let is_local = rest.starts_with("localhost") || rest.starts_with("127.") || rest.starts_with("[::1]");
    let was_http = text.starts_with("http:");
    only_origin(&format!("{}://{rest}", if is_local || was_http { "http" } else { "https" }))
}

fn in_punycode(text: &str) -> Option<String> {
    let origin = if text.contains("://") { only_origin(text) } else { with_scheme(text) };
    let (scheme, rest) = origin.split_once("://")?;
    let (host, port) = rest.split_at(rest.find(':').unwrap_or(rest.len()));
    Some(format!("{scheme}://{}{port}", punycode::host(host)?))
}

/// Cuts the path, the query, the fragment and the user info.
fn only_origin(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or(rest);
    let host = authority.rsplit('@').next().unwrap_or(authority);
    format!("{scheme}://{host}")
}

/// Reads the commonest expressions back: anchors, an escaped dot, something repeated in the place of labels.
fn without_expression(text: &str) -> String {
    let mut plain = text.trim_start_matches('^').trim_end_matches('$').replace("\\.", ".").replace("\\/", "/");
    for repeated in ["(.*)", "(.+)", "[^.]+", "[^.]*", ".*", ".+", "[a-z0-9-]+", "[a-z]+", "[\\w-]+", "\\w+"] {
        plain = plain.replace(repeated, "*");
    }
    plain = plain.replace("(*.)?", "*.").replace("https?", "https").replace("://*", "://*.");
    plain.replace("..", ".").trim_end_matches('.').to_owned()
}
