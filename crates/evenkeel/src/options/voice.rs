use std::sync::Arc;

use evenkeel_event::{CallId, Event, Observer, Propagator, What};

use super::{Extras, Options};
use crate::shared::Shared;

/// Who hears of a call, and who adds to its attempts: the client's and the call's own.
#[derive(Clone)]
pub(crate) struct Voice {
    pub(crate) id: CallId,
    own: Option<Arc<Extras>>,
}

impl Voice {
    pub(crate) fn new(id: CallId, options: &Options) -> Self {
        let own = options.extras.as_ref();
        Self {
            id,
            own: own.filter(|extras| extras.are_heard()).cloned(),
        }
    }

    /// Who adds headers to an attempt: the client's propagators, then the call's.
    pub(crate) fn propagators<'a>(
        &'a self,
        shared: &'a Shared,
    ) -> impl Iterator<Item = &'a Arc<dyn Propagator>> {
        let own = self.own.iter().flat_map(|extras| &extras.propagators);
        shared.propagators.iter().chain(own)
    }

    pub(crate) fn emit(&self, shared: &Shared, what: What<'_>) {
        let own = self
            .own
            .as_ref()
            .map_or(&[][..], |extras| &extras.observers);
        if shared.observers.is_empty() && own.is_empty() {
            return;
        }
        let event = Event::new(self.id, shared.clock.now(), what);
        for observer in shared.observers.iter().chain(own) {
            observer.observe(&event);
        }
    }
}
