use core::num::NonZeroU32;
use core::time::Duration;
use std::sync::Arc;

use evenkeel_error::Moment;

mod account;
mod bucket;
mod builder;
mod calls;
mod share;
mod token;

use bucket::Bucket;
pub use builder::{RetryBudgetBuilder, ShareBudgetBuilder};
pub(crate) use share::Place;
use share::Share;
pub use token::{Receipt, Token};

use crate::Ratio;

/// How much retrying in total: tokens shared by every clone, without a lock.
///
/// A retry costs one token. A call that succeeds at its first attempt earns a tenth, so in the long
/// run at most one request in eleven is a retry; a slow floor lets a lone process go on. Without a
/// budget each caller retries by itself and together they multiply the load on a service that is
/// already failing.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_backoff::{RetryBudget, Withdrawal};
/// use evenkeel_error::Moment;
///
/// let budget = RetryBudget::new();
/// let now = Moment::ORIGIN;
/// match budget.withdraw(now) {
///     // Sent, and it helped: the token comes back.
///     Withdrawal::Granted(token) => token.sent().refund(),
///     Withdrawal::Empty { next } => println!("the next token comes at {next:?}"),
/// }
/// assert_eq!(budget.tokens(now), 10);
/// ```
///
/// Moments of all clones must have one origin. Moments of two threads may overtake each other.
#[derive(Clone, Debug)]
pub struct RetryBudget {
    law: Arc<Law>,
}

/// The two ways to say how much is enough.
#[derive(Debug)]
enum Law {
    Bucket(Bucket),
    Share(Share),
}

/// What [`RetryBudget::withdraw`] answers.
#[derive(Debug)]
#[must_use]
pub enum Withdrawal {
    /// One token, to be marked as [`sent`](Token::sent) when the retry goes out.
    Granted(Token),
    /// None is left. Time alone brings the next at this moment; [`Moment::MAX`] where it brings none:
    /// while the floor is paused.
    ///
    /// A [share](RetryBudget::share) says before when time alone brings none: its calls are forgotten as
    /// its retries are, so whoever asks then may be told of a later moment. `MAX` is where neither calls nor
    /// free places pay for a retry.
    Empty {
        /// When to ask again, unless somebody's success comes first.
        next: Moment,
    },
}

/// Whether time alone brings tokens: to a [share](RetryBudget::share), its free places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Floor {
    /// One token every 20 s, or what was built.
    Running,
    /// None: the breaker is open, and a lone probe tests the service without our help.
    Paused,
}

impl RetryBudget {
    /// What a call that succeeds at its first attempt earns, in thousandths of a token. At 0.1 the
    /// retries of a fleet in an outage add at most a tenth to its load.
    pub const EARNED: u32 = 100;

    /// Tokens at the start and the least cap. Ten let a lone, short-lived process outlive an
    /// overload of two minutes.
    pub const CAP: u32 = 10;

    /// The largest cap, however busy the client.
    pub const MAX_CAP: u32 = 100;

    /// One token comes back in so long without any success.
    pub const FLOOR: Duration = Duration::from_secs(20);

    /// A full budget: ten tokens, a tenth earned by a success, one brought by the floor in 20 s, a
    /// cap that follows two seconds of the call rate from 10 to 100.
    #[must_use]
    pub fn new() -> Self {
        Self::of(Law::Bucket(Bucket::new(
            Self::CAP,
            Self::EARNED,
            Self::FLOOR,
        )))
    }

    /// A full budget whose floor brings tokens `divisor` times as fast: for demonstrations and tests.
    #[must_use]
    pub fn time_divided_by(divisor: NonZeroU32) -> Self {
        let floor = Self::FLOOR / divisor.get();
        Self::of(Law::Bucket(Bucket::new(Self::CAP, Self::EARNED, floor)))
    }

    /// The same law with other numbers.
    pub const fn builder() -> RetryBudgetBuilder {
        RetryBudgetBuilder::new()
    }

    /// The other law: so many retries for a hundred calls within a window, and a few for free.
    pub const fn share(of_calls: Ratio) -> ShareBudgetBuilder {
        ShareBudgetBuilder::new(of_calls)
    }

    fn of(law: Law) -> Self {
        Self { law: Arc::new(law) }
    }

    /// Takes one token for a retry.
    pub fn withdraw(&self, now: Moment) -> Withdrawal {
        match self.take(now) {
            Ok(place) => Withdrawal::Granted(Token::of(self.clone(), place)),
            Err(next) => Withdrawal::Empty { next },
        }
    }

    /// Books a call that succeeded at its first attempt.
    #[inline]
    pub fn earn(&self, now: Moment) {
        match &*self.law {
            Law::Bucket(bucket) => bucket.earn(now),
            Law::Share(share) => share.earn(now),
        }
    }

    /// Pauses the floor or lets it run.
    pub fn floor(&self, floor: Floor, now: Moment) {
        match &*self.law {
            Law::Bucket(bucket) => bucket.set_floor(floor, now),
            Law::Share(share) => share.set_floor(floor),
        }
    }

    /// Whole tokens left.
    #[must_use]
    pub fn tokens(&self, now: Moment) -> u32 {
        match &*self.law {
            Law::Bucket(bucket) => bucket.tokens(now),
            Law::Share(share) => share.tokens(now),
        }
    }

    /// Takes one token, and leaves it to the caller to give it back.
    pub(crate) fn take(&self, now: Moment) -> Result<Place, Moment> {
        match &*self.law {
            Law::Bucket(bucket) => bucket.withdraw(now).map(|()| Place::default()),
            Law::Share(share) => share.withdraw(now),
        }
    }

    /// Gives back what [`take`](Self::take) took there.
    // Inlined, so that a call is handed what is on the heap and not what it is kept in.
    #[inline]
    pub(crate) fn put_back(&self, place: Place) {
        match &*self.law {
            Law::Bucket(bucket) => bucket.put_back(),
            Law::Share(share) => share.put_back(place),
        }
    }
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
