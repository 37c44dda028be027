use std::collections::VecDeque;

use crate::counts::{Sample, Totals};

/// What went wrong among the last so many verdicts, by the number of the verdict: so a success only
/// takes a number, and whatever is a window behind the newest number is forgotten.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    /// In the order of their numbers, of which each stands here once.
    held: VecDeque<(u64, Tally)>,
    /// All of them together.
    total: Totals,
}

/// What is noted by one number: of several calls, if they broke after they began to answer.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    failures: u32,
    slow: u32,
}

impl Tally {
    fn totals(self) -> Totals {
        Totals {
            samples: 0,
            failures: self.failures.into(),
            slow: self.slow.into(),
        }
    }
}

impl Calls {
    /// Notes a verdict that was not simply a success.
    pub(crate) fn record(&mut self, number: u64, sample: Sample, capacity: u32) {
        while let Some((held, gone)) = self.held.front().copied()
            && number.saturating_sub(held) >= u64::from(capacity)
        {
            self.held.pop_front();
            self.total = self.total.minus(gone.totals());
        }
        let before = match self.held.back() {
            Some((held, before)) if *held == number => {
                let before = *before;
                self.held.pop_back();
                before
            }
            _ => Tally::default(),
        };
        let tally = Tally {
            failures: before.failures.saturating_add(sample.failed.into()),
            slow: before.slow.saturating_add(sample.slow.into()),
        };
        self.held.push_back((number, tally));
        self.total = self.total.minus(before.totals()).plus(tally.totals());
    }

    /// What the window holds after so many verdicts.
    pub(crate) fn totals(&self, counted: u64, capacity: u32) -> Totals {
        let oldest = counted.saturating_sub(capacity.into());
        let gone = self.held.iter().take_while(|(held, _)| *held < oldest);
        let total = gone.fold(self.total, |total, (_, gone)| total.minus(gone.totals()));
        Totals {
            samples: counted.min(capacity.into()),
            ..total
        }
    }
}
