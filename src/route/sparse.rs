//! A map by text that most of its owners leave empty: then it takes eight bytes and no hash. In: texts with values. Out:
//! the value of a text. A cluster has ten thousand hosts, and most of them one path.

use std::collections::{HashMap, hash_map::Entry};

#[derive(Clone, Debug)]
#[expect(clippy::box_collection, reason = "it takes eight bytes where there is none")]
pub(super) struct Sparse<V>(Option<Box<HashMap<Box<str>, V>>>);

impl<V> Default for Sparse<V> {
    fn default() -> Self {
        Self(None)
    }
}

impl<V> Sparse<V> {
    #[inline]
    pub(super) fn get(&self, text: &str) -> Option<&V> {
        self.0.as_ref()?.get(text)
    }

    /// The text as the map keeps it.
    pub(super) fn key(&self, text: &str) -> Option<&str> {
        self.0.as_ref()?.get_key_value(text).map(|(text, _)| &**text)
    }

    pub(super) fn entry(&mut self, text: &str) -> Entry<'_, Box<str>, V> {
        self.0.get_or_insert_default().entry(text.into())
    }

    pub(super) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |map| map.len())
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(|map| map.keys().map(|text| &**text))
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &V> {
        self.0.iter().flat_map(|map| map.values())
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.0.iter_mut().flat_map(|map| map.values_mut())
    }

    /// Gives back the room that was kept for more.
    pub(super) fn seal(&mut self) {
        self.0.iter_mut().for_each(|map| map.shrink_to_fit());
    }
}
