//! The one place of this crate where chance is drawn.

use core::cell::Cell;
use core::hash::BuildHasher;
use std::collections::hash_map::RandomState;

/// 64 random bits, from dice of this thread that the operating system seeded: `SplitMix64`, good
/// enough to spread waits and for nothing secret.
pub(crate) fn roll() -> u64 {
    std::thread_local! {
        /// Zero until the first roll: a state that comes up once in 2⁶⁴ rolls, and then costs a new
        /// seed.
        static STATE: Cell<u64> = const { Cell::new(0) };
    }
    STATE.with(|state| {
        let seeded = match state.get() {
            0 => RandomState::new().hash_one(0),
            seeded => seeded,
        };
        let next = seeded.wrapping_add(0x9E37_79B9_7F4A_7C15);
        state.set(next);
        let mixed = (next ^ (next >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn two_rolls_and_two_threads_differ() {
        let here = super::roll();
        assert_ne!(here, super::roll());
        assert_ne!(here, std::thread::spawn(super::roll).join().unwrap());
    }
}
