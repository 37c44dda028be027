use evenkeel_error::Moment;

use crate::counts::Counts;
use crate::course::Course;
use crate::{Admission, BreakerConfig, Health, Mode, Outcome, State, Ticket, Transition};

/// The circuit breaker without clock, lock and dice: the present and a random number come in, a
/// decision and at most one [`Transition`] come out.
///
/// It is the specification of [`Breaker`](crate::Breaker), which decides the same without a lock
/// while it is closed. Record one verdict for each [`Ticket`]; the breaker's permits do that for
/// you. Every `roll` is 64 uniform random bits. Time that runs backwards counts as time that stands
/// still.
///
/// ```
/// use evenkeel_breaker::{Admission, BreakerConfig, Machine, Outcome};
/// use evenkeel_error::Moment;
///
/// let mut machine = Machine::new(BreakerConfig::default());
/// let (now, roll) = (Moment::ORIGIN, 0x9E37_79B9_7F4A_7C15);
/// let (admission, transition) = machine.admit(now, roll);
/// let Admission::Admitted(ticket) = admission else { panic!("a new circuit is closed") };
/// assert_eq!(transition, None);
/// assert_eq!(machine.record(ticket, Outcome::Success, now, roll), None);
/// ```
#[derive(Clone, Debug)]
pub struct Machine {
    course: Course,
    counts: Counts,
}

impl Default for Machine {
    fn default() -> Self {
        Self::new(BreakerConfig::default())
    }
}

impl Machine {
    /// A closed circuit that has seen nothing.
    #[must_use]
    pub fn new(config: BreakerConfig) -> Self {
        Self {
            counts: Counts::new(&config.settings),
            course: Course::new(config),
        }
    }

    /// May a call begin?
    ///
    /// The transition, if there is one, is from open to half-open or from recovering to closed;
    /// a call that is refused changes nothing.
    pub fn admit(&mut self, now: Moment, roll: u64) -> (Admission, Option<Transition>) {
        self.course.admit(now, roll)
    }

    /// What became of the call that was let in with `ticket`. Counted at `now`, the moment of the
    /// verdict: a call may take longer than the window is wide.
    ///
    /// A verdict from before the circuit last opened changes nothing; while a mode is forced, none
    /// does.
    pub fn record(
        &mut self,
        ticket: Ticket,
        outcome: Outcome,
        now: Moment,
        roll: u64,
    ) -> Option<Transition> {
        self.course
            .record(&mut self.counts, ticket, outcome, now, roll)
    }

    /// The first verdict of a call that has two, such as a stream: it began to answer. Counts as
    /// a success, and gives the ticket for what may still go wrong; record with it a failure, or
    /// nothing.
    pub fn first_content(
        &mut self,
        ticket: Ticket,
        now: Moment,
        roll: u64,
    ) -> (Ticket, Option<Transition>) {
        self.course
            .first_content(&mut self.counts, ticket, now, roll)
    }

    /// Changes who decides. The machine keeps its state: switched on again, it goes on from there.
    pub fn switch(&mut self, mode: Mode) {
        self.course.switch(mode);
    }

    /// Who decides.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.course.mode()
    }

    /// What a call that arrives at `now` would meet.
    #[must_use]
    pub fn state(&self, now: Moment) -> State {
        self.course.state(now)
    }

    /// Everything it knows, for a health page.
    #[must_use]
    pub fn health(&self, now: Moment) -> Health {
        self.course.health(&self.counts, now)
    }
}

#[cfg(test)]
mod tests;
