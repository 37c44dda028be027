use core::fmt;

use evenkeel_error::InvalidConfig;

/// A share of the whole: over 0 and at most 1, exact to a millionth.
///
/// Kept as an integer, so that comparing it with counts has no rounding of its own.
///
/// ```
/// use evenkeel_breaker::Ratio;
///
/// assert_eq!(Ratio::new(0.5)?, Ratio::HALF);
/// assert_eq!(Ratio::percent(50)?.to_string(), "50 %");
/// assert!(Ratio::new(0.0).is_err() && Ratio::new(1.01).is_err() && Ratio::new(f64::NAN).is_err());
/// # Ok::<(), evenkeel_error::InvalidConfig>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ratio {
    millionths: u32,
}

const WHOLE: u32 = 1_000_000;
const RULE: InvalidConfig = InvalidConfig::new("ratio", "must be over 0 and at most 1");

impl Ratio {
    /// One half.
    pub const HALF: Self = Self {
        millionths: WHOLE / 2,
    };

    /// All of it.
    pub const ONE: Self = Self { millionths: WHOLE };

    /// From a number over 0 and at most 1. Less than a millionth counts as a millionth.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] for a number outside that range, and for one that is not a number.
    pub fn new(share: f64) -> Result<Self, InvalidConfig> {
        if !(share > 0.0 && share <= 1.0) {
            return Err(RULE);
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and a million, as compared above"
        )]
        let millionths = (share * f64::from(WHOLE)).round() as u32;
        Ok(Self {
            millionths: millionths.max(1),
        })
    }

    /// From percent, 1 to 100.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] for 0 and for more than 100.
    pub const fn percent(percent: u32) -> Result<Self, InvalidConfig> {
        if percent == 0 || percent > 100 {
            return Err(RULE);
        }
        Ok(Self {
            millionths: percent * (WHOLE / 100),
        })
    }

    /// Whether `part` is at least this share of `whole`. Nothing is no share of nothing.
    pub(crate) const fn is_reached(self, part: u64, whole: u64) -> bool {
        // In 128 bits neither product can overflow.
        whole > 0 && part as u128 * WHOLE as u128 >= whole as u128 * self.millionths as u128
    }

    /// This share of `nanos`, and what is left of it.
    pub(crate) const fn split(self, nanos: u64) -> (u64, u64) {
        let share = nanos as u128 * self.millionths as u128 / WHOLE as u128;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a share of a u64 is at most it"
        )]
        let share = share as u64;
        (share, nanos - share)
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", f64::from(self.millionths) / 10_000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_lies_over_zero_and_at_most_at_one() {
        for wrong in [0.0, -0.1, 1.000_001, f64::NAN, f64::INFINITY] {
            assert_eq!(Ratio::new(wrong), Err(RULE), "{wrong}");
        }
        assert_eq!(Ratio::percent(0), Err(RULE));
        assert_eq!(Ratio::percent(101), Err(RULE));
        assert_eq!(Ratio::new(1.0), Ok(Ratio::ONE));
        assert_eq!(Ratio::percent(100), Ok(Ratio::ONE));
        assert_eq!(Ratio::new(0.3), Ratio::percent(30));
    }

    #[test]
    fn the_smallest_ratio_is_reached_by_no_zero() {
        let tiny = Ratio::new(1e-12).unwrap();
        assert!(!tiny.is_reached(0, 5));
        assert!(tiny.is_reached(1, 1_000_000));
        assert!(!tiny.is_reached(0, 0));
    }

    #[test]
    fn a_ratio_is_reached_exactly_at_its_value() {
        assert!(Ratio::HALF.is_reached(3, 6));
        assert!(!Ratio::HALF.is_reached(3, 7));
        assert!(Ratio::new(0.3).unwrap().is_reached(3, 10));
        assert!(Ratio::ONE.is_reached(u64::MAX, u64::MAX));
        assert!(!Ratio::ONE.is_reached(u64::MAX - 1, u64::MAX));
    }

    #[test]
    fn both_parts_of_a_split_make_the_whole() {
        assert_eq!(
            Ratio::HALF.split(u64::MAX),
            (u64::MAX / 2, u64::MAX / 2 + 1)
        );
        assert_eq!(Ratio::ONE.split(7), (7, 0));
    }
}
