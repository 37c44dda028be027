//! What retries are paid from: tokens of the model's budget, taken, spent, waited for and given back.

use std::sync::atomic::Ordering;

use evenkeel_backoff::{Floor, RetryBudget, Withdrawal};
use evenkeel_error::Moment;
use evenkeel_event::WaitReason;

use super::{Call, Halt};
use crate::clock::Clock;

impl Call {
    /// The present attempt succeeded.
    pub(in crate::pipeline) fn settle(&mut self, now: Moment) {
        if self.plan.lane.is_floor_paused.load(Ordering::Relaxed) {
            self.let_floor_run(now);
        }
        match self.retrying.receipt.take() {
            Some(receipt) => receipt.refund(),
            None if self.sent == 1 => self.plan.lane.budget.earn(now),
            None => return,
        }
        self.plan.lane.earned.notify_one();
    }

    /// The attempt to come is not made, here at least: its token goes back, to whoever waits for one.
    pub(in crate::pipeline) fn give_back_token(&mut self) {
        if self.retrying.token.take().is_some() {
            self.plan.lane.earned.notify_one();
        }
    }

    /// Takes a token for the attempt to come; when there is none, the moment of the next.
    ///
    /// The budget has a floor only while nothing holds the calls back: a lone probe tests the
    /// service without our help.
    pub(super) fn withdraw(&mut self) -> Option<Moment> {
        if self.retrying.token.is_some() {
            return None;
        }
        let now = self.now();
        let lane = &self.plan.lane;
        let (budget, is_paused) = (&lane.budget, self.is_held_back());
        lane.is_floor_paused.store(is_paused, Ordering::Relaxed);
        let floor = if is_paused {
            Floor::Paused
        } else {
            Floor::Running
        };
        budget.floor(floor, now);
        match budget.withdraw(now) {
            Withdrawal::Granted(token) => {
                self.retrying.token = Some(token);
                None
            }
            // A paused floor has no next token: ask again when it would have brought one.
            Withdrawal::Empty { next } => {
                Some(next.min(now + self.shared.tuning.divided(RetryBudget::FLOOR)))
            }
        }
    }

    /// Calls get on: what an open circuit has paused earns again from now on, and not from the next call
    /// that needs a retry.
    #[cold]
    fn let_floor_run(&self, now: Moment) {
        if !self.is_held_back() {
            let lane = &self.plan.lane;
            lane.is_floor_paused.store(false, Ordering::Relaxed);
            lane.budget.floor(Floor::Running, now);
        }
    }

    /// Waits for a token, unless the breakers decide anyway who goes next: their slow start releases
    /// the calls that are parked behind them, not one for each token.
    pub(super) async fn wait_for_token(&mut self) -> Result<(), Halt> {
        while !self.is_held_back()
            && let Some(next) = self.withdraw()
        {
            if let Some((limit, stopped)) = self.wait_limit()
                && self.now() >= limit
            {
                return Err(Halt::Ended(stopped));
            }
            let limit = self.wait_limit().map_or(next, |(limit, _)| limit.min(next));
            let wait = self.now().until(limit);
            self.announce_wait(WaitReason::Budget, wait);
            // A success of another call may bring one earlier.
            let _ = Clock::within(Some(wait), self.plan.lane.earned.notified()).await;
        }
        Ok(())
    }

    #[cfg_attr(
        not(feature = "breaker"),
        expect(clippy::unused_self, reason = "no breakers")
    )]
    fn is_held_back(&self) -> bool {
        #[cfg(feature = "breaker")]
        return self
            .shared
            .breakers
            .is_holding_back(self.plan.key.as_ref(), self.now());
        #[cfg(not(feature = "breaker"))]
        return false;
    }
}
