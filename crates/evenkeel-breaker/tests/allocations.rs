//! What a closed circuit costs the allocator: nothing.

use std::time::Duration;

use allocation_counter::measure;
use evenkeel_breaker::{Breaker, BreakerConfig, KeyedSet, Ratio, Window};
use evenkeel_error::{ErrorKind, Moment};

/// Long enough for any window here to slide over all of its buckets, several times.
fn successes(breaker: &Breaker, from: Moment) -> Moment {
    (0..1_000).fold(from, |now, _| {
        let admitted = breaker.admit(now, 0);
        assert!(admitted.is_ok_and(|permit| permit.success(now, 0).is_none()));
        now + Duration::from_millis(250)
    })
}

#[test]
fn a_thousand_calls_through_a_closed_circuit_allocate_nothing_whatever_the_window() {
    let calls = BreakerConfig::builder().window(Window::Calls(100));
    let slow = BreakerConfig::builder().slow_ratio(Ratio::HALF);
    let in_a_row = BreakerConfig::builder().failure_ratio(None);
    for config in [
        BreakerConfig::default(),
        calls.build().unwrap(),
        slow.build().unwrap(),
        in_a_row.build().unwrap(),
    ] {
        let breaker = Breaker::new(config);
        let counted = measure(|| {
            successes(&breaker, Moment::ORIGIN);
        });
        assert_eq!(counted.count_total, 0);
    }
}

#[test]
fn nor_do_they_after_it_has_opened_and_closed_again() {
    let breaker = Breaker::default();
    let mut now = Moment::ORIGIN;
    while let Ok(permit) = breaker.admit(now, 0) {
        permit.failure(ErrorKind::Overloaded, None, now, 0);
        now = now + Duration::from_secs(1);
    }
    // Through the probe and the slow start: refusals are waited out.
    for _ in 0..1_000 {
        if let Ok(permit) = breaker.admit(now, 0) {
            permit.success(now, 0);
        }
        now = now + Duration::from_millis(250);
    }
    let counted = measure(|| {
        successes(&breaker, now);
    });
    assert_eq!(counted.count_total, 0);
}

#[test]
fn nor_do_refusals_nor_probes_nor_calls_of_a_set_whose_key_is_known() {
    let set = KeyedSet::new(BreakerConfig::default());
    let now = Moment::ORIGIN;
    set.admit(&7, now, 0).unwrap().success(now, 0);
    let known = measure(|| {
        set.admit(&7, now, 0).unwrap().success(now, 0);
    });
    assert_eq!(known.count_total, 0);
    let breaker = Breaker::default();
    for _ in 0..5 {
        breaker
            .admit(now, 0)
            .unwrap()
            .failure(ErrorKind::Overloaded, None, now, 0);
    }
    let refused = measure(|| assert!(breaker.admit(now, 0).is_err()));
    assert_eq!(refused.count_total, 0);
    let later = now + Duration::from_secs(60);
    let probing = measure(|| assert!(breaker.admit(later, 0).unwrap().transition().is_some()));
    assert_eq!(probing.count_total, 0);
}
