//! What a closed circuit costs the allocator: nothing; and what a window of verdicts costs it: no more
//! than it says.

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

#[test]
fn a_window_keeps_no_more_of_any_number_of_verdicts_than_it_says_it_does() {
    const CALLS: u32 = 200_000;
    // What is kept beside the verdicts that went wrong, of which each takes 16 bytes.
    const REST: i64 = 1 << 10;
    for (window, most) in [
        (Window::Time(Duration::from_secs(30)), 0),
        (Window::Time(Duration::from_secs(864_000)), 0),
        (Window::Calls(100), 128 * 16),
        (Window::Calls(Window::MOST_CALLS), 1 << 20),
    ] {
        // Only when all of them fail, and one in a hundred does not.
        let config = BreakerConfig::builder()
            .window(window)
            .minimum_samples(100)
            .failure_ratio(Ratio::ONE)
            .consecutive_failures(None);
        let breaker = Breaker::new(config.build().unwrap());
        let mut now = Moment::ORIGIN;
        let counted = measure(|| {
            for number in 0..CALLS {
                let permit = breaker.admit(now, 0).unwrap();
                let opened = match number % 100 {
                    0 => permit.success(now, 0),
                    _ => permit.failure(ErrorKind::Overloaded, None, now, 0),
                };
                assert_eq!(opened, None);
                now = now + Duration::from_micros(100);
            }
        });
        let kept = counted.bytes_current;
        assert!(kept <= most + REST, "{window:?}: {counted:?}");
    }
}
