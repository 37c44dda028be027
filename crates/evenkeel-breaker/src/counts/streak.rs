use core::time::Duration;

use evenkeel_error::Moment;

/// Failures since the last success.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Streak {
    pub(crate) failures: u32,
    pub(crate) first: Moment,
    pub(crate) last: Moment,
}

impl Streak {
    pub(crate) fn fail(&mut self, now: Moment) {
        if self.failures == 0 {
            self.first = now;
            self.last = now;
        }
        self.failures = self.failures.saturating_add(1);
        self.last = self.last.max(now);
    }

    pub(crate) fn end(&mut self) {
        *self = Self::default();
    }

    /// From the first failure to the last.
    pub(crate) const fn over(&self) -> Duration {
        self.last.since(self.first)
    }
}
