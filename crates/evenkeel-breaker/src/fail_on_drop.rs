use core::time::Duration;

use evenkeel_error::{ErrorKind, Moment};

use crate::permit::Handle;
use crate::present::Given;
use crate::{Breaker, Clock, Outcome, Permit, Transition};

/// A [`Permit`] whose drop is a failure as long as it has no verdict; see
/// [`Permit::fail_on_drop`]. Its verdicts are those of the permit.
#[derive(Debug)]
#[must_use = "dropping it is a failure"]
pub struct FailOnDrop<C: Clock, H: Handle = Breaker> {
    permit: Option<Permit<H>>,
    kind: ErrorKind,
    clock: C,
    roll: u64,
}

impl<H: Handle> Permit<H> {
    /// Makes the drop of this permit a failure of this kind, for calls that are ended by being
    /// dropped: a time-out around them, most of the time. The default, a neutral drop, would leave
    /// a server that never answers in good health.
    ///
    /// `clock` tells when it was dropped, and `roll` is 64 uniform random bits for the open delay.
    /// Once [`first_content`](Permit::first_content) has come, a drop is only the caller's loss of
    /// interest, and neutral again.
    ///
    /// ```
    /// use evenkeel_breaker::Breaker;
    /// use evenkeel_error::{ErrorKind, Moment};
    ///
    /// let breaker = Breaker::default();
    /// let (now, roll) = (Moment::ORIGIN, 7);
    /// let clock = || now; // a real one, in earnest
    ///
    /// let permit = breaker.admit(now, roll)?.fail_on_drop(ErrorKind::TimedOut, clock, roll);
    /// drop(permit); // the call took too long
    /// assert_eq!(breaker.health(now).failures, 1);
    ///
    /// let permit = breaker.admit(now, roll)?.fail_on_drop(ErrorKind::TimedOut, clock, roll);
    /// permit.success(now, roll); // the call came back
    /// assert_eq!(breaker.health(now).failures, 1);
    /// # Ok::<(), evenkeel_breaker::Rejected>(())
    /// ```
    pub fn fail_on_drop<C: Clock>(self, kind: ErrorKind, clock: C, roll: u64) -> FailOnDrop<C, H> {
        FailOnDrop {
            permit: Some(self),
            kind,
            clock,
            roll,
        }
    }
}

impl<C: Clock, H: Handle> FailOnDrop<C, H> {
    /// As [`Permit::first_content`]; from here on a drop is neutral.
    pub fn first_content(&mut self, now: Moment, roll: u64) -> Option<Transition> {
        self.permit.as_mut()?.first_content(now, roll)
    }

    /// As [`Permit::success`].
    pub fn success(mut self, now: Moment, roll: u64) -> Option<Transition> {
        self.permit.take()?.success(now, roll)
    }

    /// As [`Permit::failure`].
    pub fn failure(
        mut self,
        kind: ErrorKind,
        hint: Option<Duration>,
        now: Moment,
        roll: u64,
    ) -> Option<Transition> {
        self.permit.take()?.failure(kind, hint, now, roll)
    }

    /// As [`Permit::neutral`].
    pub fn neutral(mut self) {
        self.permit = None;
    }
}

impl<C: Clock, H: Handle> Drop for FailOnDrop<C, H> {
    fn drop(&mut self) {
        let Some(permit) = self.permit.as_mut().filter(|it| it.is_open()) else {
            return;
        };
        let (kind, hint) = (self.kind, None);
        let (now, roll) = (self.clock.now(), self.roll);
        permit.settle(Outcome::Failure { kind, hint }, Given { now, roll });
    }
}
