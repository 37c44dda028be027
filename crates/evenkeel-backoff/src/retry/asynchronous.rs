use super::{Attempt, Lending, RetryCall, RetryFuture, Rules, Sleeper};
#[cfg(feature = "tokio")]
use crate::clock::Tokio;

/// Retries an asynchronous operation, on tokio.
///
/// Await it, or hand it to `tokio::spawn`: the future has a name and is `Send` and `'static` when
/// the operation, its futures and its errors are. Nothing is read, drawn or counted before the
/// first failure, unless a deadline, a patience or a budget asks for the time.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_backoff::{Attempt, RetryPolicy, retry};
///
/// async fn fetch_user(attempt: Attempt) -> std::io::Result<&'static str> {
///     if attempt.number() < 3 { Err(std::io::ErrorKind::ConnectionReset.into()) } else { Ok("Ada") }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// let user = retry(|attempt| fetch_user(attempt))
///     .policy(RetryPolicy::exponential(Duration::from_secs(1)).max_attempts(3))
///     .when(|error| error.kind() == std::io::ErrorKind::ConnectionReset)
///     .deadline(Duration::from_secs(30))
///     .await?;
/// assert_eq!(user, "Ada");
/// # Ok::<(), evenkeel_backoff::GaveUp<std::io::Error>>(())
/// # }).unwrap();
/// ```
///
/// An error that does not say whether it may be retried needs `.when(…)` or `.classify(…)`:
///
/// ```compile_fail,E0277
/// # async fn example() {
/// let _ = evenkeel_backoff::retry(async |_| Err::<(), &str>("no idea")).await;
/// # }
/// ```
///
/// # Panics
///
/// Outside a tokio runtime with its time enabled, when it first waits, as tokio's timers do.
#[cfg(feature = "tokio")]
#[inline]
pub fn retry<Op, Fut, T, E>(op: Op) -> RetryFuture<Op, Fut, E, Tokio, Rules>
where
    Op: FnMut(Attempt) -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    retry_with(Tokio, op)
}

/// As [`retry`], for an operation that lends what it borrows mutably; ends with
/// [`run`](RetryCall::run) and cannot be spawned.
///
/// ```
/// use evenkeel_backoff::retry_mut;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// let mut log = Vec::new();
/// let sum = retry_mut(async |attempt| {
///     log.push(attempt.number());
///     if log.len() < 2 { Err("not yet") } else { Ok(log.iter().sum::<u32>()) }
/// })
/// .when(|error| *error == "not yet")
/// .run()
/// .await;
/// assert_eq!(sum.unwrap(), 3);
/// # });
/// ```
///
/// It is not itself a future, and needs what [`retry`] needs; the compiler names what is missing:
///
/// ```compile_fail,E0277
/// # async fn example() {
/// let _ = evenkeel_backoff::retry_mut(async |_| Err::<(), &str>("no idea")).await;
/// # }
/// ```
#[cfg(feature = "tokio")]
#[inline]
pub fn retry_mut<Op, T, E>(op: Op) -> RetryCall<Lending<Op>, E, Tokio>
where
    Op: AsyncFnMut(Attempt) -> Result<T, E>,
{
    retry_mut_with(Tokio, op)
}

/// As [`retry`](crate::retry()), on any runtime, by a [`Sleeper`] for it.
#[inline]
pub fn retry_with<S: Sleeper, Op, Fut, T, E>(
    sleeper: S,
    op: Op,
) -> RetryFuture<Op, Fut, E, S, Rules>
where
    Op: FnMut(Attempt) -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    RetryCall::new(op, sleeper)
}

/// As [`retry_mut`](crate::retry_mut()), on any runtime, by a [`Sleeper`] for it.
#[inline]
pub fn retry_mut_with<S: Sleeper, Op, T, E>(sleeper: S, op: Op) -> RetryCall<Lending<Op>, E, S>
where
    Op: AsyncFnMut(Attempt) -> Result<T, E>,
{
    RetryCall::new(Lending(op), sleeper)
}
