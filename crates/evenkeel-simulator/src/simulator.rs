//! The running simulator and its builder.

use std::future::poll_fn;
use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::runtime::Handle;
use tokio::task::{JoinHandle, JoinSet};

use crate::api::Api;
use crate::clock::{self, Clock};
use crate::connection;
use crate::doorway::Doorway;
use crate::entry::Entry;
use crate::journal::Journal;
use crate::limits::RateLimits;
use crate::scenario::Scenario;

/// Entries that the journal keeps unless told otherwise.
const JOURNAL_LIMIT: NonZeroUsize = NonZeroUsize::MIN.saturating_add(9_999);
/// How long to leave the system alone when it has no more sockets to give.
const BREATHER: Duration = Duration::from_millis(10);

/// A Claude API on a port of 127.0.0.1, for as long as this value lives.
///
/// Dropping it closes the port at once and ends every connection and task of it; none outlives
/// it but for the moment that the runtime takes. Any number may run side by side.
#[derive(Debug)]
#[must_use = "dropping the simulator stops it"]
pub struct Simulator {
    base_url: String,
    port: u16,
    api: Arc<Api>,
    doorway: Arc<Doorway>,
    accepting: JoinHandle<()>,
}

impl Simulator {
    /// Starts on a free port of 127.0.0.1 with this scenario and no rate limits.
    ///
    /// # Errors
    ///
    /// As [`SimulatorBuilder::start`].
    pub async fn start(scenario: Scenario) -> io::Result<Self> {
        Self::builder().scenario(scenario).start().await
    }

    /// A simulator with other settings than the defaults.
    pub fn builder() -> SimulatorBuilder {
        SimulatorBuilder::default()
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The requests seen so far, the oldest first; those to `/_simulator/…` are not among them.
    #[must_use]
    pub fn journal(&self) -> Vec<Entry> {
        self.api.journal.entries()
    }

    /// How many of the oldest requests the journal has dropped to stay within its limit.
    #[must_use]
    pub fn journal_dropped(&self) -> u64 {
        self.api.journal.dropped()
    }

    /// Stops and waits until every connection is closed.
    pub async fn stop(mut self) {
        self.doorway.close();
        self.accepting.abort();
        // An error here is the abort itself.
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.doorway.close();
        self.accepting.abort();
    }
}

/// Settings of a [`Simulator`].
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until started"]
pub struct SimulatorBuilder {
    port: u16,
    scenario: Scenario,
    limits: RateLimits,
    seed: u64,
    fixed_date: Option<SystemTime>,
    journal_limit: NonZeroUsize,
}

impl Default for SimulatorBuilder {
    fn default() -> Self {
        Self {
            port: 0,
            scenario: Scenario::script(Vec::new()),
            limits: RateLimits::none(),
            seed: 0,
            fixed_date: None,
            journal_limit: JOURNAL_LIMIT,
        }
    }
}

impl SimulatorBuilder {
    /// The port on 127.0.0.1. Default: 0, any free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// What happens to requests. Default: every request is answered.
    pub fn scenario(mut self, scenario: Scenario) -> Self {
        self.scenario = scenario;
        self
    }

    /// Rate limits to enforce beside the scenario. Default: none.
    pub fn limits(mut self, limits: RateLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Where ids and the sizes of text pieces come from: the same seed and script give the same
    /// replies. Default: 0.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// A standing calendar for the header `date` and every date in a reply, which makes replies
    /// the same to the byte. Default: the system's clock.
    pub fn fixed_date(mut self, date: SystemTime) -> Self {
        self.fixed_date = Some(date);
        self
    }

    /// How many requests the journal keeps. Default: 10,000.
    pub fn journal_limit(mut self, entries: NonZeroUsize) -> Self {
        self.journal_limit = entries;
        self
    }

    /// Takes the port and starts to serve, on the tokio runtime that this is called from.
    ///
    /// # Errors
    ///
    /// If the port cannot be had (`AddrInUse` when it is taken), if a reply of the scenario cannot
    /// be sent (`InvalidInput`), or outside of a tokio runtime. `Display` is one line: what, where,
    /// and what to do.
    #[expect(
        clippy::unused_async,
        reason = "it needs a runtime, and async is how a signature says so"
    )]
    pub async fn start(self) -> io::Result<Simulator> {
        let invalid = |fault| io::Error::new(io::ErrorKind::InvalidInput, fault);
        self.scenario.check().map_err(invalid)?;
        let runtime = Handle::try_current().map_err(io::Error::other)?;
        let (doorway, port) = Doorway::open(self.port, self.scenario.listening)?;
        let doorway = Arc::new(doorway);
        let clock = Clock::start(self.fixed_date);
        let journal = Journal::new(clock.clone(), self.journal_limit);
        let api = Arc::new(Api::new(
            self.seed,
            clock,
            self.scenario,
            self.limits,
            journal,
        ));
        let accepting = runtime.spawn(accept(Arc::clone(&doorway), Arc::clone(&api)));
        let base_url = format!("http://127.0.0.1:{port}");
        Ok(Simulator {
            base_url,
            port,
            api,
            doorway,
            accepting,
        })
    }
}

/// Owns every connection, so that ending this ends them all.
async fn accept(doorway: Arc<Doorway>, api: Arc<Api>) {
    let mut connections = JoinSet::new();
    while let Some(accepted) = poll_fn(|cx| doorway.poll_accept(cx)).await {
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok(stream) => {
                connections.spawn(connection::serve(stream, Arc::clone(&api)));
            }
            Err(_) => clock::sleep(BREATHER).await,
        }
    }
}
