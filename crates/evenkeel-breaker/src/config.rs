use core::num::NonZeroU32;
use core::time::Duration;

use crate::{Mode, Ratio, defaults, roll};

mod builder;

pub use builder::BreakerConfigBuilder;

/// When a breaker opens, for how long, and how it comes back.
///
/// The defaults are those of [`defaults`], each with its reason.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_breaker::{BreakerConfig, Ratio};
///
/// let config = BreakerConfig::builder()
///     .failure_ratio(Ratio::percent(30)?)
///     .minimum_samples(20)
///     .probe_lease(Duration::from_secs(5))
///     .build()?;
/// # let _ = config;
/// # Ok::<(), evenkeel_error::InvalidConfig>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreakerConfig {
    pub(crate) window: Duration,
    pub(crate) minimum_samples: u32,
    pub(crate) failure_ratio: Ratio,
    pub(crate) consecutive_failures: u32,
    pub(crate) consecutive_span: Duration,
    pub(crate) open_delay: Duration,
    pub(crate) open_delay_cap: Duration,
    pub(crate) open_delay_spread: Ratio,
    pub(crate) open_delay_limit: Duration,
    pub(crate) probe_lease: Duration,
    pub(crate) ramp_steps: u32,
    pub(crate) ramp_interval: Duration,
    pub(crate) clean_time: Duration,
    pub(crate) mode: Mode,
}

impl Default for BreakerConfig {
    fn default() -> Self {
        Self {
            window: defaults::WINDOW,
            minimum_samples: defaults::MINIMUM_SAMPLES,
            failure_ratio: defaults::FAILURE_RATIO,
            consecutive_failures: defaults::CONSECUTIVE_FAILURES,
            consecutive_span: defaults::CONSECUTIVE_SPAN,
            open_delay: defaults::OPEN_DELAY,
            open_delay_cap: defaults::OPEN_DELAY_CAP,
            open_delay_spread: defaults::OPEN_DELAY_SPREAD,
            open_delay_limit: defaults::OPEN_DELAY_LIMIT,
            probe_lease: defaults::PROBE_LEASE,
            ramp_steps: defaults::RAMP_STEPS,
            ramp_interval: defaults::RAMP_INTERVAL,
            clean_time: defaults::CLEAN_TIME,
            mode: defaults::MODE,
        }
    }
}

impl BreakerConfig {
    /// Starts from the defaults.
    pub fn builder() -> BreakerConfigBuilder {
        BreakerConfigBuilder::default()
    }

    /// The same configuration with every duration divided by `factor`, for demonstrations that
    /// show minutes in seconds. Counts and ratios stay; no duration becomes zero that was not.
    #[must_use]
    pub fn time_divided_by(self, factor: NonZeroU32) -> Self {
        let shrunk = |duration: Duration| {
            let least = duration.min(Duration::from_nanos(1));
            duration
                .checked_div(factor.get())
                .unwrap_or(least)
                .max(least)
        };
        Self {
            window: shrunk(self.window),
            consecutive_span: shrunk(self.consecutive_span),
            open_delay: shrunk(self.open_delay),
            open_delay_cap: shrunk(self.open_delay_cap),
            open_delay_limit: shrunk(self.open_delay_limit),
            probe_lease: shrunk(self.probe_lease),
            ramp_interval: shrunk(self.ramp_interval),
            clean_time: shrunk(self.clean_time),
            ..self
        }
    }

    /// How long the circuit stays open the `openings`-th time in a row, counted from 0:
    /// U(1−s, 1+s)·min(cap, first·2ⁿ), or the server's `hint` if that is longer, at most the limit.
    pub(crate) fn delay(&self, openings: u32, hint: Option<Duration>, roll: u64) -> Duration {
        let doubled = 1_u32
            .checked_shl(openings)
            .and_then(|factor| self.open_delay.checked_mul(factor))
            .map_or(self.open_delay_cap, |delay| delay.min(self.open_delay_cap));
        let (spread, floor) = self.open_delay_spread.split(roll::nanos(doubled));
        let jitter = roll::share(spread, roll);
        let jittered = Duration::from_nanos(floor) + jitter + jitter;
        jittered
            .max(hint.unwrap_or_default())
            .min(self.open_delay_limit)
    }
}

#[cfg(test)]
mod tests;
