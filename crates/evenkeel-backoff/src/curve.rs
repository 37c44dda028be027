use std::num::NonZeroU32;
use std::time::Duration;

use crate::Roll;

/// How the longest wait before a retry grows with the number of the retry.
///
/// Total: any `Duration` and any retry number give a wait; sums and products saturate.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_backoff::Curve;
///
/// let curve = Curve::exponential(Duration::from_secs(2)).cap(Duration::from_secs(30));
/// assert_eq!(curve.ceiling(1), Duration::from_secs(2));
/// assert_eq!(curve.ceiling(3), Duration::from_secs(8));
/// assert_eq!(curve.ceiling(u32::MAX), Duration::from_secs(30));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Curve {
    base: Duration,
    cap: Duration,
    growth: Growth,
    jitter: Jitter,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Growth {
    None,
    Doubling,
}

/// How much of a wait is left to chance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Jitter {
    /// The whole wait: uniform from zero to the ceiling. The default, because callers that fail
    /// together then come back spread over the whole range (Brooker, "Exponential Backoff And
    /// Jitter", 2015).
    #[default]
    Full,
    /// None: every wait is its ceiling. Callers that fail together come back together.
    None,
}

impl Curve {
    /// Ceilings of `base`, twice `base`, four times `base`, …; no cap until [`cap`](Self::cap) sets
    /// one; full jitter.
    #[must_use]
    pub const fn exponential(base: Duration) -> Self {
        Self {
            base,
            cap: Duration::MAX,
            growth: Growth::Doubling,
            jitter: Jitter::Full,
        }
    }

    /// The same ceiling before every retry; full jitter.
    #[must_use]
    pub const fn constant(wait: Duration) -> Self {
        Self {
            base: wait,
            cap: Duration::MAX,
            growth: Growth::None,
            jitter: Jitter::Full,
        }
    }

    /// No ceiling is above `cap`; the jitter is drawn below it.
    #[must_use]
    pub const fn cap(mut self, cap: Duration) -> Self {
        self.cap = cap;
        self
    }

    /// How much of a wait is left to chance.
    #[must_use]
    pub const fn jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = jitter;
        self
    }

    /// The longest wait before retry number `retry`, counted from 1 (0 counts as 1).
    #[must_use]
    pub fn ceiling(&self, retry: u32) -> Duration {
        let grown = match self.growth {
            Growth::None => self.base,
            Growth::Doubling => double(self.base, retry.saturating_sub(1)),
        };
        grown.min(self.cap)
    }

    /// The wait before retry number `retry`: within `0..=self.ceiling(retry)`.
    #[must_use]
    pub fn delay(&self, retry: u32, roll: Roll) -> Duration {
        self.delay_below(retry, Duration::MAX, roll)
    }

    /// As [`delay`](Self::delay), drawn from the part of the range that is not above `most`, so that
    /// a limit does not pile the waits up on itself.
    #[must_use]
    pub fn delay_below(&self, retry: u32, most: Duration, roll: Roll) -> Duration {
        let ceiling = self.ceiling(retry).min(most);
        match self.jitter {
            Jitter::Full => roll.within(ceiling),
            Jitter::None => ceiling,
        }
    }

    /// The same curve with every duration divided by `divisor`: for demonstrations and tests.
    #[must_use]
    pub fn time_divided_by(mut self, divisor: NonZeroU32) -> Self {
        self.base /= divisor.get();
        self.cap /= divisor.get();
        self
    }
}

/// `base` doubled `times` times, saturating.
fn double(base: Duration, times: u32) -> Duration {
    match 1_u32.checked_shl(times.min(32)) {
        Some(factor) => base.saturating_mul(factor),
        None if base.is_zero() => Duration::ZERO,
        // 32 doublings of a nanosecond are four seconds, so go on doubling rather than give up.
        None => {
            let rest = u128::from(u64::MAX).min(base.as_nanos());
            let nanos = rest.checked_shl(times.min(64)).unwrap_or(u128::MAX);
            u64::try_from(nanos).map_or(Duration::MAX, Duration::from_nanos)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn ceilings_double_up_to_the_cap() {
        let curve = Curve::exponential(SECOND).cap(8 * SECOND);
        let ceilings = [1, 2, 3, 4, 5, 100].map(|retry| curve.ceiling(retry).as_secs());
        assert_eq!(ceilings, [1, 2, 4, 8, 8, 8]);
    }

    #[test]
    fn a_small_base_goes_on_doubling_past_thirty_two() {
        let curve = Curve::exponential(Duration::from_nanos(1));
        assert_eq!(curve.ceiling(34), Duration::from_nanos(1 << 33));
        assert_eq!(curve.ceiling(65), Duration::MAX);
    }

    #[test]
    fn a_constant_curve_does_not_grow() {
        let curve = Curve::constant(SECOND).jitter(Jitter::None);
        assert_eq!(curve.delay(1, Roll::LOWEST), SECOND);
        assert_eq!(curve.delay(u32::MAX, Roll::LOWEST), SECOND);
    }

    proptest! {
        #[test]
        fn no_delay_is_above_its_ceiling_and_no_ceiling_above_the_cap(
            base in any::<Duration>(), cap in any::<Duration>(), retry: u32, bits: u64,
        ) {
            let curve = Curve::exponential(base).cap(cap);
            prop_assert!(curve.ceiling(retry) <= cap);
            prop_assert!(curve.delay(retry, Roll::from_bits(bits)) <= curve.ceiling(retry));
        }

        #[test]
        fn ceilings_never_shrink(base in any::<Duration>(), cap in any::<Duration>(), retry: u32) {
            let curve = Curve::exponential(base).cap(cap);
            prop_assert!(curve.ceiling(retry) <= curve.ceiling(retry.saturating_add(1)));
        }
    }
}
