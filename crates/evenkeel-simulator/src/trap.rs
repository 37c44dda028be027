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

/// The origin of a trap that has no port, where only the in-process form comes.
pub(crate) const NOWHERE: &str = "trap.invalid";

/// Another origin beside the simulator's, for as long as this value lives.
#[derive(Debug)]
pub(crate) struct Trap {
    api: Arc<Api>,
    port: Option<Port>,
}

/// A second port.
#[derive(Debug)]
struct Port {
    number: u16,
    doorway: Arc<Doorway>,
    accepting: JoinHandle<()>,
}

impl Trap {
    /// On a port of its own; none outside of a runtime and when there is no port to be had.
    pub(crate) fn open(clock: &Clock, of: &Journal) -> Option<Self> {
        let runtime = Handle::try_current().ok()?;
        let (doorway, number) = Doorway::open(LOOPBACK, 0, Listening::Yes).ok()?;
        let doorway = Arc::new(doorway);
        let api = api(clock, of);
        let accepting = runtime.spawn(accept(Arc::clone(&doorway), Arc::clone(&api)));
        let port = Some(Port {
            number,
            doorway,
            accepting,
        });
        Some(Self { api, port })
    }

    /// Without a port.
    pub(crate) fn nowhere(clock: &Clock, of: &Journal) -> Self {
        Self {
            api: api(clock, of),
            port: None,
        }
    }

    pub(crate) fn url(&self) -> String {
        match &self.port {
            Some(port) => format!("http://127.0.0.1:{}/trap", port.number),
            None => format!("http://{NOWHERE}/trap"),
        }
    }

    /// What answers there.
    pub(crate) fn api(&self) -> &Arc<Api> {
        &self.api
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.api.journal
    }
}

fn api(clock: &Clock, of: &Journal) -> Arc<Api> {
    let journal = Journal::new(clock.clone(), of.limit().min(KEPT));
    let (scenario, limits) = (Scenario::script(Vec::new()), RateLimits::none());
    let api = Api::new(0, clock.clone(), scenario, limits, journal, Role::Trap);
    Arc::new(api)
}

impl Drop for Port {
    fn drop(&mut self) {
        self.doorway.close();
        self.accepting.abort();
    }
}
