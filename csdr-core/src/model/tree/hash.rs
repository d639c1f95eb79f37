//! How keys are hashed: quickly, as most maps are small and are looked into often.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    sync::LazyLock,
};

/// Hashes the keys of a [`TreeMap`](super::TreeMap).
///
/// The numbers behind it are drawn once for each process, so that nobody can write an object whose keys all fall together.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeyHashing;

/// Where hashes begin, and the odd number that they are multiplied with.
static SECRET: LazyLock<(u64, u64)> = LazyLock::new(|| {
    let random = RandomState::new();
    (random.hash_one(1), random.hash_one(2) | 1)
});

impl BuildHasher for KeyHashing {
    type Hasher = KeyHasher;

    fn build_hasher(&self) -> KeyHasher {
        let (state, factor) = *SECRET;
        KeyHasher { state, factor }
    }
}

/// The hash of one key, being made.
#[derive(Clone, Debug)]
pub struct KeyHasher {
    state: u64,
    factor: u64,
}

impl KeyHasher {
    /// Both halves of a product of 128 bits, one over the other: every bit comes to depend on every other.
    fn mix(&mut self, word: u64) {
        let product = u128::from(self.state ^ word) * u128::from(self.factor);
        self.state = (product as u64) ^ ((product >> 64) as u64);
    }
}

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.mix(u64::from_le_bytes(*word));
        }
        let last = rest.iter().fold(rest.len() as u64, |word, byte| {
            (word << 8) | u64::from(*byte)
        });
        self.mix(last);
    }

    /// The end of a text: it says nothing beside the length.
    fn write_u8(&mut self, byte: u8) {
        self.state ^= u64::from(byte);
    }

    fn finish(&self) -> u64 {
        self.state
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn keys_fall_apart() {
        let keys = (0..10_000).flat_map(|number| {
            [
                format!("key-{number}"),
                format!("{number}"),
                "a".repeat(number % 100),
            ]
        });
        let keys: BTreeSet<String> = keys.collect();
        let hashes: BTreeSet<u64> = keys.iter().map(|key| KeyHashing.hash_one(key)).collect();
        assert_eq!(hashes.len(), keys.len());
        // The bits by which a table chooses a place.
        let places: BTreeSet<u64> = hashes.iter().map(|hash| hash % 65_536).collect();
        assert!(places.len() > hashes.len() * 3 / 5, "{}", places.len());
    }
}
