//! The wire: what a failed call to the Claude API looks like, and what it means.

mod body;
mod classify;
mod date;
mod detail;
mod display;
mod envelope;
mod error;
mod evidence;
mod facts;
mod limits;
mod path;
mod report;
mod retry_after;
mod scrub;
mod tables;

#[cfg(feature = "serde")]
mod serialize;

pub use detail::{Detail, Limit, Phase};
pub use error::Error;
pub use facts::Facts;
pub use limits::{RateLimit, RateLimits};
pub use path::{FieldPath, Segment};
pub use report::Report;
#[cfg(feature = "serde")]
pub use serialize::WithBody;
