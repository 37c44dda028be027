use crate::{Ledger, RunEnding};

/// How far a run may go, and how far it has come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance {
    pub(super) max_steps: u32,
    pub(super) token_limit: Option<u64>,
    pub(super) steps: u32,
    pub(super) ledger: Ledger,
}

impl Allowance {
    pub(super) fn new(max_steps: u32, token_limit: Option<u64>) -> Self {
        Self {
            max_steps,
            token_limit,
            steps: 0,
            ledger: Ledger::default(),
        }
    }

    /// One reply more, and what it took to get it.
    pub(super) fn spend(&mut self, ledger: Ledger) {
        self.steps = self.steps.saturating_add(1);
        self.ledger = self.ledger.and(ledger);
    }

    /// The limit that has been reached, if one has.
    pub(super) fn used_up(&self) -> Option<RunEnding> {
        if self.steps >= self.max_steps {
            return Some(RunEnding::StepLimit);
        }
        let limit = self.token_limit?;
        (self.ledger.tokens() >= limit).then_some(RunEnding::TokenLimit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(input: Option<u64>, output: Option<u64>, cached: Option<u64>) -> Ledger {
        Ledger {
            input_tokens: input,
            output_tokens: output,
            cache_read_input_tokens: cached,
            ..Ledger::default()
        }
    }

    #[test]
    fn the_step_that_reaches_a_limit_is_the_last() {
        let mut allowance = Allowance::new(2, Some(100));
        assert_eq!(allowance.used_up(), None);
        allowance.spend(of(Some(10), Some(5), None));
        assert_eq!(allowance.used_up(), None);
        allowance.spend(of(Some(10), None, None));
        assert_eq!(allowance.used_up(), Some(RunEnding::StepLimit));
    }

    #[test]
    fn every_token_counts_whether_it_was_read_written_or_in_the_cache() {
        let mut allowance = Allowance::new(9, Some(100));
        allowance.spend(of(Some(50), Some(20), Some(29)));
        assert_eq!(allowance.used_up(), None);
        allowance.spend(of(None, Some(1), None));
        assert_eq!(allowance.used_up(), Some(RunEnding::TokenLimit));
        assert_eq!(allowance.ledger.output_tokens, Some(21));
        assert_eq!(allowance.ledger.cache_creation_input_tokens, None);
    }

    #[test]
    fn what_nobody_counted_reaches_no_limit() {
        let mut allowance = Allowance::new(9, Some(1));
        allowance.spend(Ledger::default());
        assert_eq!(allowance.used_up(), None);
    }
}
