//! The breakers that a call passes: one for the way to the endpoint, one for the model behind it.

use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "retry")]
use evenkeel_breaker::Mode;
use evenkeel_breaker::{Breaker, BreakerConfig, KeyedSet, Permit, Rejected, State, Transition};
use evenkeel_error::{Error, ErrorKind, Moment, Recoverable as _, Recovery};
use evenkeel_event::{Circuit, Scope};

/// The breakers of a client.
#[derive(Debug)]
pub(crate) struct Breakers {
    origin: Breaker,
    models: KeyedSet<ModelKey>,
}

/// A model at a speed; the origin is the client's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ModelKey {
    model: Arc<str>,
    speed: Option<Arc<str>>,
}

/// Leave to send one attempt. Dropping it gives both places back, and is neutral.
#[derive(Debug)]
pub(crate) struct Permits {
    origin: Permit,
    /// Of calls that are about a model.
    model: Option<Permit>,
}

/// A change of state, for the event.
pub(crate) type Change = (Scope, Circuit);

impl ModelKey {
    pub(crate) fn new(model: Arc<str>, speed: Option<&str>) -> Self {
        Self {
            model,
            speed: speed.map(Into::into),
        }
    }
}

impl Breakers {
    pub(crate) fn new(config: BreakerConfig) -> Self {
        Self {
            origin: Breaker::new(config.clone()),
            models: KeyedSet::new(config),
        }
    }

    /// Leave to send, or the refusal; and either way the changes of state that asking caused.
    pub(crate) fn admit(
        &self,
        key: Option<&ModelKey>,
        now: Moment,
        roll: u64,
    ) -> (Result<Permits, Rejected>, Vec<Change>) {
        let origin = match self.origin.admit_owned(now, roll) {
            Ok(origin) => origin,
            Err(rejected) => return (Err(rejected), Vec::new()),
        };
        let Some(key) = key else {
            let changes = changes(origin.transition(), None);
            let model = None;
            return (Ok(Permits { origin, model }), changes);
        };
        match self.models.admit(key, now, roll) {
            Ok(model) => {
                let changes = changes(origin.transition(), model.transition());
                let model = Some(model);
                (Ok(Permits { origin, model }), changes)
            }
            Err(rejected) => (Err(rejected), changes(origin.transition(), None)),
        }
    }

    /// Whether either breaker holds calls back. One that only observes does not.
    #[cfg(feature = "retry")]
    pub(crate) fn is_holding_back(&self, key: Option<&ModelKey>, now: Moment) -> bool {
        let holds_back = |breaker: &Breaker| match breaker.mode() {
            Mode::On => breaker.state(now) != State::Closed,
            Mode::ForcedOpen => true,
            _ => false,
        };
        holds_back(&self.origin) || key.is_some_and(|key| holds_back(&self.models.get(key, now)))
    }
}

impl Permits {
    /// The reply has begun: both are well.
    pub(crate) fn first_content(&mut self, now: Moment, roll: u64) -> Vec<Change> {
        changes(
            self.origin.first_content(now, roll),
            self.model
                .as_mut()
                .and_then(|model| model.first_content(now, roll)),
        )
    }

    /// An attempt failed: what it says of the way and of the model.
    pub(crate) fn failed(self, error: &Error, now: Moment, roll: u64) -> Vec<Change> {
        let (kind, hint) = (error.kind(), hint(error));
        match blame(error) {
            Blame::Nobody => Vec::new(),
            Blame::Origin => changes(self.origin.failure(kind, hint, now, roll), None),
            Blame::Model => {
                // Something answered, so the way is open.
                let origin = match error.facts() {
                    Some(_) => self.origin.success(now, roll),
                    None => None,
                };
                let model = self.model.map(|model| model.failure(kind, hint, now, roll));
                changes(origin, model.flatten())
            }
        }
    }
}

enum Blame {
    Nobody,
    Origin,
    Model,
}

fn blame(error: &Error) -> Blame {
    match error.kind() {
        ErrorKind::Connection if error.recovery() == Recovery::Now => Blame::Nobody,
        ErrorKind::Connection | ErrorKind::BadGateway | ErrorKind::Protocol => Blame::Origin,
        _ if error.blames_caller() => Blame::Nobody,
        ErrorKind::Overloaded
        | ErrorKind::ServerError
        | ErrorKind::ServerTimeout
        | ErrorKind::TimedOut
        | ErrorKind::Interrupted => Blame::Model,
        _ => Blame::Nobody,
    }
}

fn hint(error: &Error) -> Option<Duration> {
    error.recovery().wait()
}

fn changes(origin: Option<Transition>, model: Option<Transition>) -> Vec<Change> {
    // As nearly always.
    if origin.is_none() && model.is_none() {
        return Vec::new();
    }
    let of = |scope, transition: Option<Transition>| transition.map(|t| (scope, circuit(t.to)));
    of(Scope::Origin, origin)
        .into_iter()
        .chain(of(Scope::Model, model))
        .collect()
}

fn circuit(state: State) -> Circuit {
    match state {
        State::Closed => Circuit::Closed,
        State::Open => Circuit::Open,
        State::HalfOpen => Circuit::HalfOpen,
        State::Recovering => Circuit::Recovering,
    }
}
