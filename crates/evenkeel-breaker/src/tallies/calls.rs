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
    /// How many verdicts were counted since the last clearing; then the bits of failures; then, if
    /// slow calls count, theirs. Apart from the breaker, so that counting leaves its line alone.
    words: Box<[AtomicU64]>,
}

/// The parts of [`Calls::words`].
struct Parts<'a> {
    counted: &'a AtomicU64,
    failed: &'a [AtomicU64],
    slow: &'a [AtomicU64],
}

impl Calls {
    pub(crate) fn new(capacity: u32, counts_slow: bool) -> Self {
        let words = capacity.div_ceil(u64::BITS) * if counts_slow { 2 } else { 1 };
        Self {
            capacity: capacity.into(),
            reciprocal: (u64::MAX / u64::from(capacity)).wrapping_add(1),
            words: (0..=words).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    #[inline]
    pub(crate) fn succeed(&self) {
        self.record(Sample::success(false));
    }

    #[inline]
    pub(crate) fn record(&self, sample: Sample) {
        let Some(parts) = self.parts() else { return };
        let place = self.place(parts.counted.fetch_add(1, Ordering::Relaxed));
        set(parts.failed, place, sample.failed);
        if !parts.slow.is_empty() {
            set(parts.slow, place, sample.slow);
        }
    }

    pub(crate) fn totals(&self) -> Totals {
        let ones = |bits: &[AtomicU64]| {
            let ones = |word: &AtomicU64| u64::from(word.load(Ordering::Relaxed).count_ones());
            bits.iter().map(ones).sum()
        };
        self.parts().map_or_else(Totals::default, |parts| Totals {
            samples: parts.counted.load(Ordering::Relaxed).min(self.capacity),
            failures: ones(parts.failed),
            slow: ones(parts.slow),
        })
    }

    pub(crate) fn clear(&self) {
        for word in &self.words {
            word.store(0, Ordering::Relaxed);
        }
    }

    #[inline]
    fn parts(&self) -> Option<Parts<'_>> {
        let (counted, bits) = self.words.split_first()?;
        let words = usize::try_from(self.capacity.div_ceil(u64::BITS.into())).ok()?;
        let (failed, slow) = bits.split_at_checked(words)?;
        Some(Parts {
            counted,
            failed,
            slow,
        })
    }

    /// `number` modulo the capacity.
    #[inline]
    fn place(&self, number: u64) -> u64 {
        if number > u64::from(u32::MAX) {
            return number % self.capacity;
        }
        // By Lemire's method, exact for 32-bit numbers and divisors.
        let fraction = self.reciprocal.wrapping_mul(number);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the upper half of a 128-bit product fits"
        )]
        let place = ((u128::from(fraction) * u128::from(self.capacity)) >> 64) as u64;
        place
    }
}

#[inline]
fn set(bits: &[AtomicU64], place: u64, one: bool) {
    let Some(word) = usize::try_from(place / 64).ok().and_then(|at| bits.get(at)) else {
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
