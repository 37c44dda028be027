//! The one place of this crate where real time is read and waited for.
#![expect(
    clippy::disallowed_methods,
    reason = "this is the file that the lint names"
)]

use core::time::Duration;
use std::sync::OnceLock;

use evenkeel_error::Moment;

#[cfg(feature = "tokio")]
const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// tokio's clock, which obeys `tokio::time::pause`. All moments of a process count from one origin, so
/// that calls can share a budget: a year before it was first asked, because the paused clocks of
/// several runtimes run apart, and none may be before the origin.
#[cfg(feature = "tokio")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokio;

#[cfg(feature = "tokio")]
impl crate::Sleeper for Tokio {
    type Sleep = tokio::time::Sleep;

    // Worth a call: it is only read where nothing is in a hurry.
    #[inline(never)]
    fn now(&self) -> Moment {
        static FIRST: OnceLock<tokio::time::Instant> = OnceLock::new();
        let now = tokio::time::Instant::now();
        let first = *FIRST.get_or_init(|| now);
        let before = YEAR.saturating_sub(first.saturating_duration_since(now));
        Moment::ORIGIN + before + now.saturating_duration_since(first)
    }

    fn sleep(&self, wait: Duration) -> Self::Sleep {
        tokio::time::sleep(wait)
    }
}

/// The clock of the operating system; a wait blocks the thread.
#[cfg(feature = "blocking")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Thread;

#[cfg(feature = "blocking")]
impl Thread {
    pub(crate) fn now() -> Moment {
        static ORIGIN: OnceLock<std::time::Instant> = OnceLock::new();
        let now = std::time::Instant::now();
        Moment::ORIGIN + now.saturating_duration_since(*ORIGIN.get_or_init(|| now))
    }

    pub(crate) fn sleep(wait: Duration) {
        std::thread::sleep(wait);
    }
}
