//! Every order in which threads can meet: `cargo xtask loom`.

use std::sync::Arc;
use std::time::Duration;

use evenkeel_error::{ErrorKind, Moment};
use loom::thread;

use crate::{Breaker, BreakerConfig, BreakerConfigBuilder, State, Transition, Window};

const START: Moment = Moment::from_nanos(1_000_000_000_000);
const ROLL: u64 = 1 << 63;

/// The default open delay at that roll.
fn due() -> Moment {
    START + Duration::from_secs(1)
}

fn in_a_row(failures: u32) -> BreakerConfigBuilder {
    BreakerConfig::builder()
        .failure_ratio(None)
        .consecutive_failures(failures)
        .consecutive_span(Duration::ZERO)
}

fn breaker(config: BreakerConfigBuilder) -> Breaker {
    Breaker::new(config.build().unwrap())
}

fn fail(breaker: &Breaker, now: Moment) -> Option<Transition> {
    let permit = breaker.admit(now, ROLL).ok()?;
    let caused = permit.transition();
    permit
        .failure(ErrorKind::Overloaded, None, now, ROLL)
        .or(caused)
}

fn open() -> Breaker {
    let breaker = breaker(in_a_row(1));
    fail(&breaker, START).unwrap();
    breaker
}

/// Runs it on so many threads, this one included; what each of them says.
fn on_threads<T: 'static>(threads: usize, run: impl Fn(usize) -> T + 'static) -> Vec<T> {
    let run = Arc::new(run);
    let others: Vec<_> = (1..threads)
        .map(|number| {
            let run = Arc::clone(&run);
            thread::spawn(move || run(number))
        })
        .collect();
    let here = run(0);
    let said = others.into_iter().map(|other| other.join().unwrap());
    said.chain([here]).collect()
}

fn explore(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

#[test]
fn of_two_failures_at_once_one_opens() {
    loom::model(|| {
        let breaker = breaker(in_a_row(2));
        let seen = breaker.clone();
        let said = on_threads(2, move |_| fail(&breaker, START));
        assert_eq!(said.iter().flatten().count(), 1, "{said:?}");
        assert_eq!(seen.state(START), State::Open);
    });
}

#[test]
fn of_three_failures_at_once_one_opens() {
    explore(2, || {
        let breaker = breaker(in_a_row(2));
        let said = on_threads(3, move |_| fail(&breaker, START));
        assert_eq!(said.iter().flatten().count(), 1, "{said:?}");
    });
}

#[test]
fn of_three_callers_at_half_open_one_is_the_probe() {
    explore(3, || {
        let breaker = open();
        let said = on_threads(3, move |_| breaker.admit_owned(due(), ROLL).ok());
        let probes: Vec<_> = said.iter().flatten().collect();
        assert_eq!(probes.len(), 1);
        assert_eq!(
            probes[0].transition().map(|it| it.to),
            Some(State::HalfOpen)
        );
    });
}

#[test]
fn a_probe_given_back_beside_two_callers_leaves_one_place_and_no_more() {
    explore(3, || {
        let breaker = open();
        let probe = std::sync::Mutex::new(breaker.admit_owned(due(), ROLL).ok());
        let seen = breaker.clone();
        let said = on_threads(3, move |number| match number {
            0 => {
                drop(probe.lock().unwrap().take());
                None
            }
            _ => breaker.admit_owned(due(), ROLL).ok(),
        });
        let held = said.iter().flatten().count();
        assert!(held <= 1, "{held} probes");
        let free = usize::from(seen.admit(due(), ROLL).is_ok());
        assert_eq!(held + free, 1, "the place was lost");
    });
}

#[test]
fn a_lease_that_ends_while_its_probe_answers_frees_one_place() {
    explore(3, || {
        let breaker = open();
        let late = due() + Duration::from_secs(20);
        let probe = std::sync::Mutex::new(breaker.admit_owned(due(), ROLL).ok());
        let seen = breaker.clone();
        let said = on_threads(2, move |number| match number {
            0 => {
                let probe = probe.lock().unwrap().take().unwrap();
                let transition = probe.success(late, ROLL);
                assert_eq!(transition.map(|it| it.to), Some(State::Recovering));
                None
            }
            _ => breaker.admit_owned(late, ROLL).ok(),
        });
        // Another was let in as the next probe or as the first of the slow start.
        assert_eq!(seen.state(late), State::Recovering);
        assert_eq!(said.iter().flatten().count(), 1);
    });
}

#[test]
fn a_refusal_names_the_moment_of_the_opening_it_met() {
    explore(3, || {
        let breaker = open();
        let reopened = due() + Duration::from_secs(2);
        let said = on_threads(2, move |number| match number {
            // The probe fails of something else: open again, for twice as long.
            0 => {
                if let Ok(probe) = breaker.admit(due(), ROLL) {
                    let _ = probe.failure(ErrorKind::ServerError, None, due(), ROLL);
                }
                None
            }
            _ => breaker.admit(START, ROLL).err(),
        });
        for refusal in said.into_iter().flatten() {
            let fault = refusal.fault().unwrap();
            match refusal.state() {
                State::Open if refusal.retry_at() == due() => {
                    assert_eq!(fault, ErrorKind::Overloaded)
                }
                State::Open => {
                    assert_eq!(
                        (fault, refusal.retry_at()),
                        (ErrorKind::ServerError, reopened)
                    );
                }
                state => assert_eq!(state, State::HalfOpen),
            }
        }
    });
}

#[test]
fn no_success_is_lost_however_the_window_turns() {
    for window in [Window::Time(Duration::from_secs(30)), Window::Calls(3)] {
        explore(2, move || {
            let config = BreakerConfig::builder().window(window).minimum_samples(3);
            let breaker = breaker(config);
            // A bucket of the ring's last turn: the next success starts it anew.
            let permit = breaker.admit(START, ROLL).unwrap();
            assert_eq!(permit.success(START, ROLL), None);
            let now = START + Duration::from_secs(32);
            let seen = breaker.clone();
            on_threads(2, move |_| {
                let permit = breaker.admit(now, ROLL).unwrap();
                assert_eq!(permit.success(now, ROLL), None);
            });
            let expected = if window == Window::Calls(3) { 3 } else { 2 };
            assert_eq!(seen.health(now).samples, expected);
        });
    }
}

#[test]
fn a_success_and_a_failure_that_begin_a_bucket_together_are_both_counted() {
    explore(3, || {
        let breaker = breaker(BreakerConfig::builder());
        let seen = breaker.clone();
        let said = on_threads(2, move |number| match number {
            0 => breaker.admit(START, ROLL).ok()?.success(START, ROLL),
            _ => fail(&breaker, START),
        });
        assert_eq!(said.iter().flatten().count(), 0);
        let health = seen.health(START);
        assert_eq!((health.samples, health.failures), (2, 1));
    });
}

#[test]
fn a_success_beside_a_failure_comes_before_it_or_after_it() {
    explore(3, || {
        let breaker = breaker(in_a_row(3));
        fail(&breaker, START);
        let permit = std::sync::Mutex::new(breaker.admit_owned(START, ROLL).ok());
        let seen = breaker.clone();
        let said = on_threads(2, move |number| match number {
            0 => permit.lock().unwrap().take()?.success(START, ROLL),
            _ => fail(&breaker, START),
        });
        assert_eq!(said.iter().flatten().count(), 0);
        // Between the two failures, or after both; never lost.
        let streak = seen.health(START).consecutive_failures;
        assert!(streak <= 1, "{streak}");
        let opened = fail(&seen, START).is_some() || fail(&seen, START).is_some();
        assert_eq!(opened, streak == 1, "the failures that are left count on");
    });
}

#[test]
fn a_success_from_before_an_opening_ends_no_failures_in_a_row_after_it() {
    explore(3, || {
        let breaker = breaker(in_a_row(2).ramp_steps(1));
        fail(&breaker, START);
        let before = std::sync::Mutex::new(breaker.admit_owned(START, ROLL).ok());
        let later = due() + Duration::from_secs(1);
        let seen = breaker.clone();
        on_threads(2, move |number| match number {
            0 => {
                let _ = before.lock().unwrap().take().unwrap().success(START, ROLL);
            }
            _ => {
                // If the success came between, one more opens.
                let opened = fail(&breaker, START).or_else(|| fail(&breaker, START));
                assert_eq!(opened.map(|it| it.to), Some(State::Open));
                let probe = breaker.admit(due(), ROLL).unwrap();
                let _ = probe.success(due(), ROLL);
                assert_eq!(fail(&breaker, later).map(|it| it.to), Some(State::Closed));
            }
        });
        assert_eq!(seen.health(later).consecutive_failures, 1);
    });
}

#[test]
fn an_order_beside_a_failure_loses_neither() {
    explore(3, || {
        let breaker = breaker(in_a_row(1));
        let seen = breaker.clone();
        let said = on_threads(2, move |number| match number {
            0 => {
                breaker.switch(crate::Mode::ForcedClosed);
                None
            }
            _ => fail(&breaker, START),
        });
        assert!(seen.admit(START, ROLL).is_ok(), "the order stands");
        seen.switch(crate::Mode::On);
        let opened = said.iter().flatten().count() == 1;
        assert_eq!(seen.admit(START, ROLL).is_err(), opened);
    });
}

#[test]
fn two_threads_tell_the_listener_each_transition_once_and_in_order() {
    explore(2, || {
        let heard = Arc::new(std::sync::Mutex::new(Vec::new()));
        let ears = Arc::clone(&heard);
        let config = in_a_row(1).build().unwrap();
        let breaker = Breaker::with_listener(config, move |it| ears.lock().unwrap().push(*it));
        let seen = breaker.clone();
        let said = on_threads(2, move |_| {
            let opened = fail(&breaker, START);
            let probing = breaker.admit(due(), ROLL).ok();
            [opened, probing.and_then(|it| it.transition())]
        });
        let heard = heard.lock().unwrap();
        let mut last = State::Closed;
        for it in heard.iter() {
            assert_eq!(it.from, last);
            last = it.to;
        }
        assert_eq!(heard.len(), said.iter().flatten().flatten().count());
        assert_eq!(seen.state(START), last);
    });
}
