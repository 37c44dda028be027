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
    /// Requests a second that are always allowed.
    pub(crate) floor: NonZeroU32,
}

/// The requests of each second that had any.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ramp {
    seconds: VecDeque<(u64, u32)>,
}

impl Ramp {
    /// Counts a request, or says how long until one may come.
    pub(crate) fn admit(&mut self, slope: Slope, now: Duration) -> Result<(), Duration> {
        let second = now.as_secs();
        while self
            .seconds
            .front()
            .is_some_and(|(at, _)| at + SPAN < second)
        {
            self.seconds.pop_front();
        }
        let before = self.seconds.iter().filter(|(at, _)| *at < second);
        let past: u64 = before.map(|(_, count)| u64::from(*count)).sum();
        let mean_times_factor = past * u64::from(slope.factor.get()) / SPAN;
        let allowed = mean_times_factor.max(slope.floor.get().into());
        match self.seconds.back_mut() {
            Some((at, count)) if *at >= second => {
                if u64::from(*count) >= allowed {
                    return Err(Duration::from_secs(*at + 1).saturating_sub(now));
                }
                *count += 1;
            }
            _ => self.seconds.push_back((second, 1)),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOPE: Slope = Slope {
        factor: NonZeroU32::new(3).unwrap(),
        floor: NonZeroU32::new(2).unwrap(),
    };

    fn offer(ramp: &mut Ramp, second: u64, count: usize) -> usize {
        let now = Duration::from_secs(second);
        (0..count)
            .filter(|_| ramp.admit(SLOPE, now).is_ok())
            .count()
    }

    #[test]
    fn use_may_grow_by_the_factor_and_no_faster() {
        let mut ramp = Ramp::default();
        assert_eq!(offer(&mut ramp, 0, 10), 2, "the floor");
        for second in 1..60 {
            offer(&mut ramp, second, 10);
        }
        let reached = offer(&mut ramp, 60, 1_000);
        assert!((6..=20).contains(&reached), "{reached} in one second");
    }

    #[test]
    fn a_refusal_names_the_next_second() {
        let mut ramp = Ramp::default();
        assert_eq!(offer(&mut ramp, 5, 2), 2);
        let now = Duration::from_millis(5_250);
        assert_eq!(ramp.admit(SLOPE, now), Err(Duration::from_millis(750)));
        assert_eq!(ramp.admit(SLOPE, Duration::from_secs(6)), Ok(()));
    }
}
