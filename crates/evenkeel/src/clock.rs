//! The one place of this crate where real time is read and waited for.
#![expect(
    clippy::disallowed_methods,
    reason = "this is the file that the lint names"
)]

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use evenkeel_error::Moment;
use tokio::task::coop::unconstrained;
use tokio::time::{Instant, Sleep};

#[cfg(test)]
thread_local! {
    /// How often this thread read a clock.
    pub(crate) static READS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

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
        #[cfg(test)]
        READS.with(|reads| reads.set(reads.get() + 1));
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

    /// `future`'s output, or `None` when `moment` comes first.
    ///
    /// The timer is set once the future has to be waited for: what is there already costs none.
    pub(crate) async fn before<F: Future>(
        &self,
        moment: Moment,
        mut future: Pin<&mut F>,
    ) -> Option<F::Output> {
        let mut alarm = pin!(Alarm::default());
        poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => poll_alarm(alarm.as_mut(), self, moment, cx).map(|()| None),
        })
        .await
    }

    /// `None` where the moment is later than the runtime can count: never.
    fn instant(&self, moment: Moment) -> Option<Instant> {
        self.origin.checked_add(moment.since(Moment::ORIGIN))
    }
}

/// A timer for one moment; made when it is first needed, in its place.
pub(crate) type Alarm = Option<Sleep>;

/// Ready once `moment` has come, which is the same every time.
pub(crate) fn poll_alarm(
    mut alarm: Pin<&mut Alarm>,
    clock: &Clock,
    moment: Moment,
    cx: &mut Context<'_>,
) -> Poll<()> {
    if alarm.is_none() {
        alarm.set(clock.instant(moment).map(tokio::time::sleep_until));
    }
    alarm
        .as_pin_mut()
        .map_or(Poll::Pending, |sleep| poll_sleep(sleep, cx))
}

/// What a timer is to end may use up all that tokio lets a task do at each poll, and would leave
/// nothing for the timer.
fn poll_sleep(sleep: Pin<&mut Sleep>, cx: &mut Context<'_>) -> Poll<()> {
    pin!(unconstrained(sleep)).poll(cx)
}

/// A timer that can be asked about ever other moments; made when it is first needed.
#[derive(Debug, Default)]
pub(crate) struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    /// Ready once `moment` has come.
    pub(crate) fn poll_until(
        &mut self,
        clock: &Clock,
        moment: Moment,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let Some(instant) = clock.instant(moment) else {
            return Poll::Pending;
        };
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(instant)));
        if sleep.deadline() != instant {
            sleep.as_mut().reset(instant);
        }
        poll_sleep(sleep.as_mut(), cx)
    }
}
