//! The one place of this crate where real time is read and waited for.
#![expect(
    clippy::disallowed_methods,
    reason = "this is the file that the lint names"
)]

#[cfg(feature = "tokio")]
use core::pin::Pin;
#[cfg(feature = "tokio")]
use core::task::{Context, Poll};
use core::time::Duration;
use std::sync::OnceLock;
use std::time::Instant;

use evenkeel_error::Moment;

use crate::retry::Reading;

/// How long before the first question all moments count from, a year. A runtime whose clock was paused
/// before that question is behind the system's clock, and must not be before the origin.
const BEFORE: Moment = Moment::from_nanos(365 * 86_400 * 1_000_000_000);

/// Where the moments of a process count from: the system's clock when it was first asked. One for all
/// clocks of this crate, so that threads and tasks can share a budget; and never a runtime's own
/// present, which a paused clock may have moved years ahead of every other's.
struct Origin(OnceLock<Instant>);

static ORIGIN: Origin = Origin::new();

impl Origin {
    const fn new() -> Self {
        Self(OnceLock::new())
    }

    fn moment(&self, now: Instant) -> Moment {
        let first = *self.0.get_or_init(Instant::now);
        match now.checked_duration_since(first) {
            Some(later) => BEFORE + later,
            None => Self::earlier(first, now),
        }
    }

    #[cold]
    fn earlier(first: Instant, now: Instant) -> Moment {
        let before = first.saturating_duration_since(now);
        Moment::ORIGIN + Duration::from_nanos(BEFORE.as_nanos()).saturating_sub(before)
    }
}

/// The moment of a reading.
pub(crate) fn moment(now: Instant) -> Moment {
    ORIGIN.moment(now)
}

/// tokio's clock, which obeys `tokio::time::pause`.
///
/// Its moments and those of [`Thread`](crate::Thread) have one origin, so that tasks and threads can
/// share a budget. No other crate's have it, a circuit breaker's neither: whoever tells a budget of the
/// present reads the present here.
#[cfg(feature = "tokio")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokio;

#[cfg(feature = "tokio")]
impl crate::Sleeper for Tokio {
    type Sleep = tokio::time::Sleep;

    // Worth a call: it is only asked where nothing is in a hurry.
    #[inline(never)]
    fn now(&self) -> Moment {
        self.read().moment()
    }

    #[inline]
    fn read(&self) -> Reading {
        Reading::of(tokio::time::Instant::now().into_std())
    }

    fn sleep(&self, wait: Duration) -> Self::Sleep {
        tokio::time::sleep(wait)
    }

    fn poll_limit(limit: Pin<&mut Self::Sleep>, cx: &mut Context<'_>) -> Poll<()> {
        // An attempt that uses up what tokio lets a task do at each poll would leave nothing for the
        // timer that is to end it.
        Pin::new(&mut tokio::task::coop::unconstrained(limit)).poll(cx)
    }
}

/// The clock of the operating system; a wait blocks the thread.
///
/// Its moments are those that blocking calls tell their budget, and whoever asks the same budget
/// something asks with them. They have one origin with those of tokio's clock in this crate, and with no
/// other crate's.
///
/// ```
/// use evenkeel_backoff::{RetryBudget, Thread};
///
/// let budget = RetryBudget::new();
/// assert_eq!(budget.tokens(Thread.now()), 10);
/// ```
#[cfg(feature = "blocking")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Thread;

#[cfg(feature = "blocking")]
impl Thread {
    /// The present.
    #[must_use]
    pub fn now(&self) -> Moment {
        Self::read().moment()
    }

    #[inline]
    pub(crate) fn read() -> Reading {
        Reading::of(Instant::now())
    }

    pub(crate) fn sleep(wait: Duration) {
        std::thread::sleep(wait);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paused_clock_far_ahead_that_asks_first_does_not_stop_the_clocks_of_others() {
        let (origin, present) = (Origin::new(), Instant::now());
        let years = Duration::from_secs(20 * 365 * 86_400);
        let far_ahead = present + years;
        let ahead = origin.moment(far_ahead);
        let other = origin.moment(present);
        assert!(ahead.since(other) >= years);
        assert!(other > Moment::ORIGIN);
        let later = origin.moment(present + Duration::from_secs(1));
        assert_eq!(later.since(other), Duration::from_secs(1));
    }
}
