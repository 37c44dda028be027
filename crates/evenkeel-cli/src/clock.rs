//! The one place of this crate where real time is read.
#![expect(
    clippy::disallowed_methods,
    reason = "this is the file that the lint names"
)]

use std::time::{Duration, Instant, SystemTime};

/// The wall time, to count hints in a response from.
pub(crate) fn wall() -> SystemTime {
    SystemTime::now()
}

/// Time since it was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}
