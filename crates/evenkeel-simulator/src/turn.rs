//! A request's turn at generating: waited for, held, and given back when it is dropped.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::clock::{self, Clock};
use crate::slots::{Overloaded, Slots, Ticket};

/// The slots of one scenario, shared by the requests that want one.
#[derive(Debug)]
pub(crate) struct Turns {
    clock: Clock,
    /// When the scenario began.
    began: Duration,
    slots: Mutex<Slots>,
    left: Notify,
}

impl Turns {
    pub(crate) fn new(slots: Slots, clock: Clock, began: Duration) -> Self {
        Self {
            clock,
            began,
            slots: Mutex::new(slots),
            left: Notify::new(),
        }
    }

    /// Joins the queue, if there is room.
    pub(crate) fn join(self: &Arc<Self>, model: &str) -> Result<Turn, Overloaded> {
        let now = self.now();
        let ticket = self.lock().join(model, now)?;
        Ok(Turn {
            turns: Arc::clone(self),
            ticket,
        })
    }

    fn now(&self) -> Duration {
        self.clock.now().saturating_sub(self.began)
    }

    fn lock(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the queue, and then a slot. Dropping it is to leave.
#[derive(Debug)]
pub(crate) struct Turn {
    turns: Arc<Turns>,
    ticket: Ticket,
}

impl Turn {
    /// Waits for a slot to generate in for so long.
    pub(crate) async fn comes(&self, length: Duration) {
        loop {
            // Listening before looking: who leaves in between is heard.
            let left = self.turns.left.notified();
            let mut left = std::pin::pin!(left);
            left.as_mut().enable();
            let now = self.turns.now();
            let look_again = self.turns.lock().begin(&self.ticket, length, now);
            match look_again {
                Ok(()) => return,
                Err(None) => left.await,
                Err(Some(wait)) => {
                    clock::within(wait, left).await;
                }
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.lock().leave(&self.ticket);
        self.turns.left.notify_waiters();
    }
}
