#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod api;
mod body;
mod bucket;
mod calendar;
mod catalogue;
mod clock;
mod connection;
mod content;
mod dice;
mod doorway;
mod entry;
mod envelope;
mod ids;
mod journal;
mod limits;
mod line;
mod message;
mod meter;
mod nearest;
mod pieces;
mod plan;
mod reply;
mod request;
mod scenario;
mod scenario_file;
mod service;
mod simulator;
mod sse;
mod tokens;

pub use catalogue::{Expected, ScenarioInfo, UnknownScenario};
pub use entry::{Ending, Entry};
pub use limits::RateLimits;
pub use reply::{Cut, Reply};
pub use scenario::Scenario;
pub use scenario_file::ScenarioError;
pub use simulator::{Simulator, SimulatorBuilder};
pub use sse::SseEvent;
