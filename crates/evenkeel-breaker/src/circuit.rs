use std::sync::PoisonError;

use evenkeel_error::Moment;

use crate::audience::Audience;
use crate::course::{Course, Entrance};
use crate::gate::{Gate, Tag};
use crate::present::Present;
use crate::sync::{AtomicU64, Mutex, MutexGuard, Ordering};
use crate::tallies::{SharedLedger, Tallies, Troubles};
use crate::{
    Admission, BreakerConfig, Health, Mode, Outcome, Rejected, Rejection, State, Ticket,
    Transition, roll,
};

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
    /// Whether failures in a row are the only rule: then a success has nothing to count.
    is_plain: bool,
    tallies: Tallies,
    guarded: Mutex<Guarded>,
}

#[derive(Debug)]
struct Guarded {
    course: Course,
    troubles: Troubles,
    audience: Option<Box<Audience>>,
}

/// What an admission that had to look under the lock has to say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct News {
    pub(crate) transition: Option<Transition>,
    pub(crate) overruled: Option<Rejection>,
}

const NEVER_SLOW: u64 = u64::MAX;

impl Circuit {
    pub(crate) fn new(config: BreakerConfig, audience: Option<Audience>) -> Self {
        let tallies = Tallies::new(&config.settings);
        let slow_after = config.settings.slow_after().map_or(NEVER_SLOW, roll::nanos);
        let is_plain = !config.settings.counts_in_window();
        let course = Course::new(config);
        let gate = AtomicU64::new(Gate::of(course.entrance()).word());
        Self {
            gate,
            open_until: AtomicU64::new(0),
            slow_after,
            is_plain,
            tallies,
            guarded: Mutex::new(Guarded {
                course,
                troubles: Troubles::default(),
                audience: audience.map(Box::new),
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

    /// A success for which nothing is to be counted: the circuit has been closed ever since it let
    /// the call in, and only failures in a row are a rule. Whether that was so.
    #[inline]
    pub(crate) fn wave_through(&self, ticket: Ticket) -> bool {
        let is_all = ticket.is_of(self.gate()) && self.is_plain;
        if is_all {
            self.tallies.end_streak();
        }
        is_all
    }

    /// A success that is counted and does no more. Whether it was one.
    #[expect(
        clippy::inline_always,
        reason = "two callers; a call of its own costs a fifth of the whole"
    )]
    #[inline(always)]
    pub(crate) fn count_success(&self, ticket: Ticket, present: &mut impl Present) -> bool {
        if !ticket.is_of(self.gate()) {
            return false;
        }
        if self.slow_after != NEVER_SLOW {
            let took = present.now().since(ticket.begun);
            if roll::nanos(took) >= self.slow_after {
                return false;
            }
        }
        self.tallies.succeed(|| present.now());
        true
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
        self.lock().course.release(ticket);
    }

    pub(crate) fn switch(&self, mode: Mode) {
        let mut guarded = self.lock();
        guarded.course.switch(mode);
        self.publish(&guarded.course);
    }

    pub(crate) fn mode(&self) -> Mode {
        self.lock().course.mode()
    }

    pub(crate) fn state(&self, now: Moment) -> State {
        if matches!(self.gate().tag(), Tag::Closed | Tag::Bypassed) {
            return State::Closed;
        }
        self.lock().course.state(now)
    }

    pub(crate) fn health(&self, now: Moment) -> Health {
        let mut guarded = self.lock();
        let Guarded {
            course, troubles, ..
        } = &mut *guarded;
        course.health(&self.ledger(troubles), now)
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
        let Guarded {
            course,
            troubles,
            audience,
        } = &mut *guarded;
        let (result, transition) = step(course, &mut self.ledger(troubles));
        self.publish(course);
        let is_heard = match (audience, transition) {
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
        let next = |told: bool| self.lock().audience.as_mut()?.next(told);
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

    const fn ledger<'a>(&'a self, troubles: &'a mut Troubles) -> SharedLedger<'a> {
        SharedLedger {
            gate: &self.gate,
            tallies: &self.tallies,
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
        if let Some(audience) = &mut self.0.lock().audience {
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
