use core::time::Duration;

use evenkeel_error::{Moment, Recovery};

use super::rules::{Judge, Ruled};
use super::{Attempt, Fault, GaveUp, Notice, Reading};
#[cfg(feature = "async")]
use crate::policy::tighter;
use crate::{Cost, Decision, Limits, Session, Stop, StopReason, Verdict};

/// One call from its first attempt to its end: what all shells have in common. It neither waits nor
/// reads a clock.
#[derive(Debug)]
pub(crate) struct Course<R, E> {
    rules: R,
    /// From the start to the deadline in nanoseconds; [`NO_LIMIT`]: there is none.
    limit: u64,
    time: Time<E>,
}

/// A deadline in 584 years is none.
const NO_LIMIT: u64 = u64::MAX;

/// In fewer steps than the exact [`nanos::of`](crate::nanos::of), at the price of the last second of 584 years.
#[inline]
const fn in_nanos(limit: Duration) -> u64 {
    const SECOND: u64 = 1_000_000_000;
    if limit.as_secs() < NO_LIMIT / SECOND {
        limit.as_secs() * SECOND + limit.subsec_nanos() as u64
    } else {
        NO_LIMIT
    }
}

/// Nothing is remembered before the clock is first read, so that a call without a failure writes
/// nothing down.
#[derive(Debug)]
enum Time<E> {
    Unread,
    /// Read when the first attempt began, and nothing made of it: if that succeeds, nothing need be.
    Begun(Reading),
    Known(SoFar<E>),
}

#[derive(Debug)]
struct SoFar<E> {
    session: Session,
    start: Moment,
    /// Attempts begun.
    number: u32,
    /// How the last attempt that failed did; one that the clock ended says less than an error
    /// before it.
    last: Option<Fault<E>>,
}

impl<R, E> Course<R, E> {
    #[inline]
    pub(crate) const fn new(rules: R) -> Self {
        Self {
            rules,
            limit: NO_LIMIT,
            time: Time::Unread,
        }
    }

    #[inline]
    pub(crate) fn limit(&mut self, limit: Duration) {
        self.limit = in_nanos(limit);
        self.time = Time::Unread;
    }

    /// The same call by other rules, from its start.
    #[inline]
    pub(crate) fn by<Q>(self, change: impl FnOnce(R) -> Q) -> Course<Q, E> {
        Course {
            rules: change(self.rules),
            limit: self.limit,
            time: Time::Unread,
        }
    }

    /// What is known if the clock was ever read.
    fn so_far(&mut self) -> Option<&mut SoFar<E>> {
        if let Time::Begun(start) = self.time {
            self.time = Time::Known(SoFar::since(start.moment()));
        }
        match &mut self.time {
            Time::Known(so_far) => Some(so_far),
            _ => None,
        }
    }
}

impl<R: Ruled, E> Course<R, E> {
    /// The first attempt. The clock is read only if there is a limit to count towards.
    #[inline]
    pub(crate) fn begin(&mut self, read: impl FnOnce() -> Reading) -> Result<Attempt, Stop> {
        match self.limit {
            0 => return Err(DEADLINE),
            NO_LIMIT if self.rules.patience_limit().is_none() => return Ok(Attempt::FIRST),
            _ => self.time = Time::Begun(read()),
        }
        Ok(Attempt {
            remaining: (self.limit < NO_LIMIT).then(|| Duration::from_nanos(self.limit)),
            ..Attempt::FIRST
        })
    }

    /// The attempt under way succeeded.
    #[inline]
    pub(crate) fn succeeded(&mut self, now: impl FnOnce() -> Moment) {
        match &self.time {
            Time::Known(so_far) if so_far.number > 1 => self.rules.refund(),
            _ => self.rules.earn(now),
        }
    }

    /// The wait is over at `now`, perhaps later than it should.
    pub(crate) fn again(&mut self, now: Moment) -> Result<Attempt, Stop> {
        let patience = self.rules.patience_limit();
        let Time::Known(so_far) = &mut self.time else {
            return Ok(Attempt::FIRST);
        };
        let deadline = so_far.deadline(self.limit);
        if deadline.is_some_and(|deadline| now >= deadline) {
            return Err(DEADLINE);
        }
        let spent = now.since(so_far.session.since());
        if patience.is_some_and(|limit| spent > limit) {
            return Err(Stop::because(StopReason::Patience));
        }
        self.rules.sent();
        so_far.number = so_far.number.saturating_add(1);
        Ok(Attempt {
            number: so_far.number,
            elapsed: now.since(so_far.start),
            remaining: deadline.map(|deadline| now.until(deadline)),
        })
    }

    /// How long an attempt that is not over yet may still take; `None`: no limit, and the clock is
    /// not read.
    #[cfg(feature = "async")]
    pub(crate) fn time_left(&mut self, now: impl FnOnce() -> Moment) -> Option<Duration> {
        let limit = self.limit;
        let deadline = self.so_far().and_then(|so_far| so_far.deadline(limit));
        let left = deadline.map(|deadline| now().until(deadline));
        tighter(self.rules.attempt_time_limit(), left)
    }

    /// The call is over, and a token taken for an attempt that does not go out is given back.
    pub(crate) fn gave_up(&mut self, stop: Stop, now: impl FnOnce() -> Moment) -> GaveUp<E> {
        self.rules.settle();
        let (attempts, elapsed, last) = match &mut self.time {
            Time::Known(so_far) => (so_far.number, now().since(so_far.start), so_far.last.take()),
            _ => (0, Duration::ZERO, None),
        };
        GaveUp {
            stop,
            attempts,
            elapsed,
            last,
        }
    }
}

impl<R: Judge<E>, E> Course<R, E> {
    /// The attempt under way ended so at `now`: the wait that follows, or why there is none.
    pub(crate) fn failed(&mut self, fault: Fault<E>, now: Moment) -> Result<Duration, Stop> {
        self.rules.spent();
        if self.so_far().is_none() {
            self.time = Time::Known(SoFar::since(now));
        }
        let Time::Known(so_far) = &mut self.time else {
            return Err(DEADLINE);
        };
        let outcome = so_far.judge(&mut self.rules, &fault, now, self.limit);
        if matches!(fault, Fault::Failed(_)) || so_far.last.is_none() {
            so_far.last = Some(fault);
        }
        outcome
    }
}

impl<E> SoFar<E> {
    #[inline]
    fn since(now: Moment) -> Self {
        Self {
            session: Session::start(now),
            start: now,
            number: 1,
            last: None,
        }
    }

    /// So many nanoseconds after the start; `None` beyond the end of time.
    fn deadline(&self, limit: u64) -> Option<Moment> {
        let nanos = self.start.as_nanos().checked_add(limit)?;
        Some(Moment::from_nanos(nanos))
    }

    fn judge(
        &mut self,
        rules: &mut impl Judge<E>,
        fault: &Fault<E>,
        now: Moment,
        limit: u64,
    ) -> Result<Duration, Stop> {
        let deadline = self.deadline(limit);
        let verdict = match fault {
            Fault::Failed(error) => rules.verdict(error),
            // Not the attempt took too long, but the call.
            Fault::TimedOut if deadline.is_some_and(|deadline| now >= deadline) => {
                return Err(DEADLINE);
            }
            Fault::TimedOut => Verdict::from(Recovery::BackOff),
        };
        if verdict.has_progressed() {
            self.session.progressed(now);
        }
        let limits = Limits::NONE.deadline(deadline);
        let retry = match rules.decide(&mut self.session, verdict, now, limits) {
            Decision::Retry(retry) => retry,
            Decision::Stop(stop) => return Err(stop),
        };
        if retry.cost == Cost::Token {
            let wait = verdict.recovery().wait();
            let reason = StopReason::Budget;
            rules.take(now).map_err(|_next| Stop { reason, wait })?;
        }
        rules.notify(Notice {
            fault: fault.as_ref(),
            attempt: self.number,
            retry,
        });
        Ok(retry.wait)
    }
}

const DEADLINE: Stop = Stop {
    reason: StopReason::Deadline,
    wait: None,
};
