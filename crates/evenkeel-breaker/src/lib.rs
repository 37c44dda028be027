#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod admission;
mod audience;
mod breaker;
mod circuit;
mod config;
mod counts;
mod course;
pub mod defaults;
mod gate;
mod health;
mod keyed;
mod machine;
mod mode;
mod open_delays;
mod outcome;
mod permit;
mod phase;
mod present;
mod probe;
mod ramp;
mod ratio;
mod rejected;
mod roll;
mod state;
mod sync;
mod tallies;
mod transition;
mod window;

pub use admission::{Admission, Rejection, Ticket};
pub use breaker::Breaker;
pub use config::{BreakerConfig, BreakerConfigBuilder};
pub use health::Health;
pub use keyed::{KeyedSet, Snapshot};
pub use machine::Machine;
pub use mode::Mode;
pub use outcome::Outcome;
pub use permit::{Handle, Permit};
pub use ratio::Ratio;
pub use rejected::Rejected;
pub use state::State;
pub use transition::{Reason, Transition};
pub use window::Window;
