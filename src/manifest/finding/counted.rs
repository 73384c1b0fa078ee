//! Lints of which many are alike: more than twenty of one code on one object are told as one, with their number. In: lints,
//! each with what it is counted with. Out: the lints that are told, in their order.

use std::{collections::HashMap, hash::Hash};

use super::Lint;

/// How many lints of one code on one object are told one by one.
const MAX_ALIKE: usize = 20;

/// Lints on objects, counted by code and object.
pub(in crate::manifest) type ObjectLints = Counted<(&'static str, Box<str>)>;

/// Lints, and how many there are of each group.
#[derive(Debug)]
pub(in crate::manifest) struct Counted<K> {
    /// None in the place of those that another one is told for.
    lints: Vec<Option<Lint>>,
    groups: HashMap<K, Group>,
}

/// The lints of one group, by their places.
#[derive(Debug, Default)]
struct Group {
    places: Vec<usize>,
    number: usize,
}

impl<K> Default for Counted<K> {
    fn default() -> Self {
        Self { lints: Vec::new(), groups: HashMap::new() }
    }
}

impl<K: Eq + Hash> Counted<K> {
    /// Adds a lint of which an object can't have many.
    pub(in crate::manifest) fn add_single(&mut self, lint: Lint) {
        self.lints.push(Some(lint));
    }

    /// Adds a lint that is counted with those of the same group.
    pub(in crate::manifest) fn add(&mut self, group: K, lint: Lint) {
        let group = self.groups.entry(group).or_default();
        group.number += 1;
        if group.number <= MAX_ALIKE {
            group.places.push(self.lints.len());
            self.lints.push(Some(lint));
        }
    }

    /// Tells each group that has grown too large as one lint, and begins new groups.
    pub(in crate::manifest) fn end_groups(&mut self) {
        for Group { places, number } in self.groups.drain().map(|(_, group)| group) {
            if number <= MAX_ALIKE {
                continue;
            }
            let mut first = None;
            for at in places.into_iter().rev() {
                first = self.lints.get_mut(at).and_then(Option::take).map(|lint| (at, lint));
            }
            if let Some((at, lint)) = first
                && let Some(place) = self.lints.get_mut(at)
            {
                *place = Some(lint.counted(number));
            }
        }
    }

    /// The lints that are told.
    pub(in crate::manifest) fn into_lints(mut self) -> Vec<Lint> {
        self.end_groups();
        self.lints.into_iter().flatten().collect()
    }
}

impl ObjectLints {
    /// Adds a lint on an object.
    pub(in crate::manifest) fn add_to(&mut self, object: &str, lint: Lint) {
        self.add((lint.code(), object.into()), lint);
    }
}

impl<K> From<Vec<Lint>> for Counted<K> {
    /// Lints that are counted already.
    fn from(lints: Vec<Lint>) -> Self {
        Self { lints: lints.into_iter().map(Some).collect(), groups: HashMap::new() }
    }
}
