use core::fmt;
use std::collections::VecDeque;
use std::sync::Arc;

use crate::Transition;

/// Who hears of transitions.
pub(crate) trait Listener: Send + Sync {
    fn hear(&self, transition: &Transition);
}

impl<F: Fn(&Transition) + Send + Sync> Listener for F {
    fn hear(&self, transition: &Transition) {
        self(transition);
    }
}

/// How many transitions wait for a listener that does not come to an end: 1,024. Of more, the oldest are
/// lost.
const MOST_ANNOUNCED: usize = 1_024;

/// A listener with what it has yet to hear.
///
/// It is told outside of the breaker's lock, so that it may use the breaker, and by one thread at a
/// time, so that it hears everything in order.
pub(crate) struct Audience {
    listener: Arc<dyn Listener>,
    announced: VecDeque<Transition>,
    is_told: bool,
}

impl Audience {
    pub(crate) fn new(listener: impl Listener + 'static) -> Self {
        Self {
            listener: Arc::new(listener),
            announced: VecDeque::new(),
            is_told: false,
        }
    }

    pub(crate) fn announce(&mut self, transition: Transition) {
        if self.announced.len() >= MOST_ANNOUNCED {
            self.announced.pop_front();
        }
        self.announced.push_back(transition);
    }

    /// What to tell next; `None` if there is nothing, or another is telling. The one who is telling
    /// says so.
    pub(crate) fn next(&mut self, telling: bool) -> Option<(Arc<dyn Listener>, Transition)> {
        if self.is_told != telling {
            return None;
        }
        let next = self.announced.pop_front();
        self.is_told = next.is_some();
        Some((Arc::clone(&self.listener), next?))
    }

    /// Nobody is telling any more.
    pub(crate) fn fall_silent(&mut self) {
        self.is_told = false;
    }
}

impl fmt::Debug for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audience")
            .field("announced", &self.announced.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use evenkeel_error::{ErrorKind, Moment};

    use super::*;
    use crate::{Reason, State};

    #[test]
    fn of_what_a_listener_that_hangs_has_yet_to_hear_the_latest_are_kept() {
        let mut audience = Audience::new(|_: &Transition| ());
        for nanos in 0..2_000 {
            audience.announce(Transition {
                from: State::Open,
                to: State::HalfOpen,
                at: Moment::from_nanos(nanos),
                reason: Reason::DelayOver,
                fault: ErrorKind::Overloaded,
                open_until: None,
            });
        }
        let heard = std::iter::successors(audience.next(false), |_| audience.next(true));
        let heard: Vec<_> = heard
            .map(|(_, transition)| transition.at.as_nanos())
            .collect();
        assert_eq!(heard, (2_000 - 1_024..2_000).collect::<Vec<_>>());
    }
}
