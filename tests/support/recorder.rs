use std::sync::{Arc, Mutex};
use std::time::Duration;

use evenkeel::event::{Event, Observer, What};

/// Keeps what a client was seen to decide.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// One event, in words that a test can compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// When, on the client's clock.
    pub at: Duration,
    /// The event's label.
    pub label: &'static str,
    /// The event as a log line.
    pub line: String,
    /// The wait it announces, for `waiting`.
    pub wait: Option<Duration>,
}

impl Recorder {
    /// Everything so far, in order.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        self.seen
            .lock()
            .expect("no test panics while it records")
            .clone()
    }

    /// The labels so far, in order.
    #[must_use]
    pub fn labels(&self) -> Vec<&'static str> {
        self.seen().iter().map(|seen| seen.label).collect()
    }

    /// The waits that were announced, in order.
    #[must_use]
    pub fn waits(&self) -> Vec<Duration> {
        self.seen().iter().filter_map(|seen| seen.wait).collect()
    }

    /// How often `label` was seen.
    #[must_use]
    pub fn count(&self, label: &str) -> usize {
        self.labels().iter().filter(|seen| **seen == label).count()
    }
}

impl Observer for Recorder {
    fn observe(&self, event: &Event<'_>) {
        let wait = match event.what {
            What::Waiting { wait, .. } => Some(wait),
            _ => None,
        };
        let seen = Seen {
            at: event.at.since(evenkeel::error::Moment::ORIGIN),
            label: event.what.label(),
            line: event.to_string(),
            wait,
        };
        self.seen
            .lock()
            .expect("no test panics while it records")
            .push(seen);
    }
}
