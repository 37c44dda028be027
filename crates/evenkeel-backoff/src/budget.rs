use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use evenkeel_error::Moment;

mod ledger;

use ledger::Ledger;

/// How much retrying in total: tokens shared by every clone.
///
/// A retry costs one token. A call that succeeds at its first attempt earns a tenth, so in the long
/// run at most one request in eleven is a retry; a slow floor lets a lone process go on. Without a
/// budget each caller retries by itself and together they multiply the load on a service that is
/// already failing.
///
/// ```
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
#[derive(Clone, Debug)]
pub struct RetryBudget {
    ledger: Arc<Mutex<Ledger>>,
}

/// What [`RetryBudget::withdraw`] answers.
#[derive(Debug)]
#[must_use]
pub enum Withdrawal {
    /// One token, to be marked as [`sent`](Token::sent) when the retry goes out.
    Granted(Token),
    /// None is left. The floor brings the next at this moment; [`Moment::MAX`] while it is paused.
    Empty {
        /// When to ask again, unless somebody's success comes first.
        next: Moment,
    },
}

/// Whether the floor brings tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Floor {
    /// One token every 20 s.
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

    /// A full budget.
    #[must_use]
    pub fn new() -> Self {
        Self::with_ledger(Ledger::new(Self::FLOOR))
    }

    /// A full budget whose floor brings tokens `divisor` times as fast: for demonstrations and tests.
    #[must_use]
    pub fn time_divided_by(divisor: NonZeroU32) -> Self {
        Self::with_ledger(Ledger::new(Self::FLOOR / divisor.get()))
    }

    fn with_ledger(ledger: Ledger) -> Self {
        Self {
            ledger: Arc::new(Mutex::new(ledger)),
        }
    }

    /// Takes one token for a retry.
    pub fn withdraw(&self, now: Moment) -> Withdrawal {
        match self.ledger().withdraw(now) {
            Ok(()) => Withdrawal::Granted(Token {
                budget: Some(self.clone()),
            }),
            Err(next) => Withdrawal::Empty { next },
        }
    }

    /// Books a call that succeeded at its first attempt.
    pub fn earn(&self, now: Moment) {
        self.ledger().earn(now);
    }

    /// Pauses the floor or lets it run.
    pub fn floor(&self, floor: Floor, now: Moment) {
        self.ledger().set_floor(floor, now);
    }

    /// Whole tokens left.
    #[must_use]
    pub fn tokens(&self, now: Moment) -> u32 {
        self.ledger().tokens(now)
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        // The ledger is whole between any two of its statements, so a panic elsewhere does no harm.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self::new()
    }
}

/// A token taken from a [`RetryBudget`] for a retry that has not gone out. Dropping it gives it back.
#[derive(Debug)]
#[must_use = "dropping it gives the token back"]
pub struct Token {
    budget: Option<RetryBudget>,
}

/// The receipt for a token whose retry went out. Dropping it keeps the token spent.
#[derive(Debug)]
pub struct Receipt {
    budget: Option<RetryBudget>,
}

impl Token {
    /// The retry goes out: the token is spent, unless the retry succeeds.
    #[must_use = "the receipt brings the token back if the retry succeeds"]
    pub fn sent(mut self) -> Receipt {
        Receipt {
            budget: self.budget.take(),
        }
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        if let Some(budget) = self.budget.take() {
            budget.ledger().put_back();
        }
    }
}

impl Receipt {
    /// The retry succeeded: its token comes back.
    pub fn refund(self) {
        if let Some(budget) = self.budget {
            budget.ledger().put_back();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u32) -> Moment {
        Moment::ORIGIN + Duration::from_secs(1) * seconds
    }

    fn spend(budget: &RetryBudget, now: Moment) -> Receipt {
        match budget.withdraw(now) {
            Withdrawal::Granted(token) => token.sent(),
            Withdrawal::Empty { .. } => panic!("empty"),
        }
    }

    #[test]
    fn a_token_dropped_before_its_retry_went_out_is_given_back() {
        let budget = RetryBudget::new();
        for _ in 0..100 {
            assert!(matches!(budget.withdraw(at(0)), Withdrawal::Granted(_)));
        }
        assert_eq!(budget.tokens(at(0)), 10);
    }

    #[test]
    fn clones_share_the_tokens() {
        let budget = RetryBudget::new();
        for _ in 0..10 {
            drop(spend(&budget.clone(), at(0)));
        }
        let Withdrawal::Empty { next } = budget.withdraw(at(5)) else {
            panic!("not empty")
        };
        assert_eq!(next, at(20));
    }

    #[test]
    fn a_retry_that_succeeds_gets_its_token_back() {
        let budget = RetryBudget::new();
        for _ in 0..50 {
            spend(&budget, at(0)).refund();
        }
        assert_eq!(budget.tokens(at(0)), 10);
    }

    #[test]
    fn a_paused_floor_brings_nothing_and_owes_nothing_afterwards() {
        let budget = RetryBudget::new();
        for _ in 0..10 {
            drop(spend(&budget, at(0)));
        }
        budget.floor(Floor::Paused, at(0));
        let Withdrawal::Empty { next } = budget.withdraw(at(1_000)) else {
            panic!("not empty")
        };
        assert_eq!(next, Moment::MAX);
        budget.floor(Floor::Running, at(1_000));
        assert_eq!(budget.tokens(at(1_019)), 0);
        assert_eq!(budget.tokens(at(1_020)), 1);
    }
}
