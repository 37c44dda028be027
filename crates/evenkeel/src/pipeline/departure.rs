//! What a call passes before each attempt: the gate, and the breakers if they are built in.

use std::time::Duration;

use evenkeel_error::{Error as Failure, ErrorKind, Moment};
use evenkeel_event::{Stopped, WaitReason, What};

use super::{Call, Halt};
use crate::clock::Clock;
use crate::gate::{Comer, Slot};

/// What lets an attempt be sent, to be told how it went.
#[cfg(feature = "breaker")]
pub(super) type Leave = crate::circuit::Permits;
#[cfg(not(feature = "breaker"))]
pub(super) type Leave = ();

impl Call {
    /// Waits until the attempt may be sent; returns how long that was.
    ///
    /// The gate is asked again after every wait for the breakers: a hint that another call was given
    /// meanwhile holds for this one too. Nothing is held while waiting.
    pub(super) async fn depart(&mut self) -> Result<(Leave, Duration), Halt> {
        let start = self.now();
        let mut waited = Duration::ZERO;
        loop {
            if let Some(slot) = self.slot()? {
                self.wait_until(slot, WaitReason::SharedLimit).await?;
                waited = self.now().since(start);
                if !self.plan.lane.may_leave(slot) {
                    continue;
                }
            }
            #[cfg(not(feature = "breaker"))]
            return Ok(((), waited));
            #[cfg(feature = "breaker")]
            {
                // Listened for from before the question, so that no change falls between.
                let lane = std::sync::Arc::clone(&self.plan.lane);
                let shared = std::sync::Arc::clone(&self.shared);
                let moved =
                    crate::wake::either(lane.moved.notified(), shared.memory.moved.notified());
                match self.admit()? {
                    super::admission::Admission::Admitted(leave) => return Ok((leave, waited)),
                    super::admission::Admission::Parked(until) => {
                        self.park(until, moved).await?;
                        waited = self.now().since(start);
                    }
                }
            }
        }
    }

    /// The moment at which the shared gate lets this call through; `None` is now.
    fn slot(&self) -> Result<Option<Moment>, Halt> {
        let now = self.now();
        let limit = self.wait_limit();
        let was_told = |failure: &Failure| failure.kind() == ErrorKind::RateLimited;
        let comer = if self.last.as_ref().is_some_and(was_told) {
            Comer::Back
        } else {
            Comer::New
        };
        match self
            .plan
            .lane
            .reserve(now, limit.map(|(latest, _)| latest), comer)
        {
            Slot::AtOnce => Ok(None),
            Slot::At(slot) => Ok(Some(slot)),
            Slot::TooLate(opens) => {
                let stopped = limit.map_or(Stopped::Patience, |(_, stopped)| stopped);
                Err(self.refused(Failure::rate_limited(now.until(opens)), stopped))
            }
        }
    }

    /// The end of a call that is refused on this side: with the failure that it met by itself, if
    /// any, and else with the refusal.
    pub(super) fn refused(&self, refusal: Failure, stopped: Stopped) -> Halt {
        if self.last.is_some() {
            return Halt::Ended(stopped);
        }
        Halt::Refused(refusal.with_seen_at(Clock::wall()), stopped)
    }

    /// Waits until `moment`, if that fits in what is left of the call.
    pub(super) async fn wait_until(
        &mut self,
        moment: Moment,
        reason: WaitReason,
    ) -> Result<(), Halt> {
        if let Some((limit, stopped)) = self.wait_limit()
            && moment >= limit
        {
            return Err(Halt::Ended(stopped));
        }
        let wait = self.now().until(moment);
        self.announce_wait(reason, wait);
        Clock::sleep(wait).await;
        Ok(())
    }

    /// Waits for the circuit until `moment`, or until it has let a probe through: its slow start
    /// decides then who goes next. Who slept on would come back when it is over, all at once.
    #[cfg(feature = "breaker")]
    async fn park(&mut self, moment: Moment, moved: impl Future<Output = ()>) -> Result<(), Halt> {
        if let Some((limit, stopped)) = self.wait_limit()
            && moment >= limit
        {
            return Err(Halt::Ended(stopped));
        }
        let wait = self.now().until(moment);
        self.announce_wait(WaitReason::Circuit, wait);
        let _ = Clock::within(Some(wait), moved).await;
        Ok(())
    }

    pub(super) fn announce_wait(&self, reason: WaitReason, wait: Duration) {
        let then = self.now() + wait;
        let left = self.deadline.map(|deadline| then.until(deadline));
        self.emit(What::waiting(
            self.sent.saturating_add(1),
            reason,
            wait,
            left,
        ));
    }
}
