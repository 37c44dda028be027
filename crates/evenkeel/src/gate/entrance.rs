use std::sync::{Arc, PoisonError};
use std::time::Duration;

use evenkeel_error::Moment;

use super::{Comer, Departure, Gate, Slot};
use crate::sync::{AtomicBool, Mutex, Ordering};

/// The gate of the calls that share a limit.
#[derive(Debug)]
pub(crate) struct Entrance {
    gate: Mutex<Gate>,
    /// Whether the gate may be closed, so that the usual call need not lock it.
    may_be_closed: AtomicBool,
}

/// A place that a call waits for. Dropping it gives it to the next who asks.
#[derive(Debug)]
#[must_use]
pub(crate) struct Place {
    entrance: Arc<Entrance>,
    moment: Moment,
}

impl Entrance {
    pub(crate) fn new(spacing: Duration) -> Self {
        Self {
            gate: Mutex::new(Gate::new(spacing)),
            may_be_closed: AtomicBool::new(false),
        }
    }

    /// See [`Gate::close_until`].
    pub(crate) fn close_until(&self, moment: Moment) {
        self.with_gate(|gate| {
            gate.close_until(moment);
            self.may_be_closed.store(true, Ordering::Release);
        });
    }

    /// See [`Gate::reserve`].
    pub(crate) fn reserve(
        self: &Arc<Self>,
        now: Moment,
        latest: Option<Moment>,
        comer: Comer,
    ) -> Slot<Place> {
        if comer == Comer::New && !self.may_be_closed.load(Ordering::Acquire) {
            return Slot::AtOnce;
        }
        let slot = self.with_gate(|gate| {
            if gate.is_open(now) {
                self.may_be_closed.store(false, Ordering::Release);
            }
            gate.reserve(now, latest, comer)
        });
        match slot {
            Slot::AtOnce => Slot::AtOnce,
            Slot::TooLate(opens) => Slot::TooLate(opens),
            Slot::At(moment) => Slot::At(Place {
                entrance: Arc::clone(self),
                moment,
            }),
        }
    }

    /// See [`Gate::is_open`].
    pub(crate) fn is_open(&self, now: Moment) -> bool {
        !self.may_be_closed.load(Ordering::Acquire) || self.with_gate(|gate| gate.is_open(now))
    }

    fn with_gate<T>(&self, act: impl FnOnce(&mut Gate) -> T) -> T {
        act(&mut self.gate.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Place {
    pub(crate) fn moment(&self) -> Moment {
        self.moment
    }

    /// See [`Gate::leave`].
    pub(crate) fn leave(self) -> Departure {
        self.entrance.with_gate(|gate| gate.leave(self.moment))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Nobody else can have a place of this moment, also where its waiter has left by it.
        self.entrance.with_gate(|gate| gate.free(self.moment));
    }
}

#[cfg(all(test, loom))]
mod orders;
