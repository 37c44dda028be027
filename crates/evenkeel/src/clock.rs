//! The one place of this crate where real time is read and waited for.
#![expect(
    clippy::disallowed_methods,
    reason = "this is the file that the lint names"
)]

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use evenkeel_error::Moment;
use tokio::time::Instant;

/// A monotonic clock whose origin is the making of the client, and tokio's timers on it, so that
/// everything here runs under tokio's paused time too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    origin: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self {
            origin: Instant::now(),
        }
    }

    pub(crate) fn now(&self) -> Moment {
        Moment::ORIGIN + self.origin.elapsed()
    }

    /// The wall time, for dates that people read.
    pub(crate) fn wall() -> SystemTime {
        SystemTime::now()
    }

    pub(crate) async fn sleep(wait: Duration) {
        tokio::time::sleep(wait).await;
    }

    /// `future`'s output, or `None` when `limit` passes first. No limit: however long it takes.
    pub(crate) async fn within<F: Future>(limit: Option<Duration>, future: F) -> Option<F::Output> {
        match limit {
            None => Some(future.await),
            Some(limit) => tokio::time::timeout(limit, future).await.ok(),
        }
    }
}

/// A timer that can be asked about ever other moments; made when it is first needed.
#[derive(Debug, Default)]
pub(crate) struct Timer {
    sleep: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl Timer {
    /// Ready once `moment` has come.
    pub(crate) fn poll_until(
        &mut self,
        clock: &Clock,
        moment: Moment,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let Some(instant) = clock.origin.checked_add(moment.since(Moment::ORIGIN)) else {
            // Later than the runtime can count: never.
            return Poll::Pending;
        };
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(instant)));
        if sleep.deadline() != instant {
            sleep.as_mut().reset(instant);
        }
        sleep.as_mut().poll(cx)
    }
}
