use core::num::NonZeroU32;
use core::time::Duration;

use evenkeel_error::{Moment, Pace, Recoverable, Recovery};

mod builder;
mod limited;

pub use builder::RetryPolicyBuilder;
pub(crate) use limited::tighter;
pub use limited::{Limited, Policy};

use crate::decision::{Cost, Decision, Retry, Stop, StopReason};
use crate::session::{Hurried, Limits, Session};
use crate::{Curve, Jitter, Roll, Verdict, nanos};

/// The most that is added to a server's hint, unless a policy says otherwise.
///
/// Callers that were told the same moment must not come back in the same instant, and the hint
/// itself is already a wait: a quarter of it, at most 15 s, spreads them without doubling it.
pub const MAX_HINT_SPREAD: Duration = Duration::from_secs(15);

/// Whether to try again, and after how long.
///
/// Looks only at what a failure says of itself through [`Recoverable`]: a new kind of failure never
/// changes a policy. Time and chance are arguments.
///
/// ```
/// use core::time::Duration;
/// use evenkeel_backoff::{Decision, Limits, RetryPolicy, Roll, Session};
/// use evenkeel_error::{Moment, Recoverable, Recovery};
///
/// struct Busy;
/// impl Recoverable for Busy {
///     fn recovery(&self) -> Recovery { Recovery::BackOff }
/// }
///
/// let policy = RetryPolicy::exponential(Duration::from_secs(1)).max_attempts(3);
/// let mut session = Session::start(Moment::ORIGIN);
/// let now = Moment::ORIGIN + Duration::from_millis(20);
/// let decision = policy.decide(&mut session, &Busy, now, Limits::NONE, Roll::HIGHEST);
/// assert!(matches!(decision, Decision::Retry(retry) if retry.wait == Duration::from_secs(1)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    short: Curve,
    long: Curve,
    attempts: Option<NonZeroU32>,
    patience: Option<Duration>,
    attempt_timeout: Option<Duration>,
    hint_spread: Duration,
}

impl RetryPolicy {
    /// Three attempts, waits of the two default tiers, full jitter: what the shells do unless told
    /// otherwise. Three attempts find out whether it was a blip, and are over in a few seconds.
    pub const THREE_ATTEMPTS: Self =
        Self::tiered(RetryPolicyBuilder::SHORT, RetryPolicyBuilder::LONG).max_attempts(3);

    /// One exponential curve for both tiers, full jitter, a cap of 30 s, no limit of attempts or
    /// patience.
    #[must_use]
    pub const fn exponential(base: Duration) -> Self {
        let curve = Curve::exponential(base).cap(Duration::from_secs(30));
        Self {
            short: curve,
            long: curve,
            attempts: None,
            patience: None,
            attempt_timeout: None,
            hint_spread: MAX_HINT_SPREAD,
        }
    }

    /// One curve for blips and one for capacity, no limit of attempts or patience.
    #[must_use]
    pub const fn tiered(short: Curve, long: Curve) -> Self {
        Self {
            short,
            long,
            attempts: None,
            patience: None,
            attempt_timeout: None,
            hint_spread: MAX_HINT_SPREAD,
        }
    }

    /// Stops after so many attempts, the first included. 0 counts as 1: the first is made before
    /// the policy is asked. Default: no limit, but for [`THREE_ATTEMPTS`](Self::THREE_ATTEMPTS).
    ///
    /// Not counted are attempts that cost nothing ([`Cost::Free`]): a server that keeps saying when to
    /// come back is obeyed until a patience or a deadline ends the call.
    #[must_use]
    pub const fn max_attempts(mut self, attempts: u32) -> Self {
        self.attempts = match NonZeroU32::new(attempts) {
            None => Some(NonZeroU32::MIN),
            some => some,
        };
        self
    }

    /// Stops after so long without progress, attempts and waits included: no wait begins that would
    /// end later. An attempt under way is not ended. Default: no limit.
    #[must_use]
    pub const fn patience(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    /// Ends an attempt that takes longer and counts it as a failure of the short tier. Default: no
    /// limit.
    ///
    /// Counted from when the attempt first returns `Pending`: one that never keeps its caller waiting
    /// needs neither clock nor timer, and none that blocks the thread can be ended. Obeyed by the
    /// shells that can end an attempt: the asynchronous ones, not `blocking` and not `tower`. Zero: as
    /// good as every attempt that waits fails.
    #[must_use]
    pub const fn attempt_timeout(mut self, limit: Duration) -> Self {
        self.attempt_timeout = Some(limit);
        self
    }

    /// The most that is added to a server's hint, so that callers who were told the same moment do not
    /// come back in the same instant: a quarter of the hint, and no more than this. Zero: nobody waits
    /// longer than the hint. Default: [`MAX_HINT_SPREAD`], 15 s.
    #[must_use]
    pub const fn hint_spread(mut self, most: Duration) -> Self {
        self.hint_spread = most;
        self
    }

    /// How much of every wait without a hint is left to chance, in both tiers.
    #[must_use]
    pub const fn jitter(mut self, jitter: Jitter) -> Self {
        self.short = self.short.jitter(jitter);
        self.long = self.long.jitter(jitter);
        self
    }

    /// Both tiers, attempts and patience apart.
    pub const fn builder() -> RetryPolicyBuilder {
        RetryPolicyBuilder::new()
    }

    /// The time without progress that the policy allows; `None`: no limit.
    #[must_use]
    pub const fn patience_limit(&self) -> Option<Duration> {
        self.patience
    }

    /// Decides on a failure that ended an attempt at `now`, and remembers the decision in `session`.
    ///
    /// - A server's hint is waited out whole, plus a spread of at most a quarter of it and
    ///   the [`hint_spread`](Self::hint_spread).
    ///   A hint that does not fit in what is left of the patience and the deadline stops at once.
    /// - Without a hint the wait is drawn from the tier's curve. It is drawn from the part of the
    ///   range that fits; where not even half of the range fits, the policy stops at once. A wait
    ///   without jitter fits whole or not at all.
    /// - No retry starts after the deadline or after the patience.
    pub fn decide(
        &self,
        session: &mut Session,
        failure: &(impl Recoverable + ?Sized),
        now: Moment,
        limits: Limits,
        roll: Roll,
    ) -> Decision {
        self.decide_on(session, Verdict::of(failure), now, limits, roll)
    }

    /// As [`decide`](Self::decide), on what a failure said.
    fn decide_on(
        &self,
        session: &mut Session,
        verdict: Verdict,
        now: Moment,
        limits: Limits,
        roll: Roll,
    ) -> Decision {
        let verdict = match (verdict.recovery(), session.hurried) {
            // Handed back unsent twice in a row: the way is closed, whatever the peer says of it.
            (Recovery::Now, Hurried::Yes) => verdict.recovering_by(Recovery::BackOff),
            _ => verdict,
        };
        let (recovery, cost) = (verdict.recovery(), verdict.cost());
        let stop = |reason| {
            let wait = recovery.wait();
            Decision::Stop(Stop { reason, wait })
        };
        let repeats = verdict.allowed_repeats();
        if !recovery.is_retryable() || repeats.is_some_and(|allowed| session.repeats >= allowed) {
            return stop(StopReason::NotRecoverable);
        }
        let spent = |most: NonZeroU32| session.attempts >= most.get();
        if cost == Cost::Token && self.attempts.is_some_and(spent) {
            return stop(StopReason::Attempts);
        }
        let room = self.room(session, now, limits);
        let wait = match self.wait(session, recovery, room, roll) {
            Ok(wait) => wait,
            Err(reason) => return stop(reason),
        };
        session.remember(verdict, wait);
        Decision::Retry(Retry {
            wait: Duration::from_nanos(wait.whole),
            hint: recovery.wait().unwrap_or_default(),
            cost,
        })
    }

    /// What is left, and which limit leaves it.
    fn room(&self, session: &Session, now: Moment, limits: Limits) -> Room {
        let patience = tighter(self.patience, limits.patience);
        let patience = patience.map(|limit| limit.saturating_sub(now.since(session.since)));
        let deadline = limits.deadline.map(|deadline| now.until(deadline));
        let patience = patience.unwrap_or(Duration::MAX);
        match deadline {
            Some(left) if left < patience => Room {
                left,
                ends: StopReason::Deadline,
            },
            _ => Room {
                left: patience,
                ends: StopReason::Patience,
            },
        }
    }

    fn wait(
        &self,
        session: &Session,
        recovery: Recovery,
        room: Room,
        roll: Roll,
    ) -> Result<Wait, StopReason> {
        let left = nanos::of(room.left);
        if left == 0 {
            return Err(room.ends);
        }
        let (roll, other_roll) = roll.split();
        let drawn = match recovery.pace() {
            None => 0,
            Some(pace) => {
                let range = self.curve(pace).range(session.retry, session.previous);
                if recovery.wait().is_none() && !range.fits(left) {
                    return Err(room.ends);
                }
                // Behind a hint that fits, a tier of which nothing does has no say.
                if range.lowest < left {
                    range.below(left).draw(roll)
                } else {
                    0
                }
            }
        };
        let Some(hint) = recovery.wait() else {
            let whole = drawn;
            return Ok(Wait { whole, drawn });
        };
        if hint >= room.left {
            return Err(room.ends);
        }
        let hint = nanos::of(hint);
        let spread = (hint / 4).min(nanos::of(self.hint_spread)).min(left - hint);
        let hinted = hint.saturating_add(other_roll.up_to(spread));
        let whole = drawn.max(hinted);
        Ok(Wait { whole, drawn })
    }

    const fn curve(&self, pace: Pace) -> &Curve {
        match pace {
            Pace::Short => &self.short,
            Pace::Long => &self.long,
        }
    }

    /// The same policy with every duration divided by `divisor`: for demonstrations and tests.
    #[must_use]
    pub fn time_divided_by(mut self, divisor: NonZeroU32) -> Self {
        self.short = self.short.time_divided_by(divisor);
        self.long = self.long.time_divided_by(divisor);
        self.patience = self.patience.map(|patience| patience / divisor.get());
        self.attempt_timeout = self.attempt_timeout.map(|limit| limit / divisor.get());
        self.hint_spread /= divisor.get();
        self
    }
}

#[derive(Clone, Copy)]
struct Room {
    left: Duration,
    ends: StopReason,
}

/// A wait in nanoseconds.
#[derive(Clone, Copy)]
struct Wait {
    whole: u64,
    /// What the curve alone would have had.
    drawn: u64,
}

impl Session {
    fn remember(&mut self, verdict: Verdict, wait: Wait) {
        self.hurried = match verdict.recovery() {
            Recovery::Now => Hurried::Yes,
            _ => Hurried::No,
        };
        if verdict.recovery() != Recovery::Now {
            self.retry = self.retry.saturating_add(1);
            self.previous = wait.drawn;
        }
        if verdict.cost() == Cost::Token {
            self.attempts = self.attempts.saturating_add(1);
        }
        if verdict.allowed_repeats().is_some() {
            self.repeats = self.repeats.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests;
