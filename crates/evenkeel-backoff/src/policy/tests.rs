use evenkeel_error::{Delivery, Hint};
use proptest::prelude::*;

use super::*;

struct Failing(Recovery, Option<u32>);

impl Recoverable for Failing {
    fn recovery(&self) -> Recovery {
        self.0
    }

    fn delivery(&self) -> Delivery {
        Delivery::Answered
    }

    fn repeats(&self) -> Option<u32> {
        self.1
    }
}

const SECOND: Duration = Duration::from_secs(1);
const NO_LIMITS: Limits = Limits {
    deadline: None,
    patience: None,
};

fn policy() -> RetryPolicy {
    RetryPolicy::builder()
        .attempts(4)
        .patience(600 * SECOND)
        .build()
        .unwrap()
}

fn at(seconds: u64) -> Moment {
    Moment::ORIGIN + SECOND * u32::try_from(seconds).unwrap()
}

fn limit(wait: Duration) -> Recovery {
    Recovery::After {
        wait,
        hint: Hint::Limit,
    }
}

fn decide(session: &mut Session, recovery: Recovery, now: Moment, limits: Limits) -> Decision {
    policy().decide(
        session,
        &Failing(recovery, None),
        now,
        limits,
        Roll::HIGHEST,
    )
}

fn expect_retry(decision: Decision) -> Retry {
    match decision {
        Decision::Retry(retry) => retry,
        Decision::Stop(stop) => panic!("stopped: {stop:?}"),
    }
}

fn expect_stop(decision: Decision) -> Stop {
    match decision {
        Decision::Stop(stop) => stop,
        Decision::Retry(retry) => panic!("went on: {retry:?}"),
    }
}

#[test]
fn every_recovery_has_its_wait_cost_and_tier() {
    let cases = [
        (Recovery::Now, Duration::ZERO, Cost::Free),
        (Recovery::BackOff, SECOND / 2, Cost::Token),
        (Recovery::BackOffLong, 2 * SECOND, Cost::Token),
        (limit(20 * SECOND), 25 * SECOND, Cost::Free),
        (limit(Duration::ZERO), 2 * SECOND, Cost::Free),
        (
            Recovery::After {
                wait: SECOND,
                hint: Hint::Trouble(Pace::Short),
            },
            SECOND * 5 / 4,
            Cost::Token,
        ),
        (
            Recovery::After {
                wait: SECOND,
                hint: Hint::Trouble(Pace::Long),
            },
            2 * SECOND,
            Cost::Token,
        ),
    ];
    for (recovery, wait, cost) in cases {
        let mut session = Session::start(at(0));
        let retry = expect_retry(decide(&mut session, recovery, at(0), NO_LIMITS));
        assert_eq!((retry.wait, retry.cost), (wait, cost), "{recovery:?}");
    }
}

#[test]
fn what_cannot_be_recovered_stops_without_being_counted() {
    for recovery in [Recovery::Never, Recovery::Refresh] {
        let mut session = Session::start(at(0));
        let stop = expect_stop(decide(&mut session, recovery, at(0), NO_LIMITS));
        assert_eq!(stop.reason, StopReason::NotRecoverable);
        assert_eq!(session, Session::start(at(0)));
    }
}

#[test]
fn a_second_hurried_retry_in_a_row_backs_off() {
    let mut session = Session::start(at(0));
    let first = expect_retry(decide(&mut session, Recovery::Now, at(0), NO_LIMITS));
    let second = expect_retry(decide(&mut session, Recovery::Now, at(0), NO_LIMITS));
    let third = expect_retry(decide(&mut session, Recovery::Now, at(0), NO_LIMITS));
    assert_eq!((first.wait, first.cost), (Duration::ZERO, Cost::Free));
    assert_eq!((second.wait, second.cost), (SECOND / 2, Cost::Token));
    assert_eq!(third.wait, Duration::ZERO);
}

#[test]
fn attempts_count_the_first_one_and_not_the_free_ones() {
    let mut session = Session::start(at(0));
    for _ in 0..10 {
        let _ = expect_retry(decide(&mut session, limit(SECOND), at(0), NO_LIMITS));
    }
    for _ in 0..3 {
        let _ = expect_retry(decide(&mut session, Recovery::BackOff, at(0), NO_LIMITS));
    }
    let stop = expect_stop(decide(&mut session, Recovery::BackOff, at(0), NO_LIMITS));
    assert_eq!(stop.reason, StopReason::Attempts);
}

#[test]
fn repeated_hints_of_zero_do_not_spin() {
    let mut session = Session::start(at(0));
    let waits: Vec<_> = (0..4)
        .map(|_| {
            expect_retry(decide(
                &mut session,
                limit(Duration::ZERO),
                at(0),
                NO_LIMITS,
            ))
            .wait
        })
        .collect();
    assert_eq!(waits, [2 * SECOND, 4 * SECOND, 8 * SECOND, 16 * SECOND]);
}

#[test]
fn a_hint_that_does_not_fit_stops_at_once_and_says_how_long_it_was() {
    for (limits, reason) in [
        (NO_LIMITS, StopReason::Patience),
        (
            Limits {
                deadline: Some(at(300)),
                patience: None,
            },
            StopReason::Deadline,
        ),
    ] {
        let mut session = Session::start(at(0));
        let stop = expect_stop(decide(&mut session, limit(10_800 * SECOND), at(1), limits));
        assert_eq!(
            stop,
            Stop {
                reason,
                wait: Some(10_800 * SECOND)
            }
        );
    }
}

#[test]
fn only_the_spread_on_top_of_a_hint_is_cut_to_fit() {
    let mut session = Session::start(at(0));
    let limits = Limits::NONE.deadline(Some(at(23)));
    let retry = expect_retry(decide(&mut session, limit(20 * SECOND), at(0), limits));
    assert_eq!(retry.wait, 23 * SECOND);
    assert_eq!(retry.hint, 20 * SECOND);
}

#[test]
fn a_hint_that_fits_is_waited_out_where_nothing_of_its_tier_fits() {
    let hint = Recovery::After {
        wait: SECOND,
        hint: Hint::Trouble(Pace::Short),
    };
    for curve in [
        Curve::exponential(8 * SECOND).jitter(Jitter::None),
        Curve::exponential(16 * SECOND).jitter(Jitter::Equal),
        Curve::decorrelated(8 * SECOND),
    ] {
        let policy = RetryPolicy::tiered(curve, curve);
        for limits in [
            Limits::NONE.deadline(Some(at(5))),
            Limits::NONE.patience(Some(5 * SECOND)),
        ] {
            let mut session = Session::start(at(0));
            let failing = Failing(hint, None);
            let decision = policy.decide(&mut session, &failing, at(0), limits, Roll::HIGHEST);
            let wait = expect_retry(decision).wait;
            assert_eq!(wait, SECOND + SECOND / 4, "{curve:?} {limits:?}");
        }
    }
}

#[test]
fn the_spread_of_a_hint_is_as_wide_as_the_policy_says_and_no_wider_than_a_quarter() {
    let policy = RetryPolicy::exponential(SECOND);
    for (policy, expected) in [
        (policy, 115),
        (policy.hint_spread(Duration::ZERO), 100),
        (policy.hint_spread(7 * SECOND), 107),
        (policy.hint_spread(Duration::MAX), 125),
    ] {
        let mut session = Session::start(at(0));
        let hint = Failing(limit(100 * SECOND), None);
        let decision = policy.decide(&mut session, &hint, at(0), NO_LIMITS, Roll::HIGHEST);
        assert_eq!(expect_retry(decision).wait, expected * SECOND);
    }
}

#[test]
fn a_wait_of_which_not_half_would_fit_is_not_begun() {
    let mut session = Session::start(at(0));
    let just = Limits::NONE.deadline(Some(at(1)));
    let retry = expect_retry(decide(&mut session, Recovery::BackOffLong, at(0), just));
    assert_eq!(retry.wait, SECOND, "the highest roll within what is left");
    let stop = expect_stop(decide(&mut session, Recovery::BackOffLong, at(0), just));
    assert_eq!(stop.reason, StopReason::Deadline);
}

#[test]
fn progress_starts_attempts_curve_and_patience_over() {
    let mut session = Session::start(at(0));
    for _ in 0..3 {
        let _ = expect_retry(decide(&mut session, Recovery::BackOff, at(590), NO_LIMITS));
    }
    session.progressed(at(5_000));
    let retry = expect_retry(decide(
        &mut session,
        Recovery::BackOff,
        at(5_001),
        NO_LIMITS,
    ));
    assert_eq!(retry.wait, SECOND / 2);
}

#[test]
fn what_is_handed_back_after_progress_again_and_again_does_not_spin() {
    let mut session = Session::start(at(0));
    let waits: Vec<_> = (0..4)
        .map(|_| {
            session.progressed(at(0));
            expect_retry(decide(&mut session, Recovery::Now, at(0), NO_LIMITS)).wait
        })
        .collect();
    let (none, some) = (Duration::ZERO, SECOND / 2);
    assert_eq!(waits, [none, some, none, some]);
}

#[test]
fn a_failure_that_allows_one_repeat_gets_one_even_across_progress() {
    let failing = Failing(Recovery::BackOff, Some(1));
    let mut session = Session::start(at(0));
    let first = policy().decide(&mut session, &failing, at(0), NO_LIMITS, Roll::LOWEST);
    session.progressed(at(1));
    let second = policy().decide(&mut session, &failing, at(1), NO_LIMITS, Roll::LOWEST);
    assert!(matches!(first, Decision::Retry(_)));
    assert_eq!(expect_stop(second).reason, StopReason::NotRecoverable);
}

#[test]
fn a_clock_that_runs_backwards_neither_hurries_nor_stops_a_call() {
    let mut session = Session::start(at(100));
    let retry = expect_retry(decide(&mut session, limit(20 * SECOND), at(3), NO_LIMITS));
    assert_eq!(retry.wait, 25 * SECOND);
}

#[test]
fn build_names_the_field_and_the_rule() {
    let attempts = RetryPolicy::builder().attempts(0).build().unwrap_err();
    assert_eq!(attempts.to_string(), "attempts must be 1 or more");
    let patience = RetryPolicy::builder()
        .patience(Duration::ZERO)
        .build()
        .unwrap_err();
    assert_eq!(patience.to_string(), "patience must be longer than zero");
}

fn any_recovery() -> impl Strategy<Value = Recovery> {
    let hint = prop_oneof![
        Just(Hint::Limit),
        Just(Hint::Trouble(Pace::Short)),
        Just(Hint::Trouble(Pace::Long)),
    ];
    prop_oneof![
        Just(Recovery::Now),
        Just(Recovery::BackOff),
        Just(Recovery::BackOffLong),
        (any::<Duration>(), hint).prop_map(|(wait, hint)| Recovery::After { wait, hint }),
    ]
}

proptest! {
    #[test]
    fn no_retry_is_earlier_than_the_hint_nor_later_than_the_caller_allows(
        recovery in any_recovery(), bits: u64, retries in 0..50_u32,
        now: u32, deadline: u64, patience in any::<Duration>(),
    ) {
        let now = at(now.into());
        let deadline = Moment::from_nanos(deadline);
        let mut session = Session::start(Moment::ORIGIN);
        session.retry += retries;
        let policy = RetryPolicy::builder().build().unwrap();
        let limits = Limits { deadline: Some(deadline), patience: Some(patience) };
        let failing = Failing(recovery, None);
        let decision = policy.decide(&mut session, &failing, now, limits, Roll::from_bits(bits));
        if let Decision::Retry(retry) = decision {
            prop_assert!(retry.wait >= recovery.wait().unwrap_or_default());
            prop_assert!(now + retry.wait <= deadline);
            prop_assert!((now + retry.wait).since(session.since) <= patience);
        }
    }

    #[test]
    fn without_a_hint_the_wait_is_between_zero_and_the_ceiling_of_its_tier(
        long: bool, bits: u64, retries in 0..u32::MAX, base in any::<Duration>(), cap in any::<Duration>(),
    ) {
        let curve = Curve::exponential(base).cap(cap);
        let other = Curve::constant(Duration::ZERO);
        let (policy, recovery) = if long {
            (RetryPolicy::tiered(other, curve), Recovery::BackOffLong)
        } else {
            (RetryPolicy::tiered(curve, other), Recovery::BackOff)
        };
        let mut session = Session::start(Moment::ORIGIN);
        session.retry = session.retry.saturating_add(retries);
        let (retry, roll) = (session.retry, Roll::from_bits(bits));
        let failing = Failing(recovery, None);
        let decision = policy.decide(&mut session, &failing, Moment::ORIGIN, NO_LIMITS, roll);
        let wait = expect_retry(decision).wait;
        prop_assert!(wait <= curve.ceiling(retry) && wait <= cap);
    }

    #[test]
    fn where_the_hint_governs_the_wait_is_the_hint_and_a_bounded_spread(
        seconds in 61..100_000_u64, bits: u64,
    ) {
        let hint = Duration::from_secs(seconds);
        let policy = RetryPolicy::builder().build().unwrap();
        let mut session = Session::start(Moment::ORIGIN);
        let failing = Failing(limit(hint), None);
        let roll = Roll::from_bits(bits);
        let decision = policy.decide(&mut session, &failing, Moment::ORIGIN, NO_LIMITS, roll);
        let wait = expect_retry(decision).wait;
        prop_assert!(wait >= hint && wait <= hint + MAX_HINT_SPREAD.min(hint / 4));
    }
}

#[test]
fn an_attempt_that_gets_on_has_its_patience_anew_and_what_was_tried_stays_counted() {
    let mut session = Session::start(at(0));
    session.retried(Cost::Token);
    let (attempts, retry) = (session.attempts(), session.next_retry());
    session.alive(at(9));
    assert_eq!(session.since(), at(9));
    assert_eq!(
        (session.attempts(), session.next_retry()),
        (attempts, retry)
    );
}
