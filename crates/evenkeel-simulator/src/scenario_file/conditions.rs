//! What is not about one reply: limits, capacity, and when faults strike.

use std::num::NonZeroU32;
use std::time::Duration;

use serde::Deserialize;

use super::length::Length;
use crate::capacity::Capacity;
use crate::limits::RateLimits;
use crate::when::{Chance, When};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitsTable {
    requests: Option<NonZeroU32>,
    input_tokens: Option<NonZeroU32>,
    output_tokens: Option<NonZeroU32>,
    counts: Option<NonZeroU32>,
    acceleration: Option<AccelerationTable>,
    spend_cap_cents: Option<NonZeroU32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AccelerationTable {
    factor: NonZeroU32,
    floor: NonZeroU32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CapacityTable {
    slots: u32,
    #[serde(default)]
    queue: u32,
    first_token: Option<Length>,
    tokens_per_second: Option<NonZeroU32>,
    #[serde(default)]
    brownout: Vec<BrownoutTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BrownoutTable {
    from: Length,
    until: Length,
    slots: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SpanTable {
    pub(super) from: Length,
    pub(super) until: Length,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WhenTable {
    #[serde(default)]
    requests: Vec<u64>,
    chance: Option<f64>,
    from: Option<Length>,
    until: Option<Length>,
    path: Option<String>,
    model: Option<String>,
    #[serde(default)]
    reused_connection: bool,
}

impl LimitsTable {
    pub(super) fn limits(self) -> RateLimits {
        fn set<T>(
            limits: RateLimits,
            given: Option<T>,
            with: fn(RateLimits, T) -> RateLimits,
        ) -> RateLimits {
            match given {
                Some(given) => with(limits, given),
                None => limits,
            }
        }
        let limits = RateLimits::none();
        let limits = set(limits, self.requests, RateLimits::requests_per_minute);
        let limits = set(
            limits,
            self.input_tokens,
            RateLimits::input_tokens_per_minute,
        );
        let limits = set(
            limits,
            self.output_tokens,
            RateLimits::output_tokens_per_minute,
        );
        let limits = set(limits, self.counts, RateLimits::counts_per_minute);
        let limits = set(limits, self.spend_cap_cents, RateLimits::spend_cap_cents);
        set(limits, self.acceleration, |limits, rule| {
            limits.acceleration(rule.factor, rule.floor)
        })
    }
}

impl CapacityTable {
    pub(super) fn capacity(self) -> Capacity {
        let mut capacity = Capacity::slots(self.slots).queue(self.queue);
        if let Some(length) = self.first_token {
            capacity = capacity.first_token(length.0);
        }
        if let Some(speed) = self.tokens_per_second {
            capacity = capacity.tokens_per_second(speed);
        }
        for brownout in self.brownout {
            capacity = capacity.brownout(brownout.from.0..brownout.until.0, brownout.slots);
        }
        capacity
    }
}

impl WhenTable {
    pub(super) fn when(self) -> Result<When, String> {
        let mut when = When::requests(self.requests);
        if let Some(share) = self.chance {
            let chance = Chance::share(share).ok_or("chance is a share from 0 to 1")?;
            when = when.chance(chance);
        }
        if self.from.is_some() || self.until.is_some() {
            let from = self.from.map_or(Duration::ZERO, |from| from.0);
            let until = self.until.map_or(Duration::MAX, |until| until.0);
            if from >= until {
                return Err("until has to be later than from".into());
            }
            when.span = Some((from, until));
        }
        (when.path, when.model) = (self.path, self.model);
        when.reused = self.reused_connection;
        Ok(when)
    }
}
