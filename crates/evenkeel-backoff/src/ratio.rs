use evenkeel_error::InvalidConfig;

/// A share of the whole: from 0 to 1, exact to a millionth.
///
/// Kept as an integer, so that a not-a-number cannot get in and equal shares are equal.
///
/// ```
/// use evenkeel_backoff::Ratio;
///
/// assert_eq!(Ratio::new(0.25)?, Ratio::percent(25)?);
/// assert!(Ratio::new(1.01).is_err() && Ratio::new(-0.1).is_err() && Ratio::new(f64::NAN).is_err());
/// # Ok::<(), evenkeel_error::InvalidConfig>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ratio {
    millionths: u32,
}

const WHOLE: u32 = 1_000_000;
const RULE: InvalidConfig = InvalidConfig::new("ratio", "must be 0 to 1");

impl Ratio {
    /// A tenth.
    pub const TENTH: Self = Self {
        millionths: WHOLE / 10,
    };

    /// From a number of 0 to 1, rounded to whole millionths.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] for a number outside that range, and for one that is not a number.
    pub fn new(share: f64) -> Result<Self, InvalidConfig> {
        if !(0.0..=1.0).contains(&share) {
            return Err(RULE);
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and a million, as compared above"
        )]
        let millionths = (share * f64::from(WHOLE) + 0.5) as u32;
        Ok(Self { millionths })
    }

    /// From percent, 0 to 100.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] for more than 100.
    pub const fn percent(percent: u32) -> Result<Self, InvalidConfig> {
        if percent > 100 {
            return Err(RULE);
        }
        Ok(Self {
            millionths: percent * (WHOLE / 100),
        })
    }

    /// This share of `whole`, cut to a whole number.
    pub(crate) fn of(self, whole: u64) -> u64 {
        let share = u128::from(whole) * u128::from(self.millionths) / u128::from(WHOLE);
        // Not more than the whole, so it fits.
        u64::try_from(share).unwrap_or(whole)
    }
}
