//! The one place of this crate where chance is drawn.

use crate::Roll;
use crate::roll::{STEP, mix};

/// Where rolls come from.
///
/// [`Dice`] with a seed, [`ThreadDice`] (feature `std`), a generator of `rand` (feature `rand`, in
/// [`Generator`]), or a constant [`Roll`] in a test.
pub trait Chance {
    /// The next roll.
    fn roll(&mut self) -> Roll;
}

/// Always the same: for tests.
impl Chance for Roll {
    fn roll(&mut self) -> Roll {
        *self
    }
}

impl<G: Chance + ?Sized> Chance for &mut G {
    fn roll(&mut self) -> Roll {
        (**self).roll()
    }
}

/// A small generator with a seed: the same seed, the same rolls.
///
/// `SplitMix64`: eight bytes, a period of 2^64, good enough to spread waits and for nothing secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dice {
    state: u64,
}

impl Dice {
    /// The dice of this seed.
    #[must_use]
    pub const fn seeded(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Dice that nobody can foresee: seeded by the operating system, by way of the keys that the
    /// standard library gives its hash maps.
    #[cfg(feature = "std")]
    #[must_use]
    pub fn random() -> Self {
        Self::seeded(system_seed())
    }
}

impl Chance for Dice {
    #[inline]
    fn roll(&mut self) -> Roll {
        self.state = self.state.wrapping_add(STEP);
        Roll::from_bits(mix(self.state))
    }
}

/// Dice with a seed that clones share: each clone rolls on where the last one rolled, so that no two
/// calls see the same rolls. The seed decides which rolls there are; where several threads roll,
/// the scheduler decides who gets which.
#[cfg(feature = "std")]
#[derive(Clone, Debug)]
pub struct SharedDice {
    state: std::sync::Arc<core::sync::atomic::AtomicU64>,
}

#[cfg(feature = "std")]
impl SharedDice {
    /// The dice of this seed: alone, they roll what [`Dice::seeded`] rolls.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        let state = std::sync::Arc::new(seed.into());
        Self { state }
    }
}

#[cfg(feature = "std")]
impl Chance for SharedDice {
    fn roll(&mut self) -> Roll {
        let before = self
            .state
            .fetch_add(STEP, core::sync::atomic::Ordering::Relaxed);
        Dice::seeded(before).roll()
    }
}

/// The dice of the thread that rolls: seeded once in each thread, at its first roll.
#[cfg(feature = "std")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThreadDice;

#[cfg(feature = "std")]
impl Chance for ThreadDice {
    #[inline]
    fn roll(&mut self) -> Roll {
        use std::cell::Cell;

        std::thread_local! {
            /// Zero until the first roll: a state that comes up once in 2^64 rolls, and then costs
            /// a new seed.
            static STATE: Cell<u64> = const { Cell::new(0) };
        }
        STATE.with(|state| {
            let mut dice = match state.get() {
                0 => Dice::random(),
                seeded => Dice::seeded(seeded),
            };
            let roll = dice.roll();
            state.set(dice.state);
            roll
        })
    }
}

#[cfg(feature = "std")]
#[cold]
fn system_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};

    // The keys differ by one within a thread, which the hash spreads over all bits.
    RandomState::new().hash_one(STEP)
}

/// A generator of the crate `rand`, as a source of rolls.
///
/// ```
/// use core::time::Duration;
/// use evenkeel_backoff::{Curve, Generator};
/// use rand::{SeedableRng, rngs::SmallRng};
///
/// let curve = Curve::constant(Duration::from_secs(1));
/// let replayed = || curve.delays(Generator(SmallRng::seed_from_u64(7))).take(8);
/// assert!(replayed().eq(replayed()));
/// ```
#[cfg(feature = "rand")]
#[derive(Clone, Debug)]
pub struct Generator<R>(pub R);

#[cfg(feature = "rand")]
impl<R: rand::Rng> Chance for Generator<R> {
    #[inline]
    fn roll(&mut self) -> Roll {
        Roll::draw(&mut self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_published_numbers_of_splitmix64() {
        let mut dice = Dice::seeded(1_234_567);
        let rolls = [dice.roll(), dice.roll(), dice.roll()].map(Roll::bits);
        let published = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
        ];
        assert_eq!(rolls, published);
    }

    #[cfg(feature = "std")]
    #[test]
    fn clones_of_shared_dice_roll_on_and_not_again() {
        let (mut alone, mut one) = (Dice::seeded(7), SharedDice::seeded(7));
        let mut other = one.clone();
        let rolls = [one.roll(), other.roll(), one.clone().roll()];
        assert_eq!(rolls, [alone.roll(), alone.roll(), alone.roll()]);
    }

    #[cfg(feature = "std")]
    #[test]
    fn two_threads_and_two_random_dice_roll_differently() {
        let here = ThreadDice.roll();
        let there = std::thread::spawn(|| ThreadDice.roll()).join().unwrap();
        assert_ne!(here, there);
        assert_ne!(here, ThreadDice.roll());
        assert_ne!(Dice::random(), Dice::random());
    }
}
