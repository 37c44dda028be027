use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;

use evenkeel_error::Moment;

use super::Reading;

/// A runtime, as far as a retry needs one: a clock and a way to wait.
///
/// ```
/// use core::{future::{Ready, ready}, time::Duration};
/// use evenkeel_backoff::Sleeper;
/// use evenkeel_error::Moment;
///
/// /// Waits for nothing: for a test.
/// struct Impatient;
///
/// impl Sleeper for Impatient {
///     type Sleep = Ready<()>;
///     fn now(&self) -> Moment { Moment::ORIGIN }
///     fn sleep(&self, _: Duration) -> Ready<()> { ready(()) }
/// }
/// ```
pub trait Sleeper {
    /// A wait under way. Dropping it ends it.
    type Sleep: Future<Output = ()>;

    /// The present. Clones that share a budget must count from one origin.
    fn now(&self) -> Moment;

    /// The same, for somebody who will perhaps not ask what moment it was. Default: [`now`](Self::now).
    #[inline]
    fn read(&self) -> Reading {
        self.now().into()
    }

    /// A wait of this length, counted from now; not a nanosecond shorter.
    fn sleep(&self, wait: Duration) -> Self::Sleep;

    /// Asks a timer that limits an attempt whether it is over, after the attempt was polled. For
    /// runtimes that ration what a task may do at each poll: the timer must answer also when the
    /// attempt has used everything up. Default: polls it.
    #[inline]
    fn poll_limit(limit: Pin<&mut Self::Sleep>, cx: &mut Context<'_>) -> Poll<()> {
        limit.poll(cx)
    }
}
