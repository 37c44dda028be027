//! What a call passes before each attempt: the gate, and the breakers if they are built in.

use std::sync::Arc;
use std::time::Duration;

use evenkeel_error::{Error as Failure, ErrorKind, Moment};
use evenkeel_event::{Stopped, WaitReason, What};
use secrecy::SecretString;

#[cfg(feature = "breaker")]
use super::admission::Admission;
use super::{Call, Halt};
use crate::clock::Clock;
use crate::gate::{Comer, Slot};
use crate::shared::Lane;
#[cfg(feature = "breaker")]
use crate::shared::Shared;

/// What lets an attempt be sent, to be told how it went.
#[cfg(feature = "breaker")]
pub(super) type Leave = crate::circuit::Permits;
#[cfg(not(feature = "breaker"))]
pub(super) type Leave = ();

/// A moment at the gate. Whoever is dropped before it came has not used it: it is the next one's.
struct Place {
    lane: Option<Arc<Lane>>,
    moment: Moment,
}

impl Place {
    /// Whether the call may leave, now that its moment has come.
    fn take(mut self) -> bool {
        let may_leave = |lane: &Arc<Lane>| lane.may_leave(self.moment);
        let leaves = self.lane.as_ref().is_some_and(may_leave);
        if leaves {
            self.lane = None;
        }
        leaves
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(lane) = &self.lane {
            lane.give_back(self.moment);
        }
    }
}

impl Call {
    /// Waits until the attempt may be sent; returns how long that was.
    ///
    /// The gate is asked again after every wait for the breakers: a hint that another call was given
    /// meanwhile holds for this one too. Nothing is held while waiting.
    pub(super) async fn depart(&mut self, now: Moment) -> Result<(Leave, Duration), Halt> {
        let slot = self.slot(now)?;
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
                        Box::pin(self.depart_parked(until, moved, now)).await
                    }
                };
            }
        }
        Box::pin(self.depart_later(slot, now)).await
    }

    /// As [`depart`](Self::depart), for a call that the breakers told to wait.
    #[cfg(feature = "breaker")]
    async fn depart_parked(
        &mut self,
        until: Moment,
        moved: impl Future<Output = ()>,
        start: Moment,
    ) -> Result<(Leave, Duration), Halt> {
        self.park(until, moved).await?;
        let slot = self.slot(self.now())?;
        self.depart_later(slot, start).await
    }

    /// As [`depart`](Self::depart), for a call that waits for the gate until `slot`, or has waited.
    async fn depart_later(
        &mut self,
        mut slot: Option<Place>,
        start: Moment,
    ) -> Result<(Leave, Duration), Halt> {
        loop {
            if let Some(place) = slot {
                self.wait_until(place.moment, WaitReason::SharedLimit)
                    .await?;
                if !place.take() {
                    slot = self.slot(self.now())?;
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
                        slot = self.slot(self.now())?;
                    }
                }
            }
        }
    }

    /// After a wait: the latch may be set, and the token may be out of date. Another is got with nothing
    /// held, and who got one asks once more whether it may leave: more may have been said meanwhile.
    pub(super) async fn authenticate_again(
        &mut self,
        left: (Leave, Duration),
    ) -> Result<((Leave, Duration), Option<SecretString>), Halt> {
        let (mut leave, mut waited) = left;
        loop {
            if !self.must_renew() {
                let token = self.authenticate(self.now()).await?;
                return Ok(((leave, waited), token));
            }
            #[cfg(feature = "breaker")]
            drop(leave);
            let token = self.authenticate(self.now()).await?;
            let more;
            (leave, more) = self.depart(self.now()).await?;
            waited = waited.saturating_add(more);
            if more.is_zero() {
                return Ok(((leave, waited), token));
            }
        }
    }

    /// Whom the call listens to while it is parked.
    #[cfg(feature = "breaker")]
    fn neighbours(&self) -> (Arc<Lane>, Arc<Shared>) {
        (Arc::clone(&self.plan.lane), Arc::clone(&self.shared))
    }

    /// The place that the shared gate gives this call; `None` is now.
    fn slot(&self, now: Moment) -> Result<Option<Place>, Halt> {
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
            Slot::At(moment) => Ok(Some(Place {
                lane: Some(Arc::clone(&self.plan.lane)),
                moment,
            })),
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

/// Ready once a circuit lets calls through again. Listened for from before the question, so that no
/// change falls between.
#[cfg(feature = "breaker")]
fn moved<'a>(lane: &'a Lane, shared: &'a Shared) -> impl Future<Output = ()> + 'a {
    crate::wake::either(lane.moved.notified(), shared.memory.moved.notified())
}
