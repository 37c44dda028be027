//! The counts of a breaker that threads share: a success writes at most one word, and takes no lock.
//!
//! What goes wrong is rare while a circuit is closed, so failures and slow calls are counted under
//! the breaker's lock, which also reads everything. Only successes in time stay outside of it.

use evenkeel_error::Moment;

use crate::Window;
use crate::config::Settings;
use crate::counts::{BUCKETS, Ledger, Sample, Streak, TimeWindow, Totals, Width};
use crate::gate::Gate;
use crate::sync::{AtomicU64, Ordering};

mod calls;
mod past;
mod verdicts;

use calls::Calls;
pub(crate) use past::Past;
pub(crate) use verdicts::{Misplaced, Verdicts};

/// What may be touched without the lock.
#[derive(Debug)]
pub(crate) struct Tallies {
    /// How long a bucket is; [`Width::ENDLESS`] in a window of calls.
    width: Width,
    /// None if failures in a row are the only rule: then a success has nothing to count.
    verdicts: Option<Box<Verdicts>>,
}

/// What went wrong; the lock guards it.
#[derive(Debug, Default)]
pub(crate) struct Troubles {
    /// Over as soon as the gate is closed and [not troubled](Gate::is_troubled).
    pub(crate) streak: Streak,
    /// Failures and slow calls of a window; none as long as there were none.
    time: Option<Box<TimeWindow>>,
    calls: Option<Box<Calls>>,
}

impl Tallies {
    pub(crate) fn new(settings: &Settings) -> Self {
        let width = match settings.window {
            Window::Time(span) => Width::of(span),
            Window::Calls(_) => Width::ENDLESS,
        };
        let counts = settings.counts_in_window();
        Self {
            width,
            verdicts: counts.then(|| Box::new(Verdicts::new())),
        }
    }

    /// Where a window of time keeps its earlier buckets: made with the circuit, so that no success allocates.
    pub(crate) fn past(&self) -> Option<Box<Past>> {
        let needed = self.verdicts.is_some() && !self.width.is_endless();
        needed.then(Box::default)
    }

    /// A success in a window of calls. What comes back must be given to [`mend`](Self::mend).
    #[inline]
    pub(crate) fn succeed(&self) -> Option<Misplaced> {
        self.verdicts.as_ref()?.count(0)
    }

    /// The same in either window.
    #[inline]
    pub(crate) fn succeed_at(&self, now: Moment) -> Option<Misplaced> {
        self.verdicts.as_ref()?.count(self.width.bucket(now))
    }

    /// Puts a success right that was counted in the wrong place, under the lock.
    pub(crate) fn mend(&self, past: &mut Option<Box<Past>>, misplaced: Misplaced) {
        match &self.verdicts {
            Some(verdicts) if self.width.is_endless() => verdicts.make_room(),
            Some(verdicts) => verdicts.mend(past, misplaced),
            None => {}
        }
    }

    /// The same for a thread that cannot have the lock now.
    pub(crate) fn note_late(&self, misplaced: Misplaced) {
        match &self.verdicts {
            Some(verdicts) if !self.width.is_endless() => verdicts.note_late(misplaced),
            // A word that is full is emptied by the next one.
            Some(_) | None => {}
        }
    }
}

/// All counts together, while the lock is held.
pub(crate) struct SharedLedger<'a> {
    pub(crate) window: Window,
    pub(crate) gate: &'a AtomicU64,
    pub(crate) tallies: &'a Tallies,
    pub(crate) past: &'a mut Option<Box<Past>>,
    pub(crate) troubles: &'a mut Troubles,
}

impl Ledger for SharedLedger<'_> {
    fn record(&mut self, sample: Sample, now: Moment) {
        if sample == Sample::success(false) {
            self.troubles.streak.end();
            if let Some(misplaced) = self.tallies.succeed_at(now) {
                self.tallies.mend(self.past, misplaced);
            }
            return;
        }
        match (&self.tallies.verdicts, self.window) {
            (None, _) => {}
            (Some(verdicts), Window::Time(_)) => {
                let bucket = verdicts.advance(self.past, self.tallies.width.bucket(now));
                let window = self.troubles.time.get_or_insert_default();
                window.record(sample, bucket);
            }
            (Some(verdicts), Window::Calls(capacity)) => {
                let calls = self.troubles.calls.get_or_insert_default();
                let number = if sample.again {
                    verdicts.latest()
                } else {
                    verdicts.next()
                };
                calls.record(number, sample, capacity);
            }
        }
        if sample.failed {
            self.troubles.streak.fail(now);
        } else {
            self.troubles.streak.end();
        }
    }

    fn totals(&self, now: Moment) -> Totals {
        match (&self.tallies.verdicts, self.window) {
            (None, _) => Totals::default(),
            (Some(verdicts), Window::Time(_)) => {
                let (newest, count) = verdicts.newest_and_count();
                let present = self.tallies.width.bucket(now).max(newest);
                let is_held = present - newest < BUCKETS as u64;
                let past = self.past.as_ref().map_or(0, |it| it.successes(present));
                let troubles = self.troubles.time.as_ref();
                let troubles = troubles.map_or_else(Totals::default, |it| it.totals(present));
                troubles.plus(Totals {
                    samples: past + if is_held { count } else { 0 },
                    ..Totals::default()
                })
            }
            (Some(verdicts), Window::Calls(capacity)) => {
                let counted = verdicts.counted();
                let samples = counted.min(capacity.into());
                let none = Totals {
                    samples,
                    ..Totals::default()
                };
                let calls = self.troubles.calls.as_ref();
                calls.map_or(none, |it| it.totals(counted, capacity))
            }
        }
    }

    fn streak(&self) -> Streak {
        self.troubles.streak
    }

    /// Shuts the gate, so that successes of the time before go to the lock, where they are seen to be
    /// stale. Those that threads have found the gate for, and have yet to count, slip in as successes of
    /// the next closed state: one a thread at most. They open nothing, and end no failures in a row,
    /// which only the gate they found could say.
    fn clear(&mut self) {
        self.gate.swap(Gate::GUARDED.word(), Ordering::AcqRel);
        self.troubles.streak.end();
        match (&self.tallies.verdicts, self.window) {
            (None, _) => {}
            (Some(verdicts), Window::Time(_)) => verdicts.clear_bucket(),
            (Some(verdicts), Window::Calls(_)) => verdicts.clear(),
        }
        if let Some(past) = self.past {
            **past = Past::default();
        }
        self.troubles.time = None;
        self.troubles.calls = None;
    }
}
