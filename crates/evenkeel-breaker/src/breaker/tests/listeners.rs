use std::sync::{Arc, Mutex, OnceLock};

use super::*;

fn open(breaker: &Breaker) {
    for _ in 0..5 {
        if let Ok(permit) = breaker.admit(START, ROLL) {
            let _ = permit.failure(ErrorKind::Overloaded, None, START, ROLL);
        }
    }
}

type Heard = Arc<Mutex<Vec<(State, State)>>>;

fn recording() -> (Breaker, Heard) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ears = Arc::clone(&heard);
    let breaker = Breaker::with_listener(BreakerConfig::default(), move |it| {
        ears.lock().unwrap().push((it.from, it.to));
    });
    (breaker, heard)
}

#[test]
fn a_listener_hears_each_transition_once_and_in_order() {
    let (breaker, heard) = recording();
    open(&breaker);
    let now = START + Duration::from_secs(1);
    let _ = admitted(&breaker, now).success(now, ROLL);
    let later = now + Duration::from_secs(5);
    admitted(&breaker, later).neutral();
    let expected = [
        (State::Closed, State::Open),
        (State::Open, State::HalfOpen),
        (State::HalfOpen, State::Recovering),
        (State::Recovering, State::Closed),
    ];
    assert_eq!(*heard.lock().unwrap(), expected);
}

#[test]
fn a_listener_may_use_the_breaker_it_listens_to() {
    let (own, heard) = (
        Arc::new(OnceLock::<Breaker>::new()),
        Arc::new(Mutex::new(Vec::new())),
    );
    let breaker = {
        let (own, heard) = (Arc::clone(&own), Arc::clone(&heard));
        Breaker::with_listener(BreakerConfig::default(), move |it| {
            heard.lock().unwrap().push(it.to);
            // Comes back at once when it opened, and so causes the next transition from in here.
            let breaker = own.get().expect("set below");
            assert_ne!(breaker.health(it.at).state, State::Closed);
            if let Some(until) = it.open_until {
                let _ = breaker
                    .admit(until, ROLL)
                    .expect("the probe")
                    .success(until, ROLL);
            }
        })
    };
    own.set(breaker.clone()).expect("first");
    // It would deadlock here if it were told with the lock held.
    for _ in 0..5 {
        if let Ok(permit) = breaker.admit(START, ROLL) {
            let _ = permit.failure(ErrorKind::Overloaded, None, START, ROLL);
        }
    }
    assert_eq!(heard.lock().unwrap()[0], State::Open);
    assert_eq!(heard.lock().unwrap().len(), 3);
}

#[test]
fn a_listener_that_panics_has_heard_and_silences_nobody() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let breaker = {
        let heard = Arc::clone(&heard);
        Breaker::with_listener(BreakerConfig::default(), move |it| {
            heard.lock().unwrap().push(it.to);
            assert_ne!(it.to, State::Open, "the listener");
        })
    };
    assert!(catch_unwind(AssertUnwindSafe(|| open(&breaker))).is_err());
    let now = START + Duration::from_secs(1);
    let _probe = admitted(&breaker, now);
    assert_eq!(*heard.lock().unwrap(), [State::Open, State::HalfOpen]);
}

#[test]
fn a_listener_that_panics_when_a_probe_is_let_in_costs_no_place() {
    let breaker = Breaker::with_listener(BreakerConfig::default(), move |it| {
        assert_ne!(it.to, State::HalfOpen, "the listener");
    });
    open(&breaker);
    let now = START + Duration::from_secs(1);
    let asked = catch_unwind(AssertUnwindSafe(|| breaker.admit(now, ROLL).is_ok()));
    assert!(asked.is_err());
    let _probe = admitted(&breaker, now);
}

#[test]
fn threads_that_cause_transitions_at_once_tell_them_in_order() {
    let (breaker, heard) = recording();
    let caused = AtomicUsize::new(0);
    thread::scope(|scope| {
        for number in 0..4_u64 {
            let (breaker, caused) = (&breaker, &caused);
            scope.spawn(move || {
                for n in 0..2_000 {
                    let now = START + Duration::from_millis(100 * n);
                    let Ok(permit) = breaker.admit(now, ROLL) else {
                        continue;
                    };
                    let admitted = permit.transition();
                    let ended = if (n + number) % 3 == 0 {
                        permit.success(now, ROLL)
                    } else {
                        permit.failure(ErrorKind::Overloaded, None, now, ROLL)
                    };
                    let transitions = [admitted, ended].into_iter().flatten().count();
                    caused.fetch_add(transitions, Ordering::Relaxed);
                }
            });
        }
    });
    let heard = heard.lock().unwrap();
    assert!(heard.len() > 3, "{}", heard.len());
    assert_eq!(heard.len(), caused.into_inner());
    let mut last = State::Closed;
    for (from, to) in heard.iter() {
        assert_eq!(*from, last);
        last = *to;
    }
}
