use core::iter::FusedIterator;
use core::time::Duration;

use crate::curve::NO_WAIT_BEFORE;
use crate::{Chance, Curve};

/// The waits of one [`Curve`], one after the other, without end: [`Curve::delays`].
///
/// Holds its own chance: two sessions from one curve draw different numbers, unless they are given
/// the same seed.
#[derive(Clone, Debug)]
#[must_use = "an iterator does nothing until it is asked"]
pub struct Delays<G> {
    curve: Curve,
    retry: u32,
    previous: u64,
    chance: G,
}

impl<G> Delays<G> {
    pub(crate) const fn new(curve: Curve, chance: G) -> Self {
        Self {
            curve,
            retry: 1,
            previous: NO_WAIT_BEFORE,
            chance,
        }
    }
}

impl<G: Chance> Iterator for Delays<G> {
    type Item = Duration;

    #[inline]
    fn next(&mut self) -> Option<Duration> {
        let roll = self.chance.roll();
        let wait = self.curve.draw(self.retry, self.previous, roll);
        self.retry = self.retry.saturating_add(1);
        self.previous = wait;
        Some(Duration::from_nanos(wait))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::MAX, None)
    }
}

impl<G: Chance> FusedIterator for Delays<G> {}

impl<G> Delays<G> {
    /// Starts over: the next wait is that of a first retry.
    pub const fn restart(&mut self) {
        self.retry = 1;
        self.previous = NO_WAIT_BEFORE;
    }

    /// The longest wait that can come next.
    #[must_use]
    pub fn next_ceiling(&self) -> Duration {
        Duration::from_nanos(self.curve.range(self.retry, self.previous).highest)
    }
}
