//! What is counted about a closed circuit, and the plain way to keep it.

use evenkeel_error::Moment;

use crate::Window;
use crate::config::Settings;

mod calls;
mod streak;
mod time;

pub(crate) use calls::CallWindow;
pub(crate) use streak::Streak;
pub(crate) use time::{BUCKETS, TimeWindow, Width};

/// What the course of a circuit asks of its counts.
pub(crate) trait Ledger {
    /// Counts one verdict.
    fn record(&mut self, sample: Sample, now: Moment);

    /// What the window holds at `now`. Looking does not slide it.
    fn totals(&self, now: Moment) -> Totals;

    /// The failures since the last success.
    fn streak(&self) -> Streak;

    /// Forgets everything.
    fn clear(&mut self);
}

/// One verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) failed: bool,
    pub(crate) slow: bool,
    /// The second verdict of a call that the first has counted.
    pub(crate) again: bool,
}

/// What lies in a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) samples: u64,
    pub(crate) failures: u64,
    pub(crate) slow: u64,
}

impl Sample {
    /// Of a call that began to answer, and failed after that: one call, and it failed.
    pub(crate) const BROKEN: Self = Self {
        failed: true,
        slow: false,
        again: true,
    };

    pub(crate) const fn success(slow: bool) -> Self {
        Self {
            failed: false,
            slow,
            again: false,
        }
    }

    pub(crate) const fn failure(slow: bool) -> Self {
        Self {
            failed: true,
            slow,
            again: false,
        }
    }

    pub(crate) const fn totals(self) -> Totals {
        Totals {
            samples: !self.again as u64,
            failures: self.failed as u64,
            slow: self.slow as u64,
        }
    }
}

impl Totals {
    /// With a sample for each failure, for calls whose first verdict the window has forgotten.
    pub(crate) fn whole(self) -> Self {
        Self {
            samples: self.samples.max(self.failures),
            ..self
        }
    }

    pub(crate) const fn plus(self, other: Self) -> Self {
        Self {
            samples: self.samples + other.samples,
            failures: self.failures + other.failures,
            slow: self.slow + other.slow,
        }
    }

    pub(crate) const fn minus(self, other: Self) -> Self {
        Self {
            samples: self.samples - other.samples,
            failures: self.failures - other.failures,
            slow: self.slow - other.slow,
        }
    }
}

/// Counts that one owner has: no atomics, no lock.
#[derive(Clone, Debug)]
pub(crate) struct Counts {
    streak: Streak,
    kept: Kept,
}

#[derive(Clone, Debug)]
enum Kept {
    Nothing,
    Time(Width, Box<TimeWindow>),
    Calls(CallWindow),
}

impl Counts {
    pub(crate) fn new(settings: &Settings) -> Self {
        let kept = match settings.window {
            _ if !settings.counts_in_window() => Kept::Nothing,
            Window::Time(span) => Kept::Time(Width::of(span), Box::default()),
            Window::Calls(calls) => Kept::Calls(CallWindow::new(calls)),
        };
        Self {
            streak: Streak::default(),
            kept,
        }
    }
}

impl Ledger for Counts {
    fn record(&mut self, sample: Sample, now: Moment) {
        match &mut self.kept {
            Kept::Nothing => {}
            Kept::Time(width, window) => window.record(sample, width.bucket(now)),
            Kept::Calls(window) => window.record(sample),
        }
        if sample.failed {
            self.streak.fail(now);
        } else {
            self.streak.end();
        }
    }

    fn totals(&self, now: Moment) -> Totals {
        match &self.kept {
            Kept::Nothing => Totals::default(),
            Kept::Time(width, window) => window.totals(width.bucket(now)),
            Kept::Calls(window) => window.totals(),
        }
    }

    fn streak(&self) -> Streak {
        self.streak
    }

    fn clear(&mut self) {
        self.streak.end();
        match &mut self.kept {
            Kept::Nothing => {}
            Kept::Time(_, window) => window.clear(),
            Kept::Calls(window) => window.clear(),
        }
    }
}
