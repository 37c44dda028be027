use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::pause::Pause;
use super::rules::Judge;
use super::{Attempt, Fault, GaveUp, RetryCall, Sleeper};
use crate::Stop;

/// A [`RetryCall`] of an asynchronous operation, which is a future.
///
/// Ends with the operation's value, or with [`GaveUp`]. Panics as tokio's timers do if it must wait
/// outside a tokio runtime with its time enabled, and `S` is [`Tokio`](crate::Tokio).
pub type RetryFuture<Op, Fut, E, S, R> =
    RetryCall<Op, E, S, R, Underway<Fut, <S as Sleeper>::Sleep>>;

pin_project! {
    /// The attempt or the wait of a [`RetryFuture`] that is under way.
    pub struct Underway<Fut, Sleep> {
        #[pin]
        stage: Stage<Fut, Sleep>,
    }
}

impl<Fut, Sleep> Default for Underway<Fut, Sleep> {
    #[inline]
    fn default() -> Self {
        let stage = Stage::Fresh;
        Self { stage }
    }
}

pin_project! {
    #[project = StageProjection]
    enum Stage<Fut, Sleep> {
        /// Nothing was called yet.
        Fresh,
        Trying {
            #[pin]
            attempt: Fut,
            // Made when the attempt first keeps us waiting: one that does not needs no timer.
            #[pin]
            limit: Option<Sleep>,
        },
        Waiting {
            #[pin]
            sleep: Sleep,
            pause: Pause,
        },
        /// After the end: the call is not made again.
        Over,
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
        let mut stage = this.underway.project().stage;
        let StageProjection::Fresh = stage.as_mut().project() else {
            return self.carry_on(None, cx);
        };
        let attempt = match this.course.begin(|| this.sleeper.now()) {
            Ok(attempt) => (this.op)(attempt),
            Err(stop) => return self.give_up(stop),
        };
        let limit = None;
        stage.set(Stage::Trying { attempt, limit });
        let polled = match stage.as_mut().project() {
            StageProjection::Trying { attempt, .. } => attempt.poll(cx),
            _ => Poll::Pending,
        };
        if let Poll::Ready(Ok(value)) = polled {
            this.course.succeeded(|| this.sleeper.now());
            stage.set(Stage::Over);
            return Poll::Ready(Ok(value));
        }
        self.carry_on(Some(polled), cx)
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
            let mut stage = this.underway.project().stage;
            let next = match stage.as_mut().project() {
                StageProjection::Fresh | StageProjection::Over => return Poll::Pending,
                StageProjection::Trying { attempt, mut limit } => {
                    let fault = match polled.take().unwrap_or_else(|| attempt.poll(cx)) {
                        Poll::Ready(Ok(value)) => {
                            this.course.succeeded(|| this.sleeper.now());
                            stage.set(Stage::Over);
                            return Poll::Ready(Ok(value));
                        }
                        Poll::Ready(Err(error)) => Fault::Failed(error),
                        Poll::Pending => {
                            if limit.is_none() {
                                let left = this.course.time_left(|| this.sleeper.now());
                                limit.set(left.map(|left| this.sleeper.sleep(left)));
                            }
                            let Some(limit) = limit.as_pin_mut() else {
                                return Poll::Pending;
                            };
                            ready!(limit.poll(cx));
                            Fault::TimedOut
                        }
                    };
                    // The attempt ends before the wait begins.
                    stage.set(Stage::Over);
                    let now = this.sleeper.now();
                    this.course.failed(fault, now).map(|wait| Pause::new(wait, now))
                }
                StageProjection::Waiting { sleep, pause } => {
                    ready!(sleep.poll(cx));
                    let now = this.sleeper.now();
                    if let Some(left) = pause.left(now) {
                        // Polled when the runtime comes round again, so that a sleeper that never
                        // sleeps does not hold it up.
                        let sleep = this.sleeper.sleep(left);
                        let pause = *pause;
                        stage.set(Stage::Waiting { sleep, pause });
                        cx.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                    stage.set(Stage::Over);
                    match this.course.again(now) {
                        Ok(attempt) => {
                            let attempt = (this.op)(attempt);
                            let limit = None;
                            stage.set(Stage::Trying { attempt, limit });
                            continue;
                        }
                        Err(stop) => Err(stop),
                    }
                }
            };
            match next {
                Ok(pause) => {
                    let sleep = this.sleeper.sleep(pause.whole());
                    stage.set(Stage::Waiting { sleep, pause });
                }
                Err(stop) => return self.give_up(stop),
            }
        }
    }

    #[cold]
    fn give_up(self: Pin<&mut Self>, stop: Stop) -> Poll<Result<T, GaveUp<E>>> {
        let this = self.project();
        this.underway.project().stage.set(Stage::Over);
        let gave_up = this.course.gave_up(stop, || this.sleeper.now());
        Poll::Ready(Err(gave_up))
    }
}

impl<Fut, Sleep> fmt::Debug for Underway<Fut, Sleep> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Underway").finish_non_exhaustive()
    }
}
