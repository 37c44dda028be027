//! Another origin, where a client that follows redirects ends up: it answers, and takes note.

use std::num::NonZeroUsize;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::api::{Api, Role};
use crate::clock::Clock;
use crate::doorway::{Doorway, LOOPBACK};
use crate::journal::Journal;
use crate::limits::RateLimits;
use crate::reception::accept;
use crate::scenario::{Listening, Scenario};

/// Entries that its journal keeps.
const KEPT: NonZeroUsize = NonZeroUsize::MIN.saturating_add(999);

/// A second port of the simulator, for as long as this value lives.
#[derive(Debug)]
pub(crate) struct Trap {
    port: u16,
    doorway: Arc<Doorway>,
    accepting: JoinHandle<()>,
    journal: Arc<Journal>,
}

impl Trap {
    /// None outside of a runtime and when there is no port to be had.
    pub(crate) fn open(clock: &Clock, of: &Journal) -> Option<Self> {
        let runtime = Handle::try_current().ok()?;
        let (doorway, port) = Doorway::open(LOOPBACK, 0, Listening::Yes).ok()?;
        let doorway = Arc::new(doorway);
        let journal = Journal::new(clock.clone(), of.limit().min(KEPT));
        let (scenario, limits) = (Scenario::script(Vec::new()), RateLimits::none());
        let api = Api::new(0, clock.clone(), scenario, limits, journal, Role::Trap);
        let api = Arc::new(api);
        let journal = Arc::clone(&api.journal);
        let accepting = runtime.spawn(accept(Arc::clone(&doorway), api));
        Some(Self {
            port,
            doorway,
            accepting,
            journal,
        })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/trap", self.port)
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }
}

impl Drop for Trap {
    fn drop(&mut self) {
        self.doorway.close();
        self.accepting.abort();
    }
}
