//! What the lists of a policy have in common: a `*` stands for everything, alone, and no entry is repeated. Rules 2.4, 2.8,
//! 2.9, 7.5.

use std::collections::HashSet;

/// The entry that stands for everything.
pub(crate) const ANY: &str = "*";

/// Whether a list is `*`, alone as it stands in a valid policy.
pub(crate) fn is_any(list: &[String]) -> bool {
    matches!(list, [only] if only == ANY)
}

/// Whether a list has a `*`, be it alone or not.
pub(crate) fn contains_any(list: &[String]) -> bool {
    list.iter().any(|entry| entry == ANY)
}

/// Adds the entries that a list does not have yet, in order. Entries whose meaning is spelled the same count as one, and a
/// `*` covers all others.
pub(crate) fn unite<'a>(
    list: &mut Vec<String>,
    entries: impl IntoIterator<Item = &'a str>,
    meaning: impl Fn(&str) -> String,
) {
    if contains_any(list) {
        return;
    }
    let mut seen = list.iter().map(|entry| meaning(entry)).collect::<HashSet<_>>();
    for entry in entries {
        if entry == ANY {
            *list = vec![ANY.to_owned()];
            return;
        }
        if seen.insert(meaning(entry)) {
            list.push(entry.to_owned());
        }
    }
}
