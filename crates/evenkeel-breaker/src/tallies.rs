//! The counts of a breaker that threads share: a success writes at most one word, and takes no lock.
//!
//! What goes wrong is rare while a circuit is closed, so failures and slow calls are counted under
//! the breaker's lock, which also reads everything. Only successes in time stay outside of it.

use evenkeel_error::Moment;

use crate::Window;
use crate::config::Settings;
use crate::counts::{Ledger, Sample, Streak, TimeWindow, Totals, Width};
use crate::gate::Gate;
use crate::sync::{AtomicU32, AtomicU64, Ordering};

mod calls;
mod seconds;

use calls::Calls;
use seconds::Seconds;

/// What may be touched without the lock.
#[derive(Debug)]
pub(crate) struct Tallies {
    /// Failures since the last success. Zero while all is well, and then only read.
    streak: AtomicU32,
    ring: Ring,
}

#[derive(Debug)]
enum Ring {
    Nothing,
    Time(Width, Seconds),
    Calls(Calls),
}

/// What the lock guards.
#[derive(Debug, Default)]
pub(crate) struct Troubles {
    first: Moment,
    last: Moment,
    /// Failures and slow calls of a window of time; none as long as there were none.
    window: Option<Box<TimeWindow>>,
}

impl Tallies {
    pub(crate) fn new(settings: &Settings) -> Self {
        let ring = match settings.window {
            _ if !settings.counts_in_window() => Ring::Nothing,
            Window::Time(span) => Ring::Time(Width::of(span), Seconds::new()),
            Window::Calls(calls) => Ring::Calls(Calls::new(calls, settings.slow_ratio.is_some())),
        };
        Self {
            streak: AtomicU32::new(0),
            ring,
        }
    }

    /// A success in time. `now` is asked only where the rule needs it.
    #[inline]
    pub(crate) fn succeed(&self, now: impl FnOnce() -> Moment) {
        match &self.ring {
            Ring::Nothing => {}
            Ring::Time(width, seconds) => seconds.succeed(width.bucket(now())),
            Ring::Calls(calls) => calls.succeed(),
        }
        self.end_streak();
    }

    #[inline]
    pub(crate) fn end_streak(&self) {
        if self.streak.load(Ordering::Relaxed) != 0 {
            self.streak.store(0, Ordering::Relaxed);
        }
    }
}

/// All counts together, while the lock is held.
pub(crate) struct SharedLedger<'a> {
    pub(crate) gate: &'a AtomicU64,
    pub(crate) tallies: &'a Tallies,
    pub(crate) troubles: &'a mut Troubles,
}

impl SharedLedger<'_> {
    fn fail(&mut self, now: Moment) {
        let before = self.tallies.streak.fetch_add(1, Ordering::Relaxed);
        if before == u32::MAX {
            self.tallies.streak.store(u32::MAX, Ordering::Relaxed);
        }
        if before == 0 {
            self.troubles.first = now;
            self.troubles.last = now;
        }
        self.troubles.last = self.troubles.last.max(now);
    }
}

impl Ledger for SharedLedger<'_> {
    fn record(&mut self, sample: Sample, now: Moment) {
        if sample == Sample::success(false) {
            return self.tallies.succeed(|| now);
        }
        match &self.tallies.ring {
            Ring::Nothing => {}
            Ring::Time(width, seconds) => {
                let bucket = seconds.advance(width.bucket(now));
                let window = self.troubles.window.get_or_insert_default();
                window.record(sample, bucket);
            }
            Ring::Calls(calls) => calls.record(sample),
        }
        if sample.failed {
            self.fail(now);
        } else {
            self.tallies.streak.store(0, Ordering::Relaxed);
        }
    }

    fn totals(&self, now: Moment) -> Totals {
        match &self.tallies.ring {
            Ring::Nothing => Totals::default(),
            Ring::Time(width, seconds) => {
                let (bucket, successes) = seconds.successes(width.bucket(now));
                let troubles = self.troubles.window.as_ref();
                let totals = troubles.map_or_else(Totals::default, |it| it.totals(bucket));
                totals.plus(Totals {
                    samples: successes,
                    ..Totals::default()
                })
            }
            Ring::Calls(calls) => calls.totals(),
        }
    }

    fn streak(&self) -> Streak {
        match self.tallies.streak.load(Ordering::Relaxed) {
            0 => Streak::default(),
            failures => Streak {
                failures,
                first: self.troubles.first,
                last: self.troubles.last,
            },
        }
    }

    /// Shuts the gate first, so that successes of the time before go to the lock, where they are
    /// seen to be stale. One that a thread is just about to count may slip in after this, as a
    /// single success of the next closed state; nothing is decided by it.
    fn clear(&mut self) {
        self.gate.store(Gate::GUARDED.word(), Ordering::Release);
        self.tallies.streak.store(0, Ordering::Relaxed);
        match &self.tallies.ring {
            Ring::Nothing => {}
            Ring::Time(_, seconds) => {
                seconds.clear();
                self.troubles.window = None;
            }
            Ring::Calls(calls) => calls.clear(),
        }
    }
}
