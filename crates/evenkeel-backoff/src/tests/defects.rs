//! Each defect known of other crates that could be made here, and is not.

use std::future::ready;
use std::time::Duration;

use super::{BUSY, SECOND, Says, limited, take, virtually};
use crate::{
    Attempt, Chance as _, Curve, Dice, GaveUp, Jitter, Ratio, RetryPolicy, Roll, Sleeper as _,
    StopReason, Tokio, retry,
};

fn all_jitters() -> [Jitter; 5] {
    let half = Ratio::percent(50).unwrap();
    [
        Jitter::Full,
        Jitter::None,
        Jitter::Equal,
        Jitter::Bounded(half),
        Jitter::Decorrelated,
    ]
}

#[test]
fn jitter_is_not_added_after_the_cap() {
    for jitter in all_jitters() {
        let curve = Curve::exponential(SECOND).cap(10 * SECOND).jitter(jitter);
        for retry in 1..40 {
            assert!(curve.delay(retry, Roll::HIGHEST) <= 10 * SECOND);
        }
    }
}

#[test]
fn a_base_above_the_cap_does_not_pass_it_at_the_first_delay() {
    for jitter in all_jitters() {
        let curve = Curve::fibonacci(5 * SECOND).cap(SECOND).jitter(jitter);
        assert!(curve.delay(1, Roll::HIGHEST) <= SECOND);
    }
}

#[test]
fn jitter_does_not_vanish_at_the_cap() {
    for jitter in [Jitter::Full, Jitter::Equal, Jitter::Decorrelated] {
        let curve = Curve::exponential(SECOND).cap(30 * SECOND).jitter(jitter);
        let mut dice = Dice::seeded(1);
        let at_cap =
            (0..1_000).filter(|_| curve.delay(60, dice.roll()) > 29 * SECOND + SECOND * 99 / 100);
        assert!(at_cap.count() < 20, "{jitter:?}");
    }
}

#[test]
fn first_delays_do_not_pile_up_on_the_least() {
    let curve = Curve::exponential(SECOND).jitter(Jitter::Bounded(Ratio::percent(30).unwrap()));
    let mut dice = Dice::seeded(1);
    let least = (0..1_000).filter(|_| curve.delay(1, dice.roll()) < SECOND * 71 / 100);
    assert!(least.count() < 50);
}

#[test]
fn jitter_is_not_truncated_to_whole_seconds_or_milliseconds() {
    let curve = Curve::constant(SECOND);
    let mut dice = Dice::seeded(1);
    let even = (0..100).filter(|_| {
        curve
            .delay(1, dice.roll())
            .subsec_nanos()
            .is_multiple_of(1_000_000)
    });
    assert!(even.count() < 10);
}

#[test]
fn no_duration_and_no_retry_number_panics_or_wraps() {
    for jitter in all_jitters() {
        let curve = Curve::exponential(Duration::MAX).jitter(jitter);
        let _ = curve.delay(u32::MAX, Roll::HIGHEST);
        let slow = Curve::exponential(SECOND).cap(30 * SECOND).jitter(jitter);
        for retry in [61, 64, 65, 128, u32::MAX] {
            assert_eq!(
                slow.delay(retry, Roll::HIGHEST),
                30 * SECOND,
                "{jitter:?} {retry}"
            );
        }
    }
}

#[test]
fn a_base_of_zero_hangs_no_builder_and_no_curve() {
    assert!(Curve::builder().base(Duration::ZERO).build().is_err());
    assert_eq!(
        Curve::exponential(Duration::ZERO).delay(u32::MAX, Roll::HIGHEST),
        Duration::ZERO
    );
}

#[test]
fn delays_are_whole_nanoseconds_and_powers_of_two_not_of_the_base() {
    let curve = Curve::exponential(Duration::from_millis(50)).jitter(Jitter::None);
    let delays = [1, 2, 3].map(|retry| curve.delay(retry, Roll::LOWEST).as_millis());
    assert_eq!(delays, [50, 100, 200]);
}

#[test]
fn slow_attempts_count_towards_the_deadline() {
    virtually(async {
        let start = Tokio.now();
        let gave_up = retry(async |_| {
            take(4 * SECOND).await;
            Err::<(), _>(BUSY)
        })
        .policy(RetryPolicy::exponential(SECOND / 100))
        .deadline(10 * SECOND)
        .await
        .unwrap_err();
        assert!(Tokio.now().since(start) <= 10 * SECOND);
        assert!(gave_up.attempts() <= 3);
    });
}

#[test]
fn slow_first_attempts_count_towards_the_patience_too() {
    virtually(async {
        let policy = RetryPolicy::exponential(SECOND).patience(10 * SECOND);
        let gave_up = retry(async |_| {
            take(11 * SECOND).await;
            Err::<(), _>(BUSY)
        })
        .policy(policy)
        .await
        .unwrap_err();
        assert_eq!(
            (gave_up.attempts(), gave_up.reason()),
            (1, StopReason::Patience)
        );
    });
}

#[test]
fn a_servers_delay_bypasses_no_limit_and_is_not_ignored() {
    virtually(async {
        let start = Tokio.now();
        let result: Result<(), GaveUp<Says>> = retry(|_| ready(Err(limited(SECOND))))
            .policy(RetryPolicy::exponential(SECOND / 10))
            .deadline(20 * SECOND)
            .await;
        let gave_up = result.unwrap_err();
        assert!(gave_up.attempts() > 1 && gave_up.attempts() <= 21);
        assert!(Tokio.now().since(start) <= 20 * SECOND);
    });
}

#[test]
fn what_remains_is_measured_after_the_sleep() {
    virtually(async {
        let start = Tokio.now();
        let _ = retry(|attempt: Attempt| {
            let left = attempt.remaining().unwrap();
            assert_eq!(left + Tokio.now().since(start), 10 * SECOND);
            assert_eq!(attempt.elapsed(), Tokio.now().since(start));
            ready(Err::<(), _>(BUSY))
        })
        .policy(RetryPolicy::exponential(SECOND).max_attempts(4))
        .deadline(10 * SECOND)
        .await;
    });
}

#[test]
fn the_operation_is_not_called_when_the_call_is_built_nor_before_a_sleep_is_over() {
    virtually(async {
        let calls = std::cell::RefCell::new(Vec::new());
        let start = Tokio.now();
        let policy = RetryPolicy::exponential(SECOND)
            .jitter(Jitter::None)
            .max_attempts(3);
        let call = retry(|_| {
            calls.borrow_mut().push(Tokio.now().since(start));
            ready(Err::<(), _>(BUSY))
        })
        .policy(policy)
        ;
        assert!(calls.borrow().is_empty());
        let _ = call.await;
        assert_eq!(*calls.borrow(), [Duration::ZERO, SECOND, 3 * SECOND]);
    });
}

#[test]
fn no_time_limit_hides_in_the_defaults() {
    virtually(async {
        let policy = RetryPolicy::exponential(SECOND);
        let number = retry(|attempt| {
            let number = attempt.number();
            ready(if number < 500 { Err(BUSY) } else { Ok(number) })
        });
        assert_eq!(number.policy(policy).await, Ok(500));
    });
}
