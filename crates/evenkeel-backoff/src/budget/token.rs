use super::Place;
use crate::RetryBudget;

/// A token taken from a [`RetryBudget`] for a retry that has not gone out. Dropping it gives it back.
#[derive(Debug)]
#[must_use = "dropping it gives the token back"]
pub struct Token {
    taken: Option<(RetryBudget, Place)>,
}

/// The receipt for a token whose retry went out. Dropping it keeps the token spent.
#[derive(Debug)]
pub struct Receipt {
    taken: Option<(RetryBudget, Place)>,
}

impl Token {
    pub(super) const fn of(budget: RetryBudget, place: Place) -> Self {
        let taken = Some((budget, place));
        Self { taken }
    }

    /// The retry goes out: the token is spent, unless the retry succeeds.
    #[must_use = "the receipt brings the token back if the retry succeeds"]
    pub fn sent(mut self) -> Receipt {
        Receipt {
            taken: self.taken.take(),
        }
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        if let Some((budget, place)) = self.taken.take() {
            budget.put_back(place);
        }
    }
}

impl Receipt {
    /// The retry succeeded: its token comes back.
    pub fn refund(self) {
        if let Some((budget, place)) = self.taken {
            budget.put_back(place);
        }
    }
}
