//! How much the API can do at once, so that overload comes of itself. Pure: the moment comes in as
//! an argument.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::ops::Range;
use std::time::Duration;

use crate::plan::Pace;

/// How many models are told apart.
const MODELS: usize = 64;

/// What the API can do at once for each model: so many generations side by side, a queue behind
/// them, and 529 for the rest.
///
/// A generation takes its time to the first token, then so many tokens a second; a stream is sent
/// at that speed. One that the client gives up on is generated to its end all the same, which is
/// what makes an overload last.
///
/// ```
/// use std::num::NonZeroU32;
/// use std::time::Duration;
///
/// use evenkeel_simulator::Capacity;
///
/// let capacity = Capacity::slots(40)
///     .queue(20)
///     .first_token(Duration::from_millis(800))
///     .tokens_per_second(NonZeroU32::new(80).unwrap())
///     .brownout(Duration::from_secs(60)..Duration::from_secs(120), 4);
/// # let _ = capacity;
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Capacity {
    slots: u32,
    queue: u32,
    first_token: Duration,
    tokens_per_second: NonZeroU32,
    brownouts: Vec<(Duration, Duration, u32)>,
}

impl Capacity {
    /// So many generations at once for each model; no queue, 0.8 s to the first token and 80
    /// tokens a second unless told otherwise.
    pub const fn slots(slots: u32) -> Self {
        Self {
            slots,
            queue: 0,
            first_token: Duration::from_millis(800),
            tokens_per_second: NonZeroU32::MIN.saturating_add(79),
            brownouts: Vec::new(),
        }
    }

    /// So many requests may wait for a slot.
    pub const fn queue(mut self, length: u32) -> Self {
        self.queue = length;
        self
    }

    /// The time to the first token.
    pub const fn first_token(mut self, length: Duration) -> Self {
        self.first_token = length;
        self
    }

    /// The speed of generation.
    pub const fn tokens_per_second(mut self, speed: NonZeroU32) -> Self {
        self.tokens_per_second = speed;
        self
    }

    /// Leaves only so many slots in this span of time, counted from the start of the scenario. 0 is
    /// an outage.
    pub fn brownout(mut self, span: Range<Duration>, slots: u32) -> Self {
        self.brownouts.push((span.start, span.end, slots));
        self
    }

    pub(crate) fn time_divided_by(mut self, divisor: NonZeroU32) -> Self {
        let divided = |length: Duration| length.checked_div(divisor.get()).unwrap_or(length);
        self.first_token = divided(self.first_token);
        self.tokens_per_second = self.tokens_per_second.saturating_mul(divisor);
        for (from, until, _) in &mut self.brownouts {
            (*from, *until) = (divided(*from), divided(*until));
        }
        self
    }

    fn slots_at(&self, now: Duration) -> usize {
        let brownout = self
            .brownouts
            .iter()
            .find(|(from, until, _)| (*from..*until).contains(&now));
        let slots = brownout.map_or(self.slots, |(_, _, slots)| *slots);
        usize::try_from(slots).unwrap_or(usize::MAX)
    }
}

/// There is no slot and no place in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Overloaded;

/// What is under way for each model: when each generation ends, in order.
#[derive(Debug)]
pub(crate) struct Slots {
    capacity: Capacity,
    ends: HashMap<String, Vec<Duration>>,
}

impl Slots {
    pub(crate) fn new(capacity: Capacity) -> Self {
        Self {
            capacity,
            ends: HashMap::new(),
        }
    }

    /// Whether one more can be taken on.
    pub(crate) fn look(&mut self, model: &str, now: Duration) -> Result<(), Overloaded> {
        let slots = self.capacity.slots_at(now);
        let queue = usize::try_from(self.capacity.queue).unwrap_or(usize::MAX);
        if slots > 0 && self.busy(model, now).len() < slots.saturating_add(queue) {
            Ok(())
        } else {
            Err(Overloaded)
        }
    }

    /// Takes one on; the answer is how long it takes.
    pub(crate) fn take(&mut self, model: &str, now: Duration, tokens: u64) -> Pace {
        let slots = self.capacity.slots_at(now).max(1);
        let speed = f64::from(self.capacity.tokens_per_second.get());
        let first_token = self.capacity.first_token;
        let rest = f64::from(u32::try_from(tokens).unwrap_or(u32::MAX)) / speed;
        let rest = Duration::try_from_secs_f64(rest).unwrap_or_default();
        let busy = self.busy(model, now);
        // The first to be free after those that wait already.
        let free = busy
            .len()
            .checked_sub(slots)
            .and_then(|place| busy.get(place));
        let start = free.copied().unwrap_or(now).max(now);
        let end = start.saturating_add(first_token).saturating_add(rest);
        let place = busy.partition_point(|other| *other <= end);
        busy.insert(place, end);
        Pace {
            first: start.saturating_sub(now).saturating_add(first_token),
            rest,
        }
    }

    fn busy(&mut self, model: &str, now: Duration) -> &mut Vec<Duration> {
        if self.ends.len() >= MODELS && !self.ends.contains_key(model) {
            self.ends
                .retain(|_, ends| ends.last().is_some_and(|end| *end > now));
        }
        // Beyond all bounds, strangers share one place.
        let name = if self.ends.len() >= MODELS && !self.ends.contains_key(model) {
            ""
        } else {
            model
        };
        let ends = self.ends.entry(name.to_owned()).or_default();
        ends.retain(|end| *end > now);
        ends
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn slots() -> Slots {
        let speed = NonZeroU32::new(10).unwrap();
        let capacity = Capacity::slots(2)
            .queue(1)
            .first_token(SECOND)
            .tokens_per_second(speed);
        Slots::new(capacity.brownout(SECOND * 500..SECOND * 510, 0))
    }

    #[test]
    fn what_fits_runs_at_once_what_does_not_waits_and_the_rest_is_refused() {
        let mut slots = slots();
        let first = |first: u64| Pace {
            first: Duration::from_secs(first),
            rest: SECOND,
        };
        for pace in [first(1), first(1), first(3)] {
            assert_eq!(slots.look("m", Duration::ZERO), Ok(()));
            assert_eq!(slots.take("m", Duration::ZERO, 10), pace);
        }
        assert_eq!(slots.look("m", Duration::ZERO), Err(Overloaded));
        assert_eq!(slots.look("other", Duration::ZERO), Ok(()));
        assert_eq!(slots.look("m", SECOND * 2), Ok(()), "two have ended");
    }

    #[test]
    fn in_an_outage_nothing_is_taken_on() {
        let mut slots = slots();
        assert_eq!(slots.look("m", SECOND * 500), Err(Overloaded));
        assert_eq!(slots.look("m", SECOND * 510), Ok(()));
    }

    #[test]
    fn a_constant_load_under_capacity_never_meets_a_refusal_and_above_it_is_refused_the_excess() {
        // Two slots of two seconds each: one request a second.
        for (gap_ms, refused) in [(1_000, 0..=0), (500, 45..=55)] {
            let mut slots = slots();
            let refusals = (0..100).filter(|n| {
                let now = Duration::from_millis(gap_ms * n);
                let refused = slots.look("m", now).is_err();
                if !refused {
                    slots.take("m", now, 10);
                }
                refused
            });
            let count = refusals.count();
            assert!(refused.contains(&count), "{count} at every {gap_ms} ms");
        }
    }
}
