use core::mem;
use core::time::Duration;

use evenkeel_error::{ErrorKind, Moment};

use crate::{Breaker, Outcome, Rejection, Ticket, Transition};

/// Leave to make one call, and the duty to say what became of it.
///
/// Dropping it is [`neutral`](Self::neutral): a call that is cancelled, or never made, or that
/// panics, teaches nothing and gives its place back.
#[derive(Debug)]
#[must_use = "dropping a permit gives its place back; keep it for as long as the call lasts"]
pub struct Permit {
    breaker: Breaker,
    progress: Progress,
    transition: Option<Transition>,
    overruled: Option<Rejection>,
}

/// Which verdict the breaker still waits for.
#[derive(Clone, Copy, Debug)]
enum Progress {
    /// The first.
    Begun(Ticket),
    /// The second, which can only be a failure.
    Answering(Ticket),
    Done,
}

impl Permit {
    pub(crate) const fn new(
        breaker: Breaker,
        ticket: Ticket,
        transition: Option<Transition>,
        overruled: Option<Rejection>,
    ) -> Self {
        Self {
            breaker,
            progress: Progress::Begun(ticket),
            transition,
            overruled,
        }
    }

    /// The transition that letting this call in caused, if it did: from open to half-open, when
    /// this call is the probe, or from recovering to closed.
    #[must_use]
    pub const fn transition(&self) -> Option<Transition> {
        self.transition
    }

    /// What the breaker would have answered, had it not been
    /// [only observing](crate::Mode::ObserveOnly).
    #[must_use]
    pub const fn overruled(&self) -> Option<Rejection> {
        self.overruled
    }

    /// The call's reply has begun: counts as a success, at once. A stream may take minutes to
    /// end, and neither a probe nor the window should wait for that.
    ///
    /// The permit remains for what comes after: a [`failure`](Self::failure) is then counted as a
    /// verdict of its own, a [`success`](Self::success) adds nothing. Only the first of several
    /// beginnings counts.
    pub fn first_content(&mut self, now: Moment, roll: u64) -> Option<Transition> {
        let Progress::Begun(ticket) = self.progress else {
            return None;
        };
        let (rest, transition) = self.breaker.lock().first_content(ticket, now, roll);
        self.progress = Progress::Answering(rest);
        transition
    }

    /// The call succeeded.
    #[expect(
        clippy::must_use_candidate,
        reason = "a caller without listeners has no use for it"
    )]
    pub fn success(mut self, now: Moment, roll: u64) -> Option<Transition> {
        self.first_content(now, roll)
    }

    /// The call failed in a way that tells of the other side's health; `hint` is how long it
    /// asked to be left alone.
    #[expect(
        clippy::must_use_candidate,
        reason = "a caller without listeners has no use for it"
    )]
    pub fn failure(
        mut self,
        kind: ErrorKind,
        hint: Option<Duration>,
        now: Moment,
        roll: u64,
    ) -> Option<Transition> {
        match mem::replace(&mut self.progress, Progress::Done) {
            Progress::Begun(ticket) | Progress::Answering(ticket) => {
                self.breaker
                    .lock()
                    .record(ticket, Outcome::Failure { kind, hint }, now, roll)
            }
            Progress::Done => None,
        }
    }

    /// The call said nothing about the other side's health.
    pub fn neutral(self) {
        drop(self);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Progress::Begun(ticket) = self.progress {
            self.breaker.lock().release(ticket);
        }
    }
}
