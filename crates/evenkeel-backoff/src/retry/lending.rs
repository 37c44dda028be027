use core::future::poll_fn;
use core::pin::{Pin, pin};
use core::task::{Context, Poll};
use core::time::Duration;

use evenkeel_error::Moment;

use super::course::Course;
use super::pause::Pause;
use super::rules::{Judge, Ruled};
use super::{Attempt, Fault, GaveUp, RetryCall, Sleeper};

/// An operation whose futures borrow from it: what [`retry_mut`](crate::retry_mut()) retries.
#[derive(Clone, Copy, Debug)]
pub struct Lending<Op>(pub(crate) Op);

/// Of nothing: an operation that lends has no future with a name, and its call is not one.
#[diagnostic::on_unimplemented(
    message = "a call made by `retry_mut` is not itself a future",
    label = "add `.run()` before `.await`",
    note = "what lends its borrows is run: `retry_mut(…).run().await`"
)]
pub trait IsFuture {}

// For whoever forgets `run`: the compiler names it, and whatever else is missing.
#[doc(hidden)]
impl<Op, E, S, R> Future for RetryCall<Lending<Op>, E, S, R>
where
    Lending<Op>: IsFuture,
    R: Judge<E>,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

impl<Op, E, S, R> RetryCall<Lending<Op>, E, S, R> {
    /// Runs the operation until it succeeds or is given up.
    ///
    /// The future has no name and the compiler cannot see that it is `Send`: await it where it is
    /// made. Dropping it is as dropping any [`RetryCall`].
    ///
    /// # Errors
    ///
    /// [`GaveUp`] with the last failure.
    pub async fn run<T>(self) -> Result<T, GaveUp<E>>
    where
        Op: AsyncFnMut(Attempt) -> Result<T, E>,
        S: Sleeper,
        R: Judge<E>,
    {
        let (mut op, sleeper, mut course) = self.take_apart();
        let mut next = course.begin(|| sleeper.read());
        loop {
            let attempt = match next {
                Ok(attempt) => attempt,
                Err(stop) => return Err(course.gave_up(stop, || sleeper.now())),
            };
            let fault = match within(&sleeper, &mut course, (op.0)(attempt)).await {
                Some(Ok(value)) => {
                    course.succeeded(|| sleeper.now());
                    return Ok(value);
                }
                Some(Err(error)) => Fault::Failed(error),
                None => Fault::TimedOut,
            };
            let now = sleeper.now();
            next = match course.failed(fault, now) {
                Ok(wait) => {
                    let now = wait_out(&sleeper, wait, now).await;
                    course.again(now)
                }
                Err(stop) => Err(stop),
            };
        }
    }
}

/// The future's output, or `None` when the time of the attempt passes first.
async fn within<F: Future, S: Sleeper, R: Ruled, E>(
    sleeper: &S,
    course: &mut Course<R, E>,
    future: F,
) -> Option<F::Output> {
    let (mut future, mut limit) = (pin!(future), pin!(None));
    poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        if limit.is_none() {
            let left = course.time_left(|| sleeper.now());
            limit.set(left.map(|left| sleeper.sleep(left)));
        }
        match limit.as_mut().as_pin_mut() {
            Some(limit) => S::poll_limit(limit, cx).map(|()| None),
            None => Poll::Pending,
        }
    })
    .await
}

/// Waits so long from `now`, also for a sleeper that wakes early; the moment afterwards.
async fn wait_out(sleeper: &impl Sleeper, wait: Duration, now: Moment) -> Moment {
    let mut pause = Pause::new(wait, now);
    sleeper.sleep(wait).await;
    loop {
        let now = sleeper.now();
        let Some(left) = pause.left(now) else {
            return now;
        };
        come_round().await;
        sleeper.sleep(left).await;
    }
}

/// Lets the runtime do something else, so that a sleeper that never sleeps does not hold it up.
async fn come_round() {
    let mut woken = false;
    poll_fn(|cx| {
        if woken {
            return Poll::Ready(());
        }
        woken = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
