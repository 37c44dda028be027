use core::time::Duration;

use evenkeel_error::Moment;

use crate::Ticket;

/// The one place of the half-open state, and who has it until when.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Probe {
    lease: Option<Lease>,
}

#[derive(Clone, Copy, Debug)]
struct Lease {
    generation: u64,
    until: Moment,
}

impl Probe {
    /// Gives the place to a new generation. The caller has made sure that it is free.
    pub(crate) fn lend(&mut self, generation: u64, now: Moment, term: Duration) -> Ticket {
        self.lease = Some(Lease {
            generation,
            until: now + term,
        });
        Ticket::placed(generation, now)
    }

    /// Takes the place back, if this ticket has it. The ticket of an expired lease must not take
    /// it from its successor.
    pub(crate) fn give_back(&mut self, ticket: Ticket) {
        if self.is_latest(ticket) {
            self.lease = None;
        }
    }

    /// When the place becomes free; `None` if it is.
    pub(crate) fn taken_until(&self, now: Moment) -> Option<Moment> {
        self.lease
            .map(|lease| lease.until)
            .filter(|until| now < *until)
    }

    /// Whether no other probe was sent since this one, be its lease over or not.
    pub(crate) fn is_latest(&self, ticket: Ticket) -> bool {
        self.lease
            .is_some_and(|lease| lease.generation == ticket.generation())
    }
}
