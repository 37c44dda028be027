use std::time::Duration;
use std::vec::Vec;

use super::{BUSY, SECOND, Says, virtually};
use crate::{Chance as _, Curve, Dice, Jitter, Ratio, RetryPolicy, Sleeper as _, Tokio, retry};

const DRAWS: u32 = 1_000_000;

/// Mean and standard deviation over a million draws, as parts of the ceiling.
fn moments(jitter: Jitter) -> (f64, f64) {
    let curve = Curve::constant(SECOND).cap(SECOND).jitter(jitter);
    let mut dice = Dice::seeded(2_026);
    let (mut sum, mut squares) = (0.0, 0.0);
    for _ in 0..DRAWS {
        let wait = curve.delay(1, dice.roll()).as_secs_f64();
        sum += wait;
        squares += wait * wait;
    }
    let mean = sum / f64::from(DRAWS);
    (mean, (squares / f64::from(DRAWS) - mean * mean).sqrt())
}

#[test]
fn each_jitter_has_the_mean_and_the_spread_of_its_range() {
    let uniform = |low: f64, high: f64| (f64::midpoint(low, high), (high - low) / 12_f64.sqrt());
    let fifth = Ratio::percent(20).unwrap();
    for (jitter, expected) in [
        (Jitter::Full, uniform(0.0, 1.0)),
        (Jitter::Equal, uniform(0.5, 1.0)),
        // At the cap the upper half of the range is cut, not clamped.
        (Jitter::Bounded(fifth), uniform(0.8, 1.0)),
        (Jitter::None, (1.0, 0.0)),
    ] {
        let (mean, deviation) = moments(jitter);
        // Five standard errors of a million draws are below 0.0015.
        assert!(
            (mean - expected.0).abs() < 0.0015,
            "{jitter:?}: mean {mean}"
        );
        assert!(
            (deviation - expected.1).abs() < 0.0015,
            "{jitter:?}: deviation {deviation}"
        );
    }
}

#[test]
fn decorrelated_waits_have_the_mean_of_their_range() {
    let mut dice = Dice::seeded(5);
    let curve = Curve::decorrelated(SECOND);
    let sum: f64 = (0..DRAWS)
        .map(|_| curve.delay(1, dice.roll()).as_secs_f64())
        .sum();
    assert!((sum / f64::from(DRAWS) - 2.0).abs() < 0.003);
}

#[test]
fn two_sessions_from_one_policy_draw_different_numbers() {
    let waits = |policy: &RetryPolicy| {
        let mut waits = Vec::new();
        let call = retry(|_| std::future::ready(Err::<(), Says>(BUSY))).policy(policy);
        let call = call.notify(|notice| waits.push(notice.retry.wait));
        let _ = virtually(call);
        waits
    };
    let policy = RetryPolicy::exponential(SECOND).max_attempts(5);
    assert_ne!(waits(&policy), waits(&policy));
}

#[test]
fn five_hundred_callers_that_fail_together_come_back_apart() {
    let mut buckets = [0_u32; 9];
    virtually(async {
        let start = Tokio.now();
        let policy = RetryPolicy::exponential(2 * SECOND).max_attempts(2);
        let returns = std::cell::RefCell::new(Vec::new());
        let callers = (0..500_u64).map(|seed| {
            let returns = &returns;
            Box::pin(
                retry(move |attempt| {
                    if attempt.number() == 2 {
                        returns.borrow_mut().push(Tokio.now().since(start));
                    }
                    std::future::ready(Err::<(), _>(BUSY))
                })
                .policy(policy)
                .chance(Dice::seeded(seed))
                ,
            )
        });
        let mut callers: Vec<_> = callers.collect();
        std::future::poll_fn(|cx| {
            callers.retain_mut(|caller| caller.as_mut().poll(cx).is_pending());
            if callers.is_empty() {
                std::task::Poll::Ready(())
            } else {
                std::task::Poll::Pending
            }
        })
        .await;
        for at in returns.take() {
            let bucket = at.as_millis() / Duration::from_millis(250).as_millis();
            buckets[usize::try_from(bucket).unwrap()] += 1;
        }
    });
    assert_eq!(buckets.iter().sum::<u32>(), 500);
    assert!(buckets.iter().all(|count| *count <= 100), "{buckets:?}");
}
