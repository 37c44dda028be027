use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use evenkeel_error::Moment;

use crate::{Admission, BreakerConfig, Health, Machine, Mode, Permit, Rejected, State};

/// One circuit, shared: a [`Machine`] behind a lock that is held for a few steps, never across a
/// call. Clones are handles to the same circuit.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_breaker::Breaker;
/// use evenkeel_error::{ErrorKind, Moment};
///
/// let breaker = Breaker::default();
/// let (now, roll) = (Moment::ORIGIN, 0x9E37_79B9_7F4A_7C15); // a clock and dice, in earnest
///
/// match breaker.admit(now, roll) {
///     Ok(permit) => {
///         // … the call, which fails …
///         let transition = permit.failure(ErrorKind::Overloaded, None, now, roll);
///         assert!(transition.is_none(), "one failure opens nothing");
///     }
///     Err(rejected) => println!("come back at {:?}", rejected.retry_at()),
/// }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Breaker {
    machine: Arc<Mutex<Machine>>,
}

impl Breaker {
    /// A closed circuit that has seen nothing.
    #[must_use]
    pub fn new(config: BreakerConfig) -> Self {
        Self {
            machine: Arc::new(Mutex::new(Machine::new(config))),
        }
    }

    /// May a call begin? `roll` is 64 uniform random bits.
    ///
    /// If this changed the state, [`Permit::transition`] says so; a refusal changes nothing.
    ///
    /// # Errors
    ///
    /// [`Rejected`], with the moment to come back and the fault that opened the circuit.
    pub fn admit(&self, now: Moment, roll: u64) -> Result<Permit, Rejected> {
        let (admission, transition) = self.lock().admit(now, roll);
        let (ticket, overruled) = match admission {
            Admission::Admitted(ticket) => (ticket, None),
            Admission::Overruled(ticket, rejection) => (ticket, Some(rejection)),
            Admission::Rejected(rejection) => return Err(Rejected::new(rejection, now)),
        };
        Ok(Permit::new(self.clone(), ticket, transition, overruled))
    }

    /// Changes who decides.
    pub fn switch(&self, mode: Mode) {
        self.lock().switch(mode);
    }

    /// Who decides.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.lock().mode()
    }

    /// What a call that arrives at `now` would meet.
    #[must_use]
    pub fn state(&self, now: Moment) -> State {
        self.lock().state(now)
    }

    /// Everything it knows, for a health page.
    #[must_use]
    pub fn health(&self, now: Moment) -> Health {
        self.lock().health(now)
    }

    /// Whether anybody else holds this circuit: a handle, or a permit of a call in flight.
    pub(crate) fn is_held(&self) -> bool {
        Arc::strong_count(&self.machine) > 1
    }

    /// A panic of another thread cannot leave the machine half changed in a way that matters:
    /// none of its steps runs foreign code. So a poisoned lock is as good as any.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Machine> {
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
