//! Successes of a closed circuit: none of them waits for a lock.

use std::sync::TryLockError;

use evenkeel_error::Moment;

use super::Circuit;
use crate::Ticket;
use crate::gate::{Duty, Gate, Tag};
use crate::present::Present;
use crate::sync::Ordering;
use crate::tallies::Misplaced;

/// What became of a success.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Counted {
    Yes,
    /// It is to be mended.
    Astray(Misplaced),
    No,
}

impl Circuit {
    /// The success of a call that found the gate clear, if it still is; calls nothing, so that the
    /// caller keeps what it has in registers.
    #[inline]
    pub(crate) fn count(&self, ticket: Ticket, present: &mut impl Present) -> Counted {
        let gate = self.gate();
        if !ticket.is_of(gate) {
            return Counted::No;
        }
        let misplaced = match gate.duty() {
            Duty::Nothing => None,
            Duty::Time => self.tallies.succeed_at(present.now()),
            Duty::Calls => self.tallies.succeed(),
            Duty::Watched => return Counted::No,
        };
        match misplaced {
            None => Counted::Yes,
            Some(misplaced) => Counted::Astray(misplaced),
        }
    }

    /// Goes on where [`count`](Self::count) stopped, as far as that is possible without a lock: puts
    /// right what it counted, counts the first success after a failure, and where slow calls are a rule
    /// those that were not. Whether the success is counted now.
    pub(crate) fn count_otherwise(
        &self,
        counted: Counted,
        ticket: Ticket,
        present: &mut impl Present,
    ) -> bool {
        match counted {
            Counted::Yes => return true,
            Counted::Astray(misplaced) => {
                self.mend(misplaced);
                return true;
            }
            Counted::No if ticket.is_uncounted() => return true,
            Counted::No => {}
        }
        let gate = self.gate();
        let is_of = gate.tag() == Tag::Closed && gate.generation() == ticket.generation();
        if !is_of || ticket.holds_place() {
            return false;
        }
        let duty = gate.duty();
        if duty == Duty::Watched && self.is_slow(ticket, present.now()) {
            return false;
        }
        if gate.is_troubled() && !self.calm(gate) {
            return false;
        }
        let misplaced = match duty {
            Duty::Nothing => None,
            Duty::Calls => self.tallies.succeed(),
            Duty::Time | Duty::Watched => self.tallies.succeed_at(present.now()),
        };
        if let Some(misplaced) = misplaced {
            self.mend(misplaced);
        }
        true
    }

    /// Ends the failures in a row, if nothing has changed.
    fn calm(&self, gate: Gate) -> bool {
        let (from, to) = (gate.word(), gate.calmed().word());
        self.gate
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
    }

    fn is_slow(&self, ticket: Ticket, now: Moment) -> bool {
        let limit = self.config.settings.slow_after();
        limit.is_some_and(|limit| now.since(ticket.begun) >= limit)
    }

    /// Puts a success right that was the first of its bucket, or of a time before. Waits for nobody:
    /// while another thread has the lock, a note will do.
    #[cold]
    #[inline(never)]
    pub(crate) fn mend(&self, misplaced: Misplaced) {
        let mut guarded = match self.guarded.try_lock() {
            Ok(guarded) => guarded,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return self.tallies.note_late(misplaced),
        };
        self.tallies.mend(&mut guarded.past, misplaced);
    }
}
