use std::time::Duration;

use evenkeel_error::InvalidConfig;

/// How long after the first look the second comes: a batch of a few requests is done in less than a
/// minute, and a look costs next to nothing.
pub(crate) const FIRST: Duration = Duration::from_secs(5);

/// How long between looks at most: what the API's documentation does (batch processing page). A day
/// of it is 1,440 requests, of at least 1,000 a minute that are allowed.
pub(crate) const LONGEST: Duration = Duration::from_secs(60);

/// When to look again at something that takes minutes to hours: ever less often, and not at the same
/// moment as everybody else.
///
/// Pure: chance is an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cadence {
    first: Duration,
    next: Duration,
    longest: Duration,
}

impl Cadence {
    pub(crate) const DEFAULT: Self = Self {
        first: FIRST,
        next: FIRST,
        longest: LONGEST,
    };

    pub(crate) fn new(first: Duration, longest: Duration) -> Result<Self, InvalidConfig> {
        if first.is_zero() {
            return Err(InvalidConfig::new("interval", "must be longer than zero"));
        }
        if longest < first {
            let rule = "must grow: the longest may not be shorter than the first";
            return Err(InvalidConfig::new("interval", rule));
        }
        Ok(Self {
            first,
            next: first,
            longest,
        })
    }

    /// The shortest wait that is not worth less than none.
    pub(crate) fn first(&self) -> Duration {
        self.first
    }

    /// The wait before the next look: half as long again as the one before, up to the longest, and a
    /// fifth more or less.
    pub(crate) fn wait(&mut self, bits: u64) -> Duration {
        let wait = self.next;
        let longer = wait.saturating_add(wait / 2);
        self.next = longer.min(self.longest);
        let fifth = wait / 5;
        // 0 to 1,023 of 1,023: finer than a wait of seconds needs.
        let share = u32::try_from(bits & 0x3ff).unwrap_or_default();
        let drawn = fifth.saturating_mul(2) / 1_023;
        wait.saturating_sub(fifth)
            .saturating_add(drawn.saturating_mul(share))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_interval_of_nothing_or_one_that_shrinks_is_refused() {
        let second = Duration::from_secs(1);
        assert!(Cadence::new(Duration::ZERO, second).is_err());
        assert!(Cadence::new(second * 2, second).is_err());
        assert!(Cadence::new(second, second).is_ok());
    }

    #[test]
    fn looks_become_rarer_up_to_the_longest() {
        let mut cadence = Cadence::DEFAULT;
        let waits: Vec<_> = (0..9).map(|_| cadence.wait(512).as_secs()).collect();
        assert_eq!(waits, [5, 7, 11, 16, 25, 37, 56, 60, 60]);
    }

    proptest! {
        #[test]
        fn no_wait_is_far_from_the_interval_and_none_is_zero(
            first in 5_u64..u64::MAX,
            more in any::<u64>(),
            rolls in proptest::collection::vec(any::<u64>(), 1..200),
        ) {
            let first = Duration::from_nanos(first);
            let longest = first.saturating_add(Duration::from_nanos(more));
            let mut cadence = Cadence::new(first, longest).unwrap();
            for bits in rolls {
                let wait = cadence.wait(bits);
                prop_assert!(wait >= first.saturating_sub(first / 5) && !wait.is_zero());
                prop_assert!(wait <= longest.saturating_add(longest / 5));
            }
        }
    }
}
