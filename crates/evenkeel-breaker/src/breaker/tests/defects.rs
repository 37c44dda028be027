//! What other circuit breakers were seen to do wrong when calls share them; what their rules do wrong
//! is in the machine's tests.

use super::*;
use crate::Ratio;

#[test]
fn a_closed_circuit_lets_calls_pass_while_another_thread_holds_its_lock() {
    for config in [
        BreakerConfig::builder(),
        BreakerConfig::builder().failure_ratio(None),
        BreakerConfig::builder().window(crate::Window::Calls(10)),
        BreakerConfig::builder().slow_ratio(Ratio::HALF),
    ] {
        let breaker = Breaker::new(config.build().unwrap());
        // It would wait for ever if it took the lock.
        breaker.circuit().while_locked(|| {
            assert_eq!(admitted(&breaker, START).success(START, ROLL), None);
            assert_eq!(admitted(&breaker, START).first_content(START, ROLL), None);
            admitted(&breaker, START).neutral();
            assert_eq!(breaker.state(START), State::Closed);
        });
    }
}

#[test]
fn a_circuit_that_an_operator_forced_closed_takes_no_lock_for_any_verdict() {
    let breaker = opened();
    breaker.switch(Mode::ForcedClosed);
    breaker.circuit().while_locked(|| {
        let kind = ErrorKind::Overloaded;
        assert_eq!(admitted(&breaker, START).success(START, ROLL), None);
        assert_eq!(admitted(&breaker, START).first_content(START, ROLL), None);
        assert_eq!(
            admitted(&breaker, START).failure(kind, None, START, ROLL),
            None
        );
        admitted(&breaker, START).neutral();
    });
}

#[test]
fn the_first_success_after_a_failure_takes_no_lock_either() {
    for config in [
        BreakerConfig::builder(),
        BreakerConfig::builder().failure_ratio(None),
        BreakerConfig::builder().window(crate::Window::Calls(10)),
        BreakerConfig::builder().slow_ratio(Ratio::HALF),
    ] {
        let breaker = Breaker::new(config.build().unwrap());
        let kind = ErrorKind::Overloaded;
        assert_eq!(
            admitted(&breaker, START).failure(kind, None, START, ROLL),
            None
        );
        assert_eq!(breaker.health(START).consecutive_failures, 1);
        let before = admitted(&breaker, START);
        breaker.circuit().while_locked(|| {
            assert_eq!(admitted(&breaker, START).success(START, ROLL), None);
            assert_eq!(before.success(START, ROLL), None);
        });
        assert_eq!(breaker.health(START).consecutive_failures, 0);
    }
}

#[test]
fn failures_in_a_row_survive_an_operators_order() {
    let breaker = Breaker::default();
    let fail = |now| admitted(&breaker, now).failure(ErrorKind::Overloaded, None, now, ROLL);
    assert_eq!(fail(START), None);
    breaker.switch(Mode::ForcedClosed);
    assert_eq!(admitted(&breaker, START).success(START, ROLL), None);
    breaker.switch(Mode::On);
    assert_eq!(breaker.health(START).consecutive_failures, 1);
}

#[test]
fn an_open_circuit_refuses_while_another_thread_holds_its_lock() {
    let breaker = opened();
    let rejected = breaker
        .circuit()
        .while_locked(|| breaker.admit(START, ROLL).expect_err("open"));
    assert_eq!(rejected.fault(), Some(ErrorKind::Overloaded));
    assert_eq!(rejected.retry_at(), START + Duration::from_secs(1));
}

#[test]
fn a_hundred_calls_that_timed_out_by_being_dropped_are_not_invisible() {
    let breaker = Breaker::default();
    let refused = (0..100).find_map(|_| match breaker.admit(START, ROLL) {
        Ok(permit) => {
            drop(permit.fail_on_drop(ErrorKind::TimedOut, || START, ROLL));
            None
        }
        Err(rejected) => Some(rejected),
    });
    assert_eq!(refused.and_then(|it| it.fault()), Some(ErrorKind::TimedOut));
}

#[test]
fn a_hundred_cancelled_calls_open_nothing() {
    let breaker = Breaker::default();
    for _ in 0..100 {
        drop(admitted(&breaker, START));
    }
    assert_eq!(breaker.health(START), Breaker::default().health(START));
}

#[test]
fn a_guard_that_was_to_fail_gives_its_place_back_with_every_verdict() {
    type Guard = crate::FailOnDrop<fn() -> Moment>;
    type Verdict = fn(Guard, Moment);
    let verdicts: [Verdict; 3] = [
        |guard, _| guard.neutral(),
        |guard, now| assert!(guard.success(now, ROLL).is_some()),
        |guard, now| {
            assert!(
                guard
                    .failure(ErrorKind::Overloaded, None, now, ROLL)
                    .is_some()
            );
        },
    ];
    for (verdict, state) in
        verdicts
            .into_iter()
            .zip([State::HalfOpen, State::Recovering, State::Open])
    {
        let (breaker, now, probe) = half_open();
        verdict(probe.fail_on_drop(ErrorKind::TimedOut, || START, ROLL), now);
        assert_eq!(breaker.state(now), state);
        let later = now + Duration::from_secs(60);
        assert!(breaker.admit(later, ROLL).is_ok());
    }
}

#[test]
fn a_stream_dropped_after_its_first_content_is_no_failure_even_if_drops_are() {
    let breaker = Breaker::default();
    let mut guard = admitted(&breaker, START).fail_on_drop(ErrorKind::TimedOut, || START, ROLL);
    assert_eq!(guard.first_content(START, ROLL), None);
    drop(guard);
    assert_eq!(breaker.health(START).failures, 0);
}

#[test]
fn probes_further_apart_than_the_window_still_close_the_circuit() {
    let config = BreakerConfig::builder()
        .window(Duration::from_millis(100))
        .build()
        .unwrap();
    let breaker = Breaker::new(config);
    for _ in 0..5 {
        let _ = admitted(&breaker, START).failure(ErrorKind::Overloaded, None, START, ROLL);
    }
    let mut now = START;
    for _ in 0..20 {
        now = now + Duration::from_secs(30);
        admitted(&breaker, now).neutral();
    }
    let _ = admitted(&breaker, now).success(now, ROLL);
    assert_eq!(breaker.state(now), State::Recovering);
    let _ = admitted(&breaker, now + Duration::from_secs(5));
    assert_eq!(breaker.state(now + Duration::from_secs(5)), State::Closed);
}

#[test]
#[cfg(feature = "blocking")]
fn a_rate_limit_neither_trips_nor_resets() {
    struct RateLimited;

    impl Recoverable for RateLimited {
        fn recovery(&self) -> Recovery {
            Recovery::BackOffLong
        }

        fn kind(&self) -> Option<ErrorKind> {
            Some(ErrorKind::RateLimited)
        }
    }

    assert_eq!(crate::Outcome::of(&RateLimited), crate::Outcome::Neutral);
    let breaker = Breaker::default();
    let caller = breaker.caller().clock(|| START);
    for n in 1..5 {
        let _ = admitted(&breaker, START).failure(ErrorKind::Overloaded, None, START, ROLL);
        let limited = caller.call_blocking(|| Err::<(), _>(RateLimited));
        assert!(matches!(limited, Err(crate::CallError::Inner(_))));
        let health = breaker.health(START);
        assert_eq!((health.samples, health.consecutive_failures), (n.into(), n));
    }
}

#[test]
#[cfg(feature = "tokio")]
fn what_breaks_after_a_beginning_that_said_nothing_is_a_call_of_its_own() {
    let breaker = Breaker::default();
    for _ in 0..4 {
        let _ = admitted(&breaker, START).success(START, ROLL);
    }
    let caller = breaker
        .caller()
        .clock(|| START)
        .judge(|_: &Result<(), ()>| crate::Outcome::Neutral);
    for _ in 0..3 {
        let mut call = Box::pin(caller.call_streaming(async { Ok(()) }));
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        let std::task::Poll::Ready(Ok(((), rest))) = call.as_mut().poll(&mut cx) else {
            panic!("it was ready");
        };
        assert_eq!(rest.failure(ErrorKind::Interrupted, None), None);
    }
    let health = breaker.health(START);
    assert_eq!((health.samples, health.failures), (7, 3));
}

#[test]
fn a_hundred_thousand_refusals_do_not_put_off_the_way_back() {
    let (breaker, later) = (opened(), START + Duration::from_secs(1));
    for n in 0..100_000 {
        assert!(
            breaker
                .admit(START + Duration::from_nanos(9_000 * n), ROLL)
                .is_err()
        );
    }
    assert!(breaker.admit(later, ROLL).is_ok());
}

#[test]
fn five_in_a_hundred_failures_open_no_circuit_in_a_day_of_steady_traffic() {
    let breaker = Breaker::default();
    let mut dice = 0x9E37_79B9_7F4A_7C15_u64;
    for n in 0..86_400 {
        dice = dice.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
        let now = START + Duration::from_secs(n);
        let permit = admitted(&breaker, now);
        let _ = if (dice >> 33) % 100 < 5 {
            permit.failure(ErrorKind::ServerError, None, now, dice)
        } else {
            permit.success(now, dice)
        };
    }
    assert_eq!(
        breaker.health(START + Duration::from_secs(86_400)).openings,
        0
    );
}
