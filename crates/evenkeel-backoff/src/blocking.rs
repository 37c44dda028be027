//! Retries for threads: the wait blocks the one that calls.

use crate::clock::Thread;
use crate::retry::{Judge, Pause, RetryCall};
use crate::{Attempt, Fault, GaveUp};

/// Retries a blocking operation; ends with [`call`](RetryCall::call).
///
/// An attempt under way cannot be ended from outside: a deadline keeps further attempts from
/// starting, and the operation can ask its [`Attempt`] how long it has.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_backoff::{RetryPolicy, blocking::retry};
///
/// let text = retry(|attempt| match attempt.number() {
///     1 => Err(std::io::Error::from(std::io::ErrorKind::Interrupted)),
///     _ => Ok("read"),
/// })
/// .policy(RetryPolicy::exponential(Duration::from_millis(1)).max_attempts(3))
/// .when(|error| error.kind() == std::io::ErrorKind::Interrupted)
/// .call()?;
/// assert_eq!(text, "read");
/// # Ok::<(), evenkeel_backoff::GaveUp<std::io::Error>>(())
/// ```
///
/// An error that does not say whether it may be retried needs `.when(…)` or `.classify(…)`:
///
/// ```compile_fail,E0277
/// let _ = evenkeel_backoff::blocking::retry(|_| Err::<(), &str>("no idea")).call();
/// ```
#[inline]
pub fn retry<Op, T, E>(op: Op) -> RetryCall<Op, E, Thread>
where
    Op: FnMut(Attempt) -> Result<T, E>,
{
    RetryCall::new(op, Thread)
}

impl<Op, E, R> RetryCall<Op, E, Thread, R> {
    /// Calls the operation until it succeeds or is given up.
    ///
    /// # Errors
    ///
    /// [`GaveUp`] with the last failure.
    #[inline]
    pub fn call<T>(self) -> Result<T, GaveUp<E>>
    where
        Op: FnMut(Attempt) -> Result<T, E>,
        R: Judge<E>,
    {
        let (mut op, _, mut course) = self.take_apart();
        let mut next = course.begin(Thread::read);
        loop {
            let attempt = match next {
                Ok(attempt) => attempt,
                Err(stop) => return Err(course.gave_up(stop, || Thread.now())),
            };
            let error = match op(attempt) {
                Ok(value) => {
                    course.succeeded(|| Thread.now());
                    return Ok(value);
                }
                Err(error) => error,
            };
            let now = Thread.now();
            let wait = course.failed(Fault::Failed(error), now);
            next = wait.and_then(|wait| {
                let mut pause = Pause::new(wait, now);
                Thread::sleep(wait);
                let mut now = Thread.now();
                while let Some(left) = pause.left(now) {
                    Thread::sleep(left);
                    now = Thread.now();
                }
                course.again(now)
            });
        }
    }
}
