use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use evenkeel_error::Moment;
use pin_project_lite::pin_project;

use super::pause::{Asked, Pause};
use super::rules::Judge;
use super::{Attempt, Fault, GaveUp, RetryCall, Sleeper};
use crate::Stop;

/// A [`RetryCall`] of an asynchronous operation, which is a future.
///
/// Ends with the operation's value, or with [`GaveUp`]; polled again after that, it is pending for ever.
/// Panics as tokio's timers do if it must wait
/// outside a tokio runtime with its time enabled, and `S` is [`Tokio`](crate::Tokio).
pub type RetryFuture<Op, Fut, E, S, R> =
    RetryCall<Op, E, S, R, Underway<Fut, <S as Sleeper>::Sleep>>;

pin_project! {
    /// The attempt or the wait of a [`RetryFuture`] that is under way.
    // Two options and not one enum of everything: what drops an option is short enough to be
    // inlined, and where nothing was kept nothing is left of it.
    pub struct Underway<Fut, Sleep> {
        #[pin]
        attempt: Option<Fut>,
        // The wait, or the limit of the attempt; that one is made when the attempt first keeps us
        // waiting, because one that does not needs no timer.
        #[pin]
        timer: Option<Sleep>,
        stage: Stage,
    }
}

#[derive(Clone, Copy)]
enum Stage {
    /// Nothing was called yet.
    Fresh,
    Trying,
    /// A [`Pause`], flat: packed with the tag it is a word shorter.
    Waiting {
        until: Moment,
        asked: Asked,
    },
    /// The call is not made again.
    Over,
}

impl Stage {
    const fn waiting(Pause { until, asked }: Pause) -> Self {
        Self::Waiting { until, asked }
    }
}

impl<Fut, Sleep> Default for Underway<Fut, Sleep> {
    #[inline]
    fn default() -> Self {
        Self {
            attempt: None,
            timer: None,
            stage: Stage::Fresh,
        }
    }
}

impl<Op, Fut, T, E, S, R> Future for RetryFuture<Op, Fut, E, S, R>
where
    Op: FnMut(Attempt) -> Fut,
    Fut: Future<Output = Result<T, E>>,
    S: Sleeper,
    R: Judge<E>,
{
    type Output = Result<T, GaveUp<E>>;

    /// A first attempt that succeeds at once is short enough to be inlined; the rest is a call away.
    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.as_mut().project();
        let mut underway = this.underway.project();
        let Stage::Fresh = underway.stage else {
            return self.carry_on(None, cx);
        };
        let attempt = match this.course.begin(|| this.sleeper.read()) {
            Ok(attempt) => (this.op)(attempt),
            Err(stop) => return self.give_up(stop),
        };
        underway.attempt.set(Some(attempt));
        let attempt = underway.attempt.as_mut().as_pin_mut();
        let polled = attempt.map(|attempt| attempt.poll(cx));
        if let Some(Poll::Ready(Ok(value))) = polled {
            this.course.succeeded(|| this.sleeper.now());
            *underway.stage = Stage::Over;
            underway.attempt.set(None);
            return Poll::Ready(Ok(value));
        }
        *underway.stage = Stage::Trying;
        self.carry_on(polled, cx)
    }
}

impl<Op, Fut, T, E, S, R> RetryFuture<Op, Fut, E, S, R>
where
    Op: FnMut(Attempt) -> Fut,
    Fut: Future<Output = Result<T, E>>,
    S: Sleeper,
    R: Judge<E>,
{
    /// Everything but the first poll of a first attempt that succeeds. `polled` is what the attempt
    /// under way has just said, if it was asked.
    #[inline(never)]
    fn carry_on(
        mut self: Pin<&mut Self>,
        mut polled: Option<Poll<Result<T, E>>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<T, GaveUp<E>>> {
        loop {
            let this = self.as_mut().project();
            let mut underway = this.underway.project();
            let outcome = if let Stage::Waiting { until, asked } = *underway.stage {
                if let Some(sleep) = underway.timer.as_mut().as_pin_mut() {
                    ready!(sleep.poll(cx));
                }
                let now = read(this.sleeper);
                let mut pause = Pause { until, asked };
                if let Some(left) = pause.left(now) {
                    *underway.stage = Stage::waiting(pause);
                    underway.timer.set(Some(this.sleeper.sleep(left)));
                    // Polled when the runtime comes round again, so that a sleeper that never sleeps
                    // does not hold it up.
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                this.course.again(now).map(|attempt| {
                    *underway.stage = Stage::Trying;
                    underway.timer.set(None);
                    underway.attempt.set(Some((this.op)(attempt)));
                })
            } else {
                let Some(attempt) = underway.attempt.as_mut().as_pin_mut() else {
                    return Poll::Pending;
                };
                let fault = match polled.take().unwrap_or_else(|| attempt.poll(cx)) {
                    Poll::Ready(Ok(value)) => {
                        this.course.succeeded(|| read(this.sleeper));
                        *underway.stage = Stage::Over;
                        underway.attempt.set(None);
                        underway.timer.set(None);
                        return Poll::Ready(Ok(value));
                    }
                    Poll::Ready(Err(error)) => Fault::Failed(error),
                    Poll::Pending => {
                        if underway.timer.is_none() {
                            let left = this.course.time_left(|| read(this.sleeper));
                            let limit = left.map(|left| this.sleeper.sleep(left));
                            underway.timer.set(limit);
                        }
                        let Some(limit) = underway.timer.as_mut().as_pin_mut() else {
                            return Poll::Pending;
                        };
                        ready!(S::poll_limit(limit, cx));
                        Fault::TimedOut
                    }
                };
                // The attempt ends before the wait begins.
                underway.attempt.set(None);
                let now = read(this.sleeper);
                this.course.failed(fault, now).map(|wait| {
                    *underway.stage = Stage::waiting(Pause::new(wait, now));
                    underway.timer.set(Some(this.sleeper.sleep(wait)));
                })
            };
            if let Err(stop) = outcome {
                return self.give_up(stop);
            }
        }
    }

    #[cold]
    fn give_up(self: Pin<&mut Self>, stop: Stop) -> Poll<Result<T, GaveUp<E>>> {
        let this = self.project();
        let mut underway = this.underway.project();
        *underway.stage = Stage::Over;
        underway.timer.set(None);
        let gave_up = this.course.gave_up(stop, || read(this.sleeper));
        Poll::Ready(Err(gave_up))
    }
}

/// The present, where nothing is in a hurry.
#[inline(never)]
fn read(sleeper: &impl Sleeper) -> Moment {
    sleeper.now()
}

impl<Fut, Sleep> fmt::Debug for Underway<Fut, Sleep> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Underway").finish_non_exhaustive()
    }
}
