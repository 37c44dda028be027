use evenkeel_error::Moment;

use crate::RetryBudget;
use crate::budget::Place;

/// Where a retry takes its token from: a [`RetryBudget`], borrowed or owned, perhaps, or
/// [`NoBudget`].
///
/// Sealed: its methods are the crate's business.
pub trait Purse: sealed::Purse {}

/// No budget: every retry that the policy allows is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoBudget;

impl<B: sealed::Purse> Purse for B {}

pub(crate) mod sealed {
    use super::{NoBudget, RetryBudget};

    pub trait Purse {
        fn budget(&self) -> Option<&RetryBudget>;
    }

    impl Purse for NoBudget {
        #[inline]
        fn budget(&self) -> Option<&RetryBudget> {
            None
        }
    }

    impl Purse for RetryBudget {
        #[inline]
        fn budget(&self) -> Option<&RetryBudget> {
            Some(self)
        }
    }

    impl<B: Purse> Purse for &B {
        #[inline]
        fn budget(&self) -> Option<&RetryBudget> {
            (**self).budget()
        }
    }

    impl<B: Purse> Purse for Option<B> {
        #[inline]
        fn budget(&self) -> Option<&RetryBudget> {
            self.as_ref().and_then(Purse::budget)
        }
    }
}

/// A purse and what one call has taken from it for the attempt to come or the one under way. A token
/// taken for an attempt that never goes out is given back.
#[derive(Debug)]
pub(crate) struct Held<B: sealed::Purse> {
    purse: B,
    token: Token,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    None,
    /// For the attempt to come.
    Taken(Place),
    /// Went out with the attempt under way.
    Sent(Place),
}

impl<B: sealed::Purse> Held<B> {
    #[inline]
    pub(crate) const fn new(purse: B) -> Self {
        Self {
            purse,
            token: Token::None,
        }
    }

    #[inline]
    pub(crate) fn earn(&self, now: impl FnOnce() -> Moment) {
        if let Some(budget) = self.purse.budget() {
            budget.earn(now());
        }
    }

    pub(crate) fn take(&mut self, now: Moment) -> Result<(), Moment> {
        if let Some(budget) = self.purse.budget() {
            self.token = Token::Taken(budget.take(now)?);
        }
        Ok(())
    }

    /// The attempt goes out.
    pub(crate) fn sent(&mut self) {
        if let Token::Taken(place) = self.token {
            self.token = Token::Sent(place);
        }
    }

    /// The attempt failed.
    pub(crate) fn spent(&mut self) {
        self.token = Token::None;
    }

    /// The attempt succeeded.
    #[inline]
    pub(crate) fn refund(&self) {
        if let (Some(budget), Token::Sent(place)) = (self.purse.budget(), self.token) {
            budget.put_back(place);
        }
    }

    /// No other attempt goes out.
    #[inline]
    pub(crate) fn settle(&mut self) {
        if let (Some(budget), Token::Taken(place)) = (self.purse.budget(), self.token) {
            self.token = Token::None;
            budget.put_back(place);
        }
    }
}

impl<B: sealed::Purse> Drop for Held<B> {
    #[inline]
    fn drop(&mut self) {
        self.settle();
    }
}
