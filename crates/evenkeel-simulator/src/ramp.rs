//! The acceleration rule: use may grow, but not all at once. Pure: the moment comes in as an
//! argument.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::time::Duration;

/// What is looked back on.
const SPAN: u64 = 60;

/// How fast use may grow: in any second, so many times the mean of the minute before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slope {
    pub(crate) factor: NonZeroU32,
    /// What is always allowed in a second.
    pub(crate) floor: NonZeroU32,
}

/// What was used in each second that had any use.
#[derive(Debug, Clone)]
pub(crate) struct Ramp {
    slope: Slope,
    seconds: VecDeque<(u64, u64)>,
}

impl Ramp {
    pub(crate) fn new(slope: Slope) -> Self {
        Self {
            slope,
            seconds: VecDeque::new(),
        }
    }

    /// How long until something may be used; none if something may now.
    pub(crate) fn wait(&mut self, now: Duration) -> Option<Duration> {
        let second = now.as_secs();
        let forgotten = |(at, _): &(u64, u64)| at + SPAN < second;
        while self.seconds.front().is_some_and(forgotten) {
            self.seconds.pop_front();
        }
        let before = self.seconds.iter().filter(|(at, _)| *at < second);
        let past: u64 = before.map(|(_, used)| *used).sum();
        let allowed = past.saturating_mul(self.slope.factor.get().into()) / SPAN;
        let allowed = allowed.max(self.slope.floor.get().into());
        let (at, used) = *self.seconds.back().filter(|(at, _)| *at >= second)?;
        (used >= allowed).then(|| Duration::from_secs(at + 1).saturating_sub(now))
    }

    /// Notes what is used.
    pub(crate) fn count(&mut self, used: u64, now: Duration) {
        let second = now.as_secs();
        match self.seconds.back_mut() {
            Some((at, so_far)) if *at >= second => *so_far = so_far.saturating_add(used),
            _ => self.seconds.push_back((second, used)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOPE: Slope = Slope {
        factor: NonZeroU32::new(3).unwrap(),
        floor: NonZeroU32::new(2).unwrap(),
    };

    fn admit(ramp: &mut Ramp, now: Duration) -> bool {
        let admitted = ramp.wait(now).is_none();
        if admitted {
            ramp.count(1, now);
        }
        admitted
    }

    fn offer(ramp: &mut Ramp, second: u64, count: usize) -> usize {
        let now = Duration::from_secs(second);
        (0..count).filter(|_| admit(ramp, now)).count()
    }

    #[test]
    fn use_may_grow_by_the_factor_and_no_faster() {
        let mut ramp = Ramp::new(SLOPE);
        assert_eq!(offer(&mut ramp, 0, 10), 2, "the floor");
        for second in 1..60 {
            offer(&mut ramp, second, 10);
        }
        let reached = offer(&mut ramp, 60, 1_000);
        assert!((6..=20).contains(&reached), "{reached} in one second");
    }

    #[test]
    fn a_refusal_names_the_next_second() {
        let mut ramp = Ramp::new(SLOPE);
        assert_eq!(offer(&mut ramp, 5, 2), 2);
        let now = Duration::from_millis(5_250);
        assert_eq!(ramp.wait(now), Some(Duration::from_millis(750)));
        assert_eq!(ramp.wait(Duration::from_secs(6)), None);
    }

    #[test]
    fn what_is_larger_than_a_second_allows_fills_it_and_is_let_in_at_its_start() {
        let mut ramp = Ramp::new(SLOPE);
        let now = Duration::from_secs(9);
        assert_eq!(ramp.wait(now), None);
        ramp.count(1_000, now);
        assert_eq!(ramp.wait(now), Some(Duration::from_secs(1)));
        // A thousand in the last minute are sixteen a second; three times as much is fifty.
        let next = Duration::from_secs(10);
        assert_eq!(ramp.wait(next), None);
        ramp.count(49, next);
        assert_eq!(ramp.wait(next), None);
        ramp.count(1, next);
        assert_eq!(ramp.wait(next), Some(Duration::from_secs(1)));
    }
}
