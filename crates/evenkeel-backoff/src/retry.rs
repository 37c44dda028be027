//! The shells: they wait, and let the machines decide.

use core::fmt;
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
mod pause;
mod purse;
mod reading;
mod rules;
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
pub use future::{RetryFuture, Underway};
pub use gave_up::{Fault, GaveUp};
#[cfg(feature = "async")]
pub use lending::Lending;
pub use notice::{Notice, Notify, Silent};
#[cfg(feature = "blocking")]
pub(crate) use pause::Pause;
pub use purse::{NoBudget, Purse};
pub use reading::Reading;
#[cfg(feature = "blocking")]
pub(crate) use rules::Judge;
pub use rules::Rules;
#[cfg(feature = "async")]
pub use sleeper::Sleeper;

use pin_project_lite::pin_project;

use crate::{Chance, Policy, Verdict};

pin_project! {
    /// An operation and how it is retried: what [`retry`](crate::retry()) and its siblings return.
    ///
    /// Without a setter: three attempts at most, with waits of the two default tiers and full
    /// jitter, no budget, no deadline. What `retry` makes is itself the future: await it or spawn it
    /// ([`RetryFuture`](crate::RetryFuture)). What `retry_mut` makes is [`run`](Self::run), what
    /// `blocking::retry` makes is [`call`](Self::call)ed.
    ///
    /// `Send` and `'static` when its parts are. Dropping it at any point ends the attempt or the
    /// wait under way; a token that was taken for an attempt that had not begun goes back to the
    /// budget, one whose attempt had begun stays spent.
    #[must_use = "nothing is called before this is awaited, run or called"]
    pub struct RetryCall<Op, E, S, R = Rules, W = ()> {
        op: Op,
        sleeper: S,
        course: Course<R, E>,
        #[pin]
        underway: W,
    }
}

impl<Op, E, S, W: Default> RetryCall<Op, E, S, Rules, W> {
    #[inline]
    pub(crate) fn new(op: Op, sleeper: S) -> Self {
        Self {
            op,
            sleeper,
            course: Course::new(Rules::DEFAULT),
            underway: W::default(),
        }
    }
}

#[expect(
    clippy::type_complexity,
    reason = "each setter changes the type of one part; an alias would hide which"
)]
impl<Op, E, S, P, C, B: Purse, N, G, W: Default> RetryCall<Op, E, S, Rules<P, C, B, N, G>, W> {
    /// Whether to try again, and after how long. Borrowed or owned; owned, the future can be spawned.
    /// Default: [`RetryPolicy::THREE_ATTEMPTS`](crate::RetryPolicy::THREE_ATTEMPTS).
    #[inline]
    pub fn policy<Q: Policy>(self, policy: Q) -> RetryCall<Op, E, S, Rules<Q, C, B, N, G>, W> {
        self.by(|rules| rules.policy(policy))
    }

    /// How much retrying in total: a [`RetryBudget`](crate::RetryBudget), borrowed or owned. A retry
    /// that finds it empty is not made. Default: none.
    ///
    /// With a budget a call that succeeds at once reads the clock once, to book it.
    #[inline]
    pub fn budget<A: Purse>(self, budget: A) -> RetryCall<Op, E, S, Rules<P, C, A, N, G>, W> {
        self.by(|rules| rules.budget(budget))
    }

    /// Retries what meets this condition, on the policy's short tier, and nothing else.
    #[inline]
    pub fn when<F: FnMut(&E) -> bool>(
        self,
        condition: F,
    ) -> RetryCall<Op, E, S, Rules<P, When<F>, B, N, G>, W> {
        self.by(|rules| rules.when(condition))
    }

    /// Asks this function what an error says: a [`Recovery`](evenkeel_error::Recovery), or a
    /// [`Verdict`], which can also say that the attempt got somewhere before it failed.
    #[inline]
    pub fn classify<V: Into<Verdict>, F: FnMut(&E) -> V>(
        self,
        verdict: F,
    ) -> RetryCall<Op, E, S, Rules<P, Classified<F>, B, N, G>, W> {
        self.by(|rules| rules.classify(verdict))
    }

    /// Tells this function of each wait before it begins.
    #[inline]
    pub fn notify<F: FnMut(Notice<'_, E>)>(
        self,
        notify: F,
    ) -> RetryCall<Op, E, S, Rules<P, C, B, F, G>, W> {
        self.by(|rules| rules.notify(notify))
    }

    /// Draws chance from here instead of from the thread's dice: [`Dice::seeded`](crate::Dice::seeded)
    /// replays a run. Drawn from after a failure only.
    #[inline]
    pub fn chance<H: Chance>(self, chance: H) -> RetryCall<Op, E, S, Rules<P, C, B, N, H>, W> {
        self.by(|rules| rules.chance(chance))
    }

    /// Ends the call so long after its start, attempts included: no attempt starts later, and a wait
    /// that does not fit is not begun. An attempt under way is dropped, but for a blocking one, which
    /// cannot be. Zero: the operation is not called. Default: none.
    #[inline]
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.course.limit(limit);
        self
    }

    #[inline]
    fn by<Q>(self, change: impl FnOnce(Rules<P, C, B, N, G>) -> Q) -> RetryCall<Op, E, S, Q, W> {
        RetryCall {
            op: self.op,
            sleeper: self.sleeper,
            course: self.course.by(change),
            underway: W::default(),
        }
    }
}

impl<Op, E, S, R> RetryCall<Op, E, S, R> {
    #[inline]
    pub(crate) fn take_apart(self) -> (Op, S, Course<R, E>) {
        (self.op, self.sleeper, self.course)
    }
}

impl<Op, E, S, R, W> fmt::Debug for RetryCall<Op, E, S, R, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryCall").finish_non_exhaustive()
    }
}
