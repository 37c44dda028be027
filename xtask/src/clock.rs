//! The only place where this tool reads or spends real time.
#![expect(
    clippy::disallowed_methods,
    reason = "a build tool measures the real time it takes"
)]

use std::time::{Duration, Instant};

/// How long something has taken.
pub(crate) struct Stopwatch {
    started: Instant,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self {
            started: Instant::now(),
        }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

/// Blocks this thread.
pub(crate) fn pause(duration: Duration) {
    std::thread::sleep(duration);
}
