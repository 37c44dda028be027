//! The one place of this crate where real time is read.
#![cfg_attr(
    any(feature = "async", feature = "blocking", feature = "tokio"),
    expect(
        clippy::disallowed_methods,
        reason = "this is the file that the lint names"
    )
)]

use evenkeel_error::Moment;

/// Where the shells learn the present.
///
/// All that touches one breaker must use clocks of one origin: `Monotonic` everywhere, or `Tokio`
/// everywhere, or your own. A closure is a clock:
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

/// The monotonic clock of the operating system; all moments of a process count from the first that
/// it was asked for.
#[cfg(any(feature = "async", feature = "blocking"))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Monotonic;

#[cfg(any(feature = "async", feature = "blocking"))]
impl Clock for Monotonic {
    fn now(&self) -> Moment {
        use std::sync::OnceLock;
        use std::time::Instant;

        static ORIGIN: OnceLock<Instant> = OnceLock::new();
        let now = Instant::now();
        Moment::ORIGIN + now.saturating_duration_since(*ORIGIN.get_or_init(|| now))
    }
}

/// tokio's clock, which obeys `tokio::time::pause`; all moments of a process count from the first
/// that it was asked for.
#[cfg(feature = "tokio")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokio;

#[cfg(feature = "tokio")]
impl Clock for Tokio {
    fn now(&self) -> Moment {
        use std::sync::OnceLock;
        use tokio::time::Instant;

        static ORIGIN: OnceLock<Instant> = OnceLock::new();
        let now = Instant::now();
        Moment::ORIGIN + now.saturating_duration_since(*ORIGIN.get_or_init(|| now))
    }
}
