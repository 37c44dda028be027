#[cfg(any(feature = "tokio", feature = "blocking"))]
use std::time::Instant;

use evenkeel_error::Moment;

/// The present as a clock gave it. What moment that was is worked out when somebody asks; nobody does if
/// the call succeeds at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading(Read);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Read {
    Moment(Moment),
    #[cfg(any(feature = "tokio", feature = "blocking"))]
    Instant(Instant),
}

impl Reading {
    #[cfg(any(feature = "tokio", feature = "blocking"))]
    #[inline]
    pub(crate) const fn of(instant: Instant) -> Self {
        Self(Read::Instant(instant))
    }

    /// The moment that was read.
    #[must_use]
    pub fn moment(self) -> Moment {
        match self.0 {
            Read::Moment(moment) => moment,
            #[cfg(any(feature = "tokio", feature = "blocking"))]
            Read::Instant(instant) => crate::clock::moment(instant),
        }
    }
}

impl From<Moment> for Reading {
    #[inline]
    fn from(moment: Moment) -> Self {
        Self(Read::Moment(moment))
    }
}
