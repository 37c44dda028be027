use core::time::Duration;

use evenkeel_error::Moment;

use super::purse::Held;
use super::{ByError, Classified, Classify, NoBudget, Notice, Notify, Purse, Silent, When};
use crate::{Chance, Decision, Limits, Policy, RetryPolicy, Session, ThreadDice, Verdict};

/// What a retried call goes by: a policy, who classifies, a budget, who is told, and chance.
///
/// Made by the setters of [`RetryCall`](super::RetryCall) and of the tower shell; it has no
/// methods of its own.
#[derive(Debug)]
pub struct Rules<P = RetryPolicy, C = ByError, B: Purse = NoBudget, N = Silent, G = ThreadDice> {
    policy: P,
    classify: C,
    budget: Held<B>,
    notify: N,
    chance: G,
}

impl Rules {
    pub(crate) const DEFAULT: Self = Self {
        policy: RetryPolicy::THREE_ATTEMPTS,
        classify: ByError,
        budget: Held::new(NoBudget),
        notify: Silent,
        chance: ThreadDice,
    };
}

/// The rules with one part in another type's place.
macro_rules! rules {
    ($rules:ident { $($kept:ident),* } $part:ident: $value:expr) => {
        Rules { $($kept: $rules.$kept,)* $part: $value }
    };
}

impl<P, C, B: Purse, N, G> Rules<P, C, B, N, G> {
    #[inline]
    pub(crate) fn policy<Q>(self, policy: Q) -> Rules<Q, C, B, N, G> {
        rules!(self { classify, budget, notify, chance } policy: policy)
    }

    #[inline]
    pub(crate) fn when<F>(self, condition: F) -> Rules<P, When<F>, B, N, G> {
        rules!(self { policy, budget, notify, chance } classify: When(condition))
    }

    #[inline]
    pub(crate) fn classify<F>(self, verdict: F) -> Rules<P, Classified<F>, B, N, G> {
        rules!(self { policy, budget, notify, chance } classify: Classified(verdict))
    }

    #[inline]
    pub(crate) fn budget<A: Purse>(self, budget: A) -> Rules<P, C, A, N, G> {
        rules!(self { policy, classify, notify, chance } budget: Held::new(budget))
    }

    #[inline]
    pub(crate) fn notify<F>(self, notify: F) -> Rules<P, C, B, F, G> {
        rules!(self { policy, classify, budget, chance } notify: notify)
    }

    #[inline]
    pub(crate) fn chance<H>(self, chance: H) -> Rules<P, C, B, N, H> {
        rules!(self { policy, classify, budget, notify } chance: chance)
    }
}

/// What is asked of the rules when nothing has failed. Sealed: only [`Rules`] are.
pub trait Ruled {
    fn patience_limit(&self) -> Option<Duration>;
    fn attempt_time_limit(&self) -> Option<Duration>;
    /// Books a success at the first attempt; reads the clock only if there is a book.
    fn earn(&self, now: impl FnOnce() -> Moment);
    fn take(&mut self, now: Moment) -> Result<(), Moment>;
    /// The retry goes out.
    fn sent(&mut self);
    /// The retry failed.
    fn spent(&mut self);
    /// The retry succeeded.
    fn refund(&self);
    /// There is no other retry.
    fn settle(&mut self);
}

/// What is asked of the rules when an attempt has failed with an error of this type.
pub trait Judge<E>: Ruled {
    fn verdict(&mut self, error: &E) -> Verdict;
    fn decide(
        &mut self,
        session: &mut Session,
        verdict: Verdict,
        now: Moment,
        limits: Limits,
    ) -> Decision;
    fn notify(&mut self, notice: Notice<'_, E>);
}

impl<P: Policy, C, B: Purse, N, G> Ruled for Rules<P, C, B, N, G> {
    #[inline]
    fn patience_limit(&self) -> Option<Duration> {
        self.policy.patience_limit()
    }

    #[inline]
    fn attempt_time_limit(&self) -> Option<Duration> {
        self.policy.attempt_time_limit()
    }

    #[inline]
    fn earn(&self, now: impl FnOnce() -> Moment) {
        self.budget.earn(now);
    }

    fn take(&mut self, now: Moment) -> Result<(), Moment> {
        self.budget.take(now)
    }

    fn sent(&mut self) {
        self.budget.sent();
    }

    fn spent(&mut self) {
        self.budget.spent();
    }

    #[inline]
    fn refund(&self) {
        self.budget.refund();
    }

    fn settle(&mut self) {
        self.budget.settle();
    }
}

impl<E, P, C, B, N, G> Judge<E> for Rules<P, C, B, N, G>
where
    P: Policy,
    C: Classify<E>,
    B: Purse,
    N: Notify<E>,
    G: Chance,
{
    fn verdict(&mut self, error: &E) -> Verdict {
        self.classify.verdict(error)
    }

    fn decide(
        &mut self,
        session: &mut Session,
        verdict: Verdict,
        now: Moment,
        limits: Limits,
    ) -> Decision {
        let roll = self.chance.roll();
        self.policy.decide(session, verdict, now, limits, roll)
    }

    fn notify(&mut self, notice: Notice<'_, E>) {
        self.notify.notify(notice);
    }
}
