use core::time::Duration;

use evenkeel_error::Moment;

/// A wait under way, held against the clock when the sleeper says that it is over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pause {
    looked: Moment,
    until: Moment,
}

impl Pause {
    pub(crate) fn new(wait: Duration, now: Moment) -> Self {
        Self {
            looked: now,
            until: now + wait,
        }
    }

    /// How long it is from when the clock was last read.
    pub(crate) const fn whole(&self) -> Duration {
        self.looked.until(self.until)
    }

    /// What is left of it at `now`, if the sleeper woke early.
    ///
    /// A clock that has stood still or run back since it was last read tells nothing, and then the
    /// sleeper is believed: the wait was counted by a timer that did go on.
    pub(crate) fn left(&mut self, now: Moment) -> Option<Duration> {
        let moved = now > self.looked;
        self.looked = now;
        (moved && now < self.until).then(|| self.whole())
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
    fn a_clock_that_stands_still_or_runs_back_does_not_keep_a_call_waiting() {
        let mut pause = Pause::new(Duration::from_secs(10), at(100));
        assert_eq!(pause.left(at(100)), None);
        assert_eq!(pause.left(at(3)), None);
    }
}
