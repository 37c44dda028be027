use core::num::NonZeroU32;
use core::time::Duration;

use evenkeel_error::InvalidConfig;

mod growth;

use growth::{Factor, Growth, doubled};

use crate::{Chance, Delays, Jitter, Roll, nanos};

/// How long to wait before a retry: how the longest wait grows with the number of the retry, and
/// how much of it is left to chance.
///
/// Total: any `Duration` and any retry number give a wait; sums and products saturate. Counts in
/// whole nanoseconds; a duration beyond 584 years counts as 584 years.
///
/// ```
/// use core::time::Duration;
/// use evenkeel_backoff::Curve;
///
/// let curve = Curve::exponential(Duration::from_secs(2)).cap(Duration::from_secs(30));
/// assert_eq!(curve.ceiling(1), Duration::from_secs(2));
/// assert_eq!(curve.ceiling(3), Duration::from_secs(8));
/// assert_eq!(curve.ceiling(u32::MAX), Duration::from_secs(30));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Curve {
    base: u64,
    cap: u64,
    growth: Growth,
    jitter: Jitter,
}

/// The wait before the first retry has no wait before it: nothing limits it but the curve.
pub(crate) const NO_WAIT_BEFORE: u64 = u64::MAX;

impl Curve {
    /// Ceilings of `base`, twice `base`, four times `base`, …; no cap until [`cap`](Self::cap) sets
    /// one; full jitter.
    #[must_use]
    pub const fn exponential(base: Duration) -> Self {
        Self::growing(base, Growth::Doubling(0))
    }

    /// The same ceiling before every retry; full jitter.
    #[must_use]
    pub const fn constant(wait: Duration) -> Self {
        Self::growing(wait, Growth::None)
    }

    /// Ceilings of `base`, twice `base`, three times `base`, …; no cap until one is set; full jitter.
    #[must_use]
    pub const fn linear(base: Duration) -> Self {
        Self::growing(base, Growth::Linear)
    }

    /// Ceilings of 1, 1, 2, 3, 5, 8, … times `base`; no cap until one is set; full jitter.
    #[must_use]
    pub const fn fibonacci(base: Duration) -> Self {
        Self::growing(base, Growth::Fibonacci)
    }

    /// Each wait between `base` and three times the wait before it; no cap until one is set.
    #[must_use]
    pub const fn decorrelated(base: Duration) -> Self {
        Self::growing(base, Growth::Tripling).jitter(Jitter::Decorrelated)
    }

    const fn growing(base: Duration, growth: Growth) -> Self {
        let (base, cap) = (nanos::of(base), u64::MAX);
        Self {
            base,
            cap,
            growth: growth.between(base, cap),
            jitter: Jitter::Full,
        }
    }

    /// A curve whose numbers are checked: base, cap, factor, jitter.
    pub const fn builder() -> CurveBuilder {
        CurveBuilder {
            base: Duration::from_millis(500),
            cap: Duration::from_secs(30),
            factor: 2.0,
            jitter: Jitter::Full,
        }
    }

    /// No wait is above `cap`; the jitter is drawn below it.
    #[must_use]
    pub const fn cap(mut self, cap: Duration) -> Self {
        self.cap = nanos::of(cap);
        self.growth = self.growth.between(self.base, self.cap);
        self
    }

    /// How much of a wait is left to chance.
    #[must_use]
    pub const fn jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = jitter;
        self
    }

    /// The longest wait before retry number `retry`, counted from 1 (0 counts as 1).
    #[must_use]
    #[inline]
    pub fn ceiling(&self, retry: u32) -> Duration {
        Duration::from_nanos(self.range(retry, NO_WAIT_BEFORE).highest)
    }

    /// The wait before retry number `retry`: never above `self.ceiling(retry)`.
    ///
    /// Under [`Jitter::Decorrelated`] this is the draw of somebody who does not know the wait
    /// before; [`delays`](Self::delays) and [`Session`](crate::Session) remember it.
    #[must_use]
    #[inline]
    pub fn delay(&self, retry: u32, roll: Roll) -> Duration {
        Duration::from_nanos(self.draw(retry, NO_WAIT_BEFORE, roll))
    }

    /// As [`delay`](Self::delay), drawn from the part of the range that is not above `most`, so that
    /// a limit does not pile the waits up on itself.
    #[must_use]
    #[inline]
    pub fn delay_below(&self, retry: u32, most: Duration, roll: Roll) -> Duration {
        let range = self.range(retry, NO_WAIT_BEFORE).below(nanos::of(most));
        Duration::from_nanos(range.draw(roll))
    }

    /// The waits before retry 1, 2, 3, … without end, drawn from `chance`.
    ///
    /// ```
    /// use core::time::Duration;
    /// use evenkeel_backoff::{Curve, Dice};
    ///
    /// let curve = Curve::exponential(Duration::from_millis(100)).cap(Duration::from_secs(10));
    /// let waits = curve.delays(Dice::seeded(7)).take(5);
    /// assert!(waits.zip(1..).all(|(wait, retry)| wait <= curve.ceiling(retry)));
    /// ```
    pub const fn delays<G: Chance>(self, chance: G) -> Delays<G> {
        Delays::new(self, chance)
    }

    /// The wait before this retry. What nearly everybody uses is all that is inlined into the caller.
    #[inline]
    pub(crate) fn draw(&self, retry: u32, previous: u64, roll: Roll) -> u64 {
        if let Growth::Doubling(fitting) = self.growth {
            let wait = doubled(self.base, retry.saturating_sub(1), fitting, self.cap);
            match self.jitter {
                Jitter::Full => return roll.up_to(wait),
                Jitter::None => return wait,
                _ => {}
            }
        }
        self.draw_from_range(retry, previous, roll)
    }

    #[inline(never)]
    fn draw_from_range(&self, retry: u32, previous: u64, roll: Roll) -> u64 {
        self.range(retry, previous).draw(roll)
    }

    /// The range that the wait before this retry is drawn from.
    pub(crate) fn range(&self, retry: u32, previous: u64) -> Range {
        let wait = self.growth.wait(self.base, retry, self.cap);
        match self.jitter {
            Jitter::Full => Range::new(0, wait),
            Jitter::None => Range::new(wait, wait),
            Jitter::Equal => Range::new(wait / 2, wait),
            Jitter::Bounded(ratio) => {
                let spread = ratio.of(wait);
                Range::new(wait - spread, wait.saturating_add(spread).min(self.cap))
            }
            Jitter::Decorrelated => {
                let highest = wait.min(previous.max(self.base)).saturating_mul(3);
                let highest = highest.min(self.cap);
                Range::new(self.base.min(highest), highest)
            }
        }
    }

    /// The same curve with every duration divided by `divisor`: for demonstrations and tests.
    #[must_use]
    pub fn time_divided_by(mut self, divisor: NonZeroU32) -> Self {
        self.base /= u64::from(divisor.get());
        self.cap /= u64::from(divisor.get());
        self.growth = self.growth.between(self.base, self.cap);
        self
    }
}

/// Nanoseconds from `lowest` to `highest`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) lowest: u64,
    pub(crate) highest: u64,
}

impl Range {
    /// `lowest` is not above `highest`.
    const fn new(lowest: u64, highest: u64) -> Self {
        Self { lowest, highest }
    }

    /// One of its numbers, every one as likely as the others.
    #[inline]
    pub(crate) fn draw(self, roll: Roll) -> u64 {
        self.lowest + roll.up_to(self.highest - self.lowest)
    }

    /// Whether half of it, and more than a moment at the very end, fits into what is left. A range of
    /// one wait, as without jitter, fits whole or not at all: cut to what is left, it would end when
    /// nothing is.
    pub(crate) const fn fits(self, left: u64) -> bool {
        let middle = self.lowest + (self.highest - self.lowest) / 2;
        middle <= left && self.lowest < left
    }

    /// The part that is not above `most`, or `most` itself where there is none.
    pub(crate) fn below(self, most: u64) -> Self {
        Self::new(self.lowest.min(most), self.highest.min(most))
    }
}

/// Makes an exponential [`Curve`] of any factor; nothing is checked before [`build`](Self::build).
///
/// ```
/// use core::time::Duration;
/// use evenkeel_backoff::{Curve, Jitter};
///
/// let curve = Curve::builder()
///     .base(Duration::from_millis(200))
///     .cap(Duration::from_secs(5))
///     .factor(1.5)
///     .jitter(Jitter::Equal)
///     .build()?;
/// assert_eq!(curve.ceiling(2), Duration::from_millis(300));
/// assert!(Curve::builder().factor(f64::NAN).build().is_err());
/// # Ok::<(), evenkeel_error::InvalidConfig>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct CurveBuilder {
    base: Duration,
    cap: Duration,
    factor: f64,
    jitter: Jitter,
}

impl CurveBuilder {
    /// The first ceiling: above zero. Default: 0.5 s, the short tier's.
    pub const fn base(mut self, base: Duration) -> Self {
        self.base = base;
        self
    }

    /// The last ceiling: not below the base. Default: 30 s.
    pub const fn cap(mut self, cap: Duration) -> Self {
        self.cap = cap;
        self
    }

    /// What each ceiling is multiplied with to give the next: 1 to 1000, exact to a thousandth.
    /// Default: 2.
    pub const fn factor(mut self, factor: f64) -> Self {
        self.factor = factor;
        self
    }

    /// How much of a wait is left to chance. Default: all of it.
    pub const fn jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = jitter;
        self
    }

    /// Checks every field.
    ///
    /// # Errors
    ///
    /// A base of zero, a cap below the base, a factor that is not a number or not 1 to 1000.
    pub fn build(self) -> Result<Curve, InvalidConfig> {
        if self.base.is_zero() {
            return Err(InvalidConfig::new("base", "must be longer than zero"));
        }
        if self.cap < self.base {
            return Err(InvalidConfig::new("cap", "must not be below the base"));
        }
        let growth = Growth::by(Factor::new(self.factor)?);
        Ok(Curve::growing(self.base, growth)
            .cap(self.cap)
            .jitter(self.jitter))
    }
}

#[cfg(test)]
mod tests;
