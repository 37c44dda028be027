use core::time::Duration;

use evenkeel_error::Moment;

use crate::nanos;

/// A wait under way, held against the clock when the sleeper says that it is over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pause {
    pub(super) until: Moment,
    pub(super) asked: Asked,
}

/// What the sleeper was last asked for, in nanoseconds and at most two years, so that with a tag beside
/// it it is no more than a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked([u8; 7]);

impl Asked {
    fn of(wait: Duration) -> Self {
        let nanos = nanos::of(wait).min(u64::MAX >> u8::BITS).to_le_bytes();
        Self(*nanos.first_chunk().unwrap_or(&[u8::MAX; 7]))
    }

    fn nanos(self) -> u64 {
        let bytes = self.0.into_iter().rev();
        bytes.fold(0, |nanos, byte| (nanos << u8::BITS) | u64::from(byte))
    }
}

impl Pause {
    pub(crate) fn new(wait: Duration, now: Moment) -> Self {
        Self {
            until: now + wait,
            asked: Asked::of(wait),
        }
    }

    /// What is left of it at `now`, if the sleeper woke early.
    ///
    /// A clock that has stood still or run back since the sleeper was asked tells nothing, and then
    /// the sleeper is believed: the wait was counted by a timer that did go on.
    pub(crate) fn left(&mut self, now: Moment) -> Option<Duration> {
        let left = now.until(self.until);
        let asked = core::mem::replace(&mut self.asked, Asked::of(left));
        let moved = self.asked.nanos() < asked.nanos();
        (moved && !left.is_zero()).then_some(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::ORIGIN + Duration::from_secs(seconds)
    }

    #[test]
    fn an_early_sleeper_is_asked_for_the_rest_until_the_moment_has_come() {
        let mut pause = Pause::new(Duration::from_secs(10), at(100));
        assert_eq!(pause.left(at(104)), Some(Duration::from_secs(6)));
        assert_eq!(pause.left(at(109)), Some(Duration::from_secs(1)));
        assert_eq!(pause.left(at(110)), None);
        assert_eq!(Pause::new(Duration::MAX, at(1)).left(Moment::MAX), None);
    }

    #[test]
    fn a_sleeper_that_wakes_from_a_month_after_a_millisecond_is_asked_for_the_rest() {
        let (month, millisecond) = (Duration::from_secs(30 * 86_400), Duration::from_millis(1));
        let mut pause = Pause::new(month, at(0));
        let left = pause.left(Moment::ORIGIN + millisecond);
        assert_eq!(left, month.checked_sub(millisecond));
    }

    #[test]
    fn a_clock_that_stands_still_or_runs_back_does_not_keep_a_call_waiting() {
        let mut pause = Pause::new(Duration::from_secs(10), at(100));
        assert_eq!(pause.left(at(100)), None);
        assert_eq!(pause.left(at(3)), None);
    }
}
