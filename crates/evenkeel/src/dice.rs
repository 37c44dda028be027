//! The one place of this crate where chance is drawn.

use std::sync::{Mutex, PoisonError};

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

/// The generator of a client, shared by its clones. Seeded by the operating system unless a test
/// gives a seed.
#[derive(Debug)]
pub(crate) struct Dice {
    generator: Mutex<SmallRng>,
}

impl Dice {
    pub(crate) fn random() -> Self {
        Self {
            generator: Mutex::new(rand::make_rng()),
        }
    }

    pub(crate) fn seeded(seed: u64) -> Self {
        Self {
            generator: Mutex::new(SmallRng::seed_from_u64(seed)),
        }
    }

    /// 64 random bits.
    pub(crate) fn bits(&self) -> u64 {
        // A generator has no state that a panic elsewhere could leave half-made.
        self.generator
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .next_u64()
    }
}
