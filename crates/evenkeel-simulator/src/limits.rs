//! Rate limits per API key: what is allowed, what is left, when to come back.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::time::{Duration, SystemTime};

use crate::bucket::{Bucket, Wait};
use crate::calendar::rfc3339_rounded_up;
use crate::ramp::{Ramp, Slope};
use crate::shortage::Shortage;

/// How many keys are told apart. Beyond that the key unused for longest is forgotten.
const KEYS: usize = 1_024;
/// The API rounds what is left of a token limit to this.
const ROUNDING: u32 = 1_000;

/// The rate limits that the simulator enforces for each API key and each class of models, as the
/// API does: token buckets that hold one minute's worth and refill without steps. Each limit is off unless given.
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
    counts: Option<NonZeroU32>,
    slope: Option<Slope>,
    spend: Option<NonZeroU32>,
}

impl RateLimits {
    /// No limit at all, and no rate-limit headers: the default.
    pub const fn none() -> Self {
        Self {
            requests: None,
            input_tokens: None,
            output_tokens: None,
            counts: None,
            slope: None,
            spend: None,
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

    /// Allows this many calls of `count_tokens` a minute, which have a pool of their own.
    pub const fn counts_per_minute(mut self, limit: NonZeroU32) -> Self {
        self.counts = Some(limit);
        self
    }

    /// Enforces the acceleration rule: in any second a key may send `factor` times the mean of the
    /// minute before it, and `floor` requests in any case. More is a 429 `ramp_limit_exceeded`.
    pub const fn acceleration(mut self, factor: NonZeroU32, floor: NonZeroU32) -> Self {
        self.slope = Some(Slope { factor, floor });
        self
    }

    /// Allows a key to spend this many cents in all, at $2 for a million input tokens and $10 for
    /// a million output tokens. After that it gets the 429 of the monthly cap, for ever.
    pub const fn spend_cap_cents(mut self, cents: NonZeroU32) -> Self {
        self.spend = Some(cents);
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
    /// Where it is not a limit of the buckets.
    pub(crate) shortage: Option<Shortage>,
}

/// The buckets of every key.
#[derive(Debug)]
pub(crate) struct Gate {
    limits: RateLimits,
    keys: HashMap<u64, Buckets>,
    /// In millionths of a cent.
    spent: HashMap<u64, u64>,
}

/// Millionths of a cent for a token.
const INPUT_PRICE: u64 = 200;
const OUTPUT_PRICE: u64 = 1_000;
const CENT: u64 = 1_000_000;

impl Gate {
    pub(crate) fn new(limits: RateLimits) -> Self {
        Self {
            limits,
            keys: HashMap::new(),
            spent: HashMap::new(),
        }
    }

    /// Whether a key may spend more, and if so notes what it spends. Keys beyond the number that
    /// is told apart are not watched.
    pub(crate) fn spend(&mut self, key: u64, input: u64, output: u64) -> Result<(), Refusal> {
        let Some(cap) = self.limits.spend else {
            return Ok(());
        };
        if self.spent.len() >= KEYS && !self.spent.contains_key(&key) {
            return Ok(());
        }
        let spent = self.spent.entry(key).or_default();
        if *spent >= u64::from(cap.get()) * CENT {
            return Err(Refusal {
                limit: String::new(),
                retry_after: None,
                shortage: Some(Shortage::SpendCap),
            });
        }
        let price = input.saturating_mul(INPUT_PRICE) + output.saturating_mul(OUTPUT_PRICE);
        *spent = spent.saturating_add(price);
        Ok(())
    }

    /// Lets a call of `count_tokens` in, or says when to come back.
    pub(crate) fn admit_count(&mut self, key: u64, now: Duration) -> Result<(), Refusal> {
        let Some(limit) = self.limits.counts else {
            return Ok(());
        };
        let Some(buckets) = self.buckets(key, now) else {
            return Ok(());
        };
        let counts = buckets
            .counts
            .get_or_insert_with(|| Bucket::full(limit.get(), now));
        match counts.wait_for(1, now) {
            Wait::None => {
                counts.take(1, now);
                Ok(())
            }
            wait => Err(Refusal {
                limit: format!("{} count_tokens requests per minute", grouped(limit.get())),
                retry_after: whole_seconds(wait),
                shortage: None,
            }),
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
    counts: Option<Bucket>,
    ramp: Option<(Slope, Ramp)>,
    used: Duration,
}

impl Buckets {
    fn full(limits: RateLimits, now: Duration) -> Self {
        let bucket = |limit: Option<NonZeroU32>| limit.map(|limit| Bucket::full(limit.get(), now));
        Self {
            requests: bucket(limits.requests),
            input: bucket(limits.input_tokens),
            output: bucket(limits.output_tokens),
            counts: None,
            ramp: limits.slope.map(|slope| (slope, Ramp::default())),
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
                        shortage: None,
                    },
                ));
            }
        }
        if let Some((_, refusal)) = refusal {
            return Err(refusal);
        }
        if let Some((slope, ramp)) = &mut self.ramp
            && let Err(wait) = ramp.admit(*slope, now)
        {
            return Err(Refusal {
                limit: String::new(),
                retry_after: whole_seconds(Wait::For(wait)),
                shortage: Some(Shortage::Ramp),
            });
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
mod tests;
