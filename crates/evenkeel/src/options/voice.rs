use std::sync::Arc;

use evenkeel_event::{CallId, Event, Observer, Propagator, What};

use super::{Extras, Options};
use crate::shared::Shared;

/// Who hears of a call, and who adds to its attempts: the client's and the call's own.
#[derive(Clone)]
pub(crate) struct Voice {
    /// What the call is called where it was made, and by whoever listens to the call itself.
    pub(crate) id: CallId,
    /// What it is called by the client that it is at: the same, unless a fallback took it to another.
    pub(crate) here: CallId,
    own: Option<Arc<Extras>>,
}

impl Voice {
    pub(crate) fn new(id: CallId, options: &Options) -> Self {
        let own = options.extras.as_ref();
        Self {
            id,
            here: id,
            own: own.filter(|extras| extras.are_heard()).cloned(),
        }
    }

    /// Who adds headers to an attempt, and what they call it: the client's propagators, then the
    /// call's.
    pub(crate) fn propagators<'a>(
        &'a self,
        shared: &'a Shared,
    ) -> impl Iterator<Item = (CallId, &'a Arc<dyn Propagator>)> {
        let own = self.own.iter().flat_map(|extras| &extras.propagators);
        let of_client = shared.propagators.iter();
        of_client
            .map(|propagator| (self.here, propagator))
            .chain(own.map(|propagator| (self.id, propagator)))
    }

    pub(crate) fn emit(&self, shared: &Shared, what: What<'_>) {
        let own = self
            .own
            .as_ref()
            .map_or(&[][..], |extras| &extras.observers);
        if shared.observers.is_empty() && own.is_empty() {
            return;
        }
        let mut event = Event::new(self.here, shared.clock.now(), what);
        for observer in &shared.observers {
            observer.observe(&event);
        }
        event.call = self.id;
        for observer in own {
            observer.observe(&event);
        }
    }
}
