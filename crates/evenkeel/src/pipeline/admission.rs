//! Passing the breakers, and telling them how it went.

use std::time::Duration;

use evenkeel_error::{Error as Failure, ErrorKind, Moment, Phase};
use evenkeel_event::{Stopped, WaitReason, What};

use super::{Call, Halt};
use crate::Patience;
use crate::circuit::{Change, Permits};
use crate::clock::Clock;

/// An attempt that a limit of the caller's ends after this long without a first event says something
/// about the other side; a shorter one says nothing.
const TELLING: Duration = Duration::from_secs(10);

impl Call {
    /// Waits until the breakers let this call through; returns the permits and how long it waited.
    pub(super) async fn admission(&mut self) -> Result<(Permits, Duration), Halt> {
        let start = self.now();
        let mut waited = Duration::ZERO;
        loop {
            let now = self.now();
            let roll = self.shared.dice.bits();
            let rejected = match self.shared.breakers.admit(&self.plan.key, now, roll) {
                Ok((permits, changes)) => {
                    self.announce(&changes);
                    return Ok((permits, waited));
                }
                Err(rejected) => rejected,
            };
            #[cfg(feature = "retry")]
            self.retrying.refused();
            let by = rejected.fault().unwrap_or(ErrorKind::CircuitOpen);
            // A call that met a failure of its own ends with that, any other with the refusal.
            let refuse = |stopped| {
                if self.last.is_some() {
                    return Halt::Ended(stopped);
                }
                let refusal = Failure::circuit_open(rejected.wait(), by);
                Halt::Refused(refusal.with_seen_at(Clock::wall()), stopped)
            };
            if self.patience == Patience::Interactive || cfg!(not(feature = "retry")) {
                return Err(refuse(Stopped::Patience));
            }
            if let Some((limit, stopped)) = self.limit()
                && rejected.retry_at() >= limit
            {
                return Err(refuse(stopped));
            }
            self.wait_until(rejected.retry_at(), WaitReason::Circuit)
                .await?;
            waited = self.now().since(start);
        }
    }

    /// The reply has begun.
    pub(super) fn first_content(&mut self, mut permits: Permits) -> Permits {
        let changes = permits.first_content(self.now(), self.shared.dice.bits());
        self.announce(&changes);
        permits
    }

    /// The attempt failed, before or after its first content.
    pub(super) fn record_failure(&mut self, permits: Permits, failure: &Failure) {
        let changes = permits.failed(failure, self.now(), self.shared.dice.bits());
        self.announce(&changes);
    }

    /// A limit of the caller's ended the attempt, which began at `started`, before its first event.
    pub(super) fn record_ended(&mut self, permits: Permits, started: Moment) {
        if self.now().since(started) >= self.shared.tuning.divided(TELLING) {
            self.record_failure(permits, &Failure::timed_out(Phase::FirstEvent, TELLING));
        }
    }

    /// Tells the observers of changes, and pauses the budget's floor while the model is held back.
    fn announce(&mut self, changes: &[Change]) {
        for &(scope, to) in changes {
            self.emit(What::CircuitChanged { scope, to });
            #[cfg(feature = "retry")]
            {
                use evenkeel_backoff::Floor;
                use evenkeel_event::Circuit;

                let floor = match to {
                    Circuit::Open | Circuit::HalfOpen => Floor::Paused,
                    _ => Floor::Running,
                };
                self.plan.lane.budget.floor(floor, self.now());
            }
        }
    }
}
