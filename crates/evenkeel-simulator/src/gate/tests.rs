use std::num::NonZeroU32;

use super::*;

const ZERO: Duration = Duration::ZERO;

fn limit(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

fn caller(key: u64) -> Caller {
    Caller {
        key,
        pool: key,
        speed: Speed::Standard,
    }
}

fn fast(key: u64) -> Caller {
    Caller {
        speed: Speed::Fast,
        ..caller(key)
    }
}

fn generated(input: u64, output: u64) -> Bill {
    Bill {
        status: 200,
        generated: Some((Input::fresh(input), output)),
    }
}

fn value<'a>(headers: &'a [(String, String)], name: &str) -> &'a str {
    headers
        .iter()
        .find(|(n, _)| n == name)
        .map_or("", |(_, value)| value)
}

#[test]
fn the_limit_that_keeps_a_request_out_for_longest_is_named() {
    let limits = RateLimits::none()
        .requests_per_minute(limit(60))
        .input_tokens_per_minute(limit(6_000));
    let mut gate = Gate::new(limits);
    gate.admit(caller(1), 6_000, ZERO).unwrap();
    let refusal = gate.admit(caller(1), 250, ZERO).unwrap_err();
    assert_eq!(refusal.limit, "6,000 input tokens per minute");
    assert_eq!(refusal.retry_after, Some(Duration::from_secs(3)));
    assert_eq!(gate.admit(caller(1), 250, Duration::from_secs(3)), Ok(()));
}

#[test]
fn keys_have_buckets_of_their_own() {
    let mut gate = Gate::new(RateLimits::none().requests_per_minute(limit(1)));
    gate.admit(caller(1), 1, ZERO).unwrap();
    assert!(gate.admit(caller(1), 1, ZERO).is_err());
    assert!(gate.admit(caller(2), 1, ZERO).is_ok());
}

#[test]
fn a_request_larger_than_the_limit_is_given_no_moment_to_return() {
    let mut gate = Gate::new(RateLimits::none().input_tokens_per_minute(limit(10)));
    assert_eq!(
        gate.admit(caller(1), 11, ZERO).unwrap_err().retry_after,
        None
    );
}

#[test]
fn an_overdrawn_output_limit_keeps_the_next_request_out_until_it_is_paid() {
    let mut gate = Gate::new(RateLimits::none().output_tokens_per_minute(limit(60)));
    gate.admit(caller(1), 1, ZERO).unwrap();
    gate.settle(caller(1), 1, generated(1, 62), ZERO);
    let refusal = gate.admit(caller(1), 1, ZERO).unwrap_err();
    assert_eq!(refusal.limit, "60 output tokens per minute");
    assert_eq!(refusal.retry_after, Some(Duration::from_secs(3)));
}

#[test]
fn headers_tell_what_is_left_and_when_it_is_whole_again() {
    let limits = RateLimits::none()
        .requests_per_minute(limit(60))
        .input_tokens_per_minute(limit(60_000))
        .output_tokens_per_minute(limit(600));
    let mut gate = Gate::new(limits);
    gate.admit(caller(1), 1_400, ZERO).unwrap();
    gate.settle(caller(1), 1_400, generated(1_400, 90), ZERO);
    let headers = gate.headers(caller(1), ZERO, SystemTime::UNIX_EPOCH);
    for (name, expected) in [
        ("anthropic-ratelimit-requests-limit", "60"),
        ("anthropic-ratelimit-requests-remaining", "59"),
        ("anthropic-ratelimit-requests-reset", "1970-01-01T00:00:01Z"),
        ("anthropic-ratelimit-input-tokens-remaining", "59000"),
        (
            "anthropic-ratelimit-input-tokens-reset",
            "1970-01-01T00:00:02Z",
        ),
        ("anthropic-ratelimit-output-tokens-remaining", "510"),
        (
            "anthropic-ratelimit-output-tokens-reset",
            "1970-01-01T00:00:09Z",
        ),
        ("anthropic-ratelimit-tokens-limit", "60600"),
        ("anthropic-ratelimit-tokens-remaining", "59510"),
    ] {
        assert_eq!(value(&headers, name), expected, "{name}");
    }
}

#[test]
fn the_number_of_keys_is_bounded() {
    let mut gate = Gate::new(RateLimits::none().requests_per_minute(limit(1)));
    for key in 0..2_000_u64 {
        gate.admit(caller(key), 1, Duration::from_nanos(key))
            .unwrap();
    }
    assert_eq!(gate.pools.len(), KEYS);
    assert!(
        gate.admit(caller(1_999), 1, Duration::from_micros(2))
            .is_err()
    );
}

#[test]
fn a_spent_cap_is_for_ever_and_for_its_key_only() {
    let mut gate = Gate::new(RateLimits::none().spend_cap_cents(limit(1)));
    // 1,000 output tokens are a cent.
    for output in [999, 1] {
        assert_eq!(gate.admit(caller(1), 9, ZERO), Ok(()));
        gate.settle(caller(1), 9, generated(0, output), ZERO);
    }
    let refusal = gate.admit(caller(1), 9, Duration::MAX).unwrap_err();
    assert_eq!(
        (refusal.shortage, refusal.retry_after),
        (Some(Shortage::SpendCap), None)
    );
    assert_eq!(gate.admit(caller(2), 9, ZERO), Ok(()));
}

#[test]
fn what_the_cache_had_costs_a_tenth_and_what_it_is_given_more_than_the_rest() {
    for (input, cents) in [
        (
            Input {
                fresh: 10_000,
                ..Input::default()
            },
            2,
        ),
        (
            Input {
                read: 100_000,
                ..Input::default()
            },
            2,
        ),
        (
            Input {
                written_5m: 8_000,
                ..Input::default()
            },
            2,
        ),
        (
            Input {
                written_1h: 5_000,
                ..Input::default()
            },
            2,
        ),
    ] {
        let cap = |cents| Gate::new(RateLimits::none().spend_cap_cents(limit(cents)));
        let bill = Bill {
            status: 200,
            generated: Some((input, 0)),
        };
        for (cap, fits) in [(cap(cents), false), (cap(cents + 1), true)] {
            let mut gate = cap;
            gate.settle(caller(1), 0, bill, ZERO);
            assert_eq!(gate.admit(caller(1), 1, ZERO).is_ok(), fits, "{input:?}");
        }
    }
}

#[test]
fn errands_have_pools_of_their_own() {
    for errand in [Errand::Count, Errand::Batch] {
        let limits = RateLimits::none()
            .requests_per_minute(limit(1))
            .counts_per_minute(limit(2))
            .batches_per_minute(limit(2));
        let mut gate = Gate::new(limits);
        gate.admit(caller(1), 1, ZERO).unwrap();
        assert_eq!(gate.admit_errand(errand, 1, ZERO), Ok(()));
        assert_eq!(gate.admit_errand(errand, 1, ZERO), Ok(()));
        let refusal = gate.admit_errand(errand, 1, ZERO).unwrap_err();
        assert_eq!(refusal.retry_after, Some(Duration::from_secs(30)));
        assert!(refusal.limit.starts_with("2 "), "{}", refusal.limit);
        assert_eq!(
            gate.admit_errand(errand, 2, ZERO),
            Ok(()),
            "a key of its own"
        );
    }
}

#[test]
fn a_batch_that_does_not_fit_the_queue_is_told_when_it_will_or_that_it_never_does() {
    let gate = Gate::new(RateLimits::none().queued_batch_requests(limit(100)));
    let second = Duration::from_secs(1);
    assert_eq!(gate.admit_items(60, 40, second), Ok(()));
    let refusal = gate.admit_items(61, 44, second).unwrap_err();
    assert_eq!(refusal.retry_after, Some(second * 5));
    assert_eq!(refusal.limit, "100 queued batch requests");
    assert_eq!(
        gate.admit_items(101, 0, second).unwrap_err().retry_after,
        None
    );
    assert_eq!(
        Gate::new(RateLimits::none()).admit_items(101, 0, second),
        Ok(())
    );
}

#[test]
fn a_leap_in_use_is_refused_as_a_ramp_in_requests_and_in_tokens() {
    for limits in [
        RateLimits::none().acceleration(limit(3), limit(2)),
        RateLimits::none().token_acceleration(limit(3), limit(2)),
    ] {
        let mut gate = Gate::new(limits);
        assert!(gate.admit(caller(1), 1, ZERO).is_ok() && gate.admit(caller(1), 1, ZERO).is_ok());
        let refusal = gate.admit(caller(1), 1, ZERO).unwrap_err();
        assert_eq!(
            (refusal.shortage, refusal.retry_after),
            (Some(Shortage::Ramp), Some(Duration::from_secs(1)))
        );
    }
}

#[test]
fn fast_mode_draws_on_tokens_of_its_own_and_has_headers_of_its_own() {
    let limits = RateLimits::none()
        .requests_per_minute(limit(10))
        .input_tokens_per_minute(limit(100))
        .fast_input_tokens_per_minute(limit(60))
        .fast_output_tokens_per_minute(limit(50));
    let mut gate = Gate::new(limits);
    gate.admit(fast(1), 60, ZERO).unwrap();
    let refusal = gate.admit(fast(1), 1, ZERO).unwrap_err();
    assert_eq!(refusal.limit, "60 fast mode input tokens per minute");
    assert_eq!(refusal.retry_after, Some(Duration::from_secs(1)));
    gate.admit(caller(1), 100, ZERO).unwrap();
    gate.settle(fast(1), 60, generated(60, 20), ZERO);
    let headers = gate.headers(fast(1), ZERO, SystemTime::UNIX_EPOCH);
    for (name, expected) in [
        ("anthropic-ratelimit-requests-remaining", "8"),
        ("anthropic-fast-input-tokens-remaining", "0"),
        ("anthropic-fast-output-tokens-remaining", "30"),
        ("anthropic-fast-output-tokens-reset", "1970-01-01T00:00:24Z"),
        ("anthropic-ratelimit-input-tokens-remaining", ""),
    ] {
        assert_eq!(value(&headers, name), expected, "{name}");
    }
}

#[test]
fn what_came_from_the_cache_is_given_back_when_the_reply_is_known() {
    let mut gate = Gate::new(RateLimits::none().input_tokens_per_minute(limit(100)));
    gate.admit(caller(1), 90, ZERO).unwrap();
    let input = Input {
        fresh: 5,
        written_5m: 5,
        read: 80,
        ..Input::default()
    };
    let bill = Bill {
        status: 200,
        generated: Some((input, 1)),
    };
    gate.settle(caller(1), 90, bill, ZERO);
    assert_eq!(gate.admit(caller(1), 90, ZERO), Ok(()));
    assert!(gate.admit(caller(1), 1, ZERO).is_err());
}

#[test]
fn who_is_turned_away_by_a_529_has_used_nothing_and_by_another_error_has() {
    for (status, left) in [(529, "10"), (500, "9"), (400, "9")] {
        let mut gate = Gate::new(RateLimits::none().requests_per_minute(limit(10)));
        gate.admit(caller(1), 9, ZERO).unwrap();
        let bill = Bill {
            status,
            generated: None,
        };
        gate.settle(caller(1), 9, bill, ZERO);
        let headers = gate.headers(caller(1), ZERO, SystemTime::UNIX_EPOCH);
        assert_eq!(
            value(&headers, "anthropic-ratelimit-requests-remaining"),
            left
        );
    }
}
