//! Rate limits per API key: what is allowed, what is left, when to come back.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::time::{Duration, SystemTime};

use crate::bucket::{Bucket, Wait};
use crate::calendar::rfc3339_rounded_up;

/// How many keys are told apart. Beyond that the key unused for longest is forgotten.
const KEYS: usize = 1_024;
/// The API rounds what is left of a token limit to this.
const ROUNDING: u32 = 1_000;

/// The rate limits that the simulator enforces for each API key, as the API does: token buckets
/// that hold one minute's worth and refill without steps. Each limit is off unless given.
///
/// A request counts with an estimate of its input tokens (one for four characters of text, three
/// for each message). The tokens of a reply are taken when its head is sent, and may overdraw the
/// bucket: the next request then waits for them. A request larger than the whole input limit is
/// refused without a `retry-after`, since no wait helps it.
///
/// ```
/// use std::num::NonZeroU32;
///
/// use evenkeel_simulator::RateLimits;
///
/// let limits = RateLimits::none().requests_per_minute(NonZeroU32::new(50).unwrap());
/// assert_ne!(limits, RateLimits::none());
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[must_use]
pub struct RateLimits {
    requests: Option<NonZeroU32>,
    input_tokens: Option<NonZeroU32>,
    output_tokens: Option<NonZeroU32>,
}

impl RateLimits {
    /// No limit at all, and no rate-limit headers: the default.
    pub const fn none() -> Self {
        Self {
            requests: None,
            input_tokens: None,
            output_tokens: None,
        }
    }

    /// Allows this many requests a minute.
    pub const fn requests_per_minute(mut self, limit: NonZeroU32) -> Self {
        self.requests = Some(limit);
        self
    }

    /// Allows this many input tokens a minute.
    pub const fn input_tokens_per_minute(mut self, limit: NonZeroU32) -> Self {
        self.input_tokens = Some(limit);
        self
    }

    /// Allows this many output tokens a minute.
    pub const fn output_tokens_per_minute(mut self, limit: NonZeroU32) -> Self {
        self.output_tokens = Some(limit);
        self
    }
}

/// Why a request was not let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// `50 requests per minute`: the limit that keeps the request out for longest.
    pub(crate) limit: String,
    /// In whole seconds; none when waiting does not help.
    pub(crate) retry_after: Option<Duration>,
}

/// The buckets of every key.
#[derive(Debug)]
pub(crate) struct Gate {
    limits: RateLimits,
    keys: HashMap<u64, Buckets>,
}

impl Gate {
    pub(crate) fn new(limits: RateLimits) -> Self {
        Self {
            limits,
            keys: HashMap::new(),
        }
    }

    /// Lets a request in and counts it, or says when to come back. A refused one costs nothing.
    pub(crate) fn admit(
        &mut self,
        key: u64,
        input_tokens: u64,
        now: Duration,
    ) -> Result<(), Refusal> {
        self.buckets(key, now)
            .map_or(Ok(()), |buckets| buckets.admit(input_tokens, now))
    }

    /// Counts what a reply generated.
    pub(crate) fn spend_output(&mut self, key: u64, tokens: u64, now: Duration) {
        if let Some(bucket) = self
            .buckets(key, now)
            .and_then(|buckets| buckets.output.as_mut())
        {
            bucket.take(tokens, now);
        }
    }

    /// The rate-limit headers for this key at this moment; none when nothing is limited.
    pub(crate) fn headers(
        &mut self,
        key: u64,
        now: Duration,
        wall: SystemTime,
    ) -> Vec<(String, String)> {
        self.buckets(key, now)
            .map_or_else(Vec::new, |buckets| buckets.headers(now, wall))
    }

    fn buckets(&mut self, key: u64, now: Duration) -> Option<&mut Buckets> {
        if self.limits == RateLimits::none() {
            return None;
        }
        if self.keys.len() >= KEYS && !self.keys.contains_key(&key) {
            let idle = self
                .keys
                .iter()
                .min_by_key(|(_, buckets)| buckets.used)
                .map(|(key, _)| *key);
            idle.and_then(|key| self.keys.remove(&key));
        }
        let limits = self.limits;
        let buckets = self
            .keys
            .entry(key)
            .or_insert_with(|| Buckets::full(limits, now));
        buckets.used = now;
        Some(buckets)
    }
}

#[derive(Debug)]
struct Buckets {
    requests: Option<Bucket>,
    input: Option<Bucket>,
    output: Option<Bucket>,
    used: Duration,
}

impl Buckets {
    fn full(limits: RateLimits, now: Duration) -> Self {
        let bucket = |limit: Option<NonZeroU32>| limit.map(|limit| Bucket::full(limit.get(), now));
        Self {
            requests: bucket(limits.requests),
            input: bucket(limits.input_tokens),
            output: bucket(limits.output_tokens),
            used: now,
        }
    }

    fn admit(&mut self, input_tokens: u64, now: Duration) -> Result<(), Refusal> {
        // What the reply will cost is not known yet: one token left is enough to begin.
        let asked = [
            (&mut self.requests, 1, "requests"),
            (&mut self.input, input_tokens, "input tokens"),
            (&mut self.output, 1, "output tokens"),
        ];
        let mut refusal: Option<(Wait, Refusal)> = None;
        for (bucket, tokens, unit) in asked {
            let Some(bucket) = bucket else { continue };
            let wait = bucket.wait_for(tokens, now);
            if wait != Wait::None
                && refusal
                    .as_ref()
                    .is_none_or(|(worst, _)| longer(wait, *worst))
            {
                let limit = format!("{} {unit} per minute", grouped(bucket.limit()));
                refusal = Some((
                    wait,
                    Refusal {
                        limit,
                        retry_after: whole_seconds(wait),
                    },
                ));
            }
        }
        if let Some((_, refusal)) = refusal {
            return Err(refusal);
        }
        if let Some(bucket) = &mut self.requests {
            bucket.take(1, now);
        }
        if let Some(bucket) = &mut self.input {
            bucket.take(input_tokens, now);
        }
        Ok(())
    }

    fn headers(&mut self, now: Duration, wall: SystemTime) -> Vec<(String, String)> {
        let mut headers = Vec::new();
        let mut write = |name: &str, limit: u32, remaining: u32, full: Duration| {
            let name = format!("anthropic-ratelimit-{name}");
            headers.push((format!("{name}-limit"), limit.to_string()));
            headers.push((format!("{name}-remaining"), remaining.to_string()));
            headers.push((format!("{name}-reset"), rfc3339_rounded_up(wall, full)));
        };
        if let Some(bucket) = &mut self.requests {
            write(
                "requests",
                bucket.limit(),
                bucket.remaining(now),
                bucket.time_to_full(now),
            );
        }
        let mut tokens = Vec::new();
        for (name, bucket) in [
            ("input-tokens", &mut self.input),
            ("output-tokens", &mut self.output),
        ] {
            let Some(bucket) = bucket else { continue };
            let left = rounded(bucket.remaining(now), bucket.limit());
            write(name, bucket.limit(), left, bucket.time_to_full(now));
            tokens.push((bucket.limit(), left, bucket.time_to_full(now)));
        }
        if let [input, output] = tokens.as_slice() {
            let limit = input.0.saturating_add(output.0);
            write(
                "tokens",
                limit,
                input.1.saturating_add(output.1),
                input.2.max(output.2),
            );
        }
        headers
    }
}

fn longer(wait: Wait, than: Wait) -> bool {
    let rank = |wait| match wait {
        Wait::None => Duration::ZERO,
        Wait::For(length) => length,
        Wait::Forever => Duration::MAX,
    };
    rank(wait) > rank(than)
}

/// The header has whole seconds; earlier than the moment would be a lie.
fn whole_seconds(wait: Wait) -> Option<Duration> {
    match wait {
        Wait::None => Some(Duration::ZERO),
        Wait::For(length) => Some(Duration::from_secs(
            length.as_secs() + u64::from(length.subsec_nanos() > 0),
        )),
        Wait::Forever => None,
    }
}

/// To the nearest thousand as the API does, except for limits too small for it to mean anything.
fn rounded(remaining: u32, limit: u32) -> u32 {
    if limit < ROUNDING {
        return remaining;
    }
    let nearest = (remaining / ROUNDING + u32::from(remaining % ROUNDING >= ROUNDING / 2))
        .saturating_mul(ROUNDING);
    nearest.min(limit)
}

/// `1,000,000`, as limits are written in messages.
fn grouped(number: u32) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
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
}
