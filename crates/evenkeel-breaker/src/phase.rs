use core::time::Duration;

use evenkeel_error::{ErrorKind, Moment};

use crate::State;
use crate::config::Settings;
use crate::probe::Probe;
use crate::ramp::Ramp;

/// A state with what belongs to it and to no other.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Phase {
    Closed { since: Moment },
    Open { until: Moment, outage: Outage },
    HalfOpen { probe: Probe, outage: Outage },
    Recovering { ramp: Ramp, outage: Outage },
}

/// What the circuit opened on, kept until it is closed again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outage {
    pub(crate) fault: ErrorKind,
    /// The open delay drawn for it.
    pub(crate) delay: Duration,
}

impl Phase {
    /// The state as announced.
    pub(crate) const fn state(&self) -> State {
        match self {
            Self::Closed { .. } => State::Closed,
            Self::Open { .. } => State::Open,
            Self::HalfOpen { .. } => State::HalfOpen,
            Self::Recovering { .. } => State::Recovering,
        }
    }

    /// The state that a call would meet at `now`; it is announced when one comes.
    pub(crate) fn state_at(&self, now: Moment, config: &Settings) -> State {
        match self {
            Self::Open { until, .. } if now >= *until => State::HalfOpen,
            Self::Recovering { ramp, .. } if now >= ramp.end(config) => State::Closed,
            _ => self.state(),
        }
    }
}
