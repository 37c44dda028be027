use evenkeel_error::Moment;

use crate::RetryBudget;

/// Where a retry takes its token from: a [`RetryBudget`], borrowed or owned, or [`NoBudget`].
///
/// Sealed: its methods are the crate's business.
pub trait Purse: sealed::Purse {}

/// No budget: every retry that the policy allows is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoBudget;

impl Purse for NoBudget {}
impl Purse for RetryBudget {}
impl Purse for &RetryBudget {}

pub(crate) mod sealed {
    use super::Moment;

    pub trait Purse {
        /// Books a success at the first attempt; reads the clock only if there is a book.
        fn earn(&self, now: impl FnOnce() -> Moment);
        fn take(&self, now: Moment) -> Result<(), Moment>;
        fn put_back(&self);
    }
}

impl sealed::Purse for NoBudget {
    fn earn(&self, _: impl FnOnce() -> Moment) {}

    fn take(&self, _: Moment) -> Result<(), Moment> {
        Ok(())
    }

    fn put_back(&self) {}
}

impl sealed::Purse for RetryBudget {
    #[inline]
    fn earn(&self, now: impl FnOnce() -> Moment) {
        Self::earn(self, now());
    }

    fn take(&self, now: Moment) -> Result<(), Moment> {
        Self::take(self, now)
    }

    fn put_back(&self) {
        Self::put_back(self);
    }
}

impl sealed::Purse for &RetryBudget {
    #[inline]
    fn earn(&self, now: impl FnOnce() -> Moment) {
        RetryBudget::earn(self, now());
    }

    fn take(&self, now: Moment) -> Result<(), Moment> {
        RetryBudget::take(self, now)
    }

    fn put_back(&self) {
        RetryBudget::put_back(self);
    }
}

/// A purse and what one call has taken from it. Dropped before the retry went out, it gives back.
#[derive(Debug)]
pub(crate) struct Held<B: sealed::Purse> {
    purse: B,
    token: Token,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    None,
    /// For the attempt to come.
    Taken,
    /// Went out with the attempt under way.
    Sent,
}

impl<B: sealed::Purse> Held<B> {
    pub(crate) const fn new(purse: B) -> Self {
        Self {
            purse,
            token: Token::None,
        }
    }

    pub(crate) const fn purse(&self) -> &B {
        &self.purse
    }

    pub(crate) fn take(&mut self, now: Moment) -> Result<(), Moment> {
        self.purse.take(now)?;
        self.token = Token::Taken;
        Ok(())
    }

    /// The attempt goes out.
    pub(crate) fn sent(&mut self) {
        if self.token == Token::Taken {
            self.token = Token::Sent;
        }
    }

    /// The attempt failed.
    pub(crate) fn spent(&mut self) {
        self.token = Token::None;
    }

    /// The attempt succeeded.
    #[inline]
    pub(crate) fn refund(&mut self) {
        if self.token == Token::Sent {
            self.purse.put_back();
        }
        self.token = Token::None;
    }
}

impl<B: sealed::Purse> Drop for Held<B> {
    #[inline]
    fn drop(&mut self) {
        if self.token == Token::Taken {
            self.purse.put_back();
        }
    }
}
