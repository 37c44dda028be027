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
///
/// One of your own, which here waits a second before each of two retries:
///
/// ```
/// use core::time::Duration;
/// use evenkeel_backoff::{
///     Cost, Decision, Limits, Moment, Policy, Retry, Roll, Session, Stop, StopReason, Verdict,
/// };
///
/// struct Twice;
///
/// impl Policy for Twice {
///     fn decide(&self, session: &mut Session, verdict: Verdict, _: Moment, _: Limits, _: Roll) -> Decision {
///         if !verdict.recovery().is_retryable() {
///             return Decision::Stop(Stop::because(StopReason::NotRecoverable));
///         }
///         if session.attempts() > 2 {
///             return Decision::Stop(Stop::because(StopReason::Attempts));
///         }
///         session.retried(Cost::Token);
///         Decision::Retry(Retry::after(Duration::from_secs(1)))
///     }
/// }
/// # let (mut session, now) = (Session::start(Moment::ORIGIN), Moment::ORIGIN);
/// # let mut busy = || Twice.decide(&mut session, evenkeel_backoff::Recovery::BackOff.into(), now, Limits::NONE, Roll::LOWEST);
/// # assert!(matches!((busy(), busy(), busy()), (Decision::Retry(_), Decision::Retry(_), Decision::Stop(_))));
/// ```
pub trait Policy {
    /// Decides on a failure that ended an attempt at `now`, and remembers the decision in `session`
    /// ([`Session::retried`]). `limits` hold whatever the policy says: the shells let no attempt start
    /// after the deadline.
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

    /// How long one attempt may take, counted from when it first keeps its caller waiting
    /// ([`RetryPolicy::attempt_timeout`]); `None`: no limit.
    #[inline]
    fn attempt_time_limit(&self) -> Option<Duration> {
        None
    }

    /// Stops after so many attempts, the first included; 0 counts as 1. Attempts that cost nothing
    /// are not counted.
    fn with_attempt_limit(self, attempts: u32) -> Limited<Self>
    where
        Self: Sized,
    {
        Limited {
            attempts: Some(NonZeroU32::new(attempts).unwrap_or(NonZeroU32::MIN)),
            ..Limited::around(self)
        }
    }

    /// Stops after so long without progress, attempts and waits included.
    fn with_time_limit(self, limit: Duration) -> Limited<Self>
    where
        Self: Sized,
    {
        Limited {
            patience: Some(limit),
            ..Limited::around(self)
        }
    }

    /// Ends an attempt that takes longer, as [`RetryPolicy::attempt_timeout`] does.
    fn with_attempt_timeout(self, limit: Duration) -> Limited<Self>
    where
        Self: Sized,
    {
        Limited {
            attempt: Some(limit),
            ..Limited::around(self)
        }
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
    fn attempt_time_limit(&self) -> Option<Duration> {
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
    fn attempt_time_limit(&self) -> Option<Duration> {
        (**self).attempt_time_limit()
    }
}

/// A policy within a limit: what [`Policy`]'s `with_…` methods make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limited<P> {
    policy: P,
    attempts: Option<NonZeroU32>,
    patience: Option<Duration>,
    attempt: Option<Duration>,
}

impl<P> Limited<P> {
    const fn around(policy: P) -> Self {
        Self {
            policy,
            attempts: None,
            patience: None,
            attempt: None,
        }
    }
}

impl<P: Policy> Policy for Limited<P> {
    fn decide(
        &self,
        session: &mut Session,
        verdict: Verdict,
        now: Moment,
        limits: Limits,
        roll: Roll,
    ) -> Decision {
        let stop = |reason| {
            let wait = verdict.recovery().wait();
            Decision::Stop(Stop { reason, wait })
        };
        let counted = verdict.recovery().is_retryable() && verdict.cost() == Cost::Token;
        let made = session.attempts;
        let spent = self.attempts.is_some_and(|most| made >= most.get());
        if counted && spent {
            return stop(StopReason::Attempts);
        }
        let within = limits.patience(tighter(limits.patience, self.patience));
        let decision = self.policy.decide(session, verdict, now, within, roll);
        // For a policy that looks at no limits.
        let late = |wait| {
            let over = |limit| now.since(session.since).saturating_add(wait) > limit;
            self.patience.is_some_and(over)
        };
        match decision {
            // What is free by itself may cost something all the same: a second retry at once does.
            Decision::Retry(retry) if spent && retry.cost == Cost::Token => {
                stop(StopReason::Attempts)
            }
            Decision::Retry(retry) if late(retry.wait) => stop(StopReason::Patience),
            decision => decision,
        }
    }

    #[inline]
    fn patience_limit(&self) -> Option<Duration> {
        tighter(self.policy.patience_limit(), self.patience)
    }

    #[inline]
    fn attempt_time_limit(&self) -> Option<Duration> {
        tighter(self.policy.attempt_time_limit(), self.attempt)
    }
}

pub(crate) fn tighter(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
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
        attempts_by(policy, Recovery::BackOff)
    }

    /// How many attempts are made, the free ones too, of at most a hundred that all fail so.
    fn attempts_by(policy: &impl Policy, recovery: Recovery) -> (u32, StopReason) {
        let (mut session, mut now) = (Session::start(Moment::ORIGIN), Moment::ORIGIN);
        for attempt in 1..=100 {
            let verdict = recovery.into();
            match policy.decide(&mut session, verdict, now, Limits::NONE, Roll::HIGHEST) {
                Decision::Retry(retry) => now = now + retry.wait,
                Decision::Stop(stop) => return (attempt, stop.reason),
            }
        }
        panic!("a hundred attempts, and no end: {session:?}");
    }

    #[test]
    fn a_limit_of_attempts_around_a_policy_ends_what_is_always_handed_back_as_its_own_does() {
        let policy = RetryPolicy::exponential(Duration::from_secs(1));
        // Every second one is free, and goes out at once.
        let expected = (6, StopReason::Attempts);
        assert_eq!(
            attempts_by(&policy.max_attempts(3), Recovery::Now),
            expected
        );
        let limited = policy.with_attempt_limit(3);
        assert_eq!(attempts_by(&limited, Recovery::Now), expected);
        let twice = limited.with_attempt_limit(9);
        assert_eq!(attempts_by(&twice, Recovery::Now), expected);
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
        assert_eq!(policy.attempt_time_limit(), Some(2 * second));
        assert_eq!(attempts(&policy), (1, StopReason::Attempts));
    }
}
