//! The hash table that requests are looked up in. It holds 4 bytes for each entry, the place in a list that somebody else
//! owns, so 100,000 origins cost 6.6 bytes each beside the policy that spells them; a `HashSet<Box<str>>` would cost 40 and
//! the text a second time. In: the bytes of a key. Out: a place. Rule 3.8.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

/// Places in a list, by the hash of a key of what stands there.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    seed: Seed,
    by_hash: HashTable<u32>,
}

impl Places {
    #[inline(never)]
    pub(crate) fn with_capacity(count: usize) -> Self {
        Self { seed: Seed(RandomState::new().hash_one(0_u8)), by_hash: HashTable::with_capacity(count) }
    }

    /// The first place with the hash of `key` that `is` the one sought.
    #[inline]
    pub(crate) fn find(&self, key: &[u8], is: impl Fn(usize) -> bool) -> Option<usize> {
        self.by_hash.find(self.seed.hash(key), |&at| is(at as usize)).map(|&at| at as usize)
    }

    /// Adds the place `at`. Where the table grows, `hash_of` gives the hashes of the keys that are there.
    #[inline(never)]
    pub(crate) fn insert(&mut self, key: &[u8], at: usize, hash_of: &dyn Fn(Seed, usize) -> u64) {
        let seed = self.seed;
        // No list has 2^32 entries: their texts take 100 GB. By a reference, the function is compiled once for all tables.
        self.by_hash.insert_unique(seed.hash(key), at as u32, |&other| hash_of(seed, other as usize));
    }
}

/// Hashes keys in a table's own way: the seed differs from table to table, so that nobody who may add an origin or a
/// hostname to a policy can choose names that collide.
///
/// A look-up of an origin of 33 bytes takes 142 instructions in all, its hash included, among one origin and among 100,000 (callgrind).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seed(u64);

impl Seed {
    /// The hash of `key`, eight bytes at a time by folded multiplication.
    #[inline]
    pub(crate) fn hash(self, key: &[u8]) -> u64 {
        let mut state = self.0 ^ key.len() as u64;
        let mut rest = key;
        while let Some((word, others)) = rest.split_first_chunk::<8>() {
            state = fold(state ^ u64::from_le_bytes(*word));
            rest = others;
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
