use core::ops::Add;
use core::time::Duration;

/// A point in monotonic time: nanoseconds since an origin that the caller picks.
///
/// Every pure machine of evenkeel takes the present as an argument of this type, so it works
/// without `std`, under virtual time, and inside an atomic. Moments of different origins must not
/// be mixed; nothing checks that.
///
/// The range is 584 years. All arithmetic saturates: time that runs backwards gives durations of
/// zero, and a sum that is too large stays at the end of the range.
///
/// ```
/// use core::time::Duration;
/// use evenkeel_error::Moment;
///
/// let start = Moment::from_nanos(5);
/// let later = start + Duration::from_nanos(10);
/// assert_eq!(later.since(start), Duration::from_nanos(10));
/// assert_eq!(start.since(later), Duration::ZERO);
/// assert_eq!(start + Duration::MAX, Moment::MAX);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Moment(u64);

impl Moment {
    /// The origin.
    pub const ORIGIN: Self = Self(0);

    /// The end of the range: a moment that never comes.
    pub const MAX: Self = Self(u64::MAX);

    /// So many nanoseconds after the origin.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds after the origin.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The time from `earlier` to this moment; zero if `earlier` is the later one.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The time from this moment to `later`; zero if that has passed.
    #[must_use]
    pub const fn until(self, later: Self) -> Duration {
        later.since(self)
    }

    /// This moment and `duration` more, at most [`Moment::MAX`].
    #[must_use]
    pub const fn saturating_add(self, duration: Duration) -> Self {
        let nanos = duration.as_nanos();
        if nanos >= u64::MAX as u128 {
            return Self::MAX;
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "compared with u64::MAX above"
        )]
        Self(self.0.saturating_add(nanos as u64))
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        self.saturating_add(duration)
    }
}
