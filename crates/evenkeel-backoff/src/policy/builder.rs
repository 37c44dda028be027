use core::num::NonZeroU32;
use core::time::Duration;

use evenkeel_error::InvalidConfig;

use super::{MAX_HINT_SPREAD, RetryPolicy};
use crate::Curve;

/// Makes a [`RetryPolicy`]; nothing is checked before [`build`](Self::build).
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct RetryPolicyBuilder {
    short: Curve,
    long: Curve,
    attempts: Option<u32>,
    patience: Option<Duration>,
    attempt_timeout: Option<Duration>,
    hint_spread: Duration,
}

impl RetryPolicyBuilder {
    pub(super) const SHORT: Curve =
        Curve::exponential(Duration::from_millis(500)).cap(Duration::from_secs(8));
    pub(super) const LONG: Curve =
        Curve::exponential(Duration::from_secs(2)).cap(Duration::from_secs(30));

    /// Base 0.5 s, cap 8 s for blips; base 2 s, cap 30 s for capacity.
    pub(super) const fn new() -> Self {
        Self {
            short: Self::SHORT,
            long: Self::LONG,
            attempts: None,
            patience: None,
            attempt_timeout: None,
            hint_spread: MAX_HINT_SPREAD,
        }
    }

    /// The curve for blips: connection faults, 5xx. Default: base 0.5 s, cap 8 s, which outlives a
    /// restart behind a load balancer in a few tries.
    pub const fn short(mut self, curve: Curve) -> Self {
        self.short = curve;
        self
    }

    /// The curve for capacity, and for limits without a hint. Default: base 2 s, cap 30 s, because
    /// overloads last minutes.
    pub const fn long(mut self, curve: Curve) -> Self {
        self.long = curve;
        self
    }

    /// Attempts, the first included: 1 or more. Default: no limit.
    pub const fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = Some(attempts);
        self
    }

    /// Time without progress, attempts and waits included: above zero. Default: no limit.
    pub const fn patience(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    /// How long one attempt may take before a shell ends it and counts it as a failure of the short
    /// tier, counted from when it first returns `Pending`: above zero. Default: no limit.
    pub const fn attempt_timeout(mut self, limit: Duration) -> Self {
        self.attempt_timeout = Some(limit);
        self
    }

    /// The most that is added to a server's hint; zero for nothing. Default: 15 s, and never more than
    /// a quarter of the hint.
    pub const fn hint_spread(mut self, most: Duration) -> Self {
        self.hint_spread = most;
        self
    }

    /// Checks every field.
    ///
    /// # Errors
    ///
    /// Zero attempts, or a patience or an attempt's time of zero: none leaves room for the first
    /// attempt.
    pub fn build(self) -> Result<RetryPolicy, InvalidConfig> {
        let attempts = match self.attempts {
            None => None,
            Some(attempts) => Some(
                NonZeroU32::new(attempts)
                    .ok_or(InvalidConfig::new("attempts", "must be 1 or more"))?,
            ),
        };
        if self.patience.is_some_and(|patience| patience.is_zero()) {
            return Err(InvalidConfig::new("patience", "must be longer than zero"));
        }
        if self.attempt_timeout.is_some_and(|limit| limit.is_zero()) {
            return Err(InvalidConfig::new(
                "attempt_timeout",
                "must be longer than zero",
            ));
        }
        Ok(RetryPolicy {
            short: self.short,
            long: self.long,
            attempts,
            patience: self.patience,
            attempt_timeout: self.attempt_timeout,
            hint_spread: self.hint_spread,
        })
    }
}
