use core::future::poll_fn;
use core::pin::pin;
use core::task::Poll;
use core::time::Duration;

use super::{Attempt, Classify, Fault, GaveUp, Notify, Purse, RetryCall, Sleeper, judge, remember};
use crate::{Chance, Policy};

/// An operation whose futures borrow from it: what [`retry_mut`](crate::retry_mut()) retries.
#[derive(Clone, Copy, Debug)]
pub struct Lending<Op>(pub(crate) Op);

impl<Op, E, S, P, C, B, N, G> RetryCall<Lending<Op>, E, S, P, C, B, N, G> {
    /// Runs the operation until it succeeds or is given up.
    ///
    /// The future has no name and the compiler cannot see that it is `Send`: await it where it is
    /// made. Dropping it is as dropping a [`RetryFuture`](super::RetryFuture).
    ///
    /// # Errors
    ///
    /// [`GaveUp`] with the last failure.
    pub async fn run<T>(self) -> Result<T, GaveUp<E>>
    where
        Op: AsyncFnMut(Attempt) -> Result<T, E>,
        S: Sleeper,
        P: Policy,
        C: Classify<E>,
        B: Purse,
        N: Notify<E>,
        G: Chance,
    {
        let (mut op, sleeper, mut classify, mut notify, mut course) = self.take_apart();
        let mut last = None;
        let mut next = course.begin(|| sleeper.now());
        loop {
            let attempt = match next {
                Ok(attempt) => attempt,
                Err(stop) => return Err(course.gave_up(stop, last, || sleeper.now())),
            };
            let limit = course.time_for(attempt);
            let fault = match within(&sleeper, limit, (op.0)(attempt)).await {
                Some(Ok(value)) => {
                    course.succeeded(|| sleeper.now());
                    return Ok(value);
                }
                Some(Err(error)) => Fault::Failed(error),
                None => Fault::TimedOut,
            };
            let judged = judge(
                &mut course,
                &mut classify,
                &mut notify,
                &fault,
                sleeper.now(),
            );
            remember(&mut last, fault);
            next = match judged {
                Ok(wait) => {
                    sleeper.sleep(wait).await;
                    course.again(sleeper.now())
                }
                Err(stop) => Err(stop),
            };
        }
    }
}

/// The future's output, or `None` when the limit passes first.
async fn within<F: Future>(
    sleeper: &impl Sleeper,
    limit: Option<Duration>,
    future: F,
) -> Option<F::Output> {
    let Some(limit) = limit else {
        return Some(future.await);
    };
    let (mut future, mut limit) = (pin!(future), pin!(sleeper.sleep(limit)));
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => limit.as_mut().poll(cx).map(|()| None),
    })
    .await
}
