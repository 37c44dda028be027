//! When the port listens and when it refuses, by the scenario that is played.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::sync::Notify;

use crate::api::Api;
use crate::clock;
use crate::doorway::Doorway;
use crate::scenario::Listening;

/// The door, and word of changes. Without a door, nothing happens.
#[derive(Debug, Default)]
pub(crate) struct Hours {
    doorway: OnceLock<Arc<Doorway>>,
    /// Held from looking at the hour to doing what it says, lest the last to do was not the last to
    /// look.
    keeping: Mutex<()>,
    changed: Notify,
}

impl Hours {
    /// Opens and closes this door.
    pub(crate) fn of(&self, doorway: Arc<Doorway>) {
        // Told once, at the start.
        let _ = self.doorway.set(doorway);
    }

    /// Does with the door what the hour says.
    pub(crate) fn keep(&self, api: &Api) {
        let _keeping = self.keeping.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(doorway) = self.doorway.get() {
            doorway.set(if api.refuses() {
                Listening::Refused
            } else {
                Listening::Yes
            });
        }
    }

    /// There are other hours now.
    pub(crate) fn changed(&self) {
        self.changed.notify_one();
    }
}

/// Keeps the hours of whatever is played, for ever.
pub(crate) async fn keep(api: Arc<Api>) {
    loop {
        api.hours().keep(&api);
        let changed = api.hours().changed.notified();
        match api.until_change() {
            Some(wait) => {
                clock::within(wait, changed).await;
            }
            None => changed.await,
        }
    }
}
