//! The one place of this crate where real time is read and waited for.
#![expect(
    clippy::disallowed_methods,
    reason = "this is the file that the lint names"
)]

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::Poll;
use std::time::{Duration, SystemTime};

use tokio::task::coop::unconstrained;
use tokio::time::{Instant, Sleep};

/// The wall time, to read dates in headers against.
pub(crate) fn wall() -> SystemTime {
    SystemTime::now()
}

/// Since when something goes on.
#[derive(Debug)]
pub(crate) struct Started(Instant);

impl Started {
    pub(crate) fn now() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    /// A timer that rings `limit` after it; as tokio does, after decades where that cannot be counted.
    fn ends(&self, limit: Duration) -> Sleep {
        match self.0.checked_add(limit) {
            Some(end) => tokio::time::sleep_until(end),
            None => tokio::time::sleep(limit),
        }
    }
}

/// A clock that starts anew whenever there is progress, and that knows whether there was any.
#[derive(Debug)]
pub(crate) struct Progress {
    started: Started,
    /// The last progress, in nanoseconds since the start.
    last: AtomicU64,
    /// One of the constants below.
    state: AtomicU8,
}

const WAITING: u8 = 0;
const BEGUN: u8 = 1;
const GIVEN_UP: u8 = 2;
const OVER: u8 = 3;

impl Progress {
    pub(crate) fn start() -> Self {
        Self {
            started: Started::now(),
            last: AtomicU64::new(0),
            state: AtomicU8::new(WAITING),
        }
    }

    /// It begins, unless it was given up: of the two the first holds. Whether it goes on.
    pub(crate) fn begin(&self) -> bool {
        matches!(self.become_from_waiting(BEGUN), WAITING | BEGUN)
    }

    /// Gives it up; whether it had not begun, and now never will.
    pub(crate) fn give_up(&self) -> bool {
        matches!(self.become_from_waiting(GIVEN_UP), WAITING | GIVEN_UP)
    }

    /// Nobody wants what is left of it.
    pub(crate) fn end(&self) {
        if !self.give_up() {
            self.state.store(OVER, Ordering::Release);
        }
    }

    /// The state before.
    fn become_from_waiting(&self, state: u8) -> u8 {
        let order = Ordering::AcqRel;
        let swapped = self
            .state
            .compare_exchange(WAITING, state, order, Ordering::Acquire);
        swapped.unwrap_or_else(|before| before)
    }

    pub(crate) fn mark(&self) {
        let nanos = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.last.fetch_max(nanos, Ordering::Relaxed);
    }

    /// What is left of `limit` since the last progress.
    fn left_of(&self, limit: Duration) -> Duration {
        let last = Duration::from_nanos(self.last.load(Ordering::Relaxed));
        last.saturating_add(limit)
            .saturating_sub(self.started.elapsed())
    }
}

/// `future`'s output, or `None` when `limit` passes first, counted from the last progress, or from
/// `started` where none is tracked.
///
/// The timer is set once the future has to be waited for.
pub(crate) async fn within<F: Future>(
    limit: Duration,
    started: &Started,
    progress: Option<&Progress>,
    mut future: Pin<&mut F>,
) -> Option<F::Output> {
    let mut timer = pin!(None::<Sleep>);
    poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        if timer.is_none() {
            timer.set(Some(started.ends(limit)));
        }
        // A future that uses up what tokio lets a task do at each poll would leave nothing for the timer
        // that is to end it.
        while timer
            .as_mut()
            .as_pin_mut()
            .is_some_and(|timer| pin!(unconstrained(timer)).poll(cx).is_ready())
        {
            // Set anew only when it rings: progress itself costs one store.
            let left = progress.map_or(Duration::ZERO, |progress| progress.left_of(limit));
            if left.is_zero() {
                return Poll::Ready(None);
            }
            timer.set(Some(tokio::time::sleep(left)));
        }
        Poll::Pending
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn the_clock_counts_from_the_last_progress() {
        let progress = Progress::start();
        let busy = async {
            for _ in 0..5 {
                tokio::time::sleep(Duration::from_secs(9)).await;
                progress.mark();
            }
            std::future::pending::<()>().await;
        };
        let started = Started::now();
        assert_eq!(
            within(LIMIT, &started, Some(&progress), pin!(busy)).await,
            None
        );
        let elapsed = started.elapsed().as_secs();
        assert_eq!(elapsed, 5 * 9 + 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_future_that_uses_up_what_a_task_may_do_at_each_poll_ends_at_the_limit() {
        let busy = async {
            tokio::time::advance(LIMIT).await;
            for _ in 0..100_000 {
                tokio::task::coop::consume_budget().await;
            }
        };
        let started = Started::now();
        assert_eq!(within(LIMIT, &started, None, pin!(busy)).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn without_progress_it_is_a_plain_limit_and_the_output_wins() {
        let progress = Progress::start();
        for tracked in [None, Some(&progress)] {
            let started = Started::now();
            let never = std::future::pending::<()>();
            assert_eq!(within(LIMIT, &started, tracked, pin!(never)).await, None);
            assert_eq!(started.elapsed().as_secs(), 10);
            let ready = std::future::ready(7);
            assert_eq!(within(LIMIT, &started, tracked, pin!(ready)).await, Some(7));
            progress.mark();
        }
    }
}
