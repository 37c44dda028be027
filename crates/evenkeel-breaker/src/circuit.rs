use std::sync::PoisonError;

use evenkeel_error::Moment;

use crate::audience::Audience;
use crate::course::{Course, Entrance};
use crate::gate::{Duty, Gate, Tag};
use crate::news::News;
use crate::place::Place;
use crate::present::Present;
use crate::sync::{AtomicU64, Mutex, MutexGuard, Ordering};
use crate::tallies::{Past, SharedLedger, Tallies, Troubles};
use crate::{
    Admission, BreakerConfig, Health, Mode, Outcome, Rejected, Rejection, State, Ticket, Transition,
};

mod counting;
mod guarded;

pub(crate) use counting::Counted;
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
    tallies: Tallies,
    config: BreakerConfig,
    guarded: Mutex<Guarded>,
}

impl Circuit {
    pub(crate) fn new(config: BreakerConfig, audience: Option<Audience>) -> Self {
        let tallies = Tallies::new(&config.settings);
        let entrance = Course::new(config.clone()).entrance();
        Self {
            gate: AtomicU64::new(Gate::of(entrance, Duty::of(&config.settings)).word()),
            open_until: AtomicU64::new(0),
            guarded: Mutex::new(Guarded {
                past: tallies.past(),
                cold: audience.map(|it| Cold::new(&config, Some(it))),
            }),
            config,
            tallies,
        }
    }

    /// What a call meets whose gate was not clear. `present` is asked only where it matters.
    #[inline]
    pub(crate) fn admit(
        &self,
        gate: Gate,
        mut present: impl Present,
    ) -> Result<(Ticket, News), Rejected> {
        if gate.tag() == Tag::Open
            && let Some(rejected) = self.refusal(gate, present.now())
        {
            return Err(rejected);
        }
        self.admit_otherwise(present)
    }

    /// What a call meets that finds the circuit neither clear nor open.
    #[cold]
    #[inline(never)]
    fn admit_otherwise(&self, mut present: impl Present) -> Result<(Ticket, News), Rejected> {
        let gate = self.gate();
        match gate.tag() {
            Tag::Closed if gate.duty() == Duty::Watched => {
                let ticket = Ticket::placeless(gate.generation(), present.now());
                Ok((ticket, News::NONE))
            }
            Tag::Closed => Ok((Ticket::of_gate(gate.calmed()), News::NONE)),
            Tag::Bypassed => Ok((Ticket::UNCOUNTED, News::NONE)),
            Tag::Open | Tag::Guarded => self.admit_guarded(present.now(), present.roll()),
        }
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
        if ticket.is_uncounted() {
            return (ticket, None);
        }
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
        if ticket.is_uncounted() {
            return None;
        }
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
        let cold = &mut guarded.cold;
        let cold = cold.get_or_insert_with(|| Cold::new(&self.config, None));
        let found = self.gate();
        cold.catch_up(found);
        cold.course.switch(mode);
        self.publish(found, cold);
    }

    pub(crate) fn mode(&self) -> Mode {
        let guarded = self.lock();
        match &guarded.cold {
            Some(cold) => cold.course.mode(),
            None => self.config.settings.mode,
        }
    }

    /// The set that kept it keeps it no more: it ends closed, for whoever listens.
    pub(crate) fn forget(&self, now: Moment) {
        if self.gate().tag() != Tag::Closed {
            self.change(|course, _| ((), course.forget(now)));
        }
    }

    /// How often it opened in a row, as far as that counts.
    pub(crate) fn openings(&self, now: Moment) -> u32 {
        let guarded = self.lock();
        let cold = guarded.cold.as_ref();
        cold.map_or(0, |cold| cold.course.openings_at(now))
    }

    pub(crate) fn state(&self, now: Moment) -> State {
        if matches!(self.gate().tag(), Tag::Closed | Tag::Bypassed) {
            return State::Closed;
        }
        let guarded = self.lock();
        match &guarded.cold {
            Some(cold) => cold.course.state(now),
            None => Course::new(self.config.clone()).state(now),
        }
    }

    pub(crate) fn health(&self, now: Moment) -> Health {
        let mut guarded = self.lock();
        let Guarded { past, cold } = &mut *guarded;
        let mut unused = None;
        // Looking at a breaker that has met no trouble leaves it as small as it is.
        let cold = match cold {
            Some(cold) => cold,
            None => unused.insert(Cold::new(&self.config, None)),
        };
        cold.catch_up(self.gate());
        let ledger = self.ledger(past, &mut cold.troubles);
        cold.course.health(&ledger, now)
    }

    #[inline]
    pub(crate) fn gate(&self) -> Gate {
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
    fn admit_guarded(&self, now: Moment, roll: u64) -> Result<(Ticket, News), Rejected> {
        let (admission, transition) = self.step(|course, _| course.admit(now, roll));
        let (ticket, news) = match admission {
            Admission::Admitted(ticket) => (ticket, News::of_transition(transition)),
            Admission::Overruled(ticket, it) => (ticket, News::of_overruled(it)),
            Admission::Rejected(rejection) => return Err(Rejected::new(rejection, now)),
        };
        if transition.is_some() {
            let place = Place::new(self, ticket);
            self.tell();
            place.hand_over();
        }
        Ok((ticket, news))
    }

    /// Takes a step under the lock, and tells calls and listeners what came of it.
    fn change<R>(
        &self,
        step: impl FnOnce(&mut Course, &mut SharedLedger<'_>) -> (R, Option<Transition>),
    ) -> (R, Option<Transition>) {
        let (result, transition) = self.step(step);
        if transition.is_some() {
            self.tell();
        }
        (result, transition)
    }

    /// The same, but for the listener, who has yet to be [told](Self::tell).
    fn step<R>(
        &self,
        step: impl FnOnce(&mut Course, &mut SharedLedger<'_>) -> (R, Option<Transition>),
    ) -> (R, Option<Transition>) {
        let mut guarded = self.lock();
        let Guarded { past, cold } = &mut *guarded;
        let cold = cold.get_or_insert_with(|| Cold::new(&self.config, None));
        let found = self.gate();
        cold.catch_up(found);
        let mut ledger = self.ledger(past, &mut cold.troubles);
        let (result, transition) = step(&mut cold.course, &mut ledger);
        self.publish(found, cold);
        if let (Some(audience), Some(transition)) = (&mut cold.audience, transition) {
            audience.announce(transition);
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

    /// What calls find from now on, in place of what was found before the step. A success that ends the
    /// failures in a row meanwhile, outside of the lock, comes after the step: if the gate stays, it stays
    /// as that success left it.
    fn publish(&self, found: Gate, cold: &Cold) {
        let entrance = cold.course.entrance();
        let mut gate = Gate::of(entrance, Duty::of(&self.config.settings));
        if gate.tag() == Tag::Closed && cold.troubles.streak.failures > 0 {
            gate = gate.troubled();
        }
        if gate == found {
            return;
        }
        if let Entrance::Open { until, .. } = entrance {
            self.open_until.store(until.as_nanos(), Ordering::Release);
        }
        // A swap, as a success may be swapping, too: so one of the two has seen the other.
        self.gate.swap(gate.word(), Ordering::AcqRel);
    }

    fn ledger<'a>(
        &'a self,
        past: &'a mut Option<Box<Past>>,
        troubles: &'a mut Troubles,
    ) -> SharedLedger<'a> {
        SharedLedger {
            window: self.config.settings.window,
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
        // Beside it a handle of 8 bytes and the two counts of the `Arc`: 88 in all.
        assert!(size_of::<super::Circuit>() <= 64);
    }
}
