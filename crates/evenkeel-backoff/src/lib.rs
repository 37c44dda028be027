#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod budget;
mod curve;
mod decision;
mod policy;
mod roll;
mod session;

pub use budget::{Floor, Receipt, RetryBudget, Token, Withdrawal};
pub use curve::{Curve, Jitter};
pub use decision::{Cost, Decision, Retry, Stop, StopReason};
pub use policy::{MAX_HINT_SPREAD, RetryPolicy, RetryPolicyBuilder};
pub use roll::Roll;
pub use session::{Limits, Session};
