//! What a call passes before each attempt: the gate, and the breakers if they are built in.

#[cfg(feature = "breaker")]
use std::sync::Arc;
use std::time::Duration;

use evenkeel_error::{Error as Failure, Moment};
use evenkeel_event::{Stopped, WaitReason, What};
use secrecy::SecretString;

#[cfg(feature = "breaker")]
use super::admission::Admission;
use super::passage::Renewal;
use super::{Call, Halt};
use crate::clock::Clock;
use crate::gate::{Comer, Departure, Place, Slot};
#[cfg(feature = "breaker")]
use crate::shared::{Lane, Shared};

/// What lets an attempt be sent, to be told how it went.
#[cfg(feature = "breaker")]
pub(super) type Leave = crate::circuit::Permits;
#[cfg(not(feature = "breaker"))]
pub(super) type Leave = ();

/// What an attempt may be sent with.
pub(super) struct Cleared {
    /// To be told how it went.
    pub(super) leave: Leave,
    pub(super) token: Option<SecretString>,
    /// How long it waited.
    pub(super) parked: Duration,
    /// The present.
    pub(super) at: Moment,
}

impl Cleared {
    fn new((leave, parked): (Leave, Duration), token: Option<SecretString>, at: Moment) -> Self {
        Self {
            leave,
            token,
            parked,
            at,
        }
    }
}

impl Call {
    /// Waits until the attempt may be sent; returns how long that was. What was waited for may have
    /// cost the call its `token`, which is renewed then.
    ///
    /// The gate is asked again after every wait for the breakers and every renewal: a hint that another
    /// call was given meanwhile holds for this one too. No place with the breakers is held while waiting
    /// for the gate.
    async fn depart(
        &mut self,
        now: Moment,
        token: &mut Option<SecretString>,
    ) -> Result<(Leave, Duration), Halt> {
        let slot = self.slot(now, self.passage.comer)?;
        if slot.is_none() {
            #[cfg(not(feature = "breaker"))]
            return Ok(((), Duration::ZERO));
            #[cfg(feature = "breaker")]
            {
                let (lane, shared) = self.neighbours();
                let moved = moved(&lane, &shared);
                return match self.admit(now)? {
                    Admission::Admitted(leave) => Ok((leave, Duration::ZERO)),
                    // Boxed, so that the calls that need not wait make no room for it.
                    Admission::Parked(until) => {
                        Box::pin(self.depart_parked(until, moved, now, token)).await
                    }
                };
            }
        }
        Box::pin(self.depart_later(slot, now, token)).await
    }

    /// As [`depart`](Self::depart), for a call that the breakers told to wait.
    #[cfg(feature = "breaker")]
    async fn depart_parked(
        &mut self,
        until: Moment,
        moved: impl Future<Output = ()>,
        start: Moment,
        token: &mut Option<SecretString>,
    ) -> Result<(Leave, Duration), Halt> {
        self.park(until, moved).await?;
        let slot = self.slot(self.now(), self.passage.comer)?;
        self.depart_later(slot, start, token).await
    }

    /// As [`depart`](Self::depart), for a call that waits for its place with the gate, or has waited.
    async fn depart_later(
        &mut self,
        mut slot: Option<Place>,
        start: Moment,
        token: &mut Option<SecretString>,
    ) -> Result<(Leave, Duration), Halt> {
        // Those who renewed together must not leave together. Once each time that the gate opens: where
        // tokens live shorter than the queue is long, nobody would ever leave.
        let mut renewed = Comer::Again;
        loop {
            if let Some(place) = slot.take() {
                let moment = place.moment();
                self.wait_until(moment, WaitReason::SharedLimit).await?;
                if place.leave() == Departure::Prolonged {
                    slot = self.slot(self.now(), self.passage.comer)?;
                    continue;
                }
            }
            let renewal = self.reauthenticate(token).await;
            if matches!(renewal, Err(Halt::Unrenewed(_))) {
                self.passage.comer = Comer::Again;
            }
            if renewal? == Renewal::Made {
                let now = self.now();
                let comer = if self.plan.gate().is_open(now) {
                    std::mem::replace(&mut renewed, Comer::New)
                } else {
                    renewed = Comer::Again;
                    renewed
                };
                slot = self.slot(now, comer)?;
                if slot.is_some() {
                    continue;
                }
            }
            #[cfg(not(feature = "breaker"))]
            return Ok(((), self.now().since(start)));
            #[cfg(feature = "breaker")]
            {
                let (lane, shared) = self.neighbours();
                let moved = moved(&lane, &shared);
                match self.admit(self.now())? {
                    Admission::Admitted(leave) => return Ok((leave, self.now().since(start))),
                    Admission::Parked(until) => {
                        self.park(until, moved).await?;
                        slot = self.slot(self.now(), self.passage.comer)?;
                    }
                }
            }
        }
    }

    /// Passes all that is before an attempt.
    pub(super) async fn clear(&mut self, now: Moment) -> Result<Cleared, Halt> {
        let mut token = self.authenticate(now).await?;
        let at = if token.is_some() { self.now() } else { now };
        let left = self.depart(at, &mut token).await?;
        let at = if left.1.is_zero() { at } else { self.now() };
        Ok(Cleared::new(left, token, at))
    }

    /// Whom the call listens to while it is parked.
    #[cfg(feature = "breaker")]
    fn neighbours(&self) -> (Arc<Lane>, Arc<Shared>) {
        (Arc::clone(&self.plan.lane), Arc::clone(&self.shared))
    }

    /// The place at which the shared gate lets this call through; `None` is now.
    fn slot(&self, now: Moment, comer: Comer) -> Result<Option<Place>, Halt> {
        let limit = self.wait_limit();
        let latest = limit.map(|(latest, _)| latest);
        match self.plan.gate().reserve(now, latest, comer) {
            Slot::AtOnce => Ok(None),
            Slot::At(place) => Ok(Some(place)),
            Slot::TooLate(opens) => {
                let stopped = limit.map_or(Stopped::Patience, |(_, stopped)| stopped);
                Err(self.refused(Failure::rate_limited(now.until(opens)), stopped))
            }
        }
    }

    /// The end of a call that is refused on this side: with the failure that it met by itself, if
    /// any, and else with the refusal.
    #[cold]
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

/// Ready once a circuit lets calls through again. Listened for from before the question, so that no
/// change falls between.
#[cfg(feature = "breaker")]
fn moved<'a>(lane: &'a Lane, shared: &'a Shared) -> impl Future<Output = ()> + 'a {
    crate::wake::either(lane.moved.notified(), shared.memory.moved.notified())
}
