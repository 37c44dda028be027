//! Passing the breakers, and telling them how it went.

use std::time::Duration;

use evenkeel_error::{Error as Failure, ErrorKind, Moment, Phase};
use evenkeel_event::{Circuit, Scope, Stopped, What};

use super::{Call, Halt};
use crate::Patience;
use crate::circuit::{Change, Permits};
use crate::clock::Clock;

/// An attempt that a limit of the caller's ends after this long without a first event says something
/// about the other side; a shorter one says nothing.
const TELLING: Duration = Duration::from_secs(10);

/// What the breakers say to a call that may wait for them.
pub(super) enum Admission {
    Admitted(Permits),
    Parked(Moment),
}

impl Call {
    /// Asks the breakers. A call that does not wait for them, or cannot, is refused.
    pub(super) fn admit(&mut self, now: Moment) -> Result<Admission, Halt> {
        let roll = self.shared.dice.bits();
        let (admission, changes) = self
            .shared
            .breakers
            .admit(self.plan.key.as_ref(), now, roll);
        self.announce(&changes);
        let rejected = match admission {
            Ok(permits) => return Ok(Admission::Admitted(permits)),
            Err(rejected) => rejected,
        };
        #[cfg(feature = "retry")]
        self.give_back_token();
        let by = rejected.fault().unwrap_or(ErrorKind::CircuitOpen);
        let refusal = || Failure::circuit_open(rejected.wait(), by);
        if self.hops.is_open() {
            // The call may end with it if the fallbacks bring nothing: it says when to come back.
            let refusal = refusal().with_seen_at(Clock::wall());
            return Err(Halt::Refused(refusal, Stopped::Patience));
        }
        if self.patience == Patience::Interactive || cfg!(not(feature = "retry")) {
            return Err(self.refused(refusal(), Stopped::Patience));
        }
        if let Some((limit, stopped)) = self.wait_limit()
            && rejected.retry_at() >= limit
        {
            return Err(self.refused(refusal(), stopped));
        }
        Ok(Admission::Parked(rejected.retry_at()))
    }

    /// The reply has begun.
    pub(super) fn first_content(&mut self, mut permits: Permits, now: Moment) -> Permits {
        let changes = permits.first_content(now, self.shared.dice.bits());
        self.announce(&changes);
        permits
    }

    /// The attempt failed, before or after its first content.
    #[cold]
    pub(super) fn record_failure(&mut self, permits: Permits, failure: &Failure) {
        let changes = permits.failed(failure, self.now(), self.shared.dice.bits());
        self.announce(&changes);
    }

    /// A limit of the caller's ended the attempt, which began at `started`, while it waited for
    /// `phase`.
    #[cold]
    pub(super) fn record_ended(&mut self, permits: Permits, phase: Phase, started: Moment) {
        let silent = matches!(phase, Phase::Head | Phase::FirstEvent);
        if silent && self.now().since(started) >= self.shared.tuning.divided(TELLING) {
            self.record_failure(permits, &Failure::timed_out(phase, TELLING));
        }
    }

    fn announce(&self, changes: &[Change]) {
        for &(scope, to) in changes {
            self.emit(What::circuit_changed(scope, to));
            if matches!(to, Circuit::Recovering | Circuit::Closed) {
                match scope {
                    Scope::Model => self.plan.lane.moved.notify_waiters(),
                    _ => self.shared.memory.moved.notify_waiters(),
                }
            }
        }
    }
}
