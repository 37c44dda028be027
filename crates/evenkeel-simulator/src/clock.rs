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
    fixed: Option<SystemTime>,
}

impl Clock {
    /// Starts now; `fixed` replaces the calendar, for replies that are the same to the byte.
    pub(crate) fn start(fixed: Option<SystemTime>) -> Self {
        Self {
            origin: Instant::now(),
            fixed,
        }
    }

    /// Time since the start.
    pub(crate) fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    /// What the `date` header says.
    pub(crate) fn wall(&self) -> SystemTime {
        self.fixed.unwrap_or_else(SystemTime::now)
    }
}

/// A timer that ends after `length`.
pub(crate) fn sleep(length: Duration) -> Sleep {
    tokio::time::sleep(length)
}
