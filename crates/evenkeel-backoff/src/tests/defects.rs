//! Each defect known of other crates that could be made here, and is not: one test for each, named
//! for it. Some stand nearer to what they test:
//!
//! - one sequence for every call because a generator is cloned: `service`;
//! - a retry without a fresh readiness poll: `service`;
//! - calls dropped in a wait that keep their token: `cancel`;
//! - tokens that two threads take at once: `budget::bucket::orders`, `budget::share::orders`.
//!
//! Not possible here: a fixed seed where there is no system to ask (without `std` there are no dice
//! without a seed); waits by the wall clock (no wall clock is read); a retry that is silently off
//! because a request cannot be cloned (`tower::ServicePolicy` demands `Clone`). Not this crate's: what
//! may be repeated, bodies that stream, which faults count as recoverable.

use std::future::ready;
use std::time::Duration;

use evenkeel_error::Moment;

use super::{BUSY, SECOND, Says, limited, take, virtually};
use crate::{
    Attempt, Chance as _, Curve, Dice, GaveUp, Jitter, Ratio, RetryBudget, RetryPolicy, Roll,
    Sleeper as _, StopReason, Tokio, retry,
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
        .policy(policy);
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

#[test]
fn jitter_does_not_become_negligible_as_delays_grow() {
    let mut dice = Dice::seeded(1);
    let tenth = Jitter::Bounded(Ratio::TENTH);
    let curve = Curve::exponential(SECOND / 10)
        .cap(3_600 * SECOND)
        .jitter(tenth);
    let delays: Vec<_> = (0..1_000).map(|_| curve.delay(12, dice.roll())).collect();
    let (least, most) = (delays.iter().min().unwrap(), delays.iter().max().unwrap());
    // A tenth to either side of 204.8 s.
    assert!(*most > *least + 38 * SECOND, "{least:?} {most:?}");
}

#[test]
fn a_factor_that_is_negative_or_not_a_number_is_refused_and_never_a_panic_later() {
    for factor in [f64::NAN, -2.0, 0.0, f64::INFINITY, f64::NEG_INFINITY] {
        assert!(Curve::builder().factor(factor).build().is_err(), "{factor}");
    }
}

#[test]
fn no_range_is_empty_however_small_or_upside_down_its_ends() {
    for jitter in all_jitters() {
        for (base, cap) in [(0, 0), (1, 0), (0, 1), (1, 1), (2, 1)] {
            let curve = Curve::exponential(Duration::from_nanos(base))
                .cap(Duration::from_nanos(cap))
                .jitter(jitter);
            for roll in [Roll::LOWEST, Roll::HIGHEST] {
                assert!(curve.delay(1, roll) <= Duration::from_nanos(cap));
            }
        }
    }
    let narrow = Curve::constant(SECOND).jitter(Jitter::Bounded(Ratio::new(0.000_001).unwrap()));
    assert!(narrow.delay(1, Roll::LOWEST) < narrow.delay(1, Roll::HIGHEST));
}

#[test]
fn an_iterator_of_delays_does_not_end_and_so_never_yields_again_after_its_end() {
    for jitter in all_jitters() {
        let curve = Curve::decorrelated(SECOND).cap(60 * SECOND).jitter(jitter);
        assert_eq!(curve.delays(Dice::seeded(1)).take(10_000).count(), 10_000);
    }
}

#[test]
fn doubled_delays_are_exact_to_the_nanosecond() {
    let curve = Curve::exponential(Duration::from_millis(100)).jitter(Jitter::None);
    assert_eq!(curve.delay(2, Roll::LOWEST), Duration::from_millis(200));
}

#[test]
fn a_base_of_one_nanosecond_grows() {
    let curve = Curve::exponential(Duration::from_nanos(1)).jitter(Jitter::None);
    assert!(curve.delay(2, Roll::LOWEST) > curve.delay(1, Roll::LOWEST));
}

#[test]
fn a_budget_does_not_need_a_hundred_thousand_failures_to_notice_an_outage() {
    let share = RetryBudget::share(Ratio::TENTH).build().unwrap();
    for budget in [RetryBudget::new(), share] {
        let at = |seconds| Moment::ORIGIN + SECOND * seconds;
        for second in 0..1_000 {
            (0..100).for_each(|_| budget.earn(at(second)));
        }
        // Nothing succeeds from here on.
        let retries = (1_000..1_060).flat_map(|second| [second; 100]);
        let retries = retries
            .filter(|second| budget.take(at(*second)).is_ok())
            .count();
        assert!(retries <= 200, "{retries}");
    }
}

#[test]
fn an_empty_budget_recovers_without_a_success() {
    let share = RetryBudget::share(Ratio::TENTH).build().unwrap();
    for budget in [RetryBudget::new(), share] {
        while budget.take(Moment::ORIGIN).is_ok() {}
        assert!(budget.take(Moment::ORIGIN + 60 * SECOND).is_ok());
    }
}

#[test]
fn a_ratio_of_a_budget_is_not_rounded_to_a_whole_or_to_a_third() {
    for percent in [30, 60, 70, 90] {
        let ratio = Ratio::percent(percent).unwrap();
        let share = RetryBudget::share(ratio).free(0).build().unwrap();
        let bucket = RetryBudget::builder()
            .earned(ratio)
            .cap(100)
            .build()
            .unwrap();
        while bucket.take(Moment::ORIGIN).is_ok() {}
        for budget in [share, bucket] {
            (0..100).for_each(|_| budget.earn(Moment::ORIGIN));
            assert_eq!(budget.tokens(Moment::ORIGIN), percent);
        }
    }
}

#[test]
fn a_budget_that_was_full_and_busy_counts_again_after_a_withdrawal() {
    let budget = RetryBudget::new();
    (0..2_000).for_each(|_| budget.earn(Moment::ORIGIN));
    assert_eq!(budget.tokens(Moment::ORIGIN), RetryBudget::MAX_CAP);
    budget.take(Moment::ORIGIN).unwrap();
    (0..10).for_each(|_| budget.earn(Moment::ORIGIN));
    assert_eq!(budget.tokens(Moment::ORIGIN), RetryBudget::MAX_CAP);
    budget.take(Moment::ORIGIN).unwrap();
    assert_eq!(budget.tokens(Moment::ORIGIN), RetryBudget::MAX_CAP - 1);
}
