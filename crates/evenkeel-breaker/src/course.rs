use evenkeel_error::{ErrorKind, Moment};

use crate::counts::Ledger;
use crate::phase::{Outage, Phase};
use crate::probe::Probe;
use crate::ramp::{Ramp, Step};
use crate::{
    Admission, BreakerConfig, Health, Mode, Reason, Rejection, State, Ticket, Transition, roll,
};

mod verdict;

/// The states and the ways between them, apart from the counts, which a machine and a shared breaker
/// keep in different ways.
#[derive(Clone, Debug)]
pub(crate) struct Course {
    config: BreakerConfig,
    mode: Mode,
    phase: Phase,
    /// Openings since the circuit was last closed for the clean time: the `k` of the open delay.
    openings: u32,
    /// The newest generation.
    generation: u64,
    /// The oldest generation whose verdicts count. It does not rise when the slow start ends:
    /// calls let in by it are as good a sample as those let in after it.
    floor: u64,
}

/// What a call finds before anything about it is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entrance {
    /// Closed, and the mode does not matter: all are let in, with this generation.
    Closed(u64),
    /// Refuses all until then.
    Open {
        generation: u64,
        until: Moment,
        fault: ErrorKind,
    },
    /// Lets all in and counts nothing.
    Bypassed,
    /// Each call must be looked at.
    Guarded,
}

impl Course {
    pub(crate) fn new(config: BreakerConfig) -> Self {
        Self {
            mode: config.settings.mode,
            phase: Phase::Closed {
                since: Moment::ORIGIN,
            },
            openings: 0,
            generation: 1,
            floor: 1,
            config,
        }
    }

    /// What every call finds until the next change.
    pub(crate) const fn entrance(&self) -> Entrance {
        match (self.mode, self.phase) {
            (Mode::ForcedClosed, _) => Entrance::Bypassed,
            (Mode::On | Mode::ObserveOnly, Phase::Closed { .. }) => {
                Entrance::Closed(self.generation)
            }
            (Mode::On, Phase::Open { until, outage }) => Entrance::Open {
                generation: self.generation,
                until,
                fault: outage.fault,
            },
            _ => Entrance::Guarded,
        }
    }

    pub(crate) fn admit(&mut self, now: Moment, roll: u64) -> (Admission, Option<Transition>) {
        match self.mode {
            Mode::On => self.decide(now, roll),
            Mode::ObserveOnly => match self.decide(now, roll) {
                (Admission::Rejected(rejection), transition) => (
                    Admission::Overruled(Ticket::UNCOUNTED, rejection),
                    transition,
                ),
                admitted => admitted,
            },
            Mode::ForcedClosed => (Admission::Admitted(Ticket::UNCOUNTED), None),
            Mode::ForcedOpen => {
                // Nobody knows how long the order stands: as long as an outage of the same
                // length would keep callers away, and as spread.
                let delay = self.config.settings.delay(u32::MAX, None, roll);
                (rejected(now + delay, None, State::Open), None)
            }
        }
    }

    pub(crate) fn switch(&mut self, mode: Mode) {
        self.mode = mode;
    }

    pub(crate) const fn mode(&self) -> Mode {
        self.mode
    }

    pub(crate) fn state(&self, now: Moment) -> State {
        match self.mode {
            Mode::On | Mode::ObserveOnly => self.phase.state_at(now, &self.config.settings),
            Mode::ForcedOpen => State::Open,
            Mode::ForcedClosed => State::Closed,
        }
    }

    pub(crate) fn health(&self, ledger: &impl Ledger, now: Moment) -> Health {
        let totals = ledger.totals(now).whole();
        let (fault, retry_at) = match self.phase {
            _ if self.state(now) == State::Closed => (None, None),
            Phase::Closed { .. } => (None, None),
            Phase::Open { until, outage } => {
                (Some(outage.fault), Some(until).filter(|until| now < *until))
            }
            Phase::HalfOpen { probe, outage } => (Some(outage.fault), probe.taken_until(now)),
            Phase::Recovering { outage, .. } => (Some(outage.fault), None),
        };
        Health {
            state: self.state(now),
            mode: self.mode,
            samples: totals.samples,
            failures: totals.failures,
            slow: totals.slow,
            consecutive_failures: ledger.streak().failures,
            openings: self.openings_at(now),
            fault,
            retry_at,
        }
    }

    fn decide(&mut self, now: Moment, roll: u64) -> (Admission, Option<Transition>) {
        let settled = self.settle(now);
        let fresh = self.generation + 1;
        match &mut self.phase {
            Phase::Closed { .. } => (admitted(Ticket::placeless(self.generation, now)), settled),
            Phase::Open { until, outage } if now < *until => {
                (rejected(*until, Some(outage.fault), State::Open), None)
            }
            Phase::Open { outage, .. } => {
                let outage = *outage;
                let mut probe = Probe::default();
                let ticket = probe.lend(fresh, now, self.config.settings.probe_lease);
                let entered = self.enter(
                    Phase::HalfOpen { probe, outage },
                    now,
                    Reason::DelayOver,
                    outage,
                );
                (admitted(ticket), Some(entered))
            }
            Phase::HalfOpen { probe, outage } => {
                if probe.taken_until(now).is_some() {
                    let retry_at = now + outage.delay;
                    return (
                        rejected(retry_at, Some(outage.fault), State::HalfOpen),
                        None,
                    );
                }
                self.generation = fresh;
                (
                    admitted(probe.lend(fresh, now, self.config.settings.probe_lease)),
                    None,
                )
            }
            Phase::Recovering { ramp, outage } => {
                match ramp.begin(now, fresh, &self.config.settings) {
                    Step::Begun(generation) => {
                        self.generation = self.generation.max(generation);
                        (admitted(Ticket::placed(generation, now)), None)
                    }
                    Step::Full(next) => {
                        // Spread over the next step, so that those who wait do not come in one blow.
                        let spread =
                            roll::share(roll::nanos(self.config.settings.ramp_interval), roll);
                        (
                            rejected(next + spread, Some(outage.fault), State::Recovering),
                            None,
                        )
                    }
                }
            }
        }
    }

    /// Closes the circuit if the slow start is over.
    fn settle(&mut self, now: Moment) -> Option<Transition> {
        let Phase::Recovering { ramp, outage } = self.phase else {
            return None;
        };
        let since = ramp.end(&self.config.settings);
        if now < since {
            return None;
        }
        let from = self.phase.state();
        self.phase = Phase::Closed { since };
        Some(Transition {
            from,
            to: State::Closed,
            at: now,
            reason: Reason::RampOver,
            fault: outage.fault,
            open_until: None,
        })
    }

    /// Ends closed, because nobody keeps it any more.
    pub(crate) fn forget(&mut self, now: Moment) -> Option<Transition> {
        if let Some(settled) = self.settle(now) {
            return Some(settled);
        }
        let outage = match self.phase {
            Phase::Closed { .. } => return None,
            Phase::Open { outage, .. }
            | Phase::HalfOpen { outage, .. }
            | Phase::Recovering { outage, .. } => outage,
        };
        Some(self.enter(Phase::Closed { since: now }, now, Reason::Forgotten, outage))
    }

    /// Enters a state in which the verdicts of calls from before count no more.
    fn enter(&mut self, phase: Phase, now: Moment, reason: Reason, outage: Outage) -> Transition {
        let from = self.phase.state();
        self.phase = phase;
        self.generation += 1;
        self.floor = self.generation;
        let open_until = match phase {
            Phase::Open { until, .. } => Some(until),
            _ => None,
        };
        Transition {
            from,
            to: phase.state(),
            at: now,
            reason,
            fault: outage.fault,
            open_until,
        }
    }

    /// The openings that count at `now`: none, once the circuit was closed for the clean time.
    pub(crate) fn openings_at(&self, now: Moment) -> u32 {
        let closed_at = match &self.phase {
            Phase::Closed { since } => *since,
            Phase::Recovering { ramp, .. } => ramp.end(&self.config.settings),
            Phase::Open { .. } | Phase::HalfOpen { .. } => return self.openings,
        };
        if now >= closed_at + self.config.settings.clean_time {
            0
        } else {
            self.openings
        }
    }
}

const fn admitted(ticket: Ticket) -> Admission {
    Admission::Admitted(ticket)
}

const fn rejected(retry_at: Moment, fault: Option<ErrorKind>, state: State) -> Admission {
    Admission::Rejected(Rejection {
        retry_at,
        fault,
        state,
    })
}
