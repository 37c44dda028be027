use evenkeel_error::{ErrorKind, Moment};

use crate::phase::{Outage, Phase};
use crate::probe::Probe;
use crate::ramp::{Ramp, Step};
use crate::streak::Streak;
use crate::window::{Verdict, Window};
use crate::{
    Admission, BreakerConfig, Health, Mode, Reason, Rejection, State, Ticket, Transition, roll,
};

mod verdict;

/// The circuit breaker without clock, lock and dice: the present and a random number come in, a
/// decision and at most one [`Transition`] come out.
///
/// Record one verdict for each [`Ticket`]; [`Breaker`](crate::Breaker) with its permits does that
/// for you. Every `roll` is 64 uniform random bits. Time that runs backwards counts as time that
/// stands still.
#[derive(Clone, Debug)]
pub struct Machine {
    config: BreakerConfig,
    mode: Mode,
    phase: Phase,
    window: Window,
    streak: Streak,
    /// Openings since the circuit was last closed for the clean time: the `k` of the open delay.
    openings: u32,
    /// The newest generation.
    generation: u64,
    /// The oldest generation whose verdicts count. It does not rise when the slow start ends:
    /// calls let in by it are as good a sample as those let in after it.
    floor: u64,
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
            mode: config.mode,
            phase: Phase::Closed {
                since: Moment::ORIGIN,
            },
            window: Window::new(config.window),
            streak: Streak::default(),
            openings: 0,
            generation: 1,
            floor: 1,
            config,
        }
    }

    /// May a call begin?
    ///
    /// The transition, if there is one, is from open to half-open or from recovering to closed;
    /// a call that is refused changes nothing.
    pub fn admit(&mut self, now: Moment, roll: u64) -> (Admission, Option<Transition>) {
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
                let delay = self.config.delay(u32::MAX, None, roll);
                (rejected(now + delay, None, State::Open), None)
            }
        }
    }

    /// Changes who decides. The machine keeps its state: switched on again, it goes on from there.
    pub fn switch(&mut self, mode: Mode) {
        self.mode = mode;
    }

    /// Who decides.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// What a call that arrives at `now` would meet.
    #[must_use]
    pub fn state(&self, now: Moment) -> State {
        match self.mode {
            Mode::On | Mode::ObserveOnly => self.phase.state_at(now, &self.config),
            Mode::ForcedOpen => State::Open,
            Mode::ForcedClosed => State::Closed,
        }
    }

    /// Everything it knows, for a health page.
    #[must_use]
    pub fn health(&self, now: Moment) -> Health {
        let totals = self.window.totals(now);
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
            samples: totals.samples(),
            failures: totals.failures,
            consecutive_failures: self.streak.failures(),
            openings: self.openings_at(now),
            fault,
            retry_at,
        }
    }

    fn decide(&mut self, now: Moment, roll: u64) -> (Admission, Option<Transition>) {
        let settled = self.settle(now);
        let fresh = self.generation + 1;
        match &mut self.phase {
            Phase::Closed { .. } => (admitted(Ticket::placeless(self.generation)), settled),
            Phase::Open { until, outage } if now < *until => {
                (rejected(*until, Some(outage.fault), State::Open), None)
            }
            Phase::Open { outage, .. } => {
                let outage = *outage;
                let mut probe = Probe::default();
                let ticket = probe.lend(fresh, now, self.config.probe_lease);
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
                    admitted(probe.lend(fresh, now, self.config.probe_lease)),
                    None,
                )
            }
            Phase::Recovering { ramp, outage } => match ramp.begin(now, fresh, &self.config) {
                Step::Begun(generation) => {
                    self.generation = self.generation.max(generation);
                    (admitted(Ticket::placed(generation)), None)
                }
                Step::Full(next) => {
                    // Spread over the next step, so that those who wait do not come in one blow.
                    let spread = roll::share(roll::nanos(self.config.ramp_interval), roll);
                    (
                        rejected(next + spread, Some(outage.fault), State::Recovering),
                        None,
                    )
                }
            },
        }
    }

    /// Closes the circuit if the slow start is over.
    fn settle(&mut self, now: Moment) -> Option<Transition> {
        let Phase::Recovering { ramp, outage } = self.phase else {
            return None;
        };
        let since = ramp.end(&self.config);
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
    fn openings_at(&self, now: Moment) -> u32 {
        let closed_at = match &self.phase {
            Phase::Closed { since } => *since,
            Phase::Recovering { ramp, .. } => ramp.end(&self.config),
            Phase::Open { .. } | Phase::HalfOpen { .. } => return self.openings,
        };
        if now >= closed_at + self.config.clean_time {
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

#[cfg(test)]
mod tests;
