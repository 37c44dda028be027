//! Its runtime, as far as a retry needs one.
use std::time::{Duration, Instant};

use evenkeel_backoff::{Moment, Sleeper};

pub struct Clock(Instant);

impl Clock {
    pub fn start() -> Self {
        Self(Instant::now())
    }
}

impl Sleeper for Clock {
    type Sleep = tokio::time::Sleep;
    fn now(&self) -> Moment {
        Moment::ORIGIN + self.0.elapsed()
    }
    fn sleep(&self, wait: Duration) -> Self::Sleep {
        tokio::time::sleep(wait)
    }
}
