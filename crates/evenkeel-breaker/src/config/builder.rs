use core::time::Duration;

use evenkeel_error::InvalidConfig;

use super::BreakerConfig;
use crate::{Mode, Ratio};

/// The most steps a slow start may have: the last one then lets two billion calls begin.
const MOST_STEPS: u32 = 31;

/// Builds a [`BreakerConfig`]; starts from the defaults.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct BreakerConfigBuilder {
    config: BreakerConfig,
}

impl BreakerConfigBuilder {
    /// How far back the failure ratio looks. Over zero; default
    /// [30 s](crate::defaults::WINDOW). Precise to a thirtieth of itself.
    pub fn window(mut self, window: Duration) -> Self {
        self.config.window = window;
        self
    }

    /// Verdicts that must lie in the window before the ratio counts. At least 1; default
    /// [5](crate::defaults::MINIMUM_SAMPLES).
    pub fn minimum_samples(mut self, samples: u32) -> Self {
        self.config.minimum_samples = samples;
        self
    }

    /// The share of failures in the window that opens the circuit, once reached; default
    /// [50 %](crate::defaults::FAILURE_RATIO).
    pub fn failure_ratio(mut self, ratio: Ratio) -> Self {
        self.config.failure_ratio = ratio;
        self
    }

    /// Failures without a success between them that open the circuit. At least 1; default
    /// [5](crate::defaults::CONSECUTIVE_FAILURES).
    pub fn consecutive_failures(mut self, failures: u32) -> Self {
        self.config.consecutive_failures = failures;
        self
    }

    /// How far the first and the last of them must lie apart. Zero asks for nothing; default
    /// [2 s](crate::defaults::CONSECUTIVE_SPAN).
    pub fn consecutive_span(mut self, span: Duration) -> Self {
        self.config.consecutive_span = span;
        self
    }

    /// How long the circuit stays open the first time, before jitter; doubled each time it opens
    /// again. Over zero and at most the cap; default [1 s](crate::defaults::OPEN_DELAY).
    pub fn open_delay(mut self, delay: Duration) -> Self {
        self.config.open_delay = delay;
        self
    }

    /// What the open delay grows to, before jitter. At most the limit; default
    /// [15 s](crate::defaults::OPEN_DELAY_CAP).
    pub fn open_delay_cap(mut self, cap: Duration) -> Self {
        self.config.open_delay_cap = cap;
        self
    }

    /// How much the open delay varies to either side; default
    /// [50 %](crate::defaults::OPEN_DELAY_SPREAD). Less than all of it, so that no delay is zero;
    /// and there is no way to have none: the clients of one outage would probe together.
    pub fn open_delay_spread(mut self, spread: Ratio) -> Self {
        self.config.open_delay_spread = spread;
        self
    }

    /// The longest the circuit stays open, jitter and the server's hint included; default
    /// [60 s](crate::defaults::OPEN_DELAY_LIMIT).
    pub fn open_delay_limit(mut self, limit: Duration) -> Self {
        self.config.open_delay_limit = limit;
        self
    }

    /// How long a probe keeps the only place. Over zero; default
    /// [20 s](crate::defaults::PROBE_LEASE).
    pub fn probe_lease(mut self, lease: Duration) -> Self {
        self.config.probe_lease = lease;
        self
    }

    /// Steps of the slow start, which let 1, 2, 4, … calls begin. 1 to 31; default
    /// [5](crate::defaults::RAMP_STEPS).
    pub fn ramp_steps(mut self, steps: u32) -> Self {
        self.config.ramp_steps = steps;
        self
    }

    /// How long each of them lasts. Over zero; default [1 s](crate::defaults::RAMP_INTERVAL).
    pub fn ramp_interval(mut self, interval: Duration) -> Self {
        self.config.ramp_interval = interval;
        self
    }

    /// How long the circuit must stay closed before the open delay starts at its first value
    /// again. Zero forgets at once; default [20 s](crate::defaults::CLEAN_TIME).
    pub fn clean_time(mut self, time: Duration) -> Self {
        self.config.clean_time = time;
        self
    }

    /// The mode to start in; default [`Mode::On`].
    pub fn mode(mut self, mode: Mode) -> Self {
        self.config.mode = mode;
        self
    }

    /// The configuration, if it keeps every rule named at its setter.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] with the first rule that is broken.
    pub fn build(self) -> Result<BreakerConfig, InvalidConfig> {
        let config = self.config;
        for (field, duration) in [
            ("window", config.window),
            ("open_delay", config.open_delay),
            ("probe_lease", config.probe_lease),
            ("ramp_interval", config.ramp_interval),
        ] {
            if duration.is_zero() {
                return Err(InvalidConfig::new(field, "must be over zero"));
            }
        }
        for (field, count) in [
            ("minimum_samples", config.minimum_samples),
            ("consecutive_failures", config.consecutive_failures),
            ("ramp_steps", config.ramp_steps),
        ] {
            if count == 0 {
                return Err(InvalidConfig::new(field, "must be 1 or more"));
            }
        }
        if config.ramp_steps > MOST_STEPS {
            return Err(InvalidConfig::new("ramp_steps", "must be 31 or less"));
        }
        if config.open_delay_spread == Ratio::ONE {
            return Err(InvalidConfig::new(
                "open_delay_spread",
                "must be less than 1",
            ));
        }
        if config.open_delay > config.open_delay_cap {
            return Err(InvalidConfig::new(
                "open_delay",
                "must be at most open_delay_cap",
            ));
        }
        if config.open_delay_cap > config.open_delay_limit {
            return Err(InvalidConfig::new(
                "open_delay_cap",
                "must be at most open_delay_limit",
            ));
        }
        Ok(config)
    }
}

impl From<BreakerConfig> for BreakerConfigBuilder {
    /// Starts from another configuration.
    fn from(config: BreakerConfig) -> Self {
        Self { config }
    }
}
