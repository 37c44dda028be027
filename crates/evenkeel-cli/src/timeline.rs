//! The decisions of one call as lines that a person can follow.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use evenkeel::event::{Event, Observer, What};

use crate::wording;

/// Collects a call's decisions; times are multiplied back to what they stand for.
#[derive(Clone)]
pub(crate) struct Timeline {
    factor: u32,
    lines: Arc<Mutex<Vec<String>>>,
    start: Arc<Mutex<Option<evenkeel::error::Moment>>>,
}

impl Timeline {
    pub(crate) fn new(factor: u32) -> Self {
        Self {
            factor,
            lines: Arc::default(),
            start: Arc::default(),
        }
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn real(&self, time: Duration) -> Duration {
        time.saturating_mul(self.factor)
    }

    fn words(&self, what: &What<'_>) -> Option<String> {
        Some(match what {
            What::AttemptFailed { attempt, error, .. } => match error.status() {
                Some(status) => format!("attempt {attempt}  {status} {}", error.label()),
                None => format!("attempt {attempt}  {}", error.label()),
            },
            What::AttemptDiscarded { .. } => {
                "           what it brought is dropped, and the request replayed".to_owned()
            }
            What::Waiting { reason, wait, .. } => {
                // The verb has the column that the other lines have for theirs.
                let words = wording::wait(*reason, self.real(*wait));
                words.replacen(' ', "    ", 1)
            }
            What::CircuitChanged { scope, to, .. } => {
                format!("circuit    {} now {}", scope.label(), wording::circuit(*to))
            }
            What::BudgetEmpty { .. } => "budget     empty".to_owned(),
            What::Succeeded { attempt, .. } => format!("attempt {attempt}  complete"),
            What::GivenUp { stopped, .. } => format!("given up   {}", stopped.description()),
            _ => return None,
        })
    }
}

impl Observer for Timeline {
    fn observe(&self, event: &Event<'_>) {
        let mut start = self.start.lock().unwrap_or_else(PoisonError::into_inner);
        let since = event.at.since(*start.get_or_insert(event.at));
        drop(start);
        if let Some(words) = self.words(&event.what) {
            let line = format!("{:>9}  {words}", seconds(self.real(since)));
            self.lines
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(line);
        }
    }
}

/// Seconds as a column of figures.
pub(crate) fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
