use core::time::Duration;

use evenkeel_error::Moment;

use super::{Sample, Totals};
use crate::roll;

/// How finely the window slides.
pub(crate) const BUCKETS: usize = 30;

/// How long a bucket is, kept as its reciprocal: a multiplication finds the bucket of a moment in a
/// tenth of the time of a division.
///
/// Of two moments the later one has the same bucket or a later one. A bucket is as long as a
/// thirtieth of the span to within a millionth, for spans of up to ten days.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Width {
    /// 2⁶⁴ by the nanoseconds, rounded up, so that a bucket begins no later than it should.
    reciprocal: u64,
}

impl Width {
    /// No end: every moment falls into bucket 0.
    pub(crate) const ENDLESS: Self = Self { reciprocal: 0 };

    #[inline]
    pub(crate) const fn is_endless(self) -> bool {
        self.reciprocal == 0
    }

    pub(crate) fn of(span: Duration) -> Self {
        let width = (roll::nanos(span) / BUCKETS as u64).max(1);
        Self {
            reciprocal: (u64::MAX / width).saturating_add(1),
        }
    }

    /// The number of the bucket that this moment falls into, counted from the origin of time.
    #[inline]
    pub(crate) const fn bucket(self, now: Moment) -> u64 {
        // The upper half of a 128-bit product: it fits.
        ((now.as_nanos() as u128 * self.reciprocal as u128) >> 64) as u64
    }
}

/// Counts of verdicts over a sliding span of time, by the number of the bucket.
///
/// A ring of 30 buckets, each a thirtieth of the span long. A verdict is forgotten when it is
/// between 29/30 and 30/30 of the span old, never later. Each call costs a bounded number of steps:
/// a bucket is cleared once for each time it was filled.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TimeWindow {
    newest: u64,
    ring: [Tally; BUCKETS],
    total: Totals,
}

#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    samples: u32,
    failures: u32,
    slow: u32,
}

impl Tally {
    fn totals(self) -> Totals {
        Totals {
            samples: self.samples.into(),
            failures: self.failures.into(),
            slow: self.slow.into(),
        }
    }
}

impl TimeWindow {
    pub(crate) fn record(&mut self, sample: Sample, bucket: u64) {
        self.advance(bucket);
        let newest = self.newest;
        let Some(tally) = self.bucket(newest) else {
            return;
        };
        // A bucket that is full stays full; the totals follow it, so that subtracting it later
        // leaves no remainder.
        let (samples, failures) = (
            tally.samples.checked_add((!sample.again).into()),
            tally.failures.checked_add(sample.failed.into()),
        );
        let (Some(samples), Some(failures)) = (samples, failures) else {
            return;
        };
        tally.samples = samples;
        tally.failures = failures;
        tally.slow += u32::from(sample.slow);
        self.total = self.total.plus(sample.totals());
    }

    pub(crate) fn clear(&mut self) {
        self.ring = [Tally::default(); BUCKETS];
        self.total = Totals::default();
    }

    /// What the window holds in `bucket`. Looking does not slide it.
    pub(crate) fn totals(&self, bucket: u64) -> Totals {
        let mut copy = *self;
        copy.advance(bucket);
        copy.total
    }

    /// Slides to `bucket`. Time that runs backwards leaves the window where it is: what was
    /// forgotten stays forgotten.
    fn advance(&mut self, bucket: u64) {
        let steps = bucket.saturating_sub(self.newest);
        if steps >= BUCKETS as u64 {
            self.clear();
        } else {
            for step in 1..=steps {
                let gone = self
                    .bucket(self.newest + step)
                    .map(core::mem::take)
                    .unwrap_or_default();
                self.total = self.total.minus(gone.totals());
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
