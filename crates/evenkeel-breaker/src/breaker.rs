use std::sync::Arc;

use evenkeel_error::Moment;

use crate::audience::Audience;
use crate::circuit::Circuit;
use crate::present::Given;
use crate::{BreakerConfig, Health, Mode, Permit, Rejected, State, Transition};

/// One circuit, shared. Clones are handles to the same circuit.
///
/// It decides as [`Machine`](crate::Machine) does. While it is closed, calls pass without a lock;
/// while it is open, they are refused without one. What changes the state, a probe or the slow start
/// takes a lock for a few steps, never across a call.
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
#[derive(Clone, Debug)]
pub struct Breaker {
    circuit: Arc<Circuit>,
}

impl Default for Breaker {
    fn default() -> Self {
        Self::new(BreakerConfig::default())
    }
}

impl Breaker {
    /// A closed circuit that has seen nothing.
    #[must_use]
    pub fn new(config: BreakerConfig) -> Self {
        Self::with_audience(config, None)
    }

    /// The same, with a listener that hears of each transition once, in order.
    ///
    /// It is called by the thread whose call caused the transition, after the fact and outside of
    /// every lock: it may use the breaker. If several threads cause transitions at once, one of them
    /// tells of all. A listener that panics has heard; the panic goes to the caller whose thread it
    /// was, and the next transition tells what was left; in a drop during another panic it ends the
    /// process, as every such panic does. Of transitions that wait for a listener which hangs, the latest
    /// 1,024 are kept.
    ///
    /// ```
    /// use evenkeel_breaker::{Breaker, BreakerConfig};
    ///
    /// let breaker = Breaker::with_listener(BreakerConfig::default(), |transition| {
    ///     eprintln!("the circuit goes from {transition}");
    /// });
    /// # let _ = breaker;
    /// ```
    #[must_use]
    pub fn with_listener(
        config: BreakerConfig,
        listener: impl Fn(&Transition) + Send + Sync + 'static,
    ) -> Self {
        Self::with_audience(config, Some(Audience::new(listener)))
    }

    pub(crate) fn with_audience(config: BreakerConfig, audience: Option<Audience>) -> Self {
        Self {
            circuit: Arc::new(Circuit::new(config, audience)),
        }
    }

    /// May a call begin? The permit borrows the breaker. `roll` is 64 uniform random bits.
    ///
    /// If this changed the state, [`Permit::transition`] says so; a refusal changes nothing.
    ///
    /// # Errors
    ///
    /// [`Rejected`], with the moment to come back and the fault that opened the circuit.
    #[inline]
    pub fn admit(&self, now: Moment, roll: u64) -> Result<Permit<&Self>, Rejected> {
        Permit::admit(self, Given { now, roll })
    }

    /// The same with a permit that owns a handle, for a call that outlives this borrow, such as a
    /// spawned task.
    ///
    /// # Errors
    ///
    /// As [`admit`](Self::admit).
    #[inline]
    pub fn admit_owned(&self, now: Moment, roll: u64) -> Result<Permit, Rejected> {
        self.clone().into_admission(now, roll)
    }

    /// Like `admit_owned`, with this very handle.
    #[inline]
    pub(crate) fn into_admission(self, now: Moment, roll: u64) -> Result<Permit, Rejected> {
        Permit::admit(self, Given { now, roll })
    }

    /// Changes who decides. The circuit keeps its state: switched on again, it goes on from there. An
    /// order is no transition, and no listener hears of it.
    pub fn switch(&self, mode: Mode) {
        self.circuit.switch(mode);
    }

    /// Who decides.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.circuit.mode()
    }

    /// What a call that arrives at `now` would meet.
    #[must_use]
    pub fn state(&self, now: Moment) -> State {
        self.circuit.state(now)
    }

    /// Everything it knows, for a health page.
    #[must_use]
    pub fn health(&self, now: Moment) -> Health {
        self.circuit.health(now)
    }

    /// Whether anybody else holds this circuit: a handle, or a permit of a call in flight.
    pub(crate) fn is_held(&self) -> bool {
        Arc::strong_count(&self.circuit) > 1
    }

    #[inline]
    pub(crate) fn circuit(&self) -> &Circuit {
        &self.circuit
    }
}

#[cfg(test)]
mod tests;
