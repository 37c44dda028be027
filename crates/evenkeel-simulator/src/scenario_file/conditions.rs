//! What is not about one reply: limits, capacity, and when faults strike.

use std::num::NonZeroU32;
use std::time::Duration;

use serde::Deserialize;

use super::length::Length;
use crate::capacity::{Abandoned, Capacity};
use crate::limits::RateLimits;
use crate::model::{MODELS, Model};
use crate::nearest::nearest;
use crate::when::{Chance, When};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitsTable {
    requests: Option<NonZeroU32>,
    input_tokens: Option<NonZeroU32>,
    output_tokens: Option<NonZeroU32>,
    fast_input_tokens: Option<NonZeroU32>,
    fast_output_tokens: Option<NonZeroU32>,
    counts: Option<NonZeroU32>,
    batches: Option<NonZeroU32>,
    queued_batch_requests: Option<NonZeroU32>,
    acceleration: Option<AccelerationTable>,
    token_acceleration: Option<AccelerationTable>,
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
    abandoned: Abandoned,
    #[serde(default)]
    brownout: Vec<BrownoutTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BrownoutTable {
    from: Option<Length>,
    until: Option<Length>,
    slots: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SpanTable {
    from: Option<Length>,
    until: Option<Length>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WhenTable {
    requests: Option<Vec<u64>>,
    chance: Option<f64>,
    from: Option<Length>,
    until: Option<Length>,
    path: Option<String>,
    model: Option<String>,
    #[serde(default)]
    reused_connection: bool,
    every: Option<NonZeroU32>,
    on: Option<OnWord>,
}

/// What a fault goes over.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum OnWord {
    Answer,
    Any,
}

impl LimitsTable {
    pub(super) fn limits(self) -> RateLimits {
        type Set = fn(RateLimits, NonZeroU32) -> RateLimits;
        let limits: [(Option<NonZeroU32>, Set); 9] = [
            (self.requests, RateLimits::requests_per_minute),
            (self.input_tokens, RateLimits::input_tokens_per_minute),
            (self.output_tokens, RateLimits::output_tokens_per_minute),
            (
                self.fast_input_tokens,
                RateLimits::fast_input_tokens_per_minute,
            ),
            (
                self.fast_output_tokens,
                RateLimits::fast_output_tokens_per_minute,
            ),
            (self.counts, RateLimits::counts_per_minute),
            (self.batches, RateLimits::batches_per_minute),
            (
                self.queued_batch_requests,
                RateLimits::queued_batch_requests,
            ),
            (self.spend_cap_cents, RateLimits::spend_cap_cents),
        ];
        let limits = limits.into_iter();
        let mut limits = limits.fold(RateLimits::none(), |limits, (given, set)| match given {
            Some(given) => set(limits, given),
            None => limits,
        });
        if let Some(rule) = self.acceleration {
            limits = limits.acceleration(rule.factor, rule.floor);
        }
        if let Some(rule) = self.token_acceleration {
            limits = limits.token_acceleration(rule.factor, rule.floor);
        }
        limits
    }
}

impl CapacityTable {
    pub(super) fn capacity(self) -> Result<Capacity, String> {
        if self.slots == 0 {
            let fault = "`slots` is at least 1; for an outage write brownout = [{ slots = 0 }]";
            return Err(fault.into());
        }
        let capacity = Capacity::slots(self.slots).queue(self.queue);
        let mut capacity = capacity.abandoned(self.abandoned);
        if let Some(length) = self.first_token {
            capacity = capacity.first_token(length.0);
        }
        if let Some(speed) = self.tokens_per_second {
            capacity = capacity.tokens_per_second(speed);
        }
        for brownout in self.brownout {
            let (from, until) = span(brownout.from, brownout.until)?;
            capacity = capacity.brownout(from..until, brownout.slots);
        }
        Ok(capacity)
    }
}

impl SpanTable {
    pub(super) fn span(self) -> Result<(Duration, Duration), String> {
        span(self.from, self.until)
    }
}

/// From the start and for ever, unless told otherwise.
fn span(from: Option<Length>, until: Option<Length>) -> Result<(Duration, Duration), String> {
    let from = from.map_or(Duration::ZERO, |from| from.0);
    let until = until.map_or(Duration::MAX, |until| until.0);
    if from >= until {
        return Err("until has to be later than from".into());
    }
    Ok((from, until))
}

impl WhenTable {
    pub(super) fn when(self) -> Result<When, String> {
        let mut when = match self.requests {
            None => When::always(),
            Some(numbers) if numbers.is_empty() => {
                return Err(
                    "`when.requests` has at least one number; without it all are struck".into(),
                );
            }
            Some(numbers) if numbers.contains(&0) => {
                return Err("`when.requests` are counted from 1".into());
            }
            Some(numbers) => When::requests(numbers),
        };
        if let Some(share) = self.chance {
            let chance = Chance::share(share).ok_or_else(|| {
                let hint = if (1.0..=100.0).contains(&share) {
                    format!("; for {share} % write {}", share / 100.0)
                } else {
                    String::new()
                };
                format!("`when.chance` is a number from 0.0 to 1.0{hint}")
            })?;
            when = when.chance(chance);
        }
        if self.from.is_some() || self.until.is_some() {
            let span = span(self.from, self.until).map_err(|fault| format!("`when`: {fault}"))?;
            when.span = Some(span);
        }
        if let Some(path) = self
            .path
            .as_deref()
            .filter(|path| !path.starts_with(['/', '*']))
        {
            return Err(format!(
                "`when.path` begins with a slash, or is \"*\": write \"/{path}\""
            ));
        }
        if let Some(model) = &self.model
            && Model::named(model).is_none()
            && let Some(near) = nearest(model, MODELS.iter().map(|model| model.id))
        {
            return Err(format!(
                "`when.model`: there is no `{}`; did you mean `{near}`?",
                model.escape_debug()
            ));
        }
        (when.path, when.model) = (self.path, self.model);
        when.reused = self.reused_connection;
        when.every = self.every;
        when.answers = matches!(self.on, Some(OnWord::Answer));
        Ok(when)
    }
}
