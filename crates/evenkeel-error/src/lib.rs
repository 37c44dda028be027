#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(feature = "claude"), no_std)]

mod category;
mod delivery;
mod invalid;
mod kind;
mod moment;
mod recoverable;
mod recovery;
#[cfg(feature = "serde")]
mod serialize;

#[cfg(feature = "claude")]
mod claude;

pub use category::Category;
pub use delivery::Delivery;
pub use invalid::InvalidConfig;
pub use kind::ErrorKind;
pub use moment::Moment;
pub use recoverable::Recoverable;
pub use recovery::{Hint, Pace, Recovery};

#[cfg(all(feature = "claude", feature = "serde"))]
pub use claude::WithBody;
#[cfg(feature = "claude")]
pub use claude::{
    Detail, Error, Facts, FieldPath, Limit, Phase, RateLimit, RateLimits, Report, Segment,
};
