//! Retries for threads: the wait blocks the one that calls.

use crate::clock::Thread;
use crate::retry::{RetryCall, judge, remember};
use crate::{Attempt, Chance, Classify, Fault, GaveUp, Notify, Policy, Purse};

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
#[inline]
pub fn retry<Op, T, E>(op: Op) -> RetryCall<Op, E, Thread>
where
    Op: FnMut(Attempt) -> Result<T, E>,
{
    RetryCall::new(op, Thread)
}

impl<Op, E, P, C, B, N, G> RetryCall<Op, E, Thread, P, C, B, N, G> {
    /// Calls the operation until it succeeds or is given up.
    ///
    /// # Errors
    ///
    /// [`GaveUp`] with the last failure.
    #[inline]
    pub fn call<T>(self) -> Result<T, GaveUp<E>>
    where
        Op: FnMut(Attempt) -> Result<T, E>,
        P: Policy,
        C: Classify<E>,
        B: Purse,
        N: Notify<E>,
        G: Chance,
    {
        let (mut op, _, mut classify, mut notify, mut course) = self.take_apart();
        let mut last = None;
        let mut next = course.begin(Thread::now);
        loop {
            let attempt = match next {
                Ok(attempt) => attempt,
                Err(stop) => return Err(course.gave_up(stop, last, Thread::now)),
            };
            let fault = match op(attempt) {
                Ok(value) => {
                    course.succeeded(Thread::now);
                    return Ok(value);
                }
                Err(error) => Fault::Failed(error),
            };
            let judged = judge(
                &mut course,
                &mut classify,
                &mut notify,
                &fault,
                Thread::now(),
            );
            remember(&mut last, fault);
            next = match judged {
                Ok(wait) => {
                    Thread::sleep(wait);
                    course.again(Thread::now())
                }
                Err(stop) => Err(stop),
            };
        }
    }
}
