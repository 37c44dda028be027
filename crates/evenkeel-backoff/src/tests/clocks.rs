//! Clocks and sleepers that are not what they should be.

use std::cell::{Cell, RefCell};
use std::future::{Ready, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use evenkeel_error::{Hint, Moment, Pace, Recovery};
use proptest::prelude::*;

use super::{BUSY, SECOND, Says, virtually};
use crate::{
    Dice, Policy as _, RetryBudget, RetryPolicy, Sleeper, StopReason, retry_mut_with, retry_with,
};

/// A clock that moves only by its own sleeps, which last this part of what was asked.
struct Drowsy<'a> {
    now: &'a Cell<u64>,
    percent: u64,
}

impl Sleeper for Drowsy<'_> {
    type Sleep = Ready<()>;

    fn now(&self) -> Moment {
        Moment::from_nanos(self.now.get())
    }

    fn sleep(&self, wait: Duration) -> Ready<()> {
        let nanos = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
        let slept = nanos / 100 * self.percent + u64::from(self.percent > 0);
        self.now.set(self.now.get().saturating_add(slept));
        ready(())
    }
}

const POLICY: RetryPolicy = RetryPolicy::exponential(SECOND)
    .jitter(crate::Jitter::None)
    .max_attempts(4);

#[test]
fn a_sleeper_that_wakes_early_is_not_trusted_before_the_moment_has_come() {
    for percent in [1, 50, 99, 100] {
        let (now, starts) = (Cell::new(0), RefCell::new(Vec::new()));
        let (other, other_starts) = (Cell::new(0), RefCell::new(Vec::new()));
        let call = retry_with(Drowsy { now: &now, percent }, |_| {
            starts.borrow_mut().push(now.get() / 1_000_000);
            ready(Err::<(), _>(BUSY))
        });
        let lending = retry_mut_with(
            Drowsy {
                now: &other,
                percent,
            },
            async |_| {
                other_starts.borrow_mut().push(other.get() / 1_000_000);
                Err::<(), _>(BUSY)
            },
        );
        virtually(async {
            let _ = call.policy(POLICY).await;
            let _ = lending.policy(POLICY).run().await;
        });
        assert_eq!(*starts.borrow(), [0, 1_000, 3_000, 7_000], "{percent}");
        assert_eq!(starts, other_starts, "{percent}");
    }
}

/// Three times as long as asked: the first wait of a second ends two seconds late.
fn overslept(now: &Cell<u64>) -> Drowsy<'_> {
    Drowsy { now, percent: 300 }
}

#[test]
fn no_attempt_follows_a_wait_that_was_overslept_past_the_deadline_or_the_patience() {
    let limit = 2 * SECOND;
    for reason in [StopReason::Deadline, StopReason::Patience] {
        let (now, other, calls) = (Cell::new(0), Cell::new(0), Cell::new(0));
        let count = || calls.set(calls.get() + 1);
        let call = retry_with(overslept(&now), |_| {
            count();
            ready(Err::<(), _>(BUSY))
        });
        let lending = retry_mut_with(overslept(&other), async |_| {
            count();
            Err::<(), _>(BUSY)
        });
        let patient = POLICY.patience(limit);
        let gave_up = virtually(async {
            match reason {
                StopReason::Deadline => {
                    let lending = lending.policy(POLICY).deadline(limit);
                    [
                        call.policy(POLICY).deadline(limit).await,
                        lending.run().await,
                    ]
                }
                _ => [
                    call.policy(patient).await,
                    lending.policy(patient).run().await,
                ],
            }
        });
        for gave_up in gave_up {
            let gave_up = gave_up.unwrap_err();
            assert_eq!((gave_up.reason(), gave_up.attempts()), (reason, 1));
            assert_eq!(gave_up.error(), Some(&BUSY));
        }
        assert_eq!(calls.get(), 2, "{reason}");
    }
}

#[test]
fn a_wait_that_is_a_little_late_but_within_the_patience_is_followed_by_an_attempt() {
    let now = Cell::new(0);
    let call = retry_with(overslept(&now), |_| ready(Err::<(), _>(BUSY)));
    let gave_up = virtually(call.policy(POLICY.patience(4 * SECOND))).unwrap_err();
    assert_eq!(gave_up.attempts(), 2);
}

#[test]
fn a_call_that_is_given_up_during_a_wait_gives_its_token_back_at_once() {
    let (now, budget) = (Cell::new(0), RetryBudget::new());
    let call = retry_with(overslept(&now), |_| ready(Err::<(), _>(BUSY)));
    let mut call = pin!(call.policy(POLICY).budget(&budget).deadline(2 * SECOND));
    let mut cx = Context::from_waker(Waker::noop());
    let tokens = || budget.tokens(Moment::ORIGIN);
    assert!(matches!(call.as_mut().poll(&mut cx), Poll::Ready(Err(_))));
    // It is over, and not dropped yet.
    assert_eq!(tokens(), RetryBudget::CAP);
    assert!(call.poll(&mut cx).is_pending());
    assert_eq!(tokens(), RetryBudget::CAP);
}

#[test]
fn a_clock_that_stands_still_does_not_hold_a_call_for_ever() {
    let now = Cell::new(7);
    let call = retry_with(
        Drowsy {
            now: &now,
            percent: 0,
        },
        |_| ready(Err::<(), _>(BUSY)),
    );
    let gave_up = virtually(call.policy(POLICY)).unwrap_err();
    assert_eq!(gave_up.attempts(), 4);
}

#[test]
fn a_sleeper_that_never_sleeps_does_not_hold_up_its_runtime() {
    // A tenth of a second of the wait passes at each look.
    let now = Cell::new(0);
    let call = retry_with(
        Drowsy {
            now: &now,
            percent: 1,
        },
        |_| ready(Err::<(), _>(BUSY)),
    );
    let mut call = pin!(call.policy(POLICY));
    let mut cx = Context::from_waker(Waker::noop());
    let polls = std::iter::from_fn(|| call.as_mut().poll(&mut cx).is_pending().then_some(()));
    let polls = polls.take(100_000).count();
    assert!(polls > 100 && polls < 100_000, "{polls}");
    assert!(matches!(call.poll(&mut cx), Poll::Pending), "it is over");
}

/// Costs an attempt, and asks for a wait of a second.
const TROUBLE: Says = Says(Recovery::After {
    wait: SECOND,
    hint: Hint::Trouble(Pace::Short),
});

/// A clock that jumps at every look, and a timer that keeps the time of its own.
struct Jumping<'a> {
    looks: &'a RefCell<Vec<u64>>,
    waited: &'a Cell<Duration>,
}

impl Sleeper for Jumping<'_> {
    type Sleep = Ready<()>;

    fn now(&self) -> Moment {
        let seconds = self.looks.borrow_mut().pop().unwrap_or_default();
        Moment::from_nanos(seconds * 1_000_000_000)
    }

    fn sleep(&self, wait: Duration) -> Ready<()> {
        self.waited.set(self.waited.get() + wait);
        ready(())
    }
}

proptest! {
    #[test]
    fn a_clock_that_jumps_forward_or_back_causes_no_early_attempt_and_no_spin(
        looks in proptest::collection::vec(0..2_000_u64, 0..20),
    ) {
        let (looks, waited, calls) = (RefCell::new(looks), Cell::default(), Cell::new(0));
        let sleeper = Jumping { looks: &looks, waited: &waited };
        let call = retry_with(sleeper, |_| {
            if calls.get() > 0 {
                assert!(waited.take() >= SECOND, "an early attempt");
            }
            calls.set(calls.get() + 1);
            ready(Err::<(), _>(TROUBLE))
        });
        let policy = RetryPolicy::exponential(SECOND).patience(600 * SECOND);
        let call = call.policy(policy.with_attempt_limit(4)).deadline(3_600 * SECOND);
        let gave_up = virtually(call).unwrap_err();
        prop_assert!(gave_up.attempts() <= 4);
    }

    #[test]
    fn no_attempt_starts_after_the_deadline_whatever_attempts_and_waits_take(
        base in 0..20_000_u64, deadline in 0..100_000_u64, seed: u64,
        attempts in proptest::collection::vec(0..30_000_u64, 1..30),
    ) {
        let (now, mut number) = (Cell::new(0), 0);
        let limit = Duration::from_millis(deadline);
        let call = retry_with(Drowsy { now: &now, percent: 100 }, |attempt| {
            let started = Duration::from_nanos(now.get());
            assert!(started < limit, "started at {started:?} of {limit:?}");
            assert_eq!(attempt.remaining(), limit.checked_sub(started));
            assert_eq!(attempt.elapsed(), started);
            let took = attempts.get(number).copied().unwrap_or(1_000);
            now.set(now.get() + took * 1_000_000);
            number += 1;
            ready(Err::<(), _>(BUSY))
        });
        let policy = RetryPolicy::exponential(Duration::from_millis(base)).max_attempts(40);
        let call = call.policy(policy).chance(Dice::seeded(seed)).deadline(limit);
        let gave_up = virtually(call).unwrap_err();
        prop_assert_eq!(usize::try_from(gave_up.attempts()), Ok(number));
    }
}
