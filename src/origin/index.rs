//! An open-addressing hash table of indices into a list that somebody else owns. In: the hash of each entry. Out: the
//! entries whose hash collides with a key's, for the owner to compare. Rule 3.8.
//!
//! It holds 4 bytes a slot and no text of its own, so 100,000 origins cost 10.5 bytes each beside the policy that
//! spells them; a `HashSet<Box<str>>` would cost 40 and the text a second time.

use std::hash::{BuildHasher, RandomState};

/// Hashes a key in a table's own way: the seed differs from table to table, so nobody can prepare colliding origins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seed(u64);

impl Seed {
    #[inline(never)]
    pub(crate) fn random() -> Self {
        Self(RandomState::new().hash_one(0_u8))
    }

    /// The hash of `key`, eight bytes at a time by folded multiplication; `salt` separates kinds of keys.
    #[inline]
    pub(crate) fn hash(self, salt: u64, key: &[u8]) -> u64 {
        let mut state = self.0 ^ salt.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ key.len() as u64;
        let (words, rest) = key.as_chunks::<8>();
        for word in words {
            state = fold(state ^ u64::from_le_bytes(*word));
        }
        // The last eight bytes once more, overlapping, are cheaper than collecting the rest one by one.
        let last = match key.last_chunk::<8>() {
            Some(last) => u64::from_le_bytes(*last),
            None => rest.iter().fold(0, |word, &byte| word << 8 | u64::from(byte)),
        };
        fold(state ^ last)
    }
}

#[inline]
fn fold(word: u64) -> u64 {
    let product = u128::from(word) * 0x2545_f491_4f6c_dd1d;
    (product as u64) ^ (product >> 64) as u64
}

/// The table: linear probing, at most half full. A slot is 0 when empty; else its low bits hold the entry's number from
/// 1, and what bits are left hold bits of its hash, so that hardly any other entry is ever compared.
#[derive(Clone, Debug)]
pub(crate) struct Index {
    slots: Box<[u32]>,
    /// The bits of a slot that hold the entry.
    entry_bits: u32,
}

impl Index {
    /// A table with room for `entries`, each of them less than `bound`.
    #[inline(never)]
    pub(crate) fn with_room_for(entries: usize, bound: usize) -> Self {
        let slots = if entries == 0 { 0 } else { (entries * 2).next_power_of_two() };
        // All ones up to the highest bit of `bound`, which is the largest number that a slot may hold.
        let entry_bits = u32::try_from(bound).ok().and_then(|bound| u32::MAX.checked_shr(bound.leading_zeros()));
        let entry_bits = entry_bits.unwrap_or(u32::MAX);
        Self { slots: vec![0; slots].into_boxed_slice(), entry_bits }
    }

    /// The first entry with this hash that `is` the one sought.
    #[inline]
    pub(crate) fn find(&self, hash: u64, is: impl Fn(usize) -> bool) -> Option<usize> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut slot = hash as usize & mask;
        loop {
            let held = self.slots[slot];
            let entry = (held & self.entry_bits).checked_sub(1)? as usize;
            if (held ^ tag(hash)) & !self.entry_bits == 0 && is(entry) {
                return Some(entry);
            }
            slot = (slot + 1) & mask;
        }
    }

    /// Adds an entry. The table never fills up: it was made with room for every entry, twice.
    #[inline(never)]
    pub(crate) fn insert(&mut self, hash: u64, entry: usize) {
        let Some(mask) = self.slots.len().checked_sub(1) else { return };
        let mut slot = hash as usize & mask;
        while self.slots[slot] != 0 {
            slot = (slot + 1) & mask;
        }
        self.slots[slot] = (tag(hash) & !self.entry_bits) | (entry as u32 + 1);
    }
}

/// The half of a hash that does not choose the slot.
fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32
}
