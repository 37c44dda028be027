use std::cell::RefCell;
use std::future::{Ready, ready};
use std::time::Duration;

use evenkeel_error::{Moment, Recovery};

use super::{BUSY, SECOND, Says, limited, take, virtually};
use crate::{
    Attempt, Chance, Decision, Dice, Fault, GaveUp, Limits, Policy, RetryBudget, RetryPolicy, Roll,
    Session, Sleeper, StopReason, Thread, Tokio, Verdict, Withdrawal, blocking, retry, retry_mut,
    retry_with,
};

/// Fails with this until the attempt that succeeds; how long the call took, and how it ended.
fn timed(
    failure: Says,
    succeeds: u32,
    policy: RetryPolicy,
) -> (Duration, Result<u32, GaveUp<Says>>) {
    virtually(async {
        let start = Tokio.now();
        let result = retry(|attempt| {
            ready(if attempt.number() < succeeds {
                Err(failure)
            } else {
                Ok(attempt.number())
            })
        })
        .policy(policy)
        .deadline(300 * SECOND)
        .await;
        (Tokio.now().since(start), result)
    })
}

#[test]
fn a_retry_after_of_zero_backs_off_by_the_curve_and_does_not_spin() {
    let policy = RetryPolicy::exponential(2 * SECOND).jitter(crate::Jitter::None);
    let (took, result) = timed(limited(Duration::ZERO), 4, policy);
    assert_eq!((took, result), (14 * SECOND, Ok(4)));
}

#[test]
fn a_retry_after_of_twenty_seconds_is_waited_out_whole_and_not_much_longer() {
    let (took, result) = timed(limited(20 * SECOND), 2, RetryPolicy::exponential(SECOND));
    assert_eq!(result, Ok(2));
    assert!(
        took >= 20 * SECOND && took <= 25 * SECOND + SECOND / 100,
        "{took:?}"
    );
}

#[test]
fn a_retry_after_of_three_hours_fails_at_once_against_a_deadline_of_five_minutes() {
    let (took, result) = timed(
        limited(10_800 * SECOND),
        2,
        RetryPolicy::exponential(SECOND),
    );
    let gave_up = result.unwrap_err();
    assert_eq!(took, Duration::ZERO);
    assert_eq!(gave_up.reason(), StopReason::Deadline);
    assert_eq!(gave_up.retry_after(), Some(10_800 * SECOND));
    assert_eq!(gave_up.error(), Some(&limited(10_800 * SECOND)));
}

#[test]
fn a_deadline_that_has_passed_keeps_the_operation_from_starting() {
    let never = |_: Attempt| -> Ready<Result<(), Says>> { panic!("called") };
    let gave_up = virtually(async { retry(never).deadline(Duration::ZERO).await }).unwrap_err();
    assert_eq!((gave_up.attempts(), gave_up.last()), (0, None));
    assert_eq!(gave_up.to_string(), "not started: the deadline has passed");
    let blocked = blocking::retry(|_| -> Result<(), Says> { panic!("called") });
    let gave_up = blocked.deadline(Duration::ZERO).call().unwrap_err();
    assert_eq!(gave_up.reason(), StopReason::Deadline);
}

#[test]
fn a_wait_without_jitter_that_reaches_the_deadline_is_not_begun() {
    let policy = RetryPolicy::exponential(8 * SECOND).jitter(crate::Jitter::None);
    for deadline in [5, 8] {
        virtually(async {
            let start = Tokio.now();
            let call = retry(|_| ready(Err::<(), _>(BUSY))).policy(policy);
            let gave_up = call.deadline(deadline * SECOND).await.unwrap_err();
            assert_eq!(gave_up.reason(), StopReason::Deadline);
            assert_eq!(Tokio.now().since(start), Duration::ZERO);
        });
    }
}

#[test]
fn a_deadline_ends_the_attempt_under_way_and_the_error_before_it_is_kept() {
    virtually(async {
        let start = Tokio.now();
        let gave_up = retry(async |attempt| {
            if attempt.number() > 1 {
                take(100 * SECOND).await;
            }
            Err::<(), _>(BUSY)
        })
        .deadline(10 * SECOND)
        .await
        .unwrap_err();
        assert_eq!(Tokio.now().since(start), 10 * SECOND);
        assert_eq!(gave_up.last(), Some(&Fault::Failed(BUSY)));
        assert_eq!(
            (gave_up.attempts(), gave_up.reason()),
            (2, StopReason::Deadline)
        );
    });
}

#[test]
fn an_attempt_that_takes_too_long_is_ended_and_retried() {
    virtually(async {
        let policy = RetryPolicy::exponential(SECOND)
            .attempt_timeout(3 * SECOND)
            .max_attempts(4);
        let number = retry(async |attempt| {
            if attempt.number() < 3 {
                take(100 * SECOND).await;
            }
            Ok::<_, Says>(attempt.number())
        })
        .policy(&policy)
        .await;
        assert_eq!(number, Ok(3));
        let gave_up = retry(|_| std::future::pending::<Result<(), Says>>())
            .policy(&policy)
            .await;
        let gave_up = gave_up.unwrap_err();
        assert_eq!(
            (gave_up.attempts(), gave_up.last()),
            (4, Some(&Fault::TimedOut))
        );
    });
}

/// Uses up all that tokio lets a task do, poll after poll.
async fn greedy(attempt: Attempt) -> Result<u32, Says> {
    let pass_a_minute = tokio::time::advance(60 * SECOND);
    if attempt.number() == 1 {
        tokio::task::yield_now().await;
        pass_a_minute.await;
        for _ in 0..100_000 {
            tokio::task::coop::consume_budget().await;
        }
    }
    Ok(attempt.number())
}

#[test]
fn an_attempt_that_leaves_the_runtime_no_time_for_timers_is_ended_all_the_same() {
    let policy = RetryPolicy::exponential(SECOND).attempt_timeout(3 * SECOND);
    assert_eq!(virtually(retry(greedy).policy(policy)), Ok(2));
    let lending = retry_mut(greedy).policy(policy);
    assert_eq!(virtually(lending.run()), Ok(2));
}

#[test]
fn blocking_and_asynchronous_calls_share_a_budget() {
    let budget = RetryBudget::builder().cap(1).build().unwrap();
    let fails_once = |attempt: Attempt| match attempt.number() {
        1 => Err(BUSY),
        number => Ok(number),
    };
    let policy = RetryPolicy::exponential(Duration::ZERO);
    for _ in 0..2 {
        let call = retry(|attempt| ready(fails_once(attempt)));
        assert_eq!(virtually(call.policy(policy).budget(&budget)), Ok(2));
        let call = blocking::retry(fails_once);
        assert_eq!(call.policy(policy).budget(&budget).call(), Ok(2));
    }
}

#[test]
fn a_call_can_be_spawned_with_what_it_owns() {
    fn is_spawnable<F: Future + Send + 'static>(future: F) -> F {
        future
    }
    let budget = RetryBudget::new();
    let call = retry(|_| ready(Ok::<_, Says>(()))).budget(budget);
    assert!(virtually(is_spawnable(call)).is_ok());
}

/// A policy and chance that must not be asked.
struct Untouchable;

impl Policy for Untouchable {
    fn decide(&self, _: &mut Session, _: Verdict, _: Moment, _: Limits, _: Roll) -> Decision {
        panic!("asked")
    }
}

impl Chance for Untouchable {
    fn roll(&mut self) -> Roll {
        panic!("rolled")
    }
}

impl Sleeper for Untouchable {
    type Sleep = Ready<()>;

    fn now(&self) -> Moment {
        panic!("read")
    }

    fn sleep(&self, _: Duration) -> Ready<()> {
        panic!("slept")
    }
}

#[test]
fn policy_chance_and_clock_are_left_alone_until_something_fails() {
    let call = retry_with(Untouchable, |_| ready(Ok::<_, Says>(7)));
    let call = call.policy(Untouchable).chance(Untouchable);
    assert_eq!(virtually(call), Ok(7));
}

#[test]
fn the_future_is_no_larger_than_what_it_holds_and_96_bytes() {
    type Bare = Ready<Result<u64, ()>>;
    let (policy, budget) = (RetryPolicy::THREE_ATTEMPTS, RetryBudget::new());
    let call = retry(|_| -> Bare { ready(Ok(7)) }).policy(&policy);
    let size = size_of_val(&call.budget(&budget).when(|()| true));
    let held = size_of::<Bare>() + size_of::<tokio::time::Sleep>();
    // And the last error, where errors have a size: it is kept through the next attempt.
    assert!(size <= held + 96, "{size} > {held} + 96");
}

#[test]
fn notify_sees_each_wait_as_it_is_waited() {
    virtually(async {
        let start = Tokio.now();
        let waits = RefCell::new(Vec::new());
        let result = retry(|attempt| {
            ready(if attempt.number() < 3 {
                Err(BUSY)
            } else {
                Ok(())
            })
        })
        .chance(Dice::seeded(7))
        .notify(|notice| waits.borrow_mut().push((notice.attempt, notice.retry.wait)))
        .await;
        assert!(result.is_ok());
        let waits = waits.into_inner();
        assert_eq!(
            waits
                .iter()
                .map(|(attempt, _)| *attempt)
                .collect::<Vec<_>>(),
            [1, 2]
        );
        let sum: Duration = waits.iter().map(|(_, wait)| *wait).sum();
        let took = Tokio.now().since(start);
        // tokio's timers count in milliseconds and round up.
        assert!(
            took >= sum && took <= sum + 4 * Duration::from_millis(1),
            "{took:?} {sum:?}"
        );
    });
}

#[test]
fn an_empty_budget_stops_with_the_failure_and_says_so() {
    let budget = RetryBudget::builder().cap(1).build().unwrap();
    let Withdrawal::Granted(token) = budget.withdraw(Thread.now()) else {
        panic!("empty")
    };
    let receipt = token.sent();
    let gave_up = blocking::retry(|_| Err::<(), _>(BUSY))
        .budget(&budget)
        .call();
    let gave_up = gave_up.unwrap_err();
    assert_eq!(
        (gave_up.reason(), gave_up.attempts(), gave_up.error()),
        (StopReason::Budget, 1, Some(&BUSY))
    );
    drop(receipt);
}

#[test]
fn a_failure_after_progress_starts_the_attempts_over() {
    let policy = RetryPolicy::exponential(Duration::ZERO).max_attempts(2);
    let gave_up = blocking::retry(|attempt| Err::<(), _>(attempt.number()))
        .policy(policy)
        .classify(|number| {
            let verdict = Verdict::from(Recovery::BackOff);
            if *number < 5 {
                verdict.after_progress()
            } else {
                verdict
            }
        })
        .call()
        .unwrap_err();
    // The fourth got somewhere, and counts as the first of two.
    assert_eq!(gave_up.into_error(), Some(5));
}

#[test]
fn a_condition_that_is_not_met_stops_at_the_first_failure() {
    let result = blocking::retry(|_| Err::<(), _>("fatal"))
        .when(|error| *error == "busy")
        .call();
    let gave_up = result.unwrap_err();
    assert_eq!(
        (gave_up.attempts(), gave_up.reason()),
        (1, StopReason::NotRecoverable)
    );
    assert_eq!(
        gave_up.to_string(),
        "gave up after 1 attempt: the failure cannot be retried"
    );
}
