use core::time::Duration;

use evenkeel_error::{ErrorKind, Moment};

use crate::circuit::{Circuit, Counted};
use crate::news::News;
use crate::place::Place;
use crate::present::{Given, Present};
use crate::{Breaker, Outcome, Rejected, Rejection, Ticket, Transition};

/// Leave to make one call, and the duty to say what became of it.
///
/// Dropping it is [`neutral`](Self::neutral): a call that is cancelled, or never made, or that
/// panics, teaches nothing and gives its place back. Where a dropped call is to count, see
/// [`fail_on_drop`](Self::fail_on_drop).
///
/// `Permit` owns a handle to its breaker and can go where the call goes, into a spawned task for
/// example ([`Breaker::admit_owned`]); `Permit<&Breaker>` borrows it and costs less
/// ([`Breaker::admit`]).
#[derive(Debug)]
#[must_use = "dropping a permit gives its place back; keep it for as long as the call lasts"]
pub struct Permit<H: Handle = Breaker> {
    handle: H,
    ticket: Ticket,
    progress: Progress,
    news: News,
}

/// Which verdict the breaker still waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// The first.
    Begun,
    /// The second, which can only be a failure.
    Answering,
    Done,
}

/// How a [`Permit`] holds its breaker: as a [`Breaker`] or as a `&Breaker`. Nothing else does.
pub trait Handle: sealed::Sealed {}

impl Handle for Breaker {}
impl Handle for &Breaker {}

mod sealed {
    use super::{Breaker, Circuit};

    pub trait Sealed {
        fn circuit(&self) -> &Circuit;
    }

    impl Sealed for Breaker {
        #[inline]
        fn circuit(&self) -> &Circuit {
            self.circuit()
        }
    }

    impl Sealed for &Breaker {
        #[inline]
        fn circuit(&self) -> &Circuit {
            Breaker::circuit(self)
        }
    }
}

impl<H: Handle> Permit<H> {
    #[expect(
        clippy::inline_always,
        reason = "a permit that a function returns lives in memory, which doubles the cost"
    )]
    #[inline(always)]
    pub(crate) fn admit(handle: H, present: impl Present) -> Result<Self, Rejected> {
        let circuit = handle.circuit();
        let gate = circuit.gate();
        // Built in one place from single values, which then need not go through memory.
        let (ticket, news) = if gate.is_clear() {
            (Ticket::of_gate(gate), News::NONE)
        } else {
            circuit.admit(gate, present)?
        };
        Ok(Self {
            handle,
            ticket,
            progress: Progress::Begun,
            news,
        })
    }

    /// The transition that letting this call in caused, if it did: from open to half-open, when
    /// this call is the probe, or from recovering to closed.
    #[must_use]
    pub fn transition(&self) -> Option<Transition> {
        self.news.transition()
    }

    /// What the breaker would have answered, had it not been
    /// [only observing](crate::Mode::ObserveOnly).
    #[must_use]
    pub fn overruled(&self) -> Option<Rejection> {
        self.news.overruled()
    }

    /// The call's reply has begun: counts as a success, at once. A stream may take minutes to
    /// end, and neither a probe nor the window should wait for that.
    ///
    /// The permit remains for what comes after: with a [`failure`](Self::failure) it is one call that
    /// failed, a [`success`](Self::success) adds nothing. Only the first of several beginnings counts.
    #[inline]
    pub fn first_content(&mut self, now: Moment, roll: u64) -> Option<Transition> {
        self.begin(&mut Given { now, roll })
    }

    /// The call succeeded.
    #[inline]
    pub fn success(self, now: Moment, roll: u64) -> Option<Transition> {
        self.succeed(Given { now, roll })
    }

    /// The call failed in a way that tells of the other side's health; `hint` is how long it
    /// asked to be left alone.
    pub fn failure(
        self,
        kind: ErrorKind,
        hint: Option<Duration>,
        now: Moment,
        roll: u64,
    ) -> Option<Transition> {
        match self.progress {
            Progress::Done => None,
            Progress::Begun | Progress::Answering => {
                self.record(Outcome::Failure { kind, hint }, now, roll)
            }
        }
    }

    /// The call said nothing about the other side's health.
    pub fn neutral(self) {
        drop(self);
    }

    #[inline]
    pub(crate) fn begin(&mut self, present: &mut impl Present) -> Option<Transition> {
        if self.progress != Progress::Begun {
            return None;
        }
        let (circuit, ticket) = (self.handle.circuit(), self.ticket);
        let counted = circuit.count(ticket, present);
        if matches!(counted, Counted::Yes) || circuit.count_otherwise(counted, ticket, present) {
            self.progress = Progress::Answering;
            self.ticket = ticket.answering();
            return None;
        }
        // Asked first: a clock that panics leaves the place to the drop.
        let (now, roll) = (present.now(), present.roll());
        self.progress = Progress::Answering;
        let (rest, transition) = circuit.first_content(ticket, now, roll);
        self.ticket = rest;
        transition
    }

    #[expect(
        clippy::inline_always,
        reason = "a permit that is handed to a function lives in memory, which doubles the cost"
    )]
    #[inline(always)]
    pub(crate) fn succeed(mut self, mut present: impl Present) -> Option<Transition> {
        let (circuit, ticket) = (self.handle.circuit(), self.ticket);
        if self.progress != Progress::Begun {
            return None;
        }
        let counted = circuit.count(ticket, &mut present);
        self.progress = Progress::Done;
        match counted {
            Counted::Yes => None,
            counted => Place::new(circuit, ticket).succeed(counted, present),
        }
    }

    #[cold]
    #[inline(never)]
    fn record(mut self, outcome: Outcome, now: Moment, roll: u64) -> Option<Transition> {
        self.progress = Progress::Done;
        let circuit = self.handle.circuit();
        circuit.record(self.ticket, outcome, now, roll)
    }

    /// Gives this verdict, unless one was given. A success is the first of two.
    pub(crate) fn settle(
        &mut self,
        outcome: Outcome,
        mut present: impl Present,
    ) -> Option<Transition> {
        match outcome {
            _ if self.progress != Progress::Begun => None,
            Outcome::Success => self.begin(&mut present),
            Outcome::Neutral => {
                self.progress = Progress::Answering;
                let ticket = self.ticket;
                // Nothing was counted that a failure to come could be a part of.
                self.ticket = ticket.without_place();
                if ticket.holds_place() {
                    self.handle.circuit().release(ticket);
                }
                None
            }
            Outcome::Failure { .. } => {
                let (now, roll) = (present.now(), present.roll());
                self.progress = Progress::Done;
                let circuit = self.handle.circuit();
                circuit.record(self.ticket, outcome, now, roll)
            }
        }
    }

    /// Whether no verdict was given yet.
    pub(crate) fn is_open(&self) -> bool {
        self.progress == Progress::Begun
    }
}

impl<H: Handle> Drop for Permit<H> {
    #[inline]
    fn drop(&mut self) {
        if self.progress == Progress::Begun && self.ticket.holds_place() {
            self.handle.circuit().release(self.ticket);
        }
    }
}
