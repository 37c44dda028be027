//! An API for the command to call, whose journal the test reads afterwards.

use evenkeel_simulator::{Entry, Reply, Scenario, Simulator};
use tokio::runtime::{Builder, Runtime};

pub(crate) struct Api {
    // First, so that it is dropped while there is a runtime.
    simulator: Simulator,
    _runtime: Runtime,
}

impl Api {
    pub(crate) fn start(scenario: Scenario) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let simulator = runtime
            .block_on(Simulator::start(scenario))
            .expect("a simulator");
        Self {
            simulator,
            _runtime: runtime,
        }
    }

    /// These replies; the last one repeats.
    pub(crate) fn script(replies: Vec<Reply>) -> Self {
        Self::start(Scenario::script(replies))
    }

    pub(crate) fn healthy() -> Self {
        Self::script(Vec::new())
    }

    pub(crate) fn base_url(&self) -> &str {
        self.simulator.base_url()
    }

    pub(crate) fn port(&self) -> u16 {
        self.simulator.port()
    }

    pub(crate) fn journal(&self) -> Vec<Entry> {
        self.simulator.journal()
    }

    /// The only request that it saw.
    pub(crate) fn request(&self) -> Entry {
        let mut journal = self.journal();
        assert_eq!(journal.len(), 1, "{journal:?}");
        journal.remove(0)
    }
}
