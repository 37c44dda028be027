use std::collections::VecDeque;

use super::{Sample, Totals};

/// The last so many verdicts, whenever they came.
#[derive(Clone, Debug)]
pub(crate) struct CallWindow {
    capacity: usize,
    held: VecDeque<Totals>,
    total: Totals,
}

impl CallWindow {
    pub(crate) fn new(calls: u32) -> Self {
        Self {
            capacity: usize::try_from(calls).unwrap_or(usize::MAX),
            held: VecDeque::new(),
            total: Totals::default(),
        }
    }

    pub(crate) fn record(&mut self, mut sample: Sample) {
        if sample.again
            && let Some(last) = self.held.back_mut()
        {
            *last = last.plus(sample.totals());
            self.total = self.total.plus(sample.totals());
            return;
        }
        sample.again = false;
        if self.held.len() >= self.capacity
            && let Some(gone) = self.held.pop_front()
        {
            self.total = self.total.minus(gone);
        }
        self.held.push_back(sample.totals());
        self.total = self.total.plus(sample.totals());
    }

    pub(crate) const fn totals(&self) -> Totals {
        self.total
    }

    pub(crate) fn clear(&mut self) {
        self.held.clear();
        self.total = Totals::default();
    }
}
