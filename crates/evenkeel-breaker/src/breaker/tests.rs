use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use evenkeel_error::{Delivery, ErrorKind, Hint, Moment, Recoverable, Recovery};

use super::*;
use crate::Reason;

mod defects;
mod likeness;
mod listeners;

const ROLL: u64 = 1 << 63;
const START: Moment = Moment::from_nanos(1_000_000_000_000);

fn admitted(breaker: &Breaker, now: Moment) -> Permit {
    breaker.admit_owned(now, ROLL).expect("admitted")
}

/// A breaker that opened at [`START`], for one second.
fn opened() -> Breaker {
    let breaker = Breaker::default();
    for _ in 0..5 {
        let _ = admitted(&breaker, START).failure(ErrorKind::Overloaded, None, START, ROLL);
    }
    assert_eq!(breaker.state(START), State::Open);
    breaker
}

fn half_open() -> (Breaker, Moment, Permit) {
    let (breaker, now) = (opened(), START + Duration::from_secs(1));
    let probe = admitted(&breaker, now);
    assert_eq!(
        probe.transition().map(|it| it.reason),
        Some(Reason::DelayOver)
    );
    (breaker, now, probe)
}

#[test]
fn dropping_the_permit_of_a_probe_gives_its_place_back() {
    let (breaker, now, probe) = half_open();
    assert!(breaker.admit(now, ROLL).is_err());
    drop(probe);
    admitted(&breaker, now).neutral();
    let _probe = admitted(&breaker, now);
}

#[test]
fn a_panic_in_the_call_gives_the_place_back() {
    let (breaker, now, probe) = half_open();
    let call = AssertUnwindSafe(move || {
        let _probe = probe;
        panic!("the call");
    });
    assert!(catch_unwind(call).is_err());
    let _probe = admitted(&breaker, now);
}

#[test]
fn a_permit_records_its_success_at_first_content_and_a_failure_after_it() {
    let (breaker, now, mut probe) = half_open();
    let transition = probe.first_content(now, ROLL).expect("closes the probe");
    assert_eq!(transition.to, State::Recovering);
    assert_eq!(
        probe.first_content(now, ROLL),
        None,
        "only the first counts"
    );
    let transition = probe
        .failure(ErrorKind::Interrupted, None, now, ROLL)
        .expect("reopens");
    assert_eq!(
        (transition.to, transition.fault),
        (State::Open, ErrorKind::Interrupted)
    );
    assert_eq!(breaker.state(now), State::Open);
}

#[test]
fn a_stream_that_ends_well_is_one_success() {
    let breaker = Breaker::default();
    let mut permit = admitted(&breaker, START);
    assert_eq!(permit.first_content(START, ROLL), None);
    assert_eq!(permit.success(START, ROLL), None);
    let mut dropped = admitted(&breaker, START);
    let _ = dropped.first_content(START, ROLL);
    drop(dropped);
    assert_eq!(breaker.health(START).samples, 2);
}

#[test]
fn a_refusal_is_an_error_that_asks_to_be_waited_out() {
    let breaker = opened();
    let rejected = breaker
        .admit(START + Duration::from_millis(250), ROLL)
        .expect_err("open");
    assert_eq!(rejected.retry_at(), START + Duration::from_secs(1));
    assert_eq!(rejected.fault(), Some(ErrorKind::Overloaded));
    let wait = Duration::from_millis(750);
    assert_eq!(
        rejected.recovery(),
        Recovery::After {
            wait,
            hint: Hint::Limit
        }
    );
    assert_eq!(rejected.delivery(), Delivery::NotSent);
    assert_eq!(
        rejected.to_string(),
        "refused by the circuit breaker, which opened on overloaded; ask again in 750.0ms"
    );
}

#[test]
fn a_health_page_shows_what_an_operator_asks() {
    let health = opened().health(START);
    assert_eq!(health.state, State::Open);
    assert_eq!(health.mode, Mode::On);
    assert_eq!(health.fault, Some(ErrorKind::Overloaded));
    assert_eq!(health.retry_at, Some(START + Duration::from_secs(1)));
    assert_eq!(health.openings, 1);
    let health = Breaker::default().health(START);
    assert_eq!((health.fault, health.retry_at), (None, None));
}

#[test]
fn observing_says_on_the_permit_what_it_would_have_refused() {
    let breaker = opened();
    breaker.switch(Mode::ObserveOnly);
    let permit = admitted(&breaker, START);
    assert_eq!(permit.overruled().map(|it| it.state()), Some(State::Open));
    assert_eq!(permit.success(START, ROLL), None);
    assert_eq!(breaker.state(START), State::Open);
}

#[test]
fn a_poisoned_lock_is_as_good_as_any() {
    let breaker = opened();
    let handle = breaker.clone();
    let poisoned = thread::spawn(move || {
        handle.circuit().poison();
    });
    assert!(poisoned.join().is_err());
    assert_eq!(breaker.state(START), State::Open);
    let _probe = admitted(&breaker, START + Duration::from_secs(1));
}

#[test]
fn of_many_threads_that_come_at_once_one_sends_the_probe() {
    let breaker = opened();
    let (admissions, transitions) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let permits: Vec<_> = thread::scope(|scope| {
        let caller = || {
            breaker
                .admit_owned(START + Duration::from_secs(1), ROLL)
                .ok()
        };
        let callers: Vec<_> = (0..16).map(|_| scope.spawn(caller)).collect();
        callers
            .into_iter()
            .filter_map(|it| it.join().expect("no panic"))
            .collect()
    });
    for permit in &permits {
        admissions.fetch_add(1, Ordering::Relaxed);
        transitions.fetch_add(
            usize::from(permit.transition().is_some()),
            Ordering::Relaxed,
        );
    }
    assert_eq!((admissions.into_inner(), transitions.into_inner()), (1, 1));
}

#[test]
fn handles_and_permits_can_be_sent_and_shared() {
    fn is_shared<T: Send + Sync + 'static>() {}
    is_shared::<Breaker>();
    is_shared::<Permit>();
    is_shared::<Permit<&'static Breaker>>();
    is_shared::<Rejected>();
    is_shared::<crate::KeyedSet<String>>();
}
