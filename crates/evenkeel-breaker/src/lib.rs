#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod admission;
mod audience;
mod breaker;
mod call_error;
#[cfg(any(feature = "async", feature = "blocking"))]
mod caller;
mod circuit;
mod clock;
mod config;
mod counts;
mod course;
pub mod defaults;
#[cfg(any(feature = "async", feature = "blocking"))]
mod dice;
mod fail_on_drop;
mod gate;
mod health;
mod judge;
mod keyed;
mod machine;
mod mode;
mod news;
mod open_delays;
mod outcome;
mod permit;
mod phase;
mod place;
mod present;
mod probe;
mod ramp;
mod ratio;
mod rejected;
mod roll;
mod state;
mod sync;
mod tallies;
#[cfg(feature = "tower")]
pub mod tower;
mod transition;
mod window;

pub use admission::{Admission, Rejection, Ticket};
pub use breaker::Breaker;
pub use call_error::CallError;
#[cfg(feature = "async")]
pub use caller::Streaming;
#[cfg(any(feature = "async", feature = "blocking"))]
pub use caller::{Caller, Dropped};
pub use clock::Clock;
#[cfg(any(feature = "async", feature = "blocking"))]
pub use clock::Monotonic;
#[cfg(feature = "tokio")]
pub use clock::Tokio;
pub use config::{BreakerConfig, BreakerConfigBuilder};
pub use fail_on_drop::FailOnDrop;
pub use health::Health;
pub use judge::{ByError, Judge};
pub use keyed::{KeyHash, KeyHasher, KeyedSet, Snapshot};
pub use machine::Machine;
pub use mode::Mode;
pub use outcome::Outcome;
pub use permit::{Handle, Permit};
pub use ratio::Ratio;
pub use rejected::Rejected;
pub use state::State;
pub use transition::{Reason, Transition};
pub use window::Window;
