//! One token bucket that refills without steps. Pure: the moment comes in as an argument.

use std::time::Duration;

/// One token, in the unit of the level: a bucket of `n` per minute gains `n` units a nanosecond,
/// so the arithmetic is exact.
const TOKEN: i128 = 60_000_000_000;

/// How long until a bucket can give what is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wait {
    /// It can now.
    None,
    /// It can after this long, if nobody else takes from it.
    For(Duration),
    /// It never can: more was asked than it holds when full.
    Forever,
}

/// Holds one minute's worth when full; may be overdrawn by tokens counted after the fact.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    per_minute: u32,
    level: i128,
    at: Duration,
}

impl Bucket {
    /// A full bucket.
    pub(crate) fn full(per_minute: u32, now: Duration) -> Self {
        Self {
            per_minute,
            level: i128::from(per_minute) * TOKEN,
            at: now,
        }
    }

    /// The size of the bucket, which is its rate per minute too.
    pub(crate) fn limit(&self) -> u32 {
        self.per_minute
    }

    /// How long until `tokens` can be taken.
    pub(crate) fn wait_for(&mut self, tokens: u64, now: Duration) -> Wait {
        self.refill(now);
        if tokens > u64::from(self.per_minute) {
            return Wait::Forever;
        }
        let missing = i128::from(tokens) * TOKEN - self.level;
        if missing <= 0 {
            Wait::None
        } else {
            Wait::For(self.time_to_gain(missing))
        }
    }

    /// Takes `tokens`, below zero if need be.
    pub(crate) fn take(&mut self, tokens: u64, now: Duration) {
        self.refill(now);
        self.level = self.level.saturating_sub(i128::from(tokens) * TOKEN);
    }

    /// Gives back what was taken for nothing.
    pub(crate) fn give(&mut self, tokens: u64, now: Duration) {
        self.refill(now);
        let level = self.level.saturating_add(i128::from(tokens) * TOKEN);
        self.level = level.min(self.capacity());
    }

    /// When it was last looked at.
    pub(crate) fn used(&self) -> Duration {
        self.at
    }

    /// Whole tokens left.
    pub(crate) fn remaining(&mut self, now: Duration) -> u32 {
        self.refill(now);
        u32::try_from(self.level.max(0) / TOKEN).unwrap_or(self.per_minute)
    }

    /// How long until it is full again.
    pub(crate) fn time_to_full(&mut self, now: Duration) -> Duration {
        self.refill(now);
        self.time_to_gain(self.capacity() - self.level)
    }

    fn capacity(&self) -> i128 {
        i128::from(self.per_minute) * TOKEN
    }

    fn refill(&mut self, now: Duration) {
        // Two threads may read the clock in one order and get here in the other.
        let passed = now.saturating_sub(self.at).as_nanos();
        let gained = i128::try_from(passed)
            .unwrap_or(0)
            .saturating_mul(self.per_minute.into());
        self.level = self.level.saturating_add(gained).min(self.capacity());
        self.at = self.at.max(now);
    }

    /// Rounded up to the nanosecond: a caller who waits this long finds what was promised.
    fn time_to_gain(&self, units: i128) -> Duration {
        let per_nano = u128::from(self.per_minute.max(1));
        let nanos = u128::try_from(units).unwrap_or(0).div_ceil(per_nano);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NANO: Duration = Duration::from_nanos(1);

    #[test]
    fn it_refills_without_steps() {
        let mut bucket = Bucket::full(60, Duration::ZERO);
        bucket.take(60, Duration::ZERO);
        assert_eq!(
            bucket.wait_for(1, Duration::ZERO),
            Wait::For(Duration::from_secs(1))
        );
        assert_eq!(bucket.remaining(Duration::from_millis(1_500)), 1);
        assert_eq!(bucket.wait_for(1, Duration::from_millis(1_500)), Wait::None);
        assert_eq!(
            bucket.time_to_full(Duration::from_secs(10)),
            Duration::from_secs(50)
        );
    }

    #[test]
    fn a_debt_is_paid_before_anything_is_given() {
        let mut bucket = Bucket::full(60, Duration::ZERO);
        bucket.take(90, Duration::ZERO);
        assert_eq!(bucket.remaining(Duration::ZERO), 0);
        assert_eq!(
            bucket.wait_for(1, Duration::ZERO),
            Wait::For(Duration::from_secs(31))
        );
    }

    #[test]
    fn more_than_it_holds_is_never_given() {
        let mut bucket = Bucket::full(60, Duration::ZERO);
        assert_eq!(bucket.wait_for(61, Duration::ZERO), Wait::Forever);
    }

    proptest! {
        #[test]
        fn the_promised_wait_is_right_to_the_nanosecond(
            per_minute in 1_u32.., taken in 0_u64..5_000_000, asked in any::<u32>(), start in 0_u64..1 << 50,
        ) {
            let start = Duration::from_nanos(start);
            let asked = u64::from(asked % per_minute) + 1;
            let mut bucket = Bucket::full(per_minute, start);
            bucket.take(taken, start);
            if let Wait::For(wait) = bucket.wait_for(asked, start) {
                let mut early = bucket.clone();
                prop_assert!(early.wait_for(asked, start + wait.saturating_sub(NANO)) != Wait::None);
                prop_assert_eq!(bucket.wait_for(asked, start + wait), Wait::None);
            }
        }

        #[test]
        fn no_pattern_of_asking_gets_more_than_the_burst_and_the_rate(
            per_minute in 1_u32..100_000, gaps in prop::collection::vec(0_u64..200_000_000, 1..200),
        ) {
            let (mut bucket, mut now) = (Bucket::full(per_minute, Duration::ZERO), Duration::ZERO);
            let mut given = 0_u128;
            for gap in gaps {
                now += Duration::from_nanos(gap);
                if bucket.wait_for(1, now) == Wait::None {
                    bucket.take(1, now);
                    given += 1;
                }
            }
            let allowed = u128::from(per_minute) * (60_000_000_000 + now.as_nanos()) / 60_000_000_000;
            prop_assert!(given <= allowed, "{given} given, {allowed} allowed");
        }
    }
}
