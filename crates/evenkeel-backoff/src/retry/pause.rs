use core::time::Duration;

use evenkeel_error::Moment;

/// A wait under way, held against the clock when the sleeper says that it is over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pause {
    pub(super) until: Moment,
    /// What the sleeper was last asked for, in seconds. To a sixteen-millionth, which is enough to
    /// see whether the clock has moved, in half of the room.
    pub(super) asked: f32,
}

impl Pause {
    pub(crate) fn new(wait: Duration, now: Moment) -> Self {
        Self {
            until: now + wait,
            asked: wait.as_secs_f32(),
        }
    }

    /// What is left of it at `now`, if the sleeper woke early.
    ///
    /// A clock that has stood still or run back since the sleeper was asked tells nothing, and then
    /// the sleeper is believed: the wait was counted by a timer that did go on.
    pub(crate) fn left(&mut self, now: Moment) -> Option<Duration> {
        let left = now.until(self.until);
        let moved = left.as_secs_f32() < self.asked;
        self.asked = left.as_secs_f32();
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
    fn a_clock_that_stands_still_or_runs_back_does_not_keep_a_call_waiting() {
        let mut pause = Pause::new(Duration::from_secs(10), at(100));
        assert_eq!(pause.left(at(100)), None);
        assert_eq!(pause.left(at(3)), None);
    }
}
