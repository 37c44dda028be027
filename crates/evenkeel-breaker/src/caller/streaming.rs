use core::time::Duration;

use evenkeel_error::{ErrorKind, Recoverable};

use super::Live;
use crate::clock::Monotonic;
use crate::present::Present as _;
use crate::{Clock, Outcome, Permit, Transition};

/// What is left of a call whose answer has begun, from [`Caller::call_streaming`](super::Caller::call_streaming):
/// the room for its second verdict.
///
/// Dropping it is no verdict: the answer ended well, or nobody wants the rest.
#[derive(Debug)]
#[must_use = "dropping it says that the answer did not break"]
pub struct Streaming<C: Clock = Monotonic> {
    permit: Permit,
    clock: C,
}

impl<C: Clock> Streaming<C> {
    pub(super) const fn new(permit: Permit, clock: C) -> Self {
        Self { permit, clock }
    }

    /// The answer broke: it is one call, and it failed. See [`Permit::failure`].
    pub fn failure(self, kind: ErrorKind, hint: Option<Duration>) -> Option<Transition> {
        let mut live = Live::of(&self.clock);
        let (now, roll) = (live.now(), live.roll());
        self.permit.failure(kind, hint, now, roll)
    }

    /// The same if the error [says so](Outcome::of), and nothing if not.
    pub fn failed(self, error: &(impl Recoverable + ?Sized)) -> Option<Transition> {
        match Outcome::of(error) {
            Outcome::Failure { kind, hint } => self.failure(kind, hint),
            Outcome::Success | Outcome::Neutral => None,
        }
    }

    /// The permit, for verdicts at moments and with rolls of your own.
    pub fn into_permit(self) -> Permit {
        self.permit
    }
}
