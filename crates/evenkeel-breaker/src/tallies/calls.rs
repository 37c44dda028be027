use crate::counts::{Sample, Totals};
use crate::sync::{AtomicU64, Ordering};

/// The last so many verdicts, as bits in a ring; any number of threads count successes.
///
/// Counting a success is one atomic addition, which finds its place, and a look at the bit there. It
/// is written only if a failure of a whole window ago stands there.
#[derive(Debug)]
pub(crate) struct Calls {
    capacity: u64,
    /// 2⁶⁴ by the capacity, rounded up: finds the remainder of a 32-bit number with two
    /// multiplications.
    reciprocal: u64,
    /// The bits of slow calls begin this many words after those of failures; zero if they do not
    /// count.
    slow_after: usize,
    /// How many verdicts were counted since the last clearing; then the bits of failures; then, if
    /// slow calls count, theirs. Apart from the breaker, so that counting leaves its line alone.
    words: Box<[AtomicU64]>,
}

impl Calls {
    pub(crate) fn new(capacity: u32, counts_slow: bool) -> Self {
        let words = usize::try_from(capacity.div_ceil(u64::BITS)).unwrap_or(usize::MAX);
        let slow_after = if counts_slow { words } else { 0 };
        Self {
            capacity: capacity.into(),
            reciprocal: (u64::MAX / u64::from(capacity)).wrapping_add(1),
            slow_after,
            words: (0..=words + slow_after)
                .map(|_| AtomicU64::new(0))
                .collect(),
        }
    }

    #[inline]
    pub(crate) fn succeed(&self) {
        self.record(Sample::success(false));
    }

    #[inline]
    pub(crate) fn record(&self, sample: Sample) {
        let Some(counted) = self.words.first() else {
            return;
        };
        let place = self.place(counted.fetch_add(1, Ordering::Relaxed));
        self.set(1, place, sample.failed);
        if self.slow_after != 0 {
            self.set(1 + self.slow_after, place, sample.slow);
        }
    }

    pub(crate) fn totals(&self) -> Totals {
        let mut words = self.words.iter().map(|word| word.load(Ordering::Relaxed));
        let counted = words.next().unwrap_or_default();
        let ones = |bits: u64| u64::from(bits.count_ones());
        let failed_words = words.len() - self.slow_after;
        Totals {
            samples: counted.min(self.capacity),
            failures: words.by_ref().take(failed_words).map(ones).sum(),
            slow: words.map(ones).sum(),
        }
    }

    pub(crate) fn clear(&self) {
        for word in &self.words {
            word.store(0, Ordering::Relaxed);
        }
    }

    #[inline]
    fn set(&self, first: usize, place: u64, one: bool) {
        let word = usize::try_from(place / 64).map_or(usize::MAX, |word| first + word);
        let Some(word) = self.words.get(word) else {
            return;
        };
        let bit = 1 << (place % 64);
        let is_one = word.load(Ordering::Relaxed) & bit != 0;
        match (is_one, one) {
            (false, true) => drop(word.fetch_or(bit, Ordering::Relaxed)),
            (true, false) => drop(word.fetch_and(!bit, Ordering::Relaxed)),
            (true, true) | (false, false) => {}
        }
    }

    /// `number` modulo the capacity.
    #[inline]
    fn place(&self, number: u64) -> u64 {
        if number > u64::from(u32::MAX) {
            return self.place_by_division(number);
        }
        // By Lemire's method, exact for 32-bit numbers and divisors.
        let fraction = self.reciprocal.wrapping_mul(number);
        // The upper half of a 128-bit product: it fits.
        ((u128::from(fraction) * u128::from(self.capacity)) >> 64) as u64
    }

    #[cold]
    #[inline(never)]
    fn place_by_division(&self, number: u64) -> u64 {
        number.checked_rem(self.capacity).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_the_remainder() {
        for capacity in [1, 2, 3, 7, 10, 64, 100, 128, 1_000, 65_535, 65_536] {
            let calls = Calls::new(capacity, false);
            let edges = [0, 1, 2, 63, 64, 99, 100, 101, 65_535, 65_536, u64::MAX];
            let near = (0..200).map(|n| u64::from(u32::MAX) - 100 + n);
            for number in edges.into_iter().chain(near) {
                assert_eq!(calls.place(number), number % u64::from(capacity));
            }
        }
    }
}
