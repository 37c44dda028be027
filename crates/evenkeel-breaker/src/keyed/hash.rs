use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

/// The hash of a [`KeyedSet`](super::KeyedSet) by default: one multiplication for eight bytes of the
/// key, from a seed that the operating system draws for each set.
///
/// A fifth of what the standard library's hash costs, which resists those who choose keys so that
/// they collide and can see how long a lookup takes. Whoever found out the seed of this one could make a
/// lookup look at every key of the set; since the set is bounded, that is the
/// [capacity](super::KeyedSet::capacity) at most. Where that is too much, give
/// [`with_hasher`](super::KeyedSet::with_hasher) a `RandomState`.
#[derive(Clone, Debug)]
pub struct KeyHash {
    seed: u64,
}

/// The hasher that [`KeyHash`] builds.
#[derive(Clone, Debug)]
pub struct KeyHasher {
    state: u64,
}

/// The fraction of π, of which no digit was chosen.
const MULTIPLIER: u64 = 0x243F_6A88_85A3_08D3;

impl Default for KeyHash {
    fn default() -> Self {
        Self {
            seed: RandomState::new().hash_one(0),
        }
    }
}

impl BuildHasher for KeyHash {
    type Hasher = KeyHasher;

    #[inline]
    fn build_hasher(&self) -> KeyHasher {
        KeyHasher { state: self.seed }
    }
}

impl KeyHasher {
    /// Both halves of the product: each bit of the hash depends on every bit of the state.
    #[inline]
    const fn fold(&mut self, word: u64) {
        let product = (self.state ^ word) as u128 * MULTIPLIER as u128;
        #[expect(clippy::cast_possible_truncation, reason = "its lower half is meant")]
        let folded = (product ^ product >> 64) as u64;
        self.state = folded.wrapping_add(MULTIPLIER);
    }
}

impl Hasher for KeyHasher {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.fold(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            let last = rest.iter().rev();
            self.fold(last.fold(rest.len() as u64, |word, byte| word << 8 | u64::from(*byte)));
        }
    }

    #[inline]
    fn write_u8(&mut self, n: u8) {
        self.fold(n.into());
    }

    #[inline]
    fn write_u16(&mut self, n: u16) {
        self.fold(n.into());
    }

    #[inline]
    fn write_u32(&mut self, n: u32) {
        self.fold(n.into());
    }

    #[inline]
    fn write_u64(&mut self, n: u64) {
        self.fold(n);
    }

    #[inline]
    fn write_usize(&mut self, n: usize) {
        self.fold(n as u64);
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.state
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::hash::BuildHasher;

    use super::*;

    #[test]
    fn keys_that_differ_in_one_byte_or_in_where_they_are_cut_do_not_collide() {
        let hash = KeyHash { seed: 7 };
        let mut seen = HashSet::new();
        for length in 0..24 {
            let plain = "a".repeat(length);
            assert!(seen.insert(hash.hash_one(&plain)), "{plain}");
            for place in 0..length {
                let mut other = plain.clone();
                other.replace_range(place..=place, "b");
                assert!(seen.insert(hash.hash_one(&other)), "{other}");
            }
        }
        assert_ne!(hash.hash_one(("ab", "c")), hash.hash_one(("a", "bc")));
    }

    #[test]
    fn numbers_in_a_row_spread_over_both_ends_of_the_hash() {
        let hash = KeyHash { seed: 7 };
        let hashes = (0..4_096_u32).map(|n| hash.hash_one(n));
        let (mut low, mut high) = ([0_u32; 64], [0_u32; 64]);
        for it in hashes {
            low[usize::try_from(it % 64).unwrap()] += 1;
            high[usize::try_from(it >> 58).unwrap()] += 1;
        }
        for count in low.into_iter().chain(high) {
            assert!((20..=120).contains(&count), "{count} of 64 expected");
        }
    }

    #[test]
    fn two_sets_hash_alike_only_by_chance() {
        assert_ne!(KeyHash::default().seed, KeyHash::default().seed);
    }
}
