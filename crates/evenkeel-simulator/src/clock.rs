//! The one place that reads real time.
#![expect(
    clippy::disallowed_methods,
    reason = "a server on a real socket lives in real time; every other file gets it from here"
)]

use std::time::{Duration, SystemTime};

use tokio::time::{Instant, Sleep};

/// Time as one simulator sees it: how long it has run, and what the calendar says.
#[derive(Debug, Clone)]
pub(crate) struct Clock {
    origin: Instant,
    calendar: Calendar,
}

/// Where dates come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Calendar {
    /// The machine.
    System,
    /// It is always this moment, for replies that are the same to the byte.
    Standing(SystemTime),
    /// From this moment on it goes as fast as time does, virtual time included.
    From(SystemTime),
}

impl Clock {
    /// Starts now.
    pub(crate) fn start(calendar: Calendar) -> Self {
        Self {
            origin: Instant::now(),
            calendar,
        }
    }

    /// Time since the start.
    pub(crate) fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    /// What the `date` header says.
    pub(crate) fn wall(&self) -> SystemTime {
        match self.calendar {
            Calendar::System => SystemTime::now(),
            Calendar::Standing(date) => date,
            // Past the end of time, time stands still.
            Calendar::From(date) => date.checked_add(self.now()).unwrap_or(date),
        }
    }
}

/// A timer that ends after `length`.
pub(crate) fn sleep(length: Duration) -> Sleep {
    tokio::time::sleep(length)
}

/// What comes of `future`, or nothing if `limit` passes first.
pub(crate) async fn within<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
    tokio::time::timeout(limit, future).await.ok()
}
