//! The shells: they wait, and let the machines decide.

use core::fmt;
use core::marker::PhantomData;
use core::time::Duration;

#[cfg(feature = "async")]
mod asynchronous;
mod attempt;
mod classify;
mod course;
#[cfg(feature = "async")]
mod future;
mod gave_up;
#[cfg(feature = "async")]
mod lending;
mod notice;
mod purse;
#[cfg(feature = "async")]
mod sleeper;

#[cfg(feature = "tokio")]
pub use asynchronous::{retry, retry_mut};
#[cfg(feature = "async")]
pub use asynchronous::{retry_mut_with, retry_with};
pub use attempt::Attempt;
pub use classify::{ByError, Classified, Classify, When};
use course::Course;
#[cfg(feature = "async")]
pub use future::RetryFuture;
pub use gave_up::{Fault, GaveUp};
#[cfg(feature = "async")]
pub use lending::Lending;
pub use notice::{Notice, Notify, Silent};
use purse::sealed;
pub use purse::{NoBudget, Purse};
#[cfg(feature = "async")]
pub use sleeper::Sleeper;

use evenkeel_error::{Moment, Recovery};

use crate::{Chance, Policy, RetryPolicy, Stop, ThreadDice, Verdict};

/// An operation and how it is retried: what [`retry`](crate::retry()) and its siblings return.
///
/// Without a setter: three attempts at most, with waits of the two default tiers and full jitter,
/// no budget, no deadline.
#[must_use = "nothing is called before this is awaited, run or called"]
pub struct RetryCall<
    Op,
    E,
    S,
    P = RetryPolicy,
    C = ByError,
    B = NoBudget,
    N = Silent,
    G = ThreadDice,
> {
    op: Op,
    sleeper: S,
    policy: P,
    classify: C,
    budget: B,
    notify: N,
    chance: G,
    deadline: Option<Duration>,
    error: PhantomData<fn(E)>,
}

impl<Op, E, S> RetryCall<Op, E, S> {
    pub(crate) const fn new(op: Op, sleeper: S) -> Self {
        Self {
            op,
            sleeper,
            policy: RetryPolicy::THREE_ATTEMPTS,
            classify: ByError,
            budget: NoBudget,
            notify: Silent,
            chance: ThreadDice,
            deadline: None,
            error: PhantomData,
        }
    }
}

impl<Op, E, S, P, C, B, N, G> RetryCall<Op, E, S, P, C, B, N, G> {
    /// Whether to try again, and after how long. Borrowed or owned; owned, the future can be spawned.
    /// Default: [`RetryPolicy::THREE_ATTEMPTS`].
    #[inline]
    pub fn policy<Q: Policy>(self, policy: Q) -> RetryCall<Op, E, S, Q, C, B, N, G> {
        RetryCall {
            op: self.op,
            sleeper: self.sleeper,
            policy,
            classify: self.classify,
            budget: self.budget,
            notify: self.notify,
            chance: self.chance,
            deadline: self.deadline,
            error: PhantomData,
        }
    }

    /// How much retrying in total: a [`RetryBudget`](crate::RetryBudget), borrowed or owned. A retry
    /// that finds it empty is not made. Default: none.
    ///
    /// With a budget a call that succeeds at once reads the clock once, to book it.
    #[inline]
    pub fn budget<A: Purse>(self, budget: A) -> RetryCall<Op, E, S, P, C, A, N, G> {
        RetryCall {
            op: self.op,
            sleeper: self.sleeper,
            policy: self.policy,
            classify: self.classify,
            budget,
            notify: self.notify,
            chance: self.chance,
            deadline: self.deadline,
            error: PhantomData,
        }
    }

    /// Retries what meets this condition, on the policy's short tier, and nothing else.
    #[inline]
    pub fn when<F: FnMut(&E) -> bool>(
        self,
        condition: F,
    ) -> RetryCall<Op, E, S, P, When<F>, B, N, G> {
        RetryCall {
            op: self.op,
            sleeper: self.sleeper,
            policy: self.policy,
            classify: When(condition),
            budget: self.budget,
            notify: self.notify,
            chance: self.chance,
            deadline: self.deadline,
            error: PhantomData,
        }
    }

    /// Asks this function what an error says: a [`Recovery`](evenkeel_error::Recovery), or a
    /// [`Verdict`](crate::Verdict), which can also say that the attempt got somewhere before it failed.
    #[inline]
    pub fn classify<V: Into<Verdict>, F: FnMut(&E) -> V>(
        self,
        verdict: F,
    ) -> RetryCall<Op, E, S, P, Classified<F>, B, N, G> {
        RetryCall {
            op: self.op,
            sleeper: self.sleeper,
            policy: self.policy,
            classify: Classified(verdict),
            budget: self.budget,
            notify: self.notify,
            chance: self.chance,
            deadline: self.deadline,
            error: PhantomData,
        }
    }

    /// Tells this function of each wait before it begins.
    #[inline]
    pub fn notify<F: FnMut(Notice<'_, E>)>(self, notify: F) -> RetryCall<Op, E, S, P, C, B, F, G> {
        RetryCall {
            op: self.op,
            sleeper: self.sleeper,
            policy: self.policy,
            classify: self.classify,
            budget: self.budget,
            notify,
            chance: self.chance,
            deadline: self.deadline,
            error: PhantomData,
        }
    }

    /// Draws chance from here instead of from the thread's dice: [`Dice::seeded`](crate::Dice::seeded)
    /// replays a run. Drawn from after a failure only.
    #[inline]
    pub fn chance<H: Chance>(self, chance: H) -> RetryCall<Op, E, S, P, C, B, N, H> {
        RetryCall {
            op: self.op,
            sleeper: self.sleeper,
            policy: self.policy,
            classify: self.classify,
            budget: self.budget,
            notify: self.notify,
            chance,
            deadline: self.deadline,
            error: PhantomData,
        }
    }

    /// Ends the call so long after its start, attempts included: an attempt under way is dropped,
    /// no attempt starts later, and a wait that does not fit is not begun. Zero: the operation is not
    /// called. Default: none.
    #[inline]
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.deadline = Some(limit);
        self
    }
}

impl<Op, E, S, P: Policy, C, B: Purse, N, G: Chance> RetryCall<Op, E, S, P, C, B, N, G> {
    #[inline]
    pub(crate) fn take_apart(self) -> (Op, S, C, N, Course<P, B, G>) {
        let course = Course::new(self.policy, self.budget, self.chance, self.deadline);
        (self.op, self.sleeper, self.classify, self.notify, course)
    }
}

#[cfg(feature = "async")]
impl<Op, Fut, T, E, S, P, C, B, N, G> IntoFuture for RetryCall<Op, E, S, P, C, B, N, G>
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
    type IntoFuture = RetryFuture<Op, Fut, E, S, P, C, B, N, G>;

    #[inline]
    fn into_future(self) -> Self::IntoFuture {
        let (op, sleeper, classify, notify, course) = self.take_apart();
        RetryFuture::new(op, sleeper, classify, notify, course)
    }
}

/// Decides on a failed attempt, and says so.
pub(crate) fn judge<E, P: Policy, B: sealed::Purse, G: Chance>(
    course: &mut Course<P, B, G>,
    classify: &mut impl Classify<E>,
    notify: &mut impl Notify<E>,
    fault: &Fault<E>,
    now: Moment,
) -> Result<Duration, Stop> {
    let verdict = match fault {
        Fault::Failed(error) => classify.verdict(error),
        Fault::TimedOut => {
            course.ended(now)?;
            Verdict::from(Recovery::BackOff)
        }
    };
    let retry = course.failed(verdict, now)?;
    notify.notify(Notice {
        fault,
        attempt: course.number(),
        retry,
    });
    Ok(retry.wait)
}

/// Keeps the last failure. An attempt that the clock ended says less than the error before it.
pub(crate) fn remember<E>(last: &mut Option<Fault<E>>, fault: Fault<E>) {
    if matches!(fault, Fault::Failed(_)) || last.is_none() {
        *last = Some(fault);
    }
}

impl<Op, E, S, P: fmt::Debug, C, B, N, G> fmt::Debug for RetryCall<Op, E, S, P, C, B, N, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryCall")
            .field("policy", &self.policy)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
