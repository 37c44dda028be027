//! The running simulator and its builder.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::api::{Api, Role};
use crate::backstage;
use crate::clock::{Calendar, Clock};
use crate::doorway::{Doorway, LOOPBACK};
use crate::entry::Entry;
use crate::hours;
use crate::in_process::InProcess;
use crate::journal::Journal;
use crate::limits::RateLimits;
use crate::reception;
use crate::scenario::{Listening, Scenario};
use crate::scenario_file::ScenarioError;
use crate::verdict::Verdict;

/// Entries that the journal keeps unless told otherwise.
const JOURNAL_LIMIT: NonZeroUsize = NonZeroUsize::MIN.saturating_add(9_999);

/// 1 November 2026: a calendar that is to be the same in every run begins after both API versions.
const BEGINNING: Duration = Duration::from_secs(1_793_491_200);

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
    keeping: JoinHandle<()>,
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

    /// `http://ADDRESS:PORT`, without a slash at the end; the address is 127.0.0.1 unless told
    /// otherwise.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The port.
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

    /// What the clients did wrong so far.
    pub fn verdict(&self) -> Verdict {
        backstage::verdict(&self.api)
    }

    /// The requests that came to the trap, where [`Reply::redirect_to_trap`] leads.
    ///
    /// [`Reply::redirect_to_trap`]: crate::Reply::redirect_to_trap
    #[must_use]
    pub fn trap(&self) -> Vec<Entry> {
        backstage::trapped(&self.api)
    }

    /// Forgets all that was, and plays the scenario from its start.
    pub fn reset(&self) {
        self.api.replay(None);
    }

    /// Forgets all that was, and plays this scenario. Connections that stand are not touched.
    ///
    /// # Errors
    ///
    /// If a reply of the scenario cannot be sent.
    pub fn play(&self, scenario: Scenario) -> Result<(), ScenarioError> {
        scenario.check()?;
        self.api.replay(Some(scenario));
        Ok(())
    }

    /// Stops and waits until every connection is closed.
    ///
    /// Cancellation: dropping the future is to drop the simulator: everything ends, unwaited for.
    pub async fn stop(mut self) {
        self.doorway.close();
        self.keeping.abort();
        // An error is the abort itself, or the end of the runtime.
        let _ = (&mut self.keeping).await;
        let _ = (&mut self.accepting).await;
    }
}

impl Simulator {
    fn end(&self) {
        self.doorway.close();
        self.accepting.abort();
        self.keeping.abort();
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.end();
    }
}

/// Settings of a [`Simulator`].
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until started"]
pub struct SimulatorBuilder {
    address: IpAddr,
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
            address: LOOPBACK,
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
    /// The address to listen on. Default: 127.0.0.1. Anything that is not loopback lets others in:
    /// it is said on standard error at the start.
    pub fn address(mut self, address: IpAddr) -> Self {
        self.address = address;
        self
    }

    /// The port. Default: 0, any free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// What happens to requests. Default: every request is answered.
    pub fn scenario(mut self, scenario: Scenario) -> Self {
        self.scenario = scenario;
        self
    }

    /// Rate limits to enforce beside the scenario, each in place of the scenario's own of the same kind.
    /// Default: none.
    pub fn limits(mut self, limits: RateLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Where ids, chance and the sizes of text pieces come from: the same seed and script give the same
    /// replies. A [seed of the scenario](Scenario::seed) goes before it. Default: 0.
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

    /// The same without a port, for suites under virtual time. Address and port do not matter, and
    /// the calendar begins on 1 November 2026 and goes with tokio's clock, so that dates are the same
    /// in every run; a [fixed date](Self::fixed_date) stands still here too.
    ///
    /// # Errors
    ///
    /// If a reply of the scenario cannot be sent.
    pub fn in_process(self) -> Result<InProcess, ScenarioError> {
        self.scenario.check()?;
        let calendar = self.fixed_date.map(Calendar::Standing);
        let clock =
            Clock::start(calendar.unwrap_or(Calendar::From(SystemTime::UNIX_EPOCH + BEGINNING)));
        let journal = Journal::new(clock.clone(), self.journal_limit);
        let (scenario, limits) = (self.scenario, self.limits);
        let api = Api::new(self.seed, clock, scenario, limits, journal, Role::InProcess);
        Ok(InProcess::new(api))
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
        let listening = if self.scenario.refuses_at(Duration::ZERO) {
            Listening::Refused
        } else {
            Listening::Yes
        };
        let (doorway, port) = Doorway::open(self.address, self.port, listening)?;
        if !self.address.is_loopback() {
            warn(SocketAddr::from((self.address, port)));
        }
        let doorway = Arc::new(doorway);
        let calendar = self.fixed_date.map(Calendar::Standing);
        let clock = Clock::start(calendar.unwrap_or(Calendar::System));
        let journal = Journal::new(clock.clone(), self.journal_limit);
        let api = Arc::new(Api::new(
            self.seed,
            clock,
            self.scenario,
            self.limits,
            journal,
            Role::Api,
        ));
        api.hours().of(Arc::clone(&doorway));
        let keeping = runtime.spawn(hours::keep(Arc::clone(&api)));
        let accepting = runtime.spawn(reception::accept(Arc::clone(&doorway), Arc::clone(&api)));
        let base_url = format!("http://{}", SocketAddr::from((self.address, port)));
        Ok(Simulator {
            base_url,
            port,
            api,
            doorway,
            accepting,
            keeping,
        })
    }
}

#[expect(
    clippy::print_stderr,
    reason = "who opens a port to others is to hear of it"
)]
fn warn(address: SocketAddr) {
    eprintln!(
        "WARNING: the simulator listens on {address}, which is not loopback: anybody who can reach \
         this machine can use it and read its journal"
    );
}
