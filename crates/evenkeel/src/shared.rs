use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use evenkeel_error::Moment;
use evenkeel_event::{CallId, Event, Observer, What};
use evenkeel_transport::{Backend, ExtraHeaders, Transport};

use crate::bounded::Bounded;
use crate::clock::Clock;
use crate::gate::{Comer, Gate, Slot};
use crate::timers::Timers;
use crate::{Credential, Patience};

/// How many models of an origin are remembered: more than there are, few enough for a caller that
/// invents names.
const LANES: usize = 1_024;

/// What the clones of a client share.
pub(crate) struct Shared {
    pub(crate) transport: Box<dyn Transport>,
    pub(crate) backend: Box<dyn Backend>,
    pub(crate) credential: Option<Credential>,
    /// What the caller adds to every request.
    pub(crate) headers: ExtraHeaders,
    pub(crate) tuning: Tuning,
    pub(crate) clock: Clock,
    #[cfg(any(feature = "retry", feature = "breaker"))]
    pub(crate) dice: crate::dice::Dice,
    #[cfg(feature = "breaker")]
    pub(crate) breakers: crate::circuit::Breakers,
    pub(crate) observers: Vec<Arc<dyn Observer>>,
    pub(crate) memory: Memory,
}

/// What a client learns as it goes.
pub(crate) struct Memory {
    lanes: Mutex<Bounded<String, Lane>>,
    calls: AtomicU64,
    answered: AtomicBool,
}

/// The numbers of a client.
pub(crate) struct Tuning {
    pub(crate) patience: Patience,
    pub(crate) timers: Timers,
    pub(crate) divisor: NonZeroU32,
    #[cfg(feature = "retry")]
    pub(crate) policy: Option<evenkeel_backoff::RetryPolicy>,
}

/// What the calls to one model share.
pub(crate) struct Lane {
    gate: Mutex<Gate>,
    #[cfg(feature = "retry")]
    pub(crate) budget: evenkeel_backoff::RetryBudget,
    /// Told when a call brings a token back.
    #[cfg(feature = "retry")]
    pub(crate) earned: tokio::sync::Notify,
}

impl Memory {
    pub(crate) fn new() -> Self {
        Self {
            lanes: Mutex::new(Bounded::new(LANES)),
            calls: AtomicU64::new(0),
            answered: AtomicBool::new(false),
        }
    }
}

impl Shared {
    pub(crate) fn next_call(&self) -> CallId {
        CallId::new(
            self.memory
                .calls
                .fetch_add(1, Ordering::Relaxed)
                .saturating_add(1),
        )
    }

    /// What the calls to `model` share.
    pub(crate) fn lane(&self, model: &str) -> Arc<Lane> {
        let now = self.clock.now();
        let mut lanes = self
            .memory
            .lanes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let divisor = self.tuning.divisor;
        lanes.get_or_make(model, || Lane::new(divisor), |lane| lane.is_idle(now))
    }

    pub(crate) fn emit(&self, call: CallId, what: What<'_>) {
        if self.observers.is_empty() {
            return;
        }
        let event = Event::new(call, self.clock.now(), what);
        for observer in &self.observers {
            observer.observe(&event);
        }
    }

    /// Whether the endpoint has ever answered this process, with whatever status.
    #[cfg(feature = "retry")]
    pub(crate) fn has_answered(&self) -> bool {
        self.memory.answered.load(Ordering::Relaxed)
    }

    pub(crate) fn mark_answered(&self) {
        self.memory.answered.store(true, Ordering::Relaxed);
    }
}

impl Tuning {
    /// A duration as this client counts it.
    pub(crate) fn divided(&self, duration: Duration) -> Duration {
        duration / self.divisor.get()
    }
}

impl Lane {
    fn new(divisor: NonZeroU32) -> Self {
        Self {
            gate: Mutex::new(Gate::new(divisor)),
            #[cfg(feature = "retry")]
            budget: evenkeel_backoff::RetryBudget::time_divided_by(divisor),
            #[cfg(feature = "retry")]
            earned: tokio::sync::Notify::new(),
        }
    }

    /// See [`Gate::reserve`].
    pub(crate) fn reserve(&self, now: Moment, latest: Option<Moment>, comer: Comer) -> Slot {
        self.with_gate(|gate| gate.reserve(now, latest, comer))
    }

    /// See [`Gate::may_leave`].
    pub(crate) fn may_leave(&self, slot: Moment) -> bool {
        self.with_gate(|gate| gate.may_leave(slot))
    }

    /// See [`Gate::close_until`].
    pub(crate) fn close_until(&self, moment: Moment) {
        self.with_gate(|gate| gate.close_until(moment));
    }

    /// Whether a new lane would be just like this one.
    fn is_idle(&self, now: Moment) -> bool {
        #[cfg(feature = "retry")]
        if self.budget.tokens(now) < evenkeel_backoff::RetryBudget::CAP {
            return false;
        }
        self.with_gate(|gate| gate.is_open(now))
    }

    fn with_gate<T>(&self, act: impl FnOnce(&mut Gate) -> T) -> T {
        act(&mut self.gate.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
