use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll};

use evenkeel_messages::Content;
use evenkeel_transport::BoxFuture;

/// What a call brought, or what the model is told of its failure.
pub(super) type Outcome = Result<Content, String>;

/// Calls that run side by side, so many at the most. Dropping it drops them all, whatever one of
/// them says to that.
///
/// They run inside the future that polls them: no task is started, so none outlives the run.
pub(super) struct Crew {
    running: Vec<(usize, BoxFuture<'static, Outcome>)>,
    limit: usize,
}

impl Crew {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            running: Vec::new(),
            limit,
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.running.len() < self.limit
    }

    pub(super) fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// Takes on the call at `place`.
    pub(super) fn take_on(&mut self, place: usize, call: BoxFuture<'static, Outcome>) {
        self.running.push((place, call));
    }

    /// The next call that is done. A panic in one is its failure: the others, and the run, go on.
    ///
    /// A call that panicked is dropped and never polled again. What it shares with others it may have
    /// left half done, as with a task that panics under tokio.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<(usize, Outcome)> {
        for at in 0..self.running.len() {
            let Some((place, call)) = self.running.get_mut(at) else {
                continue;
            };
            let outcome = match catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(cx))) {
                Ok(Poll::Pending) => continue,
                Ok(Poll::Ready(outcome)) => outcome,
                // The panic's own words are for the program's log, where its hook has put them.
                Err(_) => Err("The tool broke down. What it had begun may be half done.".into()),
            };
            let place = *place;
            let (_, call) = self.running.swap_remove(at);
            discard(call);
            return Poll::Ready((place, outcome));
        }
        Poll::Pending
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        for (_, call) in self.running.drain(..) {
            discard(call);
        }
    }
}

/// Drops a call. What it brought stands, and a panic in its drop ends nothing else: the program's log
/// has it.
fn discard(call: BoxFuture<'static, Outcome>) {
    let _ = catch_unwind(AssertUnwindSafe(|| drop(call)));
}
