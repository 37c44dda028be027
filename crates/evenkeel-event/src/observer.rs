use std::sync::Arc;

use crate::Event;

/// Hears of every decision, in the order in which they are taken.
///
/// Called in line with the call it is about, so it must be quick and must not block; what is slow
/// belongs in a queue of the observer's own. A panic in an observer unwinds through the call.
///
/// Any `Fn(&Event)` is one:
///
/// ```
/// use evenkeel_event::{Event, Observer};
///
/// let to_stderr = |event: &Event<'_>| eprintln!("{event}");
/// fn takes_an_observer(_: impl Observer) {}
/// takes_an_observer(to_stderr);
/// ```
pub trait Observer: Send + Sync {
    /// Hears of one decision.
    fn observe(&self, event: &Event<'_>);
}

impl<F: Fn(&Event<'_>) + Send + Sync> Observer for F {
    fn observe(&self, event: &Event<'_>) {
        self(event);
    }
}

impl<T: Observer + ?Sized> Observer for Arc<T> {
    fn observe(&self, event: &Event<'_>) {
        (**self).observe(event);
    }
}
