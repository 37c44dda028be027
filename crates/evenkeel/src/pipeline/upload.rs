//! Bodies that are read as they are sent.

use std::sync::Arc;

use evenkeel_error::{Error as Failure, Phase};
use evenkeel_event::Stopped;
use evenkeel_transport::{BodyState, Request, Response};

use super::Call;
use super::attempt::Broken;

impl Call {
    /// Sends a request whose body is a stream. Patience stands still while it gets on: what is large
    /// may take longer than a call may go on without progress.
    pub(super) async fn upload(
        &mut self,
        request: Request,
    ) -> Result<Result<Response, Failure>, Broken> {
        let shared = Arc::clone(&self.shared);
        let stream = request.stream.clone();
        let taken = || stream.as_ref().map_or(0, |stream| stream.taken());
        let mut before = taken();
        let mut sending = shared.transport.send(request);
        loop {
            match self.bounded(Phase::Head, None, &mut sending).await {
                Err(Broken::Ended(ended))
                    if ended.stopped() == Stopped::Patience
                        && taken() > before
                        && self.restart_patience() =>
                {
                    before = taken();
                }
                ended => return ended,
            }
        }
    }

    /// Whether that can be done.
    #[cfg(feature = "retry")]
    fn restart_patience(&mut self) -> bool {
        let now = self.now();
        self.retrying.progressed(now);
        true
    }

    #[cfg(not(feature = "retry"))]
    #[expect(clippy::unused_self, reason = "the retry layer keeps the patience")]
    fn restart_patience(&mut self) -> bool {
        false
    }

    /// Whether the body is gone, so that there is no other attempt.
    pub(super) fn is_spent(&self) -> bool {
        let stream = self.plan.request().stream.as_ref();
        stream.is_some_and(|stream| stream.state() == BodyState::Spent)
    }
}
