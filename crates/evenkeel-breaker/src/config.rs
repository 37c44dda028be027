use core::num::NonZeroU32;
use core::time::Duration;
use std::sync::Arc;

use crate::open_delays::OpenDelays;
use crate::{Mode, Ratio, Window, defaults, roll};

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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BreakerConfig {
    /// One for all breakers of a configuration.
    pub(crate) settings: Arc<Settings>,
}

/// The fields of a [`BreakerConfig`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) window: Window,
    pub(crate) minimum_samples: u32,
    pub(crate) failure_ratio: Option<Ratio>,
    pub(crate) slow_ratio: Option<Ratio>,
    pub(crate) slow_call: Duration,
    pub(crate) consecutive_failures: Option<u32>,
    pub(crate) consecutive_span: Duration,
    pub(crate) open_delay: Duration,
    pub(crate) open_delay_cap: Duration,
    pub(crate) open_delays: Option<OpenDelays>,
    pub(crate) open_delay_spread: Ratio,
    pub(crate) open_delay_limit: Duration,
    pub(crate) probe_lease: Duration,
    pub(crate) ramp_steps: u32,
    pub(crate) ramp_interval: Duration,
    pub(crate) ramp_failures: u32,
    pub(crate) clean_time: Duration,
    pub(crate) mode: Mode,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            window: Window::Time(defaults::WINDOW),
            minimum_samples: defaults::MINIMUM_SAMPLES,
            failure_ratio: Some(defaults::FAILURE_RATIO),
            slow_ratio: None,
            slow_call: defaults::SLOW_CALL,
            consecutive_failures: Some(defaults::CONSECUTIVE_FAILURES),
            consecutive_span: defaults::CONSECUTIVE_SPAN,
            open_delay: defaults::OPEN_DELAY,
            open_delay_cap: defaults::OPEN_DELAY_CAP,
            open_delays: None,
            open_delay_spread: defaults::OPEN_DELAY_SPREAD,
            open_delay_limit: defaults::OPEN_DELAY_LIMIT,
            probe_lease: defaults::PROBE_LEASE,
            ramp_steps: defaults::RAMP_STEPS,
            ramp_interval: defaults::RAMP_INTERVAL,
            ramp_failures: defaults::RAMP_FAILURES,
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
        let settings = &*self.settings;
        let shrunk = |duration| shrunk(duration, factor);
        let settings = Settings {
            window: match settings.window {
                Window::Time(span) => Window::Time(shrunk(span)),
                calls @ Window::Calls(_) => calls,
            },
            slow_call: shrunk(settings.slow_call),
            consecutive_span: shrunk(settings.consecutive_span),
            open_delay: shrunk(settings.open_delay),
            open_delay_cap: shrunk(settings.open_delay_cap),
            open_delay_limit: shrunk(settings.open_delay_limit),
            probe_lease: shrunk(settings.probe_lease),
            ramp_interval: shrunk(settings.ramp_interval),
            clean_time: shrunk(settings.clean_time),
            open_delays: settings
                .open_delays
                .as_ref()
                .map(|delays| delays.shrunk(shrunk)),
            ..settings.clone()
        };
        Self {
            settings: Arc::new(settings),
        }
    }
}

fn shrunk(duration: Duration, factor: NonZeroU32) -> Duration {
    let least = duration.min(Duration::from_nanos(1));
    duration
        .checked_div(factor.get())
        .unwrap_or(least)
        .max(least)
}

impl Settings {
    /// Whether any rule looks at a window.
    pub(crate) const fn counts_in_window(&self) -> bool {
        self.failure_ratio.is_some() || self.slow_ratio.is_some()
    }

    /// From when on a call is slow, if that is a rule.
    pub(crate) const fn slow_after(&self) -> Option<Duration> {
        match self.slow_ratio {
            Some(_) => Some(self.slow_call),
            None => None,
        }
    }

    /// How long the circuit stays open the `openings`-th time in a row, counted from 0:
    /// U(1−s, 1+s)·d, or the server's `hint` if that is longer, at most the limit. By default d is
    /// min(cap, first·2ⁿ); otherwise what stands at that place of the given delays.
    pub(crate) fn delay(&self, openings: u32, hint: Option<Duration>, roll: u64) -> Duration {
        let delay = match &self.open_delays {
            Some(delays) => delays.delay(openings),
            None => self.doubled(openings),
        };
        let (spread, floor) = self.open_delay_spread.split(roll::nanos(delay));
        let jitter = roll::share(spread, roll);
        let jittered = Duration::from_nanos(floor) + jitter + jitter;
        jittered
            .max(hint.unwrap_or_default())
            .min(self.open_delay_limit)
    }

    fn doubled(&self, openings: u32) -> Duration {
        1_u32
            .checked_shl(openings)
            .and_then(|factor| self.open_delay.checked_mul(factor))
            .map_or(self.open_delay_cap, |delay| delay.min(self.open_delay_cap))
    }
}

#[cfg(test)]
pub(crate) mod any;
#[cfg(test)]
mod tests;
