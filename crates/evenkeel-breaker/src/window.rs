use core::time::Duration;

use evenkeel_error::Moment;

use crate::roll;

/// How finely the window slides.
const BUCKETS: usize = 30;

/// Counts of verdicts over a sliding span of time.
///
/// A ring of 30 buckets, each a thirtieth of the span wide. A verdict is forgotten when it is
/// between 29/30 and 30/30 of the span old, never later. 272 bytes, whatever the load; each call
/// costs a bounded number of steps (a bucket is cleared once for each time it was filled).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    /// Nanoseconds a bucket is wide; at least one.
    width: u64,
    /// Number of the newest bucket, counted from the origin of time.
    newest: u64,
    ring: [Tally; BUCKETS],
    total: Totals,
}

#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    successes: u32,
    failures: u32,
}

/// What lies in the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    successes: u64,
    pub(crate) failures: u64,
}

impl Totals {
    pub(crate) const fn samples(&self) -> u64 {
        self.successes + self.failures
    }
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Success,
    Failure,
}

impl Window {
    pub(crate) fn new(span: Duration) -> Self {
        let width = (roll::nanos(span) / BUCKETS as u64).max(1);
        Self {
            width,
            newest: 0,
            ring: [Tally::default(); BUCKETS],
            total: Totals::default(),
        }
    }

    pub(crate) fn record(&mut self, verdict: Verdict, now: Moment) {
        self.advance(now);
        let newest = self.newest;
        let Some(tally) = self.bucket(newest) else {
            return;
        };
        let count = match verdict {
            Verdict::Success => &mut tally.successes,
            Verdict::Failure => &mut tally.failures,
        };
        // A bucket that is full stays full; the totals follow it, so that subtracting it later
        // leaves no remainder.
        let Some(more) = count.checked_add(1) else {
            return;
        };
        *count = more;
        match verdict {
            Verdict::Success => self.total.successes += 1,
            Verdict::Failure => self.total.failures += 1,
        }
    }

    pub(crate) fn clear(&mut self) {
        self.ring = [Tally::default(); BUCKETS];
        self.total = Totals::default();
    }

    /// What the window holds at `now`. Looking does not slide it.
    pub(crate) fn totals(&self, now: Moment) -> Totals {
        let mut copy = *self;
        copy.advance(now);
        copy.total
    }

    /// Slides to `now`. Time that runs backwards leaves the window where it is: what was
    /// forgotten stays forgotten.
    fn advance(&mut self, now: Moment) {
        let target = now.as_nanos() / self.width;
        let steps = target.saturating_sub(self.newest);
        if steps >= BUCKETS as u64 {
            self.clear();
        } else {
            for step in 1..=steps {
                let gone = self
                    .bucket(self.newest + step)
                    .map(core::mem::take)
                    .unwrap_or_default();
                self.total.successes -= u64::from(gone.successes);
                self.total.failures -= u64::from(gone.failures);
            }
        }
        self.newest += steps;
    }

    fn bucket(&mut self, number: u64) -> Option<&mut Tally> {
        let index = usize::try_from(number % BUCKETS as u64).ok()?;
        self.ring.get_mut(index)
    }
}

#[cfg(test)]
mod tests;
