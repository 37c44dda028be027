use core::time::Duration;
use std::sync::Arc;

use evenkeel_error::InvalidConfig;

use super::{BreakerConfig, Settings};
use crate::open_delays::OpenDelays;
use crate::{Mode, Ratio, Window};

/// The most steps a slow start may have: the last one then lets two billion calls begin.
const MOST_STEPS: u32 = 31;

/// Builds a [`BreakerConfig`]; starts from the defaults.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct BreakerConfigBuilder {
    settings: Settings,
}

impl BreakerConfigBuilder {
    /// How far back the two ratios look: a span of time, over zero, or a number of calls, 1 to
    /// [65,536](Window::MOST_CALLS). Default [30 s](crate::defaults::WINDOW). A duration is a span.
    pub fn window(mut self, window: impl Into<Window>) -> Self {
        self.settings.window = window.into();
        self
    }

    /// Verdicts that must lie in the window before a ratio counts. At least 1, and no more than a
    /// window of calls holds; default [5](crate::defaults::MINIMUM_SAMPLES).
    pub fn minimum_samples(mut self, samples: u32) -> Self {
        self.settings.minimum_samples = samples;
        self
    }

    /// The share of failures in the window that opens the circuit, once reached; default
    /// [50 %](crate::defaults::FAILURE_RATIO). `None` switches the rule off.
    pub fn failure_ratio(mut self, ratio: impl Into<Option<Ratio>>) -> Self {
        self.settings.failure_ratio = ratio.into();
        self
    }

    /// The share of [slow calls](Self::slow_call) in the window that opens the circuit, once
    /// reached. Default `None`: how long an answer takes is no fault of most services. Where it is
    /// one, a slow probe does not close the circuit either.
    pub fn slow_ratio(mut self, ratio: impl Into<Option<Ratio>>) -> Self {
        self.settings.slow_ratio = ratio.into();
        self
    }

    /// From when on a call is slow: measured from its admission to its first content, or to its
    /// verdict if that comes first. Over zero; default [60 s](crate::defaults::SLOW_CALL). Has no
    /// effect without [`slow_ratio`](Self::slow_ratio).
    pub fn slow_call(mut self, limit: Duration) -> Self {
        self.settings.slow_call = limit;
        self
    }

    /// Failures without a success between them that open the circuit. At least 1; default
    /// [5](crate::defaults::CONSECUTIVE_FAILURES). `None` switches the rule off.
    pub fn consecutive_failures(mut self, failures: impl Into<Option<u32>>) -> Self {
        self.settings.consecutive_failures = failures.into();
        self
    }

    /// How far the first and the last of them must lie apart. Zero asks for nothing; default
    /// [2 s](crate::defaults::CONSECUTIVE_SPAN).
    pub fn consecutive_span(mut self, span: Duration) -> Self {
        self.settings.consecutive_span = span;
        self
    }

    /// How long the circuit stays open the first time, before jitter; doubled each time it opens
    /// again. Over zero and at most the cap; default [1 s](crate::defaults::OPEN_DELAY).
    pub fn open_delay(mut self, delay: Duration) -> Self {
        self.settings.open_delay = delay;
        self
    }

    /// What the open delay grows to, before jitter. At most the limit; default
    /// [15 s](crate::defaults::OPEN_DELAY_CAP).
    pub fn open_delay_cap(mut self, cap: Duration) -> Self {
        self.settings.open_delay_cap = cap;
        self
    }

    /// Open delays of your own, in place of the doubled ones: the first for the first opening, and
    /// so on; the last one stays, and so does the 64th. Zero counts as a millisecond. They start
    /// anew after the [clean time](Self::clean_time).
    ///
    /// The spread, the server's hint and the limit hold for them as well; `open_delay` and
    /// `open_delay_cap` do not. The sequence is drawn here and now.
    pub fn open_delays(mut self, delays: impl IntoIterator<Item = Duration>) -> Self {
        self.settings.open_delays = Some(OpenDelays::new(delays));
        self
    }

    /// How much the open delay varies to either side; default
    /// [50 %](crate::defaults::OPEN_DELAY_SPREAD). Less than all of it, so that no delay is zero;
    /// and there is no way to have none: the clients of one outage would probe together. A hint of the
    /// server's is waited out as it stands, and what exceeds the limit is cut to it.
    pub fn open_delay_spread(mut self, spread: Ratio) -> Self {
        self.settings.open_delay_spread = spread;
        self
    }

    /// The longest the circuit stays open, jitter and the server's hint included. Over zero; default
    /// [60 s](crate::defaults::OPEN_DELAY_LIMIT).
    pub fn open_delay_limit(mut self, limit: Duration) -> Self {
        self.settings.open_delay_limit = limit;
        self
    }

    /// How long a probe keeps the only place. Over zero; default
    /// [20 s](crate::defaults::PROBE_LEASE).
    pub fn probe_lease(mut self, lease: Duration) -> Self {
        self.settings.probe_lease = lease;
        self
    }

    /// Steps of the slow start, which let 1, 2, 4, … calls begin. 1 to 31; default
    /// [5](crate::defaults::RAMP_STEPS).
    pub fn ramp_steps(mut self, steps: u32) -> Self {
        self.settings.ramp_steps = steps;
        self
    }

    /// How long each of them lasts. Over zero; default [1 s](crate::defaults::RAMP_INTERVAL).
    pub fn ramp_interval(mut self, interval: Duration) -> Self {
        self.settings.ramp_interval = interval;
        self
    }

    /// Failures that reopen the circuit during the slow start. At least 1; default
    /// [1](crate::defaults::RAMP_FAILURES). More for a server that fails now and then in good health.
    pub fn ramp_failures(mut self, failures: u32) -> Self {
        self.settings.ramp_failures = failures;
        self
    }

    /// How long the circuit must stay closed before the open delay starts at its first value
    /// again. Zero forgets at once; default [20 s](crate::defaults::CLEAN_TIME).
    pub fn clean_time(mut self, time: Duration) -> Self {
        self.settings.clean_time = time;
        self
    }

    /// The mode to start in; default [`Mode::On`].
    pub fn mode(mut self, mode: Mode) -> Self {
        self.settings.mode = mode;
        self
    }

    /// The configuration, if it keeps every rule named at its setter.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] with the first rule that is broken.
    pub fn build(self) -> Result<BreakerConfig, InvalidConfig> {
        let settings = self.settings;
        check_durations(&settings)?;
        check_rules(&settings)?;
        check_return(&settings)?;
        Ok(BreakerConfig {
            settings: Arc::new(settings),
        })
    }
}

fn check_durations(settings: &Settings) -> Result<(), InvalidConfig> {
    let window = match settings.window {
        Window::Time(span) => span,
        Window::Calls(_) => Duration::MAX,
    };
    for (field, duration) in [
        ("window", window),
        ("slow_call", settings.slow_call),
        ("open_delay", settings.open_delay),
        ("open_delay_limit", settings.open_delay_limit),
        ("probe_lease", settings.probe_lease),
        ("ramp_interval", settings.ramp_interval),
    ] {
        if duration.is_zero() {
            return Err(InvalidConfig::new(field, "must be over zero"));
        }
    }
    Ok(())
}

fn check_rules(settings: &Settings) -> Result<(), InvalidConfig> {
    if !settings.counts_in_window() && settings.consecutive_failures.is_none() {
        return Err(InvalidConfig::new(
            "failure_ratio",
            "must be set unless slow_ratio or consecutive_failures is",
        ));
    }
    for (field, count) in [
        ("minimum_samples", settings.minimum_samples),
        (
            "consecutive_failures",
            settings.consecutive_failures.unwrap_or(1),
        ),
        ("ramp_steps", settings.ramp_steps),
        ("ramp_failures", settings.ramp_failures),
    ] {
        if count == 0 {
            return Err(InvalidConfig::new(field, "must be 1 or more"));
        }
    }
    if let Window::Calls(calls) = settings.window {
        if calls == 0 || calls > Window::MOST_CALLS {
            return Err(InvalidConfig::new("window", "must be 1 to 65,536 calls"));
        }
        if settings.counts_in_window() && settings.minimum_samples > calls {
            return Err(InvalidConfig::new(
                "minimum_samples",
                "must be at most what the window holds",
            ));
        }
    }
    Ok(())
}

fn check_return(settings: &Settings) -> Result<(), InvalidConfig> {
    if settings.ramp_steps > MOST_STEPS {
        return Err(InvalidConfig::new("ramp_steps", "must be 31 or less"));
    }
    if settings.open_delay_spread == Ratio::ONE {
        return Err(InvalidConfig::new(
            "open_delay_spread",
            "must be less than 1",
        ));
    }
    if let Some(delays) = &settings.open_delays {
        return if delays.is_empty() {
            Err(InvalidConfig::new("open_delays", "must not be empty"))
        } else {
            Ok(())
        };
    }
    if settings.open_delay > settings.open_delay_cap {
        return Err(InvalidConfig::new(
            "open_delay",
            "must be at most open_delay_cap",
        ));
    }
    if settings.open_delay_cap > settings.open_delay_limit {
        return Err(InvalidConfig::new(
            "open_delay_cap",
            "must be at most open_delay_limit",
        ));
    }
    Ok(())
}

impl From<BreakerConfig> for BreakerConfigBuilder {
    /// Starts from another configuration.
    fn from(config: BreakerConfig) -> Self {
        Self {
            settings: Arc::unwrap_or_clone(config.settings),
        }
    }
}
