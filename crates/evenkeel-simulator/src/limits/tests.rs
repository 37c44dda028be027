use super::*;

fn limit(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
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
    gate.admit(1, 6_000, Duration::ZERO).unwrap();
    let refusal = gate.admit(1, 250, Duration::ZERO).unwrap_err();
    assert_eq!(refusal.limit, "6,000 input tokens per minute");
    assert_eq!(refusal.retry_after, Some(Duration::from_secs(3)));
    assert_eq!(gate.admit(1, 250, Duration::from_secs(3)), Ok(()));
}

#[test]
fn keys_have_buckets_of_their_own() {
    let mut gate = Gate::new(RateLimits::none().requests_per_minute(limit(1)));
    gate.admit(1, 1, Duration::ZERO).unwrap();
    assert!(gate.admit(1, 1, Duration::ZERO).is_err());
    assert!(gate.admit(2, 1, Duration::ZERO).is_ok());
}

#[test]
fn a_request_larger_than_the_limit_is_given_no_moment_to_return() {
    let mut gate = Gate::new(RateLimits::none().input_tokens_per_minute(limit(10)));
    assert_eq!(
        gate.admit(1, 11, Duration::ZERO).unwrap_err().retry_after,
        None
    );
}

#[test]
fn an_overdrawn_output_limit_keeps_the_next_request_out_until_it_is_paid() {
    let mut gate = Gate::new(RateLimits::none().output_tokens_per_minute(limit(60)));
    gate.admit(1, 1, Duration::ZERO).unwrap();
    gate.spend_output(1, 62, Duration::ZERO);
    let refusal = gate.admit(1, 1, Duration::ZERO).unwrap_err();
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
    gate.admit(1, 1_400, Duration::ZERO).unwrap();
    gate.spend_output(1, 90, Duration::ZERO);
    let headers = gate.headers(1, Duration::ZERO, SystemTime::UNIX_EPOCH);
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
        gate.admit(key, 1, Duration::from_nanos(key)).unwrap();
    }
    assert_eq!(gate.keys.len(), KEYS);
    assert!(gate.admit(1_999, 1, Duration::from_micros(2)).is_err());
}
#[test]
fn two_hundred_requests_at_twice_the_limit_are_let_in_by_the_arithmetic_of_the_bucket() {
    // 60 a minute are one a second; two a second are offered, after the burst is used up.
    let mut gate = Gate::new(RateLimits::none().requests_per_minute(limit(60)));
    for _ in 0..60 {
        gate.admit(1, 1, Duration::ZERO).unwrap();
    }
    let mut accepted = 0_u32;
    for offer in 1..=200_u32 {
        let now = Duration::from_millis(500) * offer;
        let told = gate.headers(1, now, SystemTime::UNIX_EPOCH);
        let left: u32 = value(&told, "anthropic-ratelimit-requests-remaining")
            .parse()
            .unwrap();
        match gate.admit(1, 1, now) {
            Ok(()) => {
                accepted += 1;
                assert!(left >= 1, "a header that says nothing is left must not lie");
            }
            Err(refusal) => {
                assert_eq!(left, 0);
                let wait = refusal.retry_after.unwrap();
                let mut later = Gate {
                    limits: gate.limits,
                    keys: HashMap::new(),
                    spent: HashMap::new(),
                };
                std::mem::swap(&mut later.keys, &mut gate.keys);
                let bucket = later.keys.get_mut(&1).unwrap().requests.clone().unwrap();
                let mut bucket = bucket;
                assert_eq!(
                    bucket.wait_for(1, now + wait),
                    Wait::None,
                    "a retry-after must not lie"
                );
                std::mem::swap(&mut later.keys, &mut gate.keys);
            }
        }
    }
    // 100 seconds at one a second.
    assert!((99..=101).contains(&accepted), "{accepted}");
}

#[test]
fn a_spent_cap_is_for_ever_and_for_its_key_only() {
    let mut gate = Gate::new(RateLimits::none().spend_cap_cents(limit(1)));
    // 1,000 output tokens are a cent.
    assert_eq!(gate.spend(1, 0, 999), Ok(()));
    assert_eq!(gate.spend(1, 0, 1), Ok(()));
    assert_eq!(
        gate.spend(1, 0, 1).unwrap_err().shortage,
        Some(Shortage::SpendCap)
    );
    assert_eq!(gate.spend(2, 0, 1), Ok(()));
}

#[test]
fn counting_tokens_has_a_pool_of_its_own() {
    let limits = RateLimits::none()
        .requests_per_minute(limit(1))
        .counts_per_minute(limit(2));
    let mut gate = Gate::new(limits);
    gate.admit(1, 1, Duration::ZERO).unwrap();
    assert_eq!(gate.admit_count(1, Duration::ZERO), Ok(()));
    assert_eq!(gate.admit_count(1, Duration::ZERO), Ok(()));
    assert_eq!(
        gate.admit_count(1, Duration::ZERO).unwrap_err().retry_after,
        Some(Duration::from_secs(30))
    );
}

#[test]
fn a_leap_in_use_is_refused_as_a_ramp() {
    let mut gate = Gate::new(RateLimits::none().acceleration(limit(3), limit(2)));
    assert!(gate.admit(1, 1, Duration::ZERO).is_ok() && gate.admit(1, 1, Duration::ZERO).is_ok());
    let refusal = gate.admit(1, 1, Duration::ZERO).unwrap_err();
    assert_eq!(
        (refusal.shortage, refusal.retry_after),
        (Some(Shortage::Ramp), Some(Duration::from_secs(1)))
    );
}
