#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(any(test, feature = "std")), no_std)]

#[cfg(feature = "blocking")]
pub mod blocking;
#[cfg(feature = "std")]
mod budget;
#[cfg(any(feature = "tokio", feature = "blocking"))]
mod clock;
mod curve;
mod decision;
mod delays;
mod dice;
mod jitter;
mod nanos;
mod policy;
mod ratio;
#[cfg(any(feature = "async", feature = "blocking"))]
mod retry;
mod roll;
mod session;
#[cfg(feature = "std")]
mod sync;
#[cfg(feature = "tower")]
pub mod tower;
mod verdict;

#[cfg(feature = "std")]
pub use budget::{
    Floor, Receipt, RetryBudget, RetryBudgetBuilder, ShareBudgetBuilder, Token, Withdrawal,
};
#[cfg(feature = "blocking")]
pub use clock::Thread;
#[cfg(feature = "tokio")]
pub use clock::Tokio;
pub use curve::{Curve, CurveBuilder};
pub use decision::{Cost, Decision, Retry, Stop, StopReason};
pub use delays::Delays;
#[cfg(feature = "rand")]
pub use dice::Generator;
pub use dice::{Chance, Dice};
#[cfg(feature = "std")]
pub use dice::{SharedDice, ThreadDice};
// What its signatures are made of: a user needs no second dependency.
pub use evenkeel_error::{Hint, InvalidConfig, Moment, Pace, Recoverable, Recovery};
pub use jitter::Jitter;
pub use policy::{Limited, MAX_HINT_SPREAD, Policy, RetryPolicy, RetryPolicyBuilder};
pub use ratio::Ratio;
#[cfg(any(feature = "async", feature = "blocking"))]
pub use retry::{
    Attempt, ByError, Classified, Classify, Fault, GaveUp, NoBudget, Notice, Notify, Purse,
    Reading, RetryCall, Rules, Silent, When,
};
#[cfg(feature = "async")]
pub use retry::{Lending, RetryFuture, Sleeper, Underway, retry_mut_with, retry_with};
#[cfg(feature = "tokio")]
pub use retry::{retry, retry_mut};
pub use roll::Roll;
pub use session::{Limits, Session};
pub use verdict::Verdict;

#[cfg(test)]
#[cfg(all(feature = "blocking", feature = "tower"))]
mod tests;
