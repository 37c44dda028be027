use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::course::Course;
use super::purse::sealed;
use super::{Attempt, Classify, Fault, GaveUp, Notify, Purse, Sleeper, judge, remember};
use crate::{Chance, Policy, Stop};

pin_project! {
    /// A call that is retried: what awaiting a [`RetryCall`](super::RetryCall) runs.
    ///
    /// `Send` and `'static` when its parts are. Dropping it at any point ends the attempt or the
    /// wait under way; a token that was taken for an attempt that had not begun goes back to the
    /// budget, one whose attempt had begun stays spent.
    #[must_use = "futures do nothing unless polled"]
    pub struct RetryFuture<Op, Fut, E, S, P, C, B, N, G>
    where
        S: Sleeper,
        B: sealed::Purse,
    {
        op: Op,
        sleeper: S,
        classify: C,
        notify: N,
        course: Course<P, B, G>,
        last: Option<Fault<E>>,
        #[pin]
        stage: Stage<Fut, S::Sleep>,
    }
}

pin_project! {
    #[project = StageProjection]
    enum Stage<Fut, Sleep> {
        Idle,
        Trying {
            #[pin]
            attempt: Fut,
            #[pin]
            limit: Option<Sleep>,
        },
        Waiting {
            #[pin]
            sleep: Sleep,
        },
    }
}

impl<Op, Fut, E, S: Sleeper, P, C, B: sealed::Purse, N, G>
    RetryFuture<Op, Fut, E, S, P, C, B, N, G>
{
    #[inline]
    pub(super) const fn new(
        op: Op,
        sleeper: S,
        classify: C,
        notify: N,
        course: Course<P, B, G>,
    ) -> Self {
        Self {
            op,
            sleeper,
            classify,
            notify,
            course,
            last: None,
            stage: Stage::Idle,
        }
    }
}

impl<Op, Fut, T, E, S, P, C, B, N, G> Future for RetryFuture<Op, Fut, E, S, P, C, B, N, G>
where
    Op: FnMut(Attempt) -> Fut,
    Fut: Future<Output = Result<T, E>>,
    S: Sleeper,
    P: Policy,
    C: Classify<E>,
    B: Purse,
    N: Notify<E>,
    G: Chance,
{
    type Output = Result<T, GaveUp<E>>;

    /// The way without a failure is short enough to be inlined; the rest is a call away.
    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.as_mut().project();
        if this.course.number() == 0 {
            match this.course.begin(|| this.sleeper.now()) {
                Ok(attempt) => {
                    let limit = this.course.time_for(attempt);
                    let limit = limit.map(|limit| this.sleeper.sleep(limit));
                    let attempt = (this.op)(attempt);
                    this.stage.set(Stage::Trying { attempt, limit });
                }
                Err(stop) => return self.give_up(stop),
            }
        }
        let polled = match this.stage.as_mut().project() {
            StageProjection::Trying { attempt, .. } => attempt.poll(cx),
            _ => return self.carry_on(None, cx),
        };
        match polled {
            Poll::Ready(Ok(value)) => {
                this.course.succeeded(|| this.sleeper.now());
                this.stage.set(Stage::Idle);
                Poll::Ready(Ok(value))
            }
            other => self.carry_on(Some(other), cx),
        }
    }
}

impl<Op, Fut, T, E, S, P, C, B, N, G> RetryFuture<Op, Fut, E, S, P, C, B, N, G>
where
    Op: FnMut(Attempt) -> Fut,
    Fut: Future<Output = Result<T, E>>,
    S: Sleeper,
    P: Policy,
    C: Classify<E>,
    B: Purse,
    N: Notify<E>,
    G: Chance,
{
    /// Everything but the first poll of an attempt that succeeds. `polled` is what the attempt
    /// under way has just said, if it was asked.
    #[inline(never)]
    fn carry_on(
        mut self: Pin<&mut Self>,
        mut polled: Option<Poll<Result<T, E>>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<T, GaveUp<E>>> {
        loop {
            let mut this = self.as_mut().project();
            let next = match this.stage.as_mut().project() {
                // After its end: the call is not made again.
                StageProjection::Idle => return Poll::Pending,
                StageProjection::Trying { attempt, limit } => {
                    let fault = match polled.take().unwrap_or_else(|| attempt.poll(cx)) {
                        Poll::Ready(Ok(value)) => {
                            this.course.succeeded(|| this.sleeper.now());
                            this.stage.set(Stage::Idle);
                            return Poll::Ready(Ok(value));
                        }
                        Poll::Ready(Err(error)) => Fault::Failed(error),
                        Poll::Pending => {
                            let Some(limit) = limit.as_pin_mut() else {
                                return Poll::Pending;
                            };
                            ready!(limit.poll(cx));
                            Fault::TimedOut
                        }
                    };
                    // The attempt ends before the wait begins.
                    this.stage.set(Stage::Idle);
                    let now = this.sleeper.now();
                    let judged = judge(this.course, this.classify, this.notify, &fault, now);
                    remember(this.last, fault);
                    match judged {
                        Ok(wait) => {
                            let sleep = this.sleeper.sleep(wait);
                            this.stage.set(Stage::Waiting { sleep });
                            continue;
                        }
                        Err(stop) => Err(stop),
                    }
                }
                StageProjection::Waiting { sleep } => {
                    ready!(sleep.poll(cx));
                    this.course.again(this.sleeper.now())
                }
            };
            match next {
                Ok(attempt) => {
                    let limit = this.course.time_for(attempt);
                    let limit = limit.map(|limit| this.sleeper.sleep(limit));
                    let attempt = (this.op)(attempt);
                    this.stage.set(Stage::Trying { attempt, limit });
                }
                Err(stop) => return self.give_up(stop),
            }
        }
    }

    #[cold]
    fn give_up(self: Pin<&mut Self>, stop: Stop) -> Poll<Result<T, GaveUp<E>>> {
        let mut this = self.project();
        this.stage.set(Stage::Idle);
        let last = this.last.take();
        let gave_up = this.course.gave_up(stop, last, || this.sleeper.now());
        Poll::Ready(Err(gave_up))
    }
}

impl<Op, Fut, E, S: Sleeper, P, C, B: sealed::Purse, N, G> fmt::Debug
    for RetryFuture<Op, Fut, E, S, P, C, B, N, G>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryFuture").finish_non_exhaustive()
    }
}
