use evenkeel_error::InvalidConfig;

/// How waits grow from retry to retry, before cap and jitter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Growth {
    None,
    Linear,
    /// With the number of waits that are not above the cap.
    Doubling(u32),
    Tripling,
    Fibonacci,
    /// Any other factor.
    Power(Factor),
}

/// A factor in thousandths: 1000 to 1000000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Factor(u32);

impl Factor {
    pub(super) fn new(factor: f64) -> Result<Self, InvalidConfig> {
        if !(1.0..=1_000.0).contains(&factor) {
            return Err(InvalidConfig::new("factor", "must be 1 to 1000"));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between a thousand and a million, as compared above"
        )]
        Ok(Self((factor * 1_000.0 + 0.5) as u32))
    }
}

impl Growth {
    /// The kind that multiplies by `factor`; the common ones have an exact form.
    pub(super) const fn by(factor: Factor) -> Self {
        match factor.0 {
            1_000 => Self::None,
            2_000 => Self::Doubling(0),
            3_000 => Self::Tripling,
            _ => Self::Power(factor),
        }
    }

    /// The same, for waits from this base to this cap.
    pub(super) const fn between(self, base: u64, cap: u64) -> Self {
        match self {
            Self::Doubling(_) if base == 0 => Self::Doubling(u32::MAX),
            Self::Doubling(_) if base > cap => Self::Doubling(0),
            Self::Doubling(_) => {
                let doublings = base.leading_zeros() - cap.leading_zeros();
                let last_fits = base << doublings <= cap;
                Self::Doubling(if last_fits { doublings + 1 } else { doublings })
            }
            growth => growth,
        }
    }

    /// The wait before retry number `retry`, in nanoseconds, at most `cap`.
    pub(super) fn wait(self, base: u64, retry: u32, cap: u64) -> u64 {
        let times = retry.saturating_sub(1);
        let wait = match self {
            Self::None => base,
            Self::Linear => base.saturating_mul(u64::from(times) + 1),
            Self::Doubling(fitting) => doubled(base, times, fitting, cap),
            Self::Tripling => base.saturating_mul(3_u64.saturating_pow(times)),
            Self::Fibonacci => base.saturating_mul(fibonacci(times.saturating_add(1))),
            Self::Power(factor) => powered(base, factor, times),
        };
        wait.min(cap)
    }
}

/// The lesser of `base * 2^times` and `cap`, where so many of the waits are fitting.
#[inline]
pub(super) const fn doubled(base: u64, times: u32, fitting: u32, cap: u64) -> u64 {
    if times < fitting {
        // More than 63 of nothing are fitting, too, and are nothing.
        base.wrapping_shl(times)
    } else {
        cap
    }
}

/// The number `n` of 1, 1, 2, 3, 5, …; it saturates at the 94th, so the loop is short at any `n`.
const fn fibonacci(n: u32) -> u64 {
    let (mut last, mut this) = (0_u64, 1_u64);
    let mut at = 1;
    while at < n && this < u64::MAX {
        (last, this) = (this, last.saturating_add(this));
        at += 1;
    }
    this
}

/// `base * factor^times`, by squaring. A product of a few dozen roundings is off by 10^-12 at most,
/// which a factor of 1.001 or more outgrows, so that no wait is shorter than the one before it.
fn powered(base: u64, factor: Factor, mut times: u32) -> u64 {
    let mut power = f64::from(factor.0) / 1_000.0;
    let mut product = 1.0_f64;
    while times > 0 {
        if times & 1 == 1 {
            product *= power;
        }
        power *= power;
        times >>= 1;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "positive; a cast from a float saturates, and a wait is not known to 2^-53"
    )]
    {
        // Infinity times zero is not a number, and casts to zero, which is right.
        (base as f64 * product + 0.5) as u64
    }
}
