//! Bodies that are read as they are sent.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_error::{Error as Failure, Moment, Phase};
use evenkeel_event::Stopped;
use evenkeel_transport::{BodyState, Request, Response, StreamBody};

use super::Call;
use super::reading::Broken;
use crate::clock::Clock;

impl Call {
    /// Sends a request whose body is a stream. Patience stands still while it gets on: what is large
    /// may take longer than a call may go on without progress.
    pub(super) async fn upload(
        &mut self,
        request: Request,
    ) -> Result<Result<Response, Failure>, Broken> {
        let shared = Arc::clone(&self.shared);
        let stream = request.stream.clone();
        let taken = || stream.as_ref().map_or(0, StreamBody::taken);
        let mut before = taken();
        let mut sending = shared.transport.send(request);
        let every = self.patience_step();
        loop {
            let asked = self.now();
            let some_time = Clock::within(every, &mut sending);
            let gets_on = match self.bounded(Phase::Head, pin!(some_time)).await {
                Ok(Some(response)) => return Ok(response),
                Ok(None) => taken() > before,
                Err(Broken::Ended(ended))
                    if ended.stopped() == Stopped::Patience && taken() > before =>
                {
                    true
                }
                Err(broken) => return Err(broken),
            };
            if gets_on {
                before = taken();
                // When exactly is not known, so patience is a little short rather than too long.
                self.restart_patience(asked);
            }
        }
    }

    /// How often to see whether an upload gets on; `None` where nothing ends it.
    #[cfg(feature = "retry")]
    fn patience_step(&self) -> Option<Duration> {
        self.retrying.patience_step()
    }

    /// Without the retry layer patience is counted from the start of the call.
    #[cfg(not(feature = "retry"))]
    #[expect(clippy::unused_self, reason = "the retry layer keeps the patience")]
    fn patience_step(&self) -> Option<Duration> {
        None
    }

    #[cfg(feature = "retry")]
    fn restart_patience(&mut self, since: Moment) {
        self.retrying.alive(since);
    }

    #[cfg(not(feature = "retry"))]
    #[expect(clippy::unused_self, reason = "the retry layer keeps the patience")]
    fn restart_patience(&mut self, _: Moment) {}

    /// Whether the body is gone, so that there is no other attempt.
    pub(super) fn is_spent(&self) -> bool {
        let stream = self.plan.written().stream();
        stream.is_some_and(|stream| stream.state() == BodyState::Spent)
    }
}
