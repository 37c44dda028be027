use std::sync::{PoisonError, TryLockError};

use evenkeel_error::Moment;

use crate::audience::Audience;
use crate::course::{Course, Entrance};
use crate::gate::{Gate, Tag};
use crate::present::Present;
use crate::sync::{AtomicU64, Mutex, MutexGuard, Ordering};
use crate::tallies::{Misplaced, Past, SharedLedger, Tallies, Troubles};
use crate::{
    Admission, BreakerConfig, Health, Mode, Outcome, Rejected, Rejection, State, Ticket,
    Transition, roll,
};

mod guarded;

use guarded::{Cold, Guarded};

/// A circuit that threads share.
///
/// The machine's course stands under a lock. What calls find as long as it does not change stands
/// beside it, in a word that is read without: while closed, neither admission nor success takes the
/// lock, and while open no refusal does. The lock is held for a few steps, never across a call and
/// never while foreign code runs. What successes write stands in an allocation of its own, so that
/// the line all calls read stays in every core's cache.
#[derive(Debug)]
pub struct Circuit {
    gate: AtomicU64,
    /// When the open delay is over; of the opening that the gate speaks of.
    open_until: AtomicU64,
    /// Nanoseconds from which on a call is slow; the largest number if that is no rule.
    slow_after: u64,
    tallies: Tallies,
    guarded: Mutex<Guarded>,
}

/// What an admission that had to look under the lock has to say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct News {
    pub(crate) transition: Option<Transition>,
    pub(crate) overruled: Option<Rejection>,
}

/// What became of a success.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Counted {
    Yes,
    /// It is to be mended.
    Astray(Misplaced),
    No,
}

const NEVER_SLOW: u64 = u64::MAX;

impl Circuit {
    pub(crate) fn new(config: BreakerConfig, audience: Option<Audience>) -> Self {
        let tallies = Tallies::new(&config.settings);
        let slow_after = config.settings.slow_after().map_or(NEVER_SLOW, roll::nanos);
        let entrance = Course::new(config.clone()).entrance();
        Self {
            gate: AtomicU64::new(Gate::of(entrance).word()),
            open_until: AtomicU64::new(0),
            slow_after,
            tallies,
            guarded: Mutex::new(Guarded {
                past: None,
                cold: audience.map(|it| Cold::new(&config, Some(it))),
                config,
            }),
        }
    }

    /// The ticket of a call that finds the circuit closed: nothing else has to be looked at.
    #[inline]
    pub(crate) fn enter(&self, present: &mut impl Present) -> Option<Ticket> {
        let gate = self.gate();
        if gate.tag() != Tag::Closed {
            return None;
        }
        let begun = if self.slow_after == NEVER_SLOW {
            Moment::MAX
        } else {
            present.now()
        };
        Some(Ticket::of_gate(gate, begun))
    }

    /// What a call meets that did not find the circuit closed.
    #[inline(never)]
    pub(crate) fn admit(
        &self,
        now: Moment,
        roll: u64,
    ) -> Result<(Ticket, Option<Box<News>>), Rejected> {
        let gate = self.gate();
        match gate.tag() {
            Tag::Open => match self.refusal(gate, now) {
                Some(rejected) => Err(rejected),
                None => self.admit_guarded(now, roll),
            },
            Tag::Bypassed => Ok((Ticket::UNCOUNTED, None)),
            Tag::Closed | Tag::Guarded => self.admit_guarded(now, roll),
        }
    }

    /// A success that is counted and does no more; calls nothing on the usual way, so that the caller
    /// keeps what it has in registers.
    #[inline]
    pub(crate) fn count(&self, ticket: Ticket, present: &mut impl Present) -> Counted {
        if !ticket.is_of(self.gate()) {
            return Counted::No;
        }
        // Slow calls are a share of a window: without one they are no rule.
        let Some(verdicts) = self.tallies.verdicts() else {
            self.tallies.end_streak();
            return Counted::Yes;
        };
        if self.slow_after != NEVER_SLOW {
            return Counted::No;
        }
        match self.tallies.succeed(verdicts, || present.now()) {
            None => Counted::Yes,
            Some(misplaced) => Counted::Astray(misplaced),
        }
    }

    /// The same to the end. Whether it was counted.
    #[inline]
    pub(crate) fn count_success(&self, ticket: Ticket, present: &mut impl Present) -> bool {
        match self.count(ticket, present) {
            Counted::Yes => true,
            Counted::Astray(misplaced) => {
                self.mend(misplaced);
                true
            }
            Counted::No => self.count_in_time(ticket, present.now()),
        }
    }

    /// The same where slow calls are a rule: for those that were not. Few breakers have it.
    #[inline(never)]
    pub(crate) fn count_in_time(&self, ticket: Ticket, now: Moment) -> bool {
        if self.slow_after == NEVER_SLOW
            || !ticket.is_of(self.gate())
            || roll::nanos(now.since(ticket.begun)) >= self.slow_after
        {
            return false;
        }
        let Some(verdicts) = self.tallies.verdicts() else {
            return false;
        };
        if let Some(misplaced) = self.tallies.succeed(verdicts, || now) {
            self.mend(misplaced);
        }
        true
    }

    /// Puts a success right that was the first of its bucket, or of a time before. Waits for nobody:
    /// while another thread has the lock, a note will do.
    #[cold]
    #[inline(never)]
    pub(crate) fn mend(&self, misplaced: Misplaced) {
        let mut guarded = match self.guarded.try_lock() {
            Ok(guarded) => guarded,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return self.tallies.note_late(),
        };
        self.tallies.mend(&mut guarded.past, misplaced);
    }

    /// The first verdict of two, where it is more than to be counted.
    #[cold]
    #[inline(never)]
    pub(crate) fn first_content(
        &self,
        ticket: Ticket,
        now: Moment,
        roll: u64,
    ) -> (Ticket, Option<Transition>) {
        self.change(|course, ledger| course.first_content(ledger, ticket, now, roll))
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn record(
        &self,
        ticket: Ticket,
        outcome: Outcome,
        now: Moment,
        roll: u64,
    ) -> Option<Transition> {
        self.change(|course, ledger| ((), course.record(ledger, ticket, outcome, now, roll)))
            .1
    }

    /// Gives back the place of a ticket that holds one.
    #[cold]
    #[inline(never)]
    pub(crate) fn release(&self, ticket: Ticket) {
        if let Some(cold) = &mut self.lock().cold {
            cold.course.release(ticket);
        }
    }

    pub(crate) fn switch(&self, mode: Mode) {
        let mut guarded = self.lock();
        let Guarded { config, cold, .. } = &mut *guarded;
        let course = &mut cold.get_or_insert_with(|| Cold::new(config, None)).course;
        course.switch(mode);
        self.publish(course);
    }

    pub(crate) fn mode(&self) -> Mode {
        let guarded = self.lock();
        match &guarded.cold {
            Some(cold) => cold.course.mode(),
            None => guarded.config.settings.mode,
        }
    }

    pub(crate) fn state(&self, now: Moment) -> State {
        if matches!(self.gate().tag(), Tag::Closed | Tag::Bypassed) {
            return State::Closed;
        }
        let guarded = self.lock();
        match &guarded.cold {
            Some(cold) => cold.course.state(now),
            None => Course::new(guarded.config.clone()).state(now),
        }
    }

    pub(crate) fn health(&self, now: Moment) -> Health {
        let mut guarded = self.lock();
        let Guarded { config, past, cold } = &mut *guarded;
        let mut unused = None;
        // Looking at a breaker that has met no trouble leaves it as small as it is.
        let cold = match cold {
            Some(cold) => cold,
            None => unused.insert(Cold::new(config, None)),
        };
        let ledger = self.ledger(config, past, &mut cold.troubles);
        cold.course.health(&ledger, now)
    }

    #[inline]
    fn gate(&self) -> Gate {
        Gate::from_word(self.gate.load(Ordering::Acquire))
    }

    /// The refusal of an open circuit, unless it was left meanwhile or its delay is over.
    #[inline]
    fn refusal(&self, gate: Gate, now: Moment) -> Option<Rejected> {
        let until = Moment::from_nanos(self.open_until.load(Ordering::Acquire));
        // Unchanged after the moment was read: so the moment belongs to it.
        if self.gate() != gate || now >= until {
            return None;
        }
        let rejection = Rejection {
            retry_at: until,
            fault: gate.fault(),
            state: State::Open,
        };
        Some(Rejected::new(rejection, now))
    }

    #[cold]
    #[inline(never)]
    fn admit_guarded(
        &self,
        now: Moment,
        roll: u64,
    ) -> Result<(Ticket, Option<Box<News>>), Rejected> {
        let (admission, transition) = self.change(|course, _| course.admit(now, roll));
        let (ticket, overruled) = match admission {
            Admission::Admitted(ticket) => (ticket, None),
            Admission::Overruled(ticket, rejection) => (ticket, Some(rejection)),
            Admission::Rejected(rejection) => return Err(Rejected::new(rejection, now)),
        };
        let news = (transition.is_some() || overruled.is_some()).then(|| {
            Box::new(News {
                transition,
                overruled,
            })
        });
        Ok((ticket, news))
    }

    /// Takes a step under the lock, and tells calls and listeners what came of it.
    fn change<R>(
        &self,
        step: impl FnOnce(&mut Course, &mut SharedLedger<'_>) -> (R, Option<Transition>),
    ) -> (R, Option<Transition>) {
        let mut guarded = self.lock();
        let Guarded { config, past, cold } = &mut *guarded;
        let cold = cold.get_or_insert_with(|| Cold::new(config, None));
        let mut ledger = self.ledger(config, past, &mut cold.troubles);
        let (result, transition) = step(&mut cold.course, &mut ledger);
        self.publish(&cold.course);
        let is_heard = match (&mut cold.audience, transition) {
            (Some(audience), Some(transition)) => {
                audience.announce(transition);
                true
            }
            _ => false,
        };
        drop(guarded);
        if is_heard {
            self.tell();
        }
        (result, transition)
    }

    /// Tells the listener what it has not heard yet, unless another thread is at it, or this one is
    /// further up: then that one goes on.
    fn tell(&self) {
        let next = |told: bool| self.lock().audience()?.next(told);
        let mut telling = next(false);
        while let Some((listener, transition)) = telling {
            let ended = Ended(self);
            listener.hear(&transition);
            core::mem::forget(ended);
            telling = next(true);
        }
    }

    /// What calls find from now on.
    fn publish(&self, course: &Course) {
        let entrance = course.entrance();
        let gate = Gate::of(entrance);
        if self.gate() == gate {
            return;
        }
        if let Entrance::Open { until, .. } = entrance {
            self.open_until.store(until.as_nanos(), Ordering::Release);
        }
        self.gate.store(gate.word(), Ordering::Release);
    }

    fn ledger<'a>(
        &'a self,
        config: &BreakerConfig,
        past: &'a mut Option<Box<Past>>,
        troubles: &'a mut Troubles,
    ) -> SharedLedger<'a> {
        SharedLedger {
            window: config.settings.window,
            gate: &self.gate,
            tallies: &self.tallies,
            past,
            troubles,
        }
    }

    /// A panic of another thread cannot leave the course half changed in a way that matters: none
    /// of its steps runs foreign code. So a poisoned lock is as good as any.
    fn lock(&self) -> MutexGuard<'_, Guarded> {
        self.guarded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets others tell, should the listener panic.
struct Ended<'a>(&'a Circuit);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        if let Some(audience) = self.0.lock().audience() {
            audience.fall_silent();
        }
    }
}

#[cfg(test)]
impl Circuit {
    /// Does this with the lock held.
    pub(crate) fn while_locked<T>(&self, run: impl FnOnce() -> T) -> T {
        let _guarded = self.lock();
        run()
    }

    /// Panics with the lock held.
    pub(crate) fn poison(&self) {
        let _guarded = self.lock();
        panic!("with the lock held");
    }
}

#[cfg(all(test, loom))]
mod orders;

#[cfg(all(test, not(loom), target_os = "linux", target_pointer_width = "64"))]
mod tests {
    #[test]
    fn a_breaker_that_met_no_trouble_is_as_small_as_the_smallest_rival() {
        // Beside it a handle of 8 bytes and the two counts of the `Arc`: 104 in all.
        assert!(size_of::<super::Circuit>() <= 80);
    }
}
