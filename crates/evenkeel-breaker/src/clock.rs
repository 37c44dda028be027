//! The one place of this crate where real time is read.
#![cfg_attr(
    any(feature = "async", feature = "blocking", feature = "tokio"),
    expect(
        clippy::disallowed_methods,
        reason = "this is the file that the lint names"
    )
)]

#[cfg(any(feature = "async", feature = "blocking"))]
use core::time::Duration;
#[cfg(any(feature = "async", feature = "blocking"))]
use std::sync::OnceLock;
#[cfg(any(feature = "async", feature = "blocking"))]
use std::time::Instant;

use evenkeel_error::Moment;

/// Where the shells learn the present.
///
/// All that touches one breaker must use clocks of one origin: `Monotonic` everywhere, or `Tokio`
/// everywhere, or your own. The moments of no other crate's clocks have that origin, those of a retry budget
/// neither: a listener that tells a budget of a transition reads that crate's clock. A closure is a clock:
///
/// ```
/// use evenkeel_breaker::Clock;
/// use evenkeel_error::Moment;
///
/// let stopped = || Moment::ORIGIN;
/// assert_eq!(Clock::now(&stopped), Moment::ORIGIN);
/// ```
pub trait Clock {
    /// The present. It must not block, and should not run backwards.
    fn now(&self) -> Moment;
}

impl<F: Fn() -> Moment> Clock for F {
    fn now(&self) -> Moment {
        self()
    }
}

/// How long before the first question all moments count from. A runtime whose clock was paused before
/// that question is behind the system's clock, and must not be before the origin.
#[cfg(any(feature = "async", feature = "blocking"))]
const BEFORE: Duration = Duration::from_secs(365 * 86_400);

/// Where the moments of a process count from: the system's clock when it was first asked. One for all
/// clocks of this crate, and never a runtime's own present, which a paused clock may have moved years
/// ahead of every other's.
#[cfg(any(feature = "async", feature = "blocking"))]
fn moment(now: Instant) -> Moment {
    static FIRST: OnceLock<Instant> = OnceLock::new();
    let first = *FIRST.get_or_init(Instant::now);
    let before = BEFORE.saturating_sub(first.saturating_duration_since(now));
    Moment::ORIGIN + before + now.saturating_duration_since(first)
}

/// The monotonic clock of the operating system; all moments of a process count from a year before it
/// was first asked for.
#[cfg(any(feature = "async", feature = "blocking"))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Monotonic;

#[cfg(any(feature = "async", feature = "blocking"))]
impl Clock for Monotonic {
    fn now(&self) -> Moment {
        moment(Instant::now())
    }
}

/// tokio's clock, which obeys `tokio::time::pause`. Its moments have the origin of [`Monotonic`]'s.
#[cfg(feature = "tokio")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokio;

#[cfg(feature = "tokio")]
impl Clock for Tokio {
    fn now(&self) -> Moment {
        moment(tokio::time::Instant::now().into_std())
    }
}

#[cfg(all(test, feature = "tokio"))]
mod tests {
    use super::*;

    #[test]
    fn one_runtimes_virtual_time_stops_no_others() {
        let paused = || {
            let mut builder = tokio::runtime::Builder::new_current_thread();
            builder.enable_time().start_paused(true).build().unwrap()
        };
        let hour = Duration::from_secs(3_600);
        let (late, early) = (paused(), paused());
        late.block_on(async {
            tokio::time::advance(hour).await;
            let _ = Tokio.now();
        });
        early.block_on(async {
            let before = Tokio.now();
            tokio::time::advance(hour).await;
            assert_eq!(before.until(Tokio.now()), hour);
        });
    }
}
