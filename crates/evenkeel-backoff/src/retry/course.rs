use core::time::Duration;

use evenkeel_error::Moment;

use super::purse::{Held, sealed};
use super::{Attempt, Fault, GaveUp};
use crate::{
    Chance, Cost, Decision, Limits, Policy, Retry, Session, Stop, StopReason, Verdict, nanos,
};

/// One call from its first attempt to its end: what all shells have in common. It neither waits nor
/// reads a clock.
#[derive(Debug)]
pub(crate) struct Course<P, B: sealed::Purse, G> {
    policy: P,
    held: Held<B>,
    chance: G,
    session: Session,
    start: Moment,
    /// As nanoseconds: from the start until the clock was read, then a moment. The largest: none.
    deadline: u64,
    /// Attempts begun.
    number: u32,
    time: Time,
}

/// Whether the clock was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Time {
    Unknown,
    Read,
}

const NEVER: u64 = u64::MAX;

impl<P: Policy, B: sealed::Purse, G: Chance> Course<P, B, G> {
    #[inline]
    pub(crate) const fn new(policy: P, purse: B, chance: G, deadline: Option<Duration>) -> Self {
        Self {
            policy,
            held: Held::new(purse),
            chance,
            session: Session::start(Moment::ORIGIN),
            start: Moment::ORIGIN,
            deadline: match deadline {
                Some(limit) => nanos::of(limit),
                None => NEVER,
            },
            number: 0,
            time: Time::Unknown,
        }
    }

    /// The deadline, from the start of the call.
    const fn given_deadline(&self) -> Option<Duration> {
        match self.deadline {
            NEVER => None,
            nanos => Some(Duration::from_nanos(nanos)),
        }
    }

    pub(crate) const fn number(&self) -> u32 {
        self.number
    }

    /// The first attempt. The clock is read only if there is a limit to count towards.
    #[inline]
    pub(crate) fn begin(&mut self, now: impl FnOnce() -> Moment) -> Result<Attempt, Stop> {
        let given = self.given_deadline();
        if given.is_some() || self.policy.patience_limit().is_some() {
            self.time_starts(now());
        }
        if given.is_some_and(|limit| limit.is_zero()) {
            return Err(DEADLINE);
        }
        self.number = 1;
        Ok(Attempt {
            number: 1,
            elapsed: Duration::ZERO,
            remaining: given,
        })
    }

    #[inline]
    pub(crate) fn succeeded(&mut self, now: impl FnOnce() -> Moment) {
        if self.number == 1 {
            self.held.purse().earn(now);
        } else {
            self.held.refund();
        }
    }

    /// The attempt failed at `now`: the wait that follows, or why there is none.
    pub(crate) fn failed(&mut self, verdict: Verdict, now: Moment) -> Result<Retry, Stop> {
        self.held.spent();
        if self.time == Time::Unknown {
            self.time_starts(now);
        }
        if verdict.has_progressed() {
            self.session.progressed(now);
        }
        let limits = Limits::NONE.deadline(self.deadline_moment());
        let roll = self.chance.roll();
        let decision = self
            .policy
            .decide(&mut self.session, verdict, now, limits, roll);
        let retry = match decision {
            Decision::Retry(retry) => retry,
            Decision::Stop(stop) => return Err(stop),
        };
        if retry.cost == Cost::Token && self.held.take(now).is_err() {
            return Err(Stop {
                reason: StopReason::Budget,
                wait: verdict.recovery().wait(),
            });
        }
        Ok(retry)
    }

    /// The wait is over.
    pub(crate) fn again(&mut self, now: Moment) -> Result<Attempt, Stop> {
        let deadline = self.deadline_moment();
        if deadline.is_some_and(|deadline| now >= deadline) {
            return Err(DEADLINE);
        }
        self.held.sent();
        self.number = self.number.saturating_add(1);
        Ok(Attempt {
            number: self.number,
            elapsed: now.since(self.start),
            remaining: deadline.map(|deadline| now.until(deadline)),
        })
    }

    /// How long this attempt may take.
    #[cfg(feature = "async")]
    #[inline]
    pub(crate) fn time_for(&self, attempt: Attempt) -> Option<Duration> {
        match (self.policy.attempt_limit(), attempt.remaining) {
            (Some(own), Some(left)) => Some(own.min(left)),
            (own, left) => own.or(left),
        }
    }

    /// What to make of an attempt that was ended at `now`: the failure, unless the whole call ends.
    pub(crate) fn ended(&mut self, now: Moment) -> Result<(), Stop> {
        match self.deadline_moment() {
            Some(deadline) if now >= deadline => Err(DEADLINE),
            _ => Ok(()),
        }
    }

    pub(crate) fn gave_up<E>(
        &self,
        stop: Stop,
        last: Option<Fault<E>>,
        now: impl FnOnce() -> Moment,
    ) -> GaveUp<E> {
        GaveUp {
            stop,
            attempts: self.number,
            elapsed: match self.time {
                Time::Read => now().since(self.start),
                Time::Unknown => Duration::ZERO,
            },
            last,
        }
    }

    fn time_starts(&mut self, now: Moment) {
        self.time = Time::Read;
        self.start = now;
        self.session = Session::start(now);
        if let Some(limit) = self.given_deadline() {
            // One less than the largest, which means none.
            self.deadline = (now + limit).as_nanos().min(NEVER - 1);
        }
    }

    fn deadline_moment(&self) -> Option<Moment> {
        match self.deadline {
            NEVER => None,
            nanos => Some(Moment::from_nanos(nanos)),
        }
    }
}

const DEADLINE: Stop = Stop {
    reason: StopReason::Deadline,
    wait: None,
};
