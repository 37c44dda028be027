use crate::RetryBudget;

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
    pub(super) const fn of(budget: RetryBudget) -> Self {
        Self {
            budget: Some(budget),
        }
    }

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
            budget.put_back();
        }
    }
}

impl Receipt {
    /// The retry succeeded: its token comes back.
    pub fn refund(self) {
        if let Some(budget) = self.budget {
            budget.put_back();
        }
    }
}
