use std::num::NonZeroU32;
use std::time::Duration;

use evenkeel_error::{Hint, InvalidConfig, Moment, Pace, Recoverable, Recovery};

use crate::decision::{Cost, Decision, Retry, Stop, StopReason};
use crate::session::{Hurried, Limits, Session};
use crate::{Curve, Roll};

/// The most that is ever added to a server's hint.
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
/// use std::time::Duration;
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
}

impl RetryPolicy {
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
        }
    }

    /// Stops after so many attempts, the first included. 0 counts as 1: the first is made before
    /// the policy is asked.
    #[must_use]
    pub const fn max_attempts(mut self, attempts: u32) -> Self {
        self.attempts = match NonZeroU32::new(attempts) {
            None => Some(NonZeroU32::MIN),
            some => some,
        };
        self
    }

    /// Stops after so long without progress, attempts and waits included.
    #[must_use]
    pub const fn patience(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
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
    /// - A server's hint is waited out whole, plus a spread of at most a quarter of it and 15 s.
    ///   A hint that does not fit in what is left of the patience and the deadline stops at once.
    /// - Without a hint the wait is drawn from the tier's curve. It is drawn from the part of the
    ///   range that fits; where not even half of the range fits, the policy stops at once.
    /// - No retry starts after the deadline or after the patience.
    pub fn decide(
        &self,
        session: &mut Session,
        failure: &(impl Recoverable + ?Sized),
        now: Moment,
        limits: Limits,
        roll: Roll,
    ) -> Decision {
        let recovery = match (failure.recovery(), session.hurried) {
            // Handed back unsent twice in a row: the way is closed, whatever the peer says of it.
            (Recovery::Now, Hurried::Yes) => Recovery::BackOff,
            (recovery, _) => recovery,
        };
        if !recovery.is_retryable() {
            return stop(StopReason::NotRecoverable, recovery.wait());
        }
        if failure
            .repeats()
            .is_some_and(|allowed| session.repeats >= allowed)
        {
            return stop(StopReason::NotRecoverable, recovery.wait());
        }
        let cost = cost(recovery);
        if cost == Cost::Token
            && self
                .attempts
                .is_some_and(|most| session.attempts >= most.get())
        {
            return stop(StopReason::Attempts, recovery.wait());
        }
        let wait = match self.wait(session, recovery, self.room(session, now, limits), roll) {
            Ok(wait) => wait,
            Err(reason) => return stop(reason, recovery.wait()),
        };
        session.remember(recovery, failure.repeats());
        Decision::Retry(Retry {
            wait,
            hint: recovery.wait().unwrap_or_default(),
            cost,
        })
    }

    /// What is left, and which limit leaves it.
    fn room(&self, session: &Session, now: Moment, limits: Limits) -> Room {
        let patience = match (self.patience, limits.patience) {
            (Some(own), Some(given)) => Some(own.min(given)),
            (own, given) => own.or(given),
        };
        let patience = patience.map(|limit| limit.saturating_sub(now.since(session.since)));
        let deadline = limits.deadline.map(|deadline| now.until(deadline));
        match (patience, deadline) {
            (Some(patience), Some(deadline)) if deadline < patience => Room {
                left: deadline,
                ends: StopReason::Deadline,
            },
            (Some(patience), _) => Room {
                left: patience,
                ends: StopReason::Patience,
            },
            (None, Some(deadline)) => Room {
                left: deadline,
                ends: StopReason::Deadline,
            },
            (None, None) => Room {
                left: Duration::MAX,
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
    ) -> Result<Duration, StopReason> {
        if room.left.is_zero() {
            return Err(room.ends);
        }
        let (roll, other_roll) = roll.split();
        let tier = match recovery.pace() {
            None => Duration::ZERO,
            Some(pace) => {
                let curve = self.curve(pace);
                let ceiling = curve.ceiling(session.retry);
                if recovery.wait().is_none() && ceiling / 2 > room.left {
                    return Err(room.ends);
                }
                curve.delay_below(session.retry, room.left, roll)
            }
        };
        let Some(hint) = recovery.wait() else {
            return Ok(tier);
        };
        if hint >= room.left {
            return Err(room.ends);
        }
        let spread = MAX_HINT_SPREAD
            .min(hint / 4)
            .min(room.left.saturating_sub(hint));
        Ok(tier.max(hint.saturating_add(other_roll.within(spread))))
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
        self
    }
}

#[derive(Clone, Copy)]
struct Room {
    left: Duration,
    ends: StopReason,
}

const fn cost(recovery: Recovery) -> Cost {
    match recovery {
        Recovery::Now
        | Recovery::After {
            hint: Hint::Limit, ..
        } => Cost::Free,
        _ => Cost::Token,
    }
}

const fn stop(reason: StopReason, wait: Option<Duration>) -> Decision {
    Decision::Stop(Stop { reason, wait })
}

impl Session {
    fn remember(&mut self, recovery: Recovery, repeats: Option<u32>) {
        self.hurried = match recovery {
            Recovery::Now => Hurried::Yes,
            _ => Hurried::No,
        };
        if recovery != Recovery::Now {
            self.retry = self.retry.saturating_add(1);
        }
        if cost(recovery) == Cost::Token {
            self.attempts = self.attempts.saturating_add(1);
        }
        if repeats.is_some() {
            self.repeats = self.repeats.saturating_add(1);
        }
    }
}

/// Makes a [`RetryPolicy`]; nothing is checked before [`build`](Self::build).
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct RetryPolicyBuilder {
    short: Curve,
    long: Curve,
    attempts: Option<u32>,
    patience: Option<Duration>,
}

impl RetryPolicyBuilder {
    /// Base 0.5 s, cap 8 s for blips; base 2 s, cap 30 s for capacity.
    const fn new() -> Self {
        Self {
            short: Curve::exponential(Duration::from_millis(500)).cap(Duration::from_secs(8)),
            long: Curve::exponential(Duration::from_secs(2)).cap(Duration::from_secs(30)),
            attempts: None,
            patience: None,
        }
    }

    /// The curve for blips: connection faults, 5xx. Default: base 0.5 s, cap 8 s, which outlives a
    /// restart behind a load balancer in a few tries.
    pub const fn short(mut self, curve: Curve) -> Self {
        self.short = curve;
        self
    }

    /// The curve for capacity, and for limits without a hint. Default: base 2 s, cap 30 s, because
    /// overloads last minutes.
    pub const fn long(mut self, curve: Curve) -> Self {
        self.long = curve;
        self
    }

    /// Attempts, the first included: 1 or more. Default: no limit.
    pub const fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = Some(attempts);
        self
    }

    /// Time without progress, attempts and waits included: above zero. Default: no limit.
    pub const fn patience(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    /// Checks every field.
    ///
    /// # Errors
    ///
    /// Zero attempts, or a patience of zero: neither leaves room for the first attempt.
    pub fn build(self) -> Result<RetryPolicy, InvalidConfig> {
        let attempts = match self.attempts {
            None => None,
            Some(attempts) => Some(
                NonZeroU32::new(attempts)
                    .ok_or(InvalidConfig::new("attempts", "must be 1 or more"))?,
            ),
        };
        if self.patience.is_some_and(|patience| patience.is_zero()) {
            return Err(InvalidConfig::new("patience", "must be longer than zero"));
        }
        Ok(RetryPolicy {
            short: self.short,
            long: self.long,
            attempts,
            patience: self.patience,
        })
    }
}

#[cfg(test)]
mod tests;
