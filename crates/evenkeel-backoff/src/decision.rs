use core::fmt;
use core::time::Duration;

/// What a [`RetryPolicy`](crate::RetryPolicy) says to a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Decision {
    /// Wait, then try again.
    Retry(Retry),
    /// Give up.
    Stop(Stop),
}

/// Try again: after which wait, and at what cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retry {
    /// How long to wait from now, jitter included.
    pub wait: Duration,
    /// The part of the wait that the server asked for; zero where it asked for none.
    pub hint: Duration,
    /// What it takes from the retry budget.
    pub cost: Cost,
}

impl Retry {
    /// Another attempt after this wait, at the cost of a token: for a
    /// [`Policy`](crate::Policy) of your own.
    #[must_use]
    pub const fn after(wait: Duration) -> Self {
        Self {
            wait,
            hint: Duration::ZERO,
            cost: Cost::Token,
        }
    }

    /// The part of the wait that the server asked for. Default: zero.
    #[must_use]
    pub const fn hint(mut self, hint: Duration) -> Self {
        self.hint = hint;
        self
    }

    /// What it takes from the budget. Default: one token.
    #[must_use]
    pub const fn cost(mut self, cost: Cost) -> Self {
        self.cost = cost;
        self
    }
}

/// What a retry takes from a [`RetryBudget`](crate::RetryBudget).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// Nothing: the other side refused the request before any work, and said when to come back.
    Free,
    /// One token.
    Token,
}

/// Give up: why, and when it would have been worth trying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stop {
    /// Why.
    pub reason: StopReason,
    /// The wait from now that the failure asked for and that did not fit.
    pub wait: Option<Duration>,
}

impl Stop {
    /// No other attempt, for this reason: for a [`Policy`](crate::Policy) of your own.
    #[must_use]
    pub const fn because(reason: StopReason) -> Self {
        Self { reason, wait: None }
    }

    /// The wait from now that the failure asked for. Default: none.
    #[must_use]
    pub const fn wait(mut self, wait: Option<Duration>) -> Self {
        self.wait = wait;
        self
    }
}

/// Why a policy gave up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StopReason {
    /// The failure says that another attempt cannot help, or may not be made again.
    NotRecoverable,
    /// Every attempt that the policy allows was made.
    Attempts,
    /// The time without progress that the policy allows is over, or the next wait does not fit.
    Patience,
    /// The caller's deadline has come, or comes before the next wait is over.
    Deadline,
    /// The budget has no token left. A policy never says so; the shells do.
    Budget,
}

impl StopReason {
    /// The stable `snake_case` name.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::NotRecoverable => "not_recoverable",
            Self::Attempts => "attempts",
            Self::Patience => "patience",
            Self::Deadline => "deadline",
            Self::Budget => "budget",
        }
    }
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}
