#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod answer;
mod api;
mod backstage;
mod batch;
mod batches;
mod block;
mod body;
mod bucket;
mod buckets;
mod calendar;
mod capacity;
mod catalogue;
mod clock;
mod connection;
mod content;
mod dialect;
mod dice;
mod distortion;
mod doorway;
mod entry;
mod envelope;
mod flaw;
mod gate;
mod hours;
mod ids;
mod in_process;
mod journal;
mod limits;
mod line;
mod message;
mod meter;
mod model;
mod nearest;
mod paging;
mod parameters;
mod pieces;
mod plan;
mod prefix;
mod prompt_cache;
mod prose;
mod ramp;
mod reception;
mod reply;
mod request;
mod route;
mod scenario;
mod scenario_file;
mod service;
mod shortage;
mod simulator;
mod slots;
mod sse;
mod stage;
mod tasks;
mod tokens;
#[cfg(feature = "transport")]
mod transport;
mod trap;
mod trouble;
mod turn;
mod usage;
mod validation;
mod verdict;
mod when;

#[cfg(doc)]
#[doc = include_str!("../SCENARIOS.md")]
pub mod scenario_files {}

pub use answer::Answer;
pub use capacity::{Abandoned, Capacity};
pub use catalogue::{Expected, ScenarioInfo, UnknownScenario};
pub use distortion::LineEnd;
pub use entry::{Ending, Entry};
pub use flaw::Flaw;
pub use in_process::{InProcess, InProcessBody, Severed};
pub use limits::RateLimits;
pub use reply::{Cut, Reply};
pub use scenario::Scenario;
pub use scenario_file::ScenarioError;
pub use shortage::Shortage;
pub use simulator::{Simulator, SimulatorBuilder};
pub use sse::SseEvent;
pub use verdict::{Finding, Ledger, Rule, Verdict};
pub use when::{Chance, When};
