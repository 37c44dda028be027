use crate::circuit::{Circuit, Counted};
use crate::present::Present;
use crate::{Outcome, Ticket, Transition};

/// The place of a call while foreign code runs, a clock or a listener: should that panic, it is given back.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    circuit: &'a Circuit,
    ticket: Ticket,
}

impl<'a> Place<'a> {
    pub(crate) const fn new(circuit: &'a Circuit, ticket: Ticket) -> Self {
        Self { circuit, ticket }
    }

    /// It has another keeper.
    pub(crate) fn hand_over(mut self) {
        self.ticket = Ticket::UNCOUNTED;
    }

    /// The longer way of a success, from where [`Circuit::count`] stopped.
    #[cold]
    #[inline(never)]
    pub(crate) fn succeed(self, counted: Counted, mut present: impl Present) -> Option<Transition> {
        let Self { circuit, ticket } = self;
        if circuit.count_otherwise(counted, ticket, &mut present) {
            return None;
        }
        let (now, roll) = (present.now(), present.roll());
        // The verdict takes the place with it.
        self.hand_over();
        circuit.record(ticket, Outcome::Success, now, roll)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if self.ticket.holds_place() {
            self.circuit.release(self.ticket);
        }
    }
}
