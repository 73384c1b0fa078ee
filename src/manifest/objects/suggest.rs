//! What was probably meant. In: a field name or a value that is refused. Out: one that is accepted, where it can be
//! guessed. Rule 2.2.

use crate::{compile::nearest::edit_distance, manifest::reader::Value};

/// How many letters may differ in what counts as a typo.
const MAX_EDITS: usize = 2;

/// What the fields of proxies end in beyond the words of ours: Envoy's `allow_origin_string_match`, Traefik's
/// `accessControlAllowOriginListRegex`, Spring's `allowedOriginPatterns`.
const ENDS: [&str; 5] = ["stringmatch", "regex", "list", "patterns", "seconds"];

/// The name among `known` that `written` was probably meant to be: the same but for case, separators, the lead of the
/// response header's name and the words that proxies add, or else at most two edits away, or else its end.
pub(crate) fn field_name(written: &str, known: &[&str]) -> Option<String> {
    let plain = |name: &str| name.replace(['-', '_'], "").to_ascii_lowercase().replacen("allowed", "allow", 1);
    let written = plain(written);
    let leads = ["accesscontrol", "cors"];
    let led = leads.iter().find_map(|lead| written.strip_prefix(lead)).filter(|rest| rest.len() > 3);
    let mut written = led.unwrap_or(&written);
    while let Some(shorter) = ENDS.iter().find_map(|end| written.strip_suffix(end)).filter(|rest| !rest.is_empty()) {
        written = shorter;
    }
    let near = known.iter().filter_map(|name| Some((edit_distance(written, &plain(name), MAX_EDITS)?, *name)));
    if let Some((_, name)) = near.min_by_key(|(distance, _)| *distance) {
        return Some((*name).to_owned());
    }
    let mut ends = known.iter().filter(|name| written.len() >= 3 && plain(name).ends_with(written));
    let end = ends.next()?;
    ends.next().is_none().then(|| (*end).to_owned())
}

/// The seconds that a duration such as `24h`, `1h30m` or `3600s` stands for, or a number that was written as text.
pub(crate) fn seconds(written: &str) -> Option<u64> {
    let written = written.trim();
    let mut total = 0_u64;
    let mut rest = written;
    while !rest.is_empty() {
        let digits = rest.find(|next: char| !next.is_ascii_digit()).unwrap_or(rest.len());
        let (number, unit) = rest.split_at(digits);
        let number: u64 = number.parse().ok()?;
        let letters = unit.find(|next: char| next.is_ascii_digit()).unwrap_or(unit.len());
        let (unit, next) = unit.split_at(letters);
        let factor = match unit.trim() {
            "" | "s" | "sec" | "seconds" => 1,
            "m" | "min" | "minutes" => 60,
            "h" | "hours" => 3600,
            "d" | "days" => 86_400,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(factor)?)?;
        rest = next;
    }
    (!written.is_empty()).then_some(total)
}

/// The text of Istio's and Envoy's `{exact: https://app.example}`, where an entry is a text by itself.
pub(crate) fn exact<'a>(value: &'a Value<'_>) -> Option<&'a str> {
    let Value::Map(fields) = value else { return None };
    match &**fields {
        [(key, node)] if key.name.as_deref() == Some("exact") => node.as_text(),
        _ => None,
    }
}

/// A list in one text, such as `https://a.example, https://b.example`, as a list.
pub(crate) fn list(written: &str) -> Option<String> {
    let items = written.split(',').map(str::trim).filter(|item| !item.is_empty());
    // To YAML a `*` without quotes is something else.
    let quoted = items.map(|item| if item.starts_with('*') { format!("'{item}'") } else { item.to_owned() });
    let items: Vec<_> = quoted.collect();
    (!items.is_empty()).then(|| format!("[{}]", items.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_names_are_guessed_by_case_and_by_edits() {
        let known = ["allowOrigins", "allowMethods", "maxAge"];
        let rows = [
            ("allowOrigin", Some("allowOrigins")),
            ("allow_origins", Some("allowOrigins")),
            ("AllowMethods", Some("allowMethods")),
            ("maxage", Some("maxAge")),
            ("maxAgee", Some("maxAge")),
            ("origins", Some("allowOrigins")),
            ("Access-Control-Allow-Origin", Some("allowOrigins")),
            ("allow_origin_string_match", Some("allowOrigins")),
            ("accessControlAllowOriginListRegex", Some("allowOrigins")),
            ("allowedOriginPatterns", Some("allowOrigins")),
            ("cors-allow-methods", Some("allowMethods")),
            ("accessControlMaxAge", Some("maxAge")),
            ("exposed", None),
            ("list", None),
        ];
        for (written, meant) in rows {
            assert_eq!(field_name(written, &known).as_deref(), meant, "{written}");
        }
    }

    #[test]
    fn durations_are_guessed_in_seconds() {
        for (written, meant) in [("24h", 86_400), ("1h30m", 5400), ("3600s", 3600), ("600", 600), ("0", 0)] {
            assert_eq!(seconds(written), Some(meant), "{written}");
        }
        for written in ["", "h", "10x", "99999999999999999999h", "-5", "18446744073709551615d"] {
            assert_eq!(seconds(written), None, "{written}");
        }
    }
}
