use std::time::Duration;

use evenkeel_error::{ErrorKind, Moment};

use super::*;
use crate::{Outcome, Ratio, Reason, Rejection, Window};

mod defects;
mod flapping;
mod modes;
mod properties;
mod rules;
mod table;
mod windows;

/// The roll that draws the middle of every range: open delays of 1, 2, 4, 8 and 15 s.
const MIDDLE: u64 = 1 << 63;

const OVERLOADED: Outcome = Outcome::Failure {
    kind: ErrorKind::Overloaded,
    hint: None,
};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A machine with a present that the test moves.
#[derive(Clone, Debug)]
struct Scene {
    machine: Machine,
    now: Moment,
    roll: u64,
}

impl Scene {
    fn new() -> Self {
        Self::with(BreakerConfig::default())
    }

    fn with(config: BreakerConfig) -> Self {
        Self {
            machine: Machine::new(config),
            now: Moment::ORIGIN + s(1_000),
            roll: MIDDLE,
        }
    }

    fn pass(&mut self, time: Duration) -> &mut Self {
        self.now = self.now + time;
        self
    }

    fn ask(&mut self) -> (Admission, Option<Transition>) {
        self.machine.admit(self.now, self.roll)
    }

    fn ticket(&mut self) -> Ticket {
        match self.ask().0 {
            Admission::Admitted(ticket) | Admission::Overruled(ticket, _) => ticket,
            Admission::Rejected(rejection) => panic!("refused: {rejection:?}"),
        }
    }

    fn rejection(&mut self) -> Rejection {
        match self.ask() {
            (Admission::Rejected(rejection), None) => rejection,
            other => panic!("not refused: {other:?}"),
        }
    }

    fn is_admitted(&mut self) -> bool {
        matches!(self.ask().0, Admission::Admitted(_))
    }

    fn record(&mut self, ticket: Ticket, outcome: Outcome) -> Option<Transition> {
        self.machine.record(ticket, outcome, self.now, self.roll)
    }

    fn call(&mut self, outcome: Outcome) -> Option<Transition> {
        let ticket = self.ticket();
        self.record(ticket, outcome)
    }

    fn state(&self) -> State {
        self.machine.state(self.now)
    }

    /// Fails calls, one each 500 ms, until the circuit opens.
    fn fail_until_open(&mut self) -> Transition {
        for _ in 0..100 {
            if let Some(transition) = self.call(OVERLOADED) {
                assert_eq!(transition.to, State::Open);
                return transition;
            }
            self.pass(ms(500));
        }
        panic!("a hundred failures open nothing: {self:?}")
    }

    /// Opens, waits and sends the probe.
    fn probe(&mut self) -> Ticket {
        self.fail_until_open();
        self.pass(s(60)).ticket()
    }

    /// Opens, and comes as far as the slow start.
    fn recover(&mut self) {
        let probe = self.probe();
        let transition = self.record(probe, Outcome::Success);
        assert_eq!(transition.map(|it| it.to), Some(State::Recovering));
    }

    fn open_delay(&self, transition: Transition) -> Duration {
        self.now.until(transition.open_until.expect("opened"))
    }
}
