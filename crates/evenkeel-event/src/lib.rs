#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod event;
mod observer;
mod propagator;
mod stopped;
mod wait;
mod what;

pub use event::{CallId, Event};
pub use observer::Observer;
pub use propagator::{AttemptHead, Propagator};
pub use stopped::Stopped;
pub use wait::WaitReason;
pub use what::{Circuit, Scope, Trigger, What};
