//! How far two texts are apart, to find what somebody had in mind. For messages only.

/// The letters to add, drop or change to make one text of the other; none where it takes more than `limit`.
pub(crate) fn edit_distance(left: &[u8], right: &[u8], limit: usize) -> Option<usize> {
    if left.len().abs_diff(right.len()) > limit {
        return None;
    }
    let same_start = left.iter().zip(right).take_while(|(left, right)| left == right).count();
    let (left, right) = (left.get(same_start..)?, right.get(same_start..)?);
    let same_end = left.iter().rev().zip(right.iter().rev()).take_while(|(left, right)| left == right).count();
    let (left, right) = (left.get(..left.len() - same_end)?, right.get(..right.len() - same_end)?);
    // One row of the usual table at a time, given up once every way costs too much.
    let mut row = (0..=right.len()).collect::<Vec<_>>();
    for (at, letter) in left.iter().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        next.push(at + 1);
        for (pair, other) in row.windows(2).zip(right) {
            let changed = pair.first()? + usize::from(letter != other);
            let added = next.last()? + 1;
            next.push(changed.min(added).min(pair.last()? + 1));
        }
        if next.iter().all(|&distance| distance > limit) {
            return None;
        }
        row = next;
    }
    row.last().copied().filter(|&distance| distance <= limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_letter_added_dropped_or_changed_counts_one() {
        let rows = [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("abc", "xyz", 3),
            ("kitten", "sitting", 3),
            ("methods", "method", 1),
            ("flaw", "lawn", 2),
            ("ab", "ba", 2),
            ("abcdef", "bcdefg", 2),
        ];
        for (left, right, distance) in rows {
            let found = |limit| edit_distance(left.as_bytes(), right.as_bytes(), limit);
            assert_eq!(found(9), Some(distance), "{left:?} {right:?}");
            assert_eq!(found(distance), Some(distance), "{left:?} {right:?}");
            assert_eq!(distance.checked_sub(1).and_then(found), None, "{left:?} {right:?}");
        }
    }
}
