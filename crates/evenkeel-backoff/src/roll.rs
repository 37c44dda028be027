use core::time::Duration;

use crate::nanos;

/// One draw of chance: 64 random bits, handed in by the caller.
///
/// Machines never draw for themselves, so a test replays a run by replaying its rolls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roll(u64);

impl Roll {
    /// The smallest roll: every wait is as short as its range allows.
    pub const LOWEST: Self = Self(0);

    /// The largest roll: every wait is as long as its range allows.
    pub const HIGHEST: Self = Self(u64::MAX);

    /// A roll of these bits, which must be uniformly distributed.
    #[must_use]
    #[inline]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Draws one from a generator of `rand`.
    #[cfg(feature = "rand")]
    #[must_use]
    pub fn draw(generator: &mut (impl rand::Rng + ?Sized)) -> Self {
        Self(generator.next_u64())
    }

    /// The bits.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// A duration of `0..=most`, every nanosecond as likely as the others.
    ///
    /// Durations beyond 584 years count as 584 years.
    #[must_use]
    #[inline]
    pub fn within(self, most: Duration) -> Duration {
        Duration::from_nanos(self.up_to(nanos::of(most)))
    }

    /// A number of `0..=most`, every one as likely as the others.
    #[inline]
    pub(crate) const fn up_to(self, most: u64) -> u64 {
        // The high half of the product with `most + 1`, which need not fit into 64 bits itself.
        let (most, bits) = (most as u128, self.0 as u128);
        ((most * bits + bits) >> u64::BITS) as u64
    }

    /// Two rolls that are independent for our purposes, from the one that was drawn.
    ///
    /// The second is the first, mixed. The ends of the range stay the ends, so that [`Roll::LOWEST`] and [`Roll::HIGHEST`] mean what they say.
    #[must_use]
    pub const fn split(self) -> (Self, Self) {
        if self.0 == 0 || self.0 == u64::MAX {
            return (self, self);
        }
        (self, Self(mix(self.0.wrapping_add(STEP))))
    }
}

/// The step of `SplitMix64`: an odd number near the golden ratio of 2^64.
pub(crate) const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// The mixing of `SplitMix64` (Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators", 2014).
#[inline]
pub(crate) const fn mix(state: u64) -> u64 {
    let mut z = state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_ends_of_the_range_are_reached() {
        let most = Duration::from_nanos(7);
        assert_eq!(Roll::LOWEST.within(most), Duration::ZERO);
        assert_eq!(Roll::HIGHEST.within(most), most);
        assert_eq!(
            Roll::HIGHEST.within(Duration::MAX),
            Duration::from_nanos(u64::MAX)
        );
    }

    proptest! {
        #[test]
        fn a_roll_never_leaves_its_range(bits: u64, nanos: u64) {
            let most = Duration::from_nanos(nanos);
            prop_assert!(Roll::from_bits(bits).within(most) <= most);
        }

        #[test]
        fn a_larger_roll_never_gives_a_shorter_wait(a: u64, b: u64, nanos: u64) {
            let most = Duration::from_nanos(nanos);
            let (low, high) = (a.min(b), a.max(b));
            prop_assert!(Roll::from_bits(low).within(most) <= Roll::from_bits(high).within(most));
        }
    }
}
