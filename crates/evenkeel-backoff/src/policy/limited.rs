use core::num::NonZeroU32;
use core::time::Duration;

use evenkeel_error::Moment;

use super::RetryPolicy;
use crate::decision::{Cost, Decision, Stop, StopReason};
use crate::session::{Limits, Session};
use crate::{Roll, Verdict};

/// Whether to try again, for the shells: a [`RetryPolicy`], one of your own, or either of them
/// within limits.
///
/// Limits wrap a policy and each other in any order; the tightest holds.
///
/// ```
/// use core::time::Duration;
/// use evenkeel_backoff::{Decision, Limits, Policy, RetryPolicy, Roll, Session, StopReason};
/// use evenkeel_error::{Moment, Recovery};
///
/// let policy = RetryPolicy::exponential(Duration::from_secs(1))
///     .with_attempt_limit(5)
///     .with_time_limit(Duration::from_secs(60));
/// let mut session = Session::start(Moment::ORIGIN);
/// let late = Moment::ORIGIN + Duration::from_secs(61);
/// let decision = Policy::decide(&policy, &mut session, Recovery::BackOff.into(), late, Limits::NONE, Roll::LOWEST);
/// assert!(matches!(decision, Decision::Stop(stop) if stop.reason == StopReason::Patience));
/// ```
pub trait Policy {
    /// Decides on a failure that ended an attempt at `now`, and remembers the decision in `session`.
    fn decide(
        &self,
        session: &mut Session,
        verdict: Verdict,
        now: Moment,
        limits: Limits,
        roll: Roll,
    ) -> Decision;

    /// The time without progress that the policy allows, attempts included; `None`: no limit. A
    /// shell reads it before the first attempt, to know whether to read the clock.
    #[inline]
    fn patience_limit(&self) -> Option<Duration> {
        None
    }

    /// How long one attempt may take; `None`: no limit.
    #[inline]
    fn attempt_limit(&self) -> Option<Duration> {
        None
    }

    /// Stops after so many attempts, the first included; 0 counts as 1. Attempts that cost nothing
    /// are not counted.
    fn with_attempt_limit(self, attempts: u32) -> AttemptLimit<Self>
    where
        Self: Sized,
    {
        AttemptLimit {
            policy: self,
            attempts: NonZeroU32::new(attempts).unwrap_or(NonZeroU32::MIN),
        }
    }

    /// Stops after so long without progress, attempts and waits included.
    fn with_time_limit(self, limit: Duration) -> TimeLimit<Self>
    where
        Self: Sized,
    {
        let policy = self;
        TimeLimit { policy, limit }
    }

    /// Ends an attempt that takes longer.
    fn with_attempt_timeout(self, limit: Duration) -> AttemptTimeout<Self>
    where
        Self: Sized,
    {
        let policy = self;
        AttemptTimeout { policy, limit }
    }
}

impl Policy for RetryPolicy {
    fn decide(
        &self,
        session: &mut Session,
        verdict: Verdict,
        now: Moment,
        limits: Limits,
        roll: Roll,
    ) -> Decision {
        self.decide_on(session, verdict, now, limits, roll)
    }
    #[inline]
    fn patience_limit(&self) -> Option<Duration> {
        self.patience
    }
    #[inline]
    fn attempt_limit(&self) -> Option<Duration> {
        self.attempt_timeout
    }
}

impl<P: Policy + ?Sized> Policy for &P {
    fn decide(
        &self,
        session: &mut Session,
        verdict: Verdict,
        now: Moment,
        limits: Limits,
        roll: Roll,
    ) -> Decision {
        (**self).decide(session, verdict, now, limits, roll)
    }
    #[inline]
    fn patience_limit(&self) -> Option<Duration> {
        (**self).patience_limit()
    }
    #[inline]
    fn attempt_limit(&self) -> Option<Duration> {
        (**self).attempt_limit()
    }
}

/// A policy and a number of attempts: [`Policy::with_attempt_limit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptLimit<P> {
    policy: P,
    attempts: NonZeroU32,
}

impl<P: Policy> Policy for AttemptLimit<P> {
    fn decide(
        &self,
        session: &mut Session,
        verdict: Verdict,
        now: Moment,
        limits: Limits,
        roll: Roll,
    ) -> Decision {
        let counted = verdict.recovery().is_retryable() && verdict.cost() == Cost::Token;
        if counted && session.attempts >= self.attempts.get() {
            return Decision::Stop(Stop {
                reason: StopReason::Attempts,
                wait: verdict.recovery().wait(),
            });
        }
        self.policy.decide(session, verdict, now, limits, roll)
    }
    #[inline]
    fn patience_limit(&self) -> Option<Duration> {
        self.policy.patience_limit()
    }
    #[inline]
    fn attempt_limit(&self) -> Option<Duration> {
        self.policy.attempt_limit()
    }
}

/// A policy and a time without progress: [`Policy::with_time_limit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeLimit<P> {
    policy: P,
    limit: Duration,
}

impl<P: Policy> Policy for TimeLimit<P> {
    fn decide(
        &self,
        session: &mut Session,
        verdict: Verdict,
        now: Moment,
        limits: Limits,
        roll: Roll,
    ) -> Decision {
        let limit = tighter(limits.patience, self.limit);
        let within = limits.patience(Some(limit));
        let decision = self.policy.decide(session, verdict, now, within, roll);
        match decision {
            // A policy that looks at no limits.
            Decision::Retry(retry)
                if now.since(session.since).saturating_add(retry.wait) > limit =>
            {
                Decision::Stop(Stop {
                    reason: StopReason::Patience,
                    wait: verdict.recovery().wait(),
                })
            }
            decision => decision,
        }
    }
    #[inline]
    fn patience_limit(&self) -> Option<Duration> {
        Some(tighter(self.policy.patience_limit(), self.limit))
    }
    #[inline]
    fn attempt_limit(&self) -> Option<Duration> {
        self.policy.attempt_limit()
    }
}

/// A policy and a time for each attempt: [`Policy::with_attempt_timeout`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptTimeout<P> {
    policy: P,
    limit: Duration,
}

impl<P: Policy> Policy for AttemptTimeout<P> {
    fn decide(
        &self,
        session: &mut Session,
        verdict: Verdict,
        now: Moment,
        limits: Limits,
        roll: Roll,
    ) -> Decision {
        self.policy.decide(session, verdict, now, limits, roll)
    }
    #[inline]
    fn patience_limit(&self) -> Option<Duration> {
        self.policy.patience_limit()
    }
    #[inline]
    fn attempt_limit(&self) -> Option<Duration> {
        Some(tighter(self.policy.attempt_limit(), self.limit))
    }
}

fn tighter(given: Option<Duration>, own: Duration) -> Duration {
    given.map_or(own, |given| given.min(own))
}

#[cfg(test)]
mod tests {
    use evenkeel_error::Recovery;

    use super::*;

    /// Retries at once, for ever, whatever the limits.
    struct Reckless;

    impl Policy for Reckless {
        fn decide(
            &self,
            session: &mut Session,
            _: Verdict,
            _: Moment,
            _: Limits,
            _: Roll,
        ) -> Decision {
            session.attempts += 1;
            Decision::Retry(crate::Retry {
                wait: Duration::from_secs(3),
                hint: Duration::ZERO,
                cost: Cost::Token,
            })
        }
    }

    fn attempts(policy: &impl Policy) -> (u32, StopReason) {
        let (mut session, mut now) = (Session::start(Moment::ORIGIN), Moment::ORIGIN);
        loop {
            let verdict = Recovery::BackOff.into();
            match policy.decide(&mut session, verdict, now, Limits::NONE, Roll::HIGHEST) {
                Decision::Retry(retry) => now = now + retry.wait,
                Decision::Stop(stop) => return (session.attempts, stop.reason),
            }
        }
    }

    #[test]
    fn limits_hold_around_any_policy_in_any_order() {
        let ten = Duration::from_secs(10);
        let (few, brief) = (StopReason::Attempts, StopReason::Patience);
        assert_eq!(attempts(&Reckless.with_attempt_limit(3)), (3, few));
        assert_eq!(attempts(&Reckless.with_time_limit(ten)).1, brief);
        let both = Reckless.with_time_limit(ten).with_attempt_limit(2);
        assert_eq!(attempts(&both), (2, few));
        let other = Reckless.with_attempt_limit(100).with_time_limit(ten);
        assert_eq!(attempts(&other).1, brief);
        assert_eq!(other.patience_limit(), Some(ten));
    }

    #[test]
    fn the_tighter_of_two_limits_holds() {
        let second = Duration::from_secs(1);
        let policy = RetryPolicy::exponential(second)
            .patience(10 * second)
            .with_time_limit(20 * second)
            .with_attempt_timeout(3 * second)
            .with_attempt_timeout(2 * second)
            .with_attempt_limit(0);
        assert_eq!(policy.patience_limit(), Some(10 * second));
        assert_eq!(policy.attempt_limit(), Some(2 * second));
        assert_eq!(attempts(&policy), (1, StopReason::Attempts));
    }
}
