//! The metadata that all objects share. Rules 7.2, 7.6.

use std::time::{Duration, SystemTime};

use super::{
    grammar,
    model::{InheritedPriority, Meta},
};
use crate::manifest::{
    finding::ViolationKind,
    reader::{Field, Object, Report},
};

/// The namespace of an object that names none.
pub(crate) const DEFAULT_NAMESPACE: &str = "default";

const INHERITED_PRIORITY: &str = "kgateway.dev/inherited-policy-priority";

/// Reads the metadata of an object.
pub(crate) fn read(object: &Object<'_>, report: &mut Report) -> Option<Meta> {
    let metadata = object.require("metadata", report)?.object(report)?;
    let name = metadata.require("name", report);
    let position = report.position(name.as_ref().map_or(metadata.place(), |name| name.node.place));
    let name = name.and_then(|name| name.text_as(grammar::OBJECT_NAME, report));
    let namespace = metadata.text_as("namespace", grammar::NAMESPACE, report);
    let created = metadata.get("creationTimestamp", report).and_then(|field| created(&field, report));
    let inherited_priority = inherited_priority(&metadata, report);
    Some(Meta {
        namespace: namespace.unwrap_or(DEFAULT_NAMESPACE).to_owned(),
        name: name?.to_owned(),
        created,
        inherited_priority,
        position,
    })
}

fn inherited_priority(metadata: &Object<'_>, report: &mut Report) -> Option<InheritedPriority> {
    let annotations = metadata.get("annotations", report)?.object(report)?;
    let field = annotations.get(INHERITED_PRIORITY, report)?;
    match field.text(report)? {
        "ShallowMergePreferChild" => Some(InheritedPriority::ShallowMergePreferChild),
        "ShallowMergePreferParent" => Some(InheritedPriority::ShallowMergePreferParent),
        "DeepMergePreferChild" => Some(InheritedPriority::DeepMergePreferChild),
        "DeepMergePreferParent" => Some(InheritedPriority::DeepMergePreferParent),
        _ => {
            let expected = "ShallowMergePreferChild, ShallowMergePreferParent, DeepMergePreferChild or \
                            DeepMergePreferParent";
            report.violate(&field, ViolationKind::InvalidValue { expected });
            None
        }
    }
}

fn created(field: &Field<'_>, report: &mut Report) -> Option<SystemTime> {
    let created = timestamp(field.text(report)?);
    if created.is_none() {
        report.violate(field, ViolationKind::InvalidValue { expected: "a time such as 2026-01-31T12:00:00Z" });
    }
    created
}

/// Reads a time as RFC 3339 writes it.
fn timestamp(text: &str) -> Option<SystemTime> {
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let at = time.find(['Z', 'z', '+', '-'])?;
    let (clock, zone) = time.split_at(at);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = numbers(clock, ':', [2, 2, 2])?;
    let is_valid = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second <= 60;
    if !is_valid || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let offset = match zone {
        "Z" | "z" => 0,
        _ => {
            let [hours, minutes] = numbers(zone.get(1..)?, ':', [2, 2])?;
            let minutes = hours * 60 + minutes;
            if zone.starts_with('-') { -minutes } else { minutes }
        }
    };
    let nanoseconds: u32 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    let seconds = days(year, month, day) * 86_400 + hour * 3600 + (minute - offset) * 60 + second;
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let start =
        if seconds < 0 { SystemTime::UNIX_EPOCH.checked_sub(whole) } else { SystemTime::UNIX_EPOCH.checked_add(whole) };
    start?.checked_add(Duration::from_nanos(nanoseconds.into()))
}

/// The numbers of these many digits between separators.
fn numbers<const N: usize>(text: &str, separator: char, digits: [usize; N]) -> Option<[i64; N]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; N];
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part = parts.next()?;
        if part.len() != digits || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

/// Days since 1970-01-01 in the Gregorian calendar, counted in years that begin in March, so that a leap day comes last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_rfc_3339_writes_them() {
        let seconds = |text: &str| {
            let time = timestamp(text)?;
            Some(time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs())
        };
        assert_eq!(seconds("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(seconds("2000-02-29T12:00:00Z"), Some(951_825_600));
        assert_eq!(seconds("2026-01-31T12:00:00.5Z"), Some(1_769_860_800));
        assert_eq!(seconds("2026-01-31T14:00:00+02:00"), Some(1_769_860_800));
        assert_eq!(seconds("2026-01-31T11:30:00-00:30"), Some(1_769_860_800));
        assert_eq!(seconds("2026-01-31t23:59:60z"), Some(1_769_904_000));
        assert_eq!(seconds("1999-12-31T23:59:59Z"), Some(946_684_799));
        assert_eq!(seconds("2100-03-01T00:00:00Z"), Some(4_107_542_400));
        let before = SystemTime::UNIX_EPOCH - Duration::from_secs(86_400);
        assert_eq!(timestamp("1969-12-31T00:00:00Z"), Some(before));
        assert_eq!(timestamp("1970-01-01T00:00:00.25Z"), Some(SystemTime::UNIX_EPOCH + Duration::from_millis(250)));
        for text in ["2026-01-31T24:00:00Z", "2026-01-31T12:60:00Z", "2026-01-31T12:00:61Z", "2026-01-32T12:00:00Z"] {
            assert_eq!(seconds(text), None, "{text:?}");
        }
        for text in ["", "2026-01-31", "2026-13-01T00:00:00Z", "2026-01-31T12:00:00", "yesterday", "2026-1-1T0:0:0Z"] {
            assert_eq!(seconds(text), None, "{text:?}");
        }
    }
}
