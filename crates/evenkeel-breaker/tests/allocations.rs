//! What a closed circuit costs the allocator: nothing.

use std::time::Duration;

use allocation_counter::measure;
use evenkeel_breaker::{Breaker, BreakerConfig, Window};
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
    for config in [BreakerConfig::default(), calls.build().unwrap()] {
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
