use core::time::Duration;

use evenkeel_error::InvalidConfig;

use super::bucket::Bucket;
use super::share::Share;
use super::{Law, RetryBudget};
use crate::{Ratio, nanos};

/// Makes a [`RetryBudget`] with other numbers; nothing is checked before [`build`](Self::build).
///
/// ```
/// use std::time::Duration;
/// use evenkeel_backoff::{Ratio, RetryBudget};
///
/// let budget = RetryBudget::builder().cap(20).earned(Ratio::percent(20)?).build()?;
/// assert!(RetryBudget::builder().cap(0).build().is_err());
/// # Ok::<(), evenkeel_error::InvalidConfig>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct RetryBudgetBuilder {
    cap: u32,
    earned: Ratio,
    floor: Duration,
}

impl RetryBudgetBuilder {
    pub(super) const fn new() -> Self {
        Self {
            cap: RetryBudget::CAP,
            earned: Ratio::TENTH,
            floor: RetryBudget::FLOOR,
        }
    }

    /// Tokens at the start and the least cap: 1 to 100. Default: 10.
    pub const fn cap(mut self, tokens: u32) -> Self {
        self.cap = tokens;
        self
    }

    /// The part of a token that a call earns by succeeding at its first attempt. Exact to a
    /// thousandth where the [floor](Self::floor) is half a millisecond or longer; where it is shorter, what
    /// a call earns is cut to the half microseconds that the floor is counted in. Default: a tenth.
    pub const fn earned(mut self, share: Ratio) -> Self {
        self.earned = share;
        self
    }

    /// How long time alone takes to bring one token: above zero, and at most 30 days, which is as good
    /// as never; less than 5 µs counts as 5 µs. Default: 20 s.
    pub const fn floor(mut self, one_token_in: Duration) -> Self {
        self.floor = one_token_in;
        self
    }

    /// Checks every field.
    ///
    /// # Errors
    ///
    /// A cap of zero or over 100, a floor of zero or over 30 days.
    pub fn build(self) -> Result<RetryBudget, InvalidConfig> {
        if self.cap == 0 || self.cap > RetryBudget::MAX_CAP {
            return Err(InvalidConfig::new("cap", "must be 1 to 100"));
        }
        if self.floor.is_zero() || self.floor > Duration::from_secs(30 * 86_400) {
            let rule = "must be longer than zero and at most 30 days";
            return Err(InvalidConfig::new("floor", rule));
        }
        let earned = u32::try_from(self.earned.of(1_000)).unwrap_or(RetryBudget::EARNED);
        let bucket = Bucket::new(self.cap, earned, self.floor);
        Ok(RetryBudget::of(Law::Bucket(bucket)))
    }
}

/// Makes a [`RetryBudget`] that follows the calls of a sliding window; nothing is checked before
/// [`build`](Self::build).
///
/// ```
/// use std::time::Duration;
/// use evenkeel_backoff::{Ratio, RetryBudget};
///
/// let budget = RetryBudget::share(Ratio::percent(20)?).free(3).build()?;
/// # Ok::<(), evenkeel_error::InvalidConfig>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct ShareBudgetBuilder {
    of_calls: Ratio,
    window: Duration,
    free: u16,
}

impl ShareBudgetBuilder {
    pub(super) const fn new(of_calls: Ratio) -> Self {
        Self {
            of_calls,
            window: Duration::from_secs(10),
            free: 10,
        }
    }

    /// How long a call counts: 0.1 s or more. Default: 10 s. Windows are counted in 32 bits, so the
    /// shortest lasts for thirteen years.
    pub const fn window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// Retries in each window that need no calls to match. Default: 10.
    pub const fn free(mut self, retries: u16) -> Self {
        self.free = retries;
        self
    }

    /// Checks every field.
    ///
    /// # Errors
    ///
    /// A window shorter than 0.1 s.
    pub fn build(self) -> Result<RetryBudget, InvalidConfig> {
        if self.window < Duration::from_millis(100) {
            return Err(InvalidConfig::new("window", "must be 0.1 s or more"));
        }
        let share = Share::new(self.of_calls, nanos::of(self.window), self.free);
        Ok(RetryBudget::of(Law::Share(share)))
    }
}
