use std::time::Duration;
use std::vec::Vec;

use super::{BUSY, SECOND, Says, virtually};
use crate::{Chance as _, Curve, Dice, Jitter, Ratio, RetryPolicy, Sleeper as _, Tokio, retry};

const DRAWS: u32 = 1_000_000;

/// Mean and standard deviation over a million draws, in seconds.
fn moments(curve: Curve) -> (f64, f64) {
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
    let fifth = Jitter::Bounded(Ratio::percent(20).unwrap());
    let second = Curve::constant(SECOND);
    for (curve, expected) in [
        (second.jitter(Jitter::Full), uniform(0.0, 1.0)),
        (second.jitter(Jitter::Equal), uniform(0.5, 1.0)),
        (second.jitter(fifth), uniform(0.8, 1.2)),
        // At the cap the upper half of the range is cut, not clamped.
        (second.cap(SECOND).jitter(fifth), uniform(0.8, 1.0)),
        (second.jitter(Jitter::None), (1.0, 0.0)),
        (Curve::decorrelated(SECOND), uniform(1.0, 3.0)),
        (
            Curve::decorrelated(SECOND).cap(2 * SECOND),
            uniform(1.0, 2.0),
        ),
    ] {
        let (mean, deviation) = moments(curve);
        // Five standard errors of a million draws, of the widest of these ranges.
        let most = 0.003;
        assert!((mean - expected.0).abs() < most, "{curve:?}: mean {mean}");
        assert!(
            (deviation - expected.1).abs() < most,
            "{curve:?}: deviation {deviation}"
        );
    }
}

#[test]
fn decorrelated_waits_of_a_long_session_stay_spread_below_the_cap() {
    let curve = Curve::decorrelated(SECOND).cap(10 * SECOND);
    let waits = curve.delays(Dice::seeded(2_026)).skip(20).take(1_000_000);
    let (sum, squares) = waits.fold((0.0, 0.0), |(sum, squares), wait| {
        let wait = wait.as_secs_f64();
        (sum + wait, squares + wait * wait)
    });
    let mean = sum / f64::from(DRAWS);
    let deviation = (squares / f64::from(DRAWS) - mean * mean).sqrt();
    // What the chain "uniform from 1 to the lesser of 10 and three times the last" settles at, by
    // numerical integration; successive waits depend on each other, which widens the error.
    assert!((mean - 4.9016).abs() < 0.02, "{mean}");
    assert!((deviation - 2.5415).abs() < 0.02, "{deviation}");
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
                .chance(Dice::seeded(seed)),
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
