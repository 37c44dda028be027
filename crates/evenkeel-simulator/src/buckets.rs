//! The buckets that a key and a class of models share. Pure: the moment comes in as an argument.

use std::num::NonZeroU32;
use std::time::{Duration, SystemTime};

use crate::bucket::{Bucket, Wait};
use crate::calendar::rfc3339_rounded_up;
use crate::gate::{Bill, Refusal};
use crate::limits::RateLimits;
use crate::ramp::Ramp;
use crate::request::Speed;
use crate::shortage::Shortage;

/// The API rounds what is left of a token limit to this.
const ROUNDING: u32 = 1_000;

/// What is left of the limits that a key and a class of models share.
#[derive(Debug)]
pub(crate) struct Buckets {
    requests: Option<Bucket>,
    usual: Tokens,
    fast: Tokens,
    ramp: Option<Ramp>,
    token_ramp: Option<Ramp>,
    pub(crate) used: Duration,
}

/// What is left of the tokens of one speed.
#[derive(Debug)]
struct Tokens {
    input: Option<Bucket>,
    output: Option<Bucket>,
}

impl Buckets {
    pub(crate) fn full(limits: RateLimits, now: Duration) -> Self {
        let bucket = |limit: Option<NonZeroU32>| limit.map(|limit| Bucket::full(limit.get(), now));
        Self {
            requests: bucket(limits.requests),
            usual: Tokens {
                input: bucket(limits.input_tokens),
                output: bucket(limits.output_tokens),
            },
            fast: Tokens {
                input: bucket(limits.fast_input_tokens),
                output: bucket(limits.fast_output_tokens),
            },
            ramp: limits.slope.map(Ramp::new),
            token_ramp: limits.token_slope.map(Ramp::new),
            used: now,
        }
    }

    pub(crate) fn admit(
        &mut self,
        speed: Speed,
        input_tokens: u64,
        now: Duration,
    ) -> Result<(), Refusal> {
        let (tokens, of_speed) = match speed {
            Speed::Standard => (&mut self.usual, ""),
            Speed::Fast => (&mut self.fast, "fast mode "),
        };
        // What the reply will cost is not known yet: one token left is enough to begin.
        let asked = [
            (&mut self.requests, 1, "", "requests"),
            (&mut tokens.input, input_tokens, of_speed, "input tokens"),
            (&mut tokens.output, 1, of_speed, "output tokens"),
        ];
        let mut refusal: Option<(Wait, String, String)> = None;
        for (bucket, tokens, of_speed, unit) in asked {
            let Some(bucket) = bucket else { continue };
            let wait = bucket.wait_for(tokens, now);
            let worst = refusal.as_ref().map_or(Wait::None, |(worst, ..)| *worst);
            if wait > worst {
                let limit = format!("{} {of_speed}{unit} per minute", grouped(bucket.limit()));
                refusal = Some((wait, limit, format!("{tokens} {of_speed}{unit}")));
            }
        }
        if let Some((wait, limit, needs)) = refusal {
            return Err(Refusal {
                limit,
                retry_after: whole_seconds(wait),
                needs: Some(needs).filter(|_| wait == Wait::Forever),
                shortage: None,
            });
        }
        let ramps = [&mut self.ramp, &mut self.token_ramp];
        let waits = ramps
            .into_iter()
            .flatten()
            .filter_map(|ramp| ramp.wait(now));
        if let Some(wait) = waits.max() {
            return Err(Refusal {
                limit: String::new(),
                retry_after: whole_seconds(Wait::For(wait)),
                needs: None,
                shortage: Some(Shortage::Ramp),
            });
        }
        take(&mut self.requests, 1, now);
        take(&mut tokens.input, input_tokens, now);
        if let Some(ramp) = &mut self.ramp {
            ramp.count(1, now);
        }
        if let Some(ramp) = &mut self.token_ramp {
            ramp.count(input_tokens, now);
        }
        Ok(())
    }

    pub(crate) fn settle(&mut self, speed: Speed, counted: u64, bill: Bill, now: Duration) {
        let tokens = match speed {
            Speed::Standard => &mut self.usual,
            Speed::Fast => &mut self.fast,
        };
        if let Some((input, output)) = bill.generated {
            give(
                &mut tokens.input,
                counted.saturating_sub(input.limited()),
                now,
            );
            take(&mut tokens.output, output, now);
        } else if bill.status == 529 {
            // Who was turned away for want of capacity has used nothing.
            give(&mut self.requests, 1, now);
            give(&mut tokens.input, counted, now);
        }
    }

    pub(crate) fn headers(
        &mut self,
        speed: Speed,
        now: Duration,
        wall: SystemTime,
    ) -> Vec<(String, String)> {
        let mut headers = Vec::new();
        let mut write = |name: &str, limit: u32, remaining: u32, full: Duration| {
            headers.push((format!("{name}-limit"), limit.to_string()));
            headers.push((format!("{name}-remaining"), remaining.to_string()));
            headers.push((format!("{name}-reset"), rfc3339_rounded_up(wall, full)));
        };
        if let Some(bucket) = &mut self.requests {
            write(
                "anthropic-ratelimit-requests",
                bucket.limit(),
                bucket.remaining(now),
                bucket.time_to_full(now),
            );
        }
        let (tokens, start) = match speed {
            Speed::Standard => (&mut self.usual, "anthropic-ratelimit"),
            Speed::Fast => (&mut self.fast, "anthropic-fast"),
        };
        let mut sums = Vec::new();
        for (name, bucket) in [("input", &mut tokens.input), ("output", &mut tokens.output)] {
            let Some(bucket) = bucket else { continue };
            let left = rounded(bucket.remaining(now), bucket.limit());
            let full = bucket.time_to_full(now);
            write(
                &format!("{start}-{name}-tokens"),
                bucket.limit(),
                left,
                full,
            );
            sums.push((bucket.limit(), left, full));
        }
        if let ([input, output], Speed::Standard) = (sums.as_slice(), speed) {
            let limit = input.0.saturating_add(output.0);
            let left = input.1.saturating_add(output.1);
            write(
                "anthropic-ratelimit-tokens",
                limit,
                left,
                input.2.max(output.2),
            );
        }
        headers
    }
}

fn take(bucket: &mut Option<Bucket>, tokens: u64, now: Duration) {
    if let Some(bucket) = bucket {
        bucket.take(tokens, now);
    }
}

fn give(bucket: &mut Option<Bucket>, tokens: u64, now: Duration) {
    if let Some(bucket) = bucket {
        bucket.give(tokens, now);
    }
}

/// The header has whole seconds; earlier than the moment would be a lie.
pub(crate) fn whole_seconds(wait: Wait) -> Option<Duration> {
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
pub(crate) fn grouped(number: u32) -> String {
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
