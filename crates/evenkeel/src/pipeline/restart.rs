//! Another attempt at a stream that broke off after its consumer had seen a part of it.

use evenkeel_error::Error as Failure;
use evenkeel_event::Stopped;

use super::again::Again;
use super::{After, Call};
use crate::Error;
use crate::live::Live;
use crate::restart::{Obstacle, Restarts};

impl Call {
    /// Decides whether the stream is asked for again that `failure` broke off, or gives up.
    pub(crate) fn restart(
        &mut self,
        failure: Failure,
        attempt: u32,
        restarts: &mut Restarts,
    ) -> Result<Again, Error> {
        let after = match restarts.take(self.partial.as_deref()) {
            Ok(()) => After::Content(attempt),
            Err(Obstacle::Spent) => After::Veto(Stopped::Attempts),
            Err(Obstacle::ToolCall) => After::Veto(Stopped::Released),
            Err(Obstacle::ServerTool) => After::Veto(Stopped::UnsafeToRepeat),
        };
        let now = self.now();
        self.retrying.progressed(now);
        self.decide(failure, after)
    }

    /// Waits and makes attempts until one brings its first content.
    pub(crate) async fn reopen(
        mut self: Box<Self>,
        again: Again,
    ) -> (Box<Self>, Result<Live, Error>) {
        let live = match self.wait_for(again).await {
            Ok(waited) => self.open_after(waited).await,
            Err(error) => Err(error),
        };
        (self, live)
    }
}
